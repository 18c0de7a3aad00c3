"""Where to look: the sample that a row or a bar of a survey is about, and the slot on it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from yolo_core.evaluation.misses import find_objects
from yolo_core.foreign_files import parse_json
from yolo_core.views import SampleView

FALSE = "false detections"


@dataclasses.dataclass(frozen=True)
class Spot:
    """A place in a survey, small enough to stand behind each piece of a bar.

    Attributes:
        sample: Name of the sample, such as "val/3".
        object: Label row of the object that it is about; None where it is about none.
        row: Ledger row of the object whose slot is meant; None for the first one that is trained.
        by: A term, for the slot with most of it; "false detections", for the surest of them; None
            for the slot that the ledger names, or without an object the one with most of the loss.
        head: Only slots of that head; None for all.
        anchor: Only slots of that anchor; None for all.
        empty: Only slots that are booked on no object.
    """

    sample: str
    object: int | None = None
    row: int | None = None
    by: str | None = None
    head: int | None = None
    anchor: int | None = None
    empty: bool = False

    def text(self) -> str:
        """The spot as one text; see `read_spot`."""
        fields = vars(self).items()
        return json.dumps({k: v for k, v in fields if v is not None and v is not False})


def read_spot(text: str) -> Spot:
    """What `Spot.text` was made of.

    Raises:
        ValueError: It is no such text.
    """
    try:
        return Spot(**parse_json(text))
    except (TypeError, ValueError):
        raise ValueError(f"No sample of a survey is meant by {text!r}.") from None


def slot_of(view: SampleView, spot: Spot) -> int:
    """The slot that a spot means, as its index on the slot axis.

    Args:
        view: The sample of the spot.
        spot: The spot.
    """
    if spot.object is not None:
        return _slot_of_object(view, spot.object, spot)
    layout = view.layout
    allowed = np.ones(layout.count, bool)
    if spot.head is not None:
        allowed &= layout.head == spot.head
    if spot.anchor is not None:
        allowed &= layout.anchor == spot.anchor
    if spot.empty:
        allowed &= view.assignment.matched_object < 0
    if spot.by == FALSE:
        false = find_objects(view).false_slots
        if len(false):
            return int(false[0])
    return _most(view, allowed, spot.by)


def _slot_of_object(view: SampleView, index: int, spot: Spot) -> int:
    assignment, layout = view.assignment, view.layout
    slots, counts = assignment.object_slot[index], assignment.match_count[index]
    if spot.row is not None and slots[spot.row] >= 0:
        return int(slots[spot.row])
    booked = assignment.matched_object == index
    if spot.by in view.maps and booked.any():
        return _most(view, booked, spot.by)
    named = np.flatnonzero(slots >= 0)
    if len(named):
        # The slot that it trains, else the one that it lost.
        return int(slots[named[np.argmax(counts[named] > 0)]])
    # It has none: the cell that its centre is nearest to.
    rows, columns, _ = layout.grids[0]
    x, y = np.nan_to_num(view.y_true[index, 1:3], nan=0.5, posinf=1.0, neginf=0.0)
    row, column = np.clip(np.floor([y * rows, x * columns]), 0, [rows - 1, columns - 1])
    return int(layout.index(0, int(row), int(column), 0))


def _most(view: SampleView, allowed: np.ndarray, by: str | None) -> int:
    """Of the allowed slots the one that adds most to a term, or to the total."""
    loss = view.maps[by].astype(np.float64) if by in view.maps else view.weighted_map
    loss = np.nan_to_num(loss, nan=np.inf)
    return int(np.argmax(np.where(allowed, loss, -np.inf)))
