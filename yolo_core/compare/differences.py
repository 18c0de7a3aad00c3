"""What several losses make of one sample, and where they disagree.

Starts from `SampleView`s, wherever they come from: from each loss's own trained run (read from
snapshots), or from `side_by_side.compare`, which computes them. No Keras in here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from yolo_core.explain.names import cell_name, object_name, slot_word
from yolo_core.explain.reasons import slot_reason
from yolo_core.explain.report import ObjectReport, explain
from yolo_core.losses.families import ONE_ANSWER_A_CELL
from yolo_core.views import SampleView

MOST_LOSSES = 5
COMMON_FAMILY = ONE_ANSWER_A_CELL
"""Every loss, put on one grid, can be shown on a prediction that was made for this one: centres in
their own cells, sizes up to the picture's, one set of class probabilities a cell."""
PARTS = ("object", "no object", "ignored")


@dataclasses.dataclass(frozen=True)
class Compared:
    """One loss of a comparison.

    Attributes:
        label: What it is called in the comparison, such as a loss's name or "without slip".
        view: Its breakdown of the sample: every figure and table of the Inspect page draws it.
    """

    label: str
    view: SampleView


@dataclasses.dataclass(frozen=True)
class LedgerDifference:
    """An object of which the losses make different things.

    Attributes:
        index: Row of the object in the labels.
        name: Such as "object 2 (class 7)".
        reports: One an entry of `Comparison.losses`: status, slots and reason under that loss; None
            where the object is not there.
        words: What was done to it, such as "moved; other slots"; "" where only the losses differ.
    """

    index: int
    name: str
    reports: tuple[ObjectReport | None, ...]
    words: str = ""


@dataclasses.dataclass(frozen=True)
class SlotDifference:
    """A slot of which several breakdowns make different things.

    Attributes:
        slot: Index on the slot axis, the same for all losses.
        place: Such as "cell (row 3, column 2), anchor 1".
        parts: One a breakdown: "object", "no object" or "ignored".
        reasons: Likewise, why.
    """

    slot: int
    place: str
    parts: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One sample under several losses.

    Attributes:
        losses: In the order they were given.
        ledger: The objects whose status or slots differ.
        masks: The slots whose part differs, in slot order; empty where the slots themselves are
            others (then a note says so).
        notes: Sentences about what cannot be compared, and why.
    """

    losses: tuple[Compared, ...]
    ledger: tuple[LedgerDifference, ...]
    masks: tuple[SlotDifference, ...]
    notes: tuple[str, ...]


def compare_views(views: Mapping[str, SampleView]) -> Comparison:
    """Holds breakdowns of one sample against each other.

    Args:
        views: {label: breakdown}, one to five, of the same picture with the same labels.

    Raises:
        ValueError: None or too many, or they are not of the same labels.
    """
    if not 1 <= len(views) <= MOST_LOSSES:
        raise ValueError(f"One to {MOST_LOSSES} losses are compared; received {len(views)}.")
    losses = tuple(Compared(label, view) for label, view in views.items())
    _same_labels(losses)
    first = losses[0]
    all_views = [each.view for each in losses]
    same_slots = all(view.layout.grids == first.view.layout.grids for view in all_views)
    notes = [] if same_slots else [_other_slots(losses)]
    return Comparison(
        losses=losses,
        ledger=tuple(_ledger_differences(all_views)),
        masks=tuple(_mask_differences(all_views)) if same_slots else (),
        notes=tuple(notes),
    )


def _same_labels(losses: Sequence[Compared]) -> None:
    """Raises where they are not of the same labels; names those that are the fewest."""
    alike = [
        [one for one in losses if np.array_equal(_objects(one.view), _objects(other.view))]
        for other in losses
    ]
    most = max(alike, key=len)
    odd = [each for each in losses if each not in most]
    if not odd:
        return
    names = " and ".join(each.label for each in odd)
    raise ValueError(
        f"{most[0].label} has sample {most[0].view.name} and {odd[0].label} has sample "
        f"{odd[0].view.name} with other objects: only the same picture with the same labels can be "
        f"compared. Leave out {names}, or choose runs whose data, seed, image_size and max_objects "
        "are the same."
    )


def slot_parts(view: SampleView) -> np.ndarray:
    """(P,) int: 0 object, 1 no object, 2 ignored, an index into `PARTS`."""
    masks = view.assignment
    return np.argmax([masks.object_mask, masks.no_object_mask, masks.ignore_mask], axis=0)


def slot_differences(views: Sequence[SampleView], slots: np.ndarray) -> list[SlotDifference]:
    """What each of several breakdowns makes of some slots, which are the same ones in all.

    Args:
        views: The breakdowns.
        slots: (S,) int, indices on the slot axis.
    """
    parts = [slot_parts(view) for view in views]
    return [
        SlotDifference(
            slot=slot,
            place=place_name(views[0], slot),
            parts=tuple(PARTS[part[slot]] for part in parts),
            reasons=tuple(slot_reason(view, slot) for view in views),
        )
        for slot in slots.tolist()
    ]


def place_name(view: SampleView, slot: int) -> str:
    """Where a slot sits, such as "cell (row 3, column 2), anchor 1"."""
    layout = view.layout
    return f"{cell_name(layout, slot)}, {slot_word(layout)} {layout.anchor[slot]}"


def _objects(view: SampleView) -> np.ndarray:
    return view.y_true[view.y_true[:, 0] != 0]


def _other_slots(losses: Sequence[Compared]) -> str:
    shapes = (
        f"{each.label} has "
        + " and ".join(f"{r} x {c} x {a}" for r, c, a in each.view.layout.grids)
        for each in losses
    )
    return (
        f"The slots are not the same ones, so no mask is held against another: {', '.join(shapes)}."
    )


def _ledger_differences(views: Sequence[SampleView]) -> list[LedgerDifference]:
    reports = [explain(view).objects for view in views]
    found = []
    for entries in zip(*reports, strict=True):
        outcomes = {
            (each.status, tuple((s.head, s.row, s.column, s.anchor) for s in each.slots))
            for each in entries
        }
        if len(outcomes) > 1:
            index = entries[0].index
            found.append(LedgerDifference(index, object_name(views[0], index), entries))
    return found


def _mask_differences(views: Sequence[SampleView]) -> list[SlotDifference]:
    parts = np.stack([slot_parts(view) for view in views])
    return slot_differences(views, np.flatnonzero((parts != parts[0]).any(axis=0)))
