"""What an edit changed about a sample: objects, slots, terms. No Keras in here."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.compare.differences import SlotDifference, slot_differences, slot_parts
from yolo_core.explain.names import object_name
from yolo_core.explain.report import ObjectReport, explain
from yolo_core.views import SampleView


@dataclasses.dataclass(frozen=True)
class ObjectChange:
    """One object before and after.

    Attributes:
        name: Such as "object 2 (class 7)".
        before: What became of it before; None for one that was added.
        after: What becomes of it now; None for one that was deleted.
        words: What changed, such as "moved; other slots"; "" for nothing.
    """

    name: str
    before: ObjectReport | None
    after: ObjectReport | None
    words: str


def object_changes(before: SampleView, after: SampleView) -> list[ObjectChange]:
    """Every object of either, in label order; `words` says which of them changed."""
    old = {each.index: each for each in explain(before).objects}
    new = {each.index: each for each in explain(after).objects}
    changes = []
    for index in sorted(old.keys() | new.keys()):
        was, now = old.get(index), new.get(index)
        view = before if now is None else after
        changes.append(ObjectChange(object_name(view, index), was, now, _words(was, now)))
    return changes


def slot_changes(before: SampleView, after: SampleView) -> list[SlotDifference]:
    """The slots whose part or object changed, in slot order: what they were, what they are.

    Raises:
        ValueError: The two have other slots.
    """
    if before.layout.grids != after.layout.grids:
        raise ValueError(
            f"The slots are others: {before.layout.grids} before, {after.layout.grids} now."
        )
    moved = slot_parts(before) != slot_parts(after)
    moved |= before.assignment.matched_object != after.assignment.matched_object
    return slot_differences((before, after), np.flatnonzero(moved))


def _words(was: ObjectReport | None, now: ObjectReport | None) -> str:
    if was is None:
        return "added"
    if now is None:
        return "deleted"
    words = []
    if was.box[:2] != now.box[:2]:
        words.append("moved")
    if was.box[2:] != now.box[2:]:
        words.append("resized")
    if was.class_index != now.class_index:
        words.append("other class")
    if was.status != now.status:
        words.append(f"{_status(was)} before, {_status(now)} now")
    if _places(was) != _places(now):
        words.append("other slots")
    elif was.slots != now.slots:
        words.append("other fit")  # of anchor or predicted box
    return "; ".join(words)


def _places(report: ObjectReport) -> list[tuple[int, int, int, int]]:
    return [(each.head, each.row, each.column, each.anchor) for each in report.slots]


def _status(report: ObjectReport) -> str:
    return report.status.name.lower().replace("_", " ")
