"""A sample as a snapshot would hold it, made by hand, with numbers that a reader can check."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.runs.snapshots import SampleView
from yolo_core.slots import SlotLayout

ANCHORS = np.array([[0.2, 0.2], [0.5, 0.5]], np.float32)
BOXES = [[0.25, 0.25, 0.4, 0.4], [0.75, 0.75, 0.2, 0.3]]
# A 2 x 2 grid with two anchors: cell (row 0, column 0) holds slots 0 and 1, cell (1, 1) 6 and 7.


def boxes_that_overlap(overlap: np.ndarray, y_true: np.ndarray) -> np.ndarray:
    """(P, 4) boxes with these IoUs: of each the label that it overlaps most, as much narrower."""
    best = overlap.argmax(axis=1)
    boxes = y_true[best, 1:5].copy()
    boxes[:, 2] *= overlap.max(axis=1)
    return boxes


def see(view: SampleView, slot: int, index: int, iou: float) -> None:
    """A slot predicts a box with that IoU with an object, and the loss says the same."""
    view.targets["overlap"][slot] = 0
    view.targets["overlap"][slot, index] = iou
    view.predictions["boxes"][slot] = view.y_true[index, 1:5] * [1, 1, iou, 1]


def make_view(
    *,
    boxes: list[list[float]] = BOXES,
    status: list[int] | None = None,
    slots: list[int] = (1, 6),
    scores: list[list[float]] = ((0.25, 0.64), (0.67, 0.24)),
    candidates: list[list[int]] | None = None,
    measure: str = "shape IoU",
    layout: SlotLayout | None = None,
) -> SampleView:
    """Two objects of classes "cat" and "dog" in a picture of 20 x 10 pixels, and a padding row.

    By default object 0 is trained by slot 1 and object 1 by slot 6; slot 0 is ignored.
    """
    layout = layout or SlotLayout.from_grids([(2, 2, 2)], [ANCHORS])
    count, rows = layout.count, len(boxes)
    y_true = np.zeros((rows + 1, 7), np.float32)
    for index, box in enumerate(boxes):
        y_true[index, :5] = [1, *box]
        y_true[index, 5 + index % 2] = 1
    status = status if status is not None else [ObjectStatus.MATCHED] * rows
    slots = np.array([*slots, -1], np.int32)
    matched = np.full(count, -1, np.int32)
    for index in range(rows):
        if ObjectStatus(status[index]).is_matched:
            matched[slots[index]] = index
    object_mask = matched >= 0
    ignore_mask = np.zeros(count, bool)
    ignore_mask[0] = not object_mask[0]
    overlap = np.zeros((count, rows + 1), np.float32)
    overlap[slots[:rows], np.arange(rows)] = 0.44
    overlap[0, 0], overlap[-1, 1] = 0.63, 0.12
    if candidates is None:
        candidates = [
            [slot - slot % 2, slot - slot % 2 + 1] if slot >= 0 else [-1, -1]
            for slot in slots[:rows]
        ]
    compared = np.zeros_like(overlap)
    for index, (places, reached) in enumerate(zip(candidates, scores, strict=True)):
        compared[places, index] = reached
    if measure == "box IoU":
        places = np.ravel(candidates)
        overlap[places] = compared[places]
    elif measure == "prior IoU":
        layout = dataclasses.replace(layout, prior=boxes_that_overlap(compared, y_true))
    nobody = np.full((rows + 1, 1), -1, np.int32)
    maps = {
        "xy": np.where(object_mask, 0.25, 0).astype(np.float32),
        "no_object": np.where(object_mask | ignore_mask, 0, 0.125).astype(np.float32),
    }
    lambdas = {"xy": 2.0, "no_object": 0.5}
    terms = {name: float(values.sum()) for name, values in maps.items()}
    total = sum(lambdas[name] * value for name, value in terms.items())
    return SampleView(
        step=3,
        kind="pinned",
        name="val/3",
        class_names=("cat", "dog"),
        loss_name="yolov2",
        channels=("x", "y", "w", "h", "objectness", "class 0", "class 1"),
        layout=layout,
        image=np.zeros((10, 20, 1), np.uint8),
        y_true=y_true,
        y_pred=np.zeros((count, 7), np.float32),
        keep=np.zeros(count, bool),
        total=total,
        terms=terms,
        lambdas=lambdas,
        maps=maps,
        assignment=Assignment(
            object_mask=object_mask,
            no_object_mask=~object_mask & ~ignore_mask,
            ignore_mask=ignore_mask,
            matched_object=matched,
            object_slot=slots[:, None],
            match_count=np.array([[1]] * rows + [[0]], np.int32),
            object_status=np.array([[s] for s in status] + [[ObjectStatus.PADDING]], np.int32),
            overwritten_by=nobody,
            object_iou=np.full((rows + 1, 1), 0.44, np.float32),
            candidate_slots=np.array([*candidates, [-1] * len(candidates[0])], np.int32)[:, None],
            candidate_score=np.array([*scores, [0.0] * len(scores[0])], np.float32)[:, None],
            candidate_measure=measure,
        ),
        targets={"overlap": overlap},
        predictions={"boxes": boxes_that_overlap(overlap, y_true)},
        batch_total=total,
        batch_terms=terms,
    )
