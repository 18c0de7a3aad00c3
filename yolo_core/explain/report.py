"""One sample explained: what became of every object and every slot, with the reason, in words.

The command line and the Inspect page show this same report. Nothing is run again for it: the
sentences are made from the ledger and its evidence (`yolo_core/assignment.py`) alone, for any loss.
No Keras and no TensorFlow in here.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.assignment import ObjectStatus, trained_slots
from yolo_core.explain.by_label import label_iou
from yolo_core.explain.reasons import object_reason

if TYPE_CHECKING:
    from yolo_core.runs.snapshots import SampleView


@dataclasses.dataclass(frozen=True)
class SlotReport:
    """A slot that an object trains.

    Attributes:
        head: Index of the head.
        row: Grid row, 0 at the top.
        column: Grid column, 0 at the left.
        anchor: Index of the anchor (or predictor) inside its cell.
        iou: IoU of the slot's predicted box with the label of the object, whatever the loss says.
    """

    head: int
    row: int
    column: int
    anchor: int
    iou: float


@dataclasses.dataclass(frozen=True)
class ObjectReport:
    """What became of one ground-truth object.

    Attributes:
        index: Row of the object in the labels.
        class_index: Its class; -1 where the label row names none.
        class_name: The same as a word.
        box: x_center, y_center, width, height as image fractions.
        status: What became of it. Where each head matches by itself and they differ: the first
            one with which it is trained, or else that of the first head.
        slots: The slots that it trains, best first; empty for an object that trains nothing.
        reason: Why, in one to four sentences.
    """

    index: int
    class_index: int
    class_name: str
    box: tuple[float, float, float, float]
    status: ObjectStatus
    slots: tuple[SlotReport, ...]
    reason: str


@dataclasses.dataclass(frozen=True)
class MaskCounts:
    """How many slots fall in each part; slots = object + no_object + ignore."""

    slots: int
    object: int
    no_object: int
    ignore: int


@dataclasses.dataclass(frozen=True)
class Report:
    """One sample at one step of a run.

    Attributes:
        objects: One entry an object, in label order.
        masks: Counts of the three parts of the slots.
        terms: {name: sum of the term's map}, unweighted.
        lambdas: {name: effective weight}.
        total: Sum of lambda x term, from the maps.
        recorded_total: The loss that the training process recorded, or None where unknown.
    """

    objects: tuple[ObjectReport, ...]
    masks: MaskCounts
    terms: dict[str, float]
    lambdas: dict[str, float]
    total: float
    recorded_total: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`; numbers that are not finite become None."""
        objects = [
            {
                "index": each.index,
                "class": each.class_index,
                "class_name": each.class_name,
                "box": [_finite(value) for value in each.box],
                "status": each.status.name.lower(),
                "slots": [
                    {**dataclasses.asdict(slot), "iou": _finite(slot.iou)} for slot in each.slots
                ],
                "reason": each.reason,
            }
            for each in self.objects
        ]
        return {
            "objects": objects,
            "masks": dataclasses.asdict(self.masks),
            "terms": {name: _finite(value) for name, value in self.terms.items()},
            "lambdas": {name: _finite(value) for name, value in self.lambdas.items()},
            "total": _finite(self.total),
            "recorded_total": _finite(self.recorded_total),
        }


def explain(view: SampleView, *, recorded_total: float | None = None) -> Report:
    """Explains one sample of a snapshot.

    Args:
        view: The sample, as the training process wrote it.
        recorded_total: The loss of this sample in the run's database, to be held against the maps.
    """
    assignment = view.assignment
    terms = {name: float(np.sum(view.maps[name], dtype=np.float64)) for name in view.maps}
    lambdas = {name: float(view.lambdas[name]) for name in terms}
    return Report(
        objects=tuple(_object_report(view, int(index)) for index in view.objects),
        masks=MaskCounts(
            slots=view.layout.count,
            object=int(np.sum(assignment.object_mask)),
            no_object=int(np.sum(assignment.no_object_mask)),
            ignore=int(np.sum(assignment.ignore_mask)),
        ),
        terms=terms,
        lambdas=lambdas,
        total=sum(lambdas[name] * value for name, value in terms.items()),
        recorded_total=None if recorded_total is None else float(recorded_total),
    )


def is_partition(view: SampleView) -> bool:
    """Whether every slot is in exactly one of the three masks."""
    masks = view.assignment
    parts = [masks.object_mask, masks.no_object_mask, masks.ignore_mask]
    return bool((np.sum(parts, axis=0) == 1).all())


def totals_agree(total: float, recorded: float, *, relative: float = 1e-4) -> bool:
    """Whether the maps sum to the recorded loss, up to the rounding of float32 sums.

    Two losses that are both not finite agree: the picture shows what training had.
    """
    if not (math.isfinite(total) and math.isfinite(recorded)):
        return math.isfinite(total) == math.isfinite(recorded)
    return abs(total - recorded) <= relative * max(abs(total), abs(recorded)) + 1e-9


def object_status(view: SampleView, index: int) -> ObjectStatus:
    """What became of an object over all heads (see `ObjectReport.status`)."""
    statuses = [ObjectStatus(int(value)) for value in view.assignment.object_status[index]]
    return next((status for status in statuses if status.is_matched), statuses[0])


def _object_report(view: SampleView, index: int) -> ObjectReport:
    row = view.y_true[index]
    one_hot = row[5:]
    class_index = int(np.argmax(one_hot)) if np.any(one_hot > 0) else -1
    x, y, width, height = (float(value) for value in row[1:5])
    return ObjectReport(
        index=index,
        class_index=class_index,
        class_name=view.class_names[class_index] if class_index >= 0 else "none",
        box=(x, y, width, height),
        status=object_status(view, index),
        slots=_trained_slots(view, index),
        reason=object_reason(view, index),
    )


def _trained_slots(view: SampleView, index: int) -> tuple[SlotReport, ...]:
    """The slots an object trains: its own of each head first, then the others by IoU."""
    assignment = view.assignment
    overlap = label_iou(view, slice(None), [index])[:, 0]
    own = [
        int(slot)
        for slot, status in zip(
            assignment.object_slot[index], assignment.object_status[index], strict=True
        )
        if ObjectStatus(int(status)).is_matched and slot >= 0
    ]
    others = set(trained_slots(assignment, index).tolist()) - {*own}
    others = sorted(others, key=lambda slot: -overlap[slot])
    layout = view.layout
    return tuple(
        SlotReport(
            head=int(layout.head[slot]),
            row=int(layout.row[slot]),
            column=int(layout.column[slot]),
            anchor=int(layout.anchor[slot]),
            iou=float(overlap[slot]),
        )
        for slot in own + others
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
