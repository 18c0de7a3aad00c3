"""Snapshots made by hand: arrays of the right shapes, whose laws hold."""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.breakdown import LossBreakdown, OwnGradient
from yolo_core.slots import SlotLayout
from yolo_core.views import Snapshot

TERMS = ("xy", "wh", "objectness", "no_object", "classification")
LAMBDAS = {"xy": 5.0, "wh": 5.0, "objectness": 1.0, "no_object": 0.5, "classification": 1.0}


def assert_same(a: object, b: object) -> None:
    """Equal in every array, name and number, dtypes included."""
    if dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for name in a:
            assert_same(a[name], b[name])
    elif isinstance(a, (np.ndarray, np.generic)):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


def make_snapshot(
    *,
    step: int = 120,
    kind: str = "pinned",
    samples: tuple[str, ...] = ("val/0", "val/1"),
    grid: tuple[int, int, int] = (2, 3, 2),
    terms: tuple[str, ...] = TERMS,
    image_size: int = 8,
    seed: int = 0,
    own: str | None = None,
) -> Snapshot:
    """A snapshot of random numbers: 3 label rows of 2 classes, the first row an object.

    With `own`, of a training with a loss of that name.
    """
    rng = np.random.default_rng(seed)
    layout = SlotLayout.from_grids([grid], [np.full((grid[2], 2), 0.25, np.float32)])
    b, n, c, p, k = len(samples), 3, 2, layout.count, grid[2]
    maps = {name: rng.random((b, p)).astype(np.float32) for name in terms}
    lambdas = {name: np.float32(LAMBDAS.get(name, 1.0)) for name in terms}
    axis = 1 if kind == "pinned" else None
    values = {name: maps[name].sum(axis=axis) for name in terms}
    total = sum((lambdas[name] * values[name] for name in terms), np.zeros(b if axis else ()))
    object_mask = np.zeros((b, p), bool)
    object_mask[:, 5] = True
    matched = np.full((b, p), -1, np.int32)
    matched[:, 5] = 0
    padding = np.full((b, n, 1), -1, np.int32)
    slot, status = padding.copy(), np.full((b, n, 1), ObjectStatus.PADDING, np.int32)
    slot[:, 0], status[:, 0] = 5, ObjectStatus.MATCHED
    gradients = {name: np.zeros((b, p, 7), np.float32) for name in terms}
    for i, gradient in enumerate(gradients.values()):
        # As terms do: a few slots, and a few of their channels.
        gradient[:, 5, i : i + 2] = rng.normal(size=(b, 2))
    y_true = np.zeros((b, n, 5 + c), np.float32)
    y_true[:, 0] = [1.0, 0.5, 0.25, 0.2, 0.3, 1.0, 0.0]
    return Snapshot(
        step=step,
        kind=kind,
        samples=samples,
        class_names=("zero", "one"),
        loss_name="yolov2",
        channels=("x", "y", "w", "h", "objectness", "class 0", "class 1"),
        layout=layout,
        breakdown=LossBreakdown(
            total=total.astype(np.float32),
            terms=values,
            maps=maps,
            lambdas=lambdas,
            assignment=Assignment(
                object_mask=object_mask,
                no_object_mask=~object_mask,
                ignore_mask=np.zeros((b, p), bool),
                matched_object=matched,
                object_slot=slot,
                match_count=(slot >= 0).astype(np.int32),
                object_status=status,
                overwritten_by=padding,
                object_iou=np.where(slot >= 0, np.float32(0.75), np.float32(0)),
                candidate_slots=np.full((b, n, 1, k), -1, np.int32),
                candidate_score=np.zeros((b, n, 1, k), np.float32),
                candidate_measure="shape IoU",
            ),
            targets={
                "overlap": rng.random((b, p, n)).astype(np.float32),
                "xy": np.full((b, p, 2), np.nan, np.float32),
                "class": np.full((b, p), -1, np.int32),
            },
            predictions={
                "boxes": rng.random((b, p, 4)).astype(np.float32),
                "objectness": rng.random((b, p)).astype(np.float32),
                "class_probabilities": rng.random((b, p, c)).astype(np.float32),
            },
            gradients=gradients,
            own=None
            if own is None
            else OwnGradient(
                own,
                rng.random(b if axis else ()).astype(np.float32),
                rng.normal(size=(b, p, 7)).astype(np.float32),
            ),
        ),
        images=rng.integers(0, 256, (b, image_size, image_size, 1), dtype=np.uint8),
        y_true=y_true,
        y_pred=rng.normal(size=(b, p, 7)).astype(np.float32),
        keep=rng.random((b, p)) < 0.5,
    )
