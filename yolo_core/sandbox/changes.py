"""What an edit changed about a sample: objects, slots, terms. No Keras in here."""

from __future__ import annotations

import numpy as np

from yolo_core.compare.differences import (
    Compared,
    Comparison,
    LedgerDifference,
    SlotDifference,
    slot_differences,
    slot_parts,
)
from yolo_core.explain.names import object_name
from yolo_core.explain.report import ObjectReport, explain
from yolo_core.views import SampleView

BEFORE, AFTER = "without edits", "in the sandbox"


def compare_edits(before: SampleView, after: SampleView) -> Comparison:
    """A sample held against the same one under edits: as several losses are, with other labels.

    Args:
        before: Without edits.
        after: With them.

    Returns:
        Both, in this order. `masks` holds the slots whose part or object changed.

    Raises:
        ValueError: The two have other slots.
    """
    old = {each.index: each for each in explain(before).objects}
    new = {each.index: each for each in explain(after).objects}
    ledger = []
    for index in sorted(old.keys() | new.keys()):
        was, now = old.get(index), new.get(index)
        if words := _words(was, now):
            name = object_name(before if now is None else after, index)
            ledger.append(LedgerDifference(index, name, (was, now), words))
    return Comparison(
        losses=(Compared(BEFORE, before), Compared(AFTER, after)),
        ledger=tuple(ledger),
        masks=tuple(_slot_changes(before, after)),
        notes=(),
    )


def _slot_changes(before: SampleView, after: SampleView) -> list[SlotDifference]:
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
        words.append(f"{was.status.word} before, {now.status.word} now")
    if _places(was) != _places(now):
        words.append("other slots")
    elif was.slots != now.slots:
        words.append("other fit")  # of anchor or predicted box
    return "; ".join(words)


def _places(report: ObjectReport) -> list[tuple[int, int, int, int]]:
    return [(each.head, each.row, each.column, each.anchor) for each in report.slots]
