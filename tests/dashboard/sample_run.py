"""A small run for the page tests: real losses, pictures and predictions made up.

The predictions start as noise and turn into the truth with the steps, so that every state of a
slot and every status of an object comes up. Nothing is trained.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from yolo_core.assignment import Assignment
from yolo_core.breakdown import LossBreakdown
from yolo_core.data.sample import label_rows
from yolo_core.losses import published
from yolo_core.losses.base import DetectionLoss, GridLoss
from yolo_core.models.decode import nms_keep
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.snapshots import Snapshot, snapshot_path, write_snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config

GRID, ANCHORS, CLASSES, OBJECTS = 6, 3, 10, 5
SHAPES = np.array([[0.8, 1.0], [1.4, 1.8], [2.2, 2.4]], np.float32)  # grid cells
PINNED_STEPS = (0, 10, 40)
BATCH_STEPS = (1, 40)
LAST_STEP = 40
SAMPLES = ("val/0", "val/1", "val/2", "train/0")
OBJECTS_OF: dict[str, tuple[list[list[float]], list[int]]] = {
    # Cells (2, 3), (4, 3), (4, 4), (4, 1), (1, 1); anchors 1, 1, 1, 0, 2.
    "val/0": (
        [
            [0.66, 0.35, 0.22, 0.34],
            [0.54, 0.81, 0.22, 0.34],
            [0.79, 0.78, 0.19, 0.26],
            [0.30, 0.67, 0.14, 0.17],
            [0.17, 0.31, 0.29, 0.42],
        ],
        [4, 4, 0, 2, 3],
    ),
    "val/1": (
        [
            [0.40, 0.40, 0.20, 0.30],
            [0.41, 0.41, 0.22, 0.30],  # the same cell and the same anchor
            [1.20, 0.50, 0.20, 0.20],  # outside
            [0.80, 0.80, 0.00, 0.20],  # no area
            [0.70, 0.20, 0.14, 0.20],
        ],
        [3, 7, 1, 2, 9],
    ),
    "val/2": ([], []),
    "train": ([[0.30, 0.60, 0.25, 0.30]], [5]),
}


HEADS = ((6, 6), (3, 3))
HEAD_SHAPES = (SHAPES / 6, SHAPES[::-1] / 5)  # image fractions


def make_loss(name: str) -> DetectionLoss:
    """A loss for the sample grid, or YOLOv3 or YOLOv5 on two heads."""
    if name.startswith(("yolov3", "yolov5")):
        return published(name, anchors=HEAD_SHAPES, grids=HEADS, num_classes=CLASSES)
    anchors = SHAPES if name.startswith("yolov2") else None
    return published(name, anchors=anchors, num_classes=CLASSES)


def exchanging(loss: DetectionLoss) -> DetectionLoss:
    """The loss, from now on with x and y of every label exchanged: wrong."""
    breakdown = loss.breakdown
    loss.breakdown = lambda y_true, y_pred: breakdown(
        y_true[..., [0, 2, 1, *range(3, y_true.shape[-1])]], y_pred
    )
    return loss


def scene(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Image (96, 96, 1) uint8 and label rows (OBJECTS, 5 + CLASSES) of a sample."""
    boxes, classes = OBJECTS_OF.get(name) or OBJECTS_OF["train"]
    boxes, classes = np.array(boxes, np.float32).reshape(-1, 4), np.array(classes)
    image = np.random.default_rng(0).integers(0, 16, (96, 96, 1), np.uint8)
    for x, y, width, height in boxes * 96:
        left, right = int(x - width / 2), int(x + width / 2)
        top, bottom = int(y - height / 2), int(y + height / 2)
        image[max(top, 0) : bottom, max(left, 0) : right] += 120
    rows = label_rows(boxes, classes, num_classes=CLASSES, max_objects=OBJECTS)
    return image, rows


def raw_predictions(loss: DetectionLoss, rows: np.ndarray, step: int, seed: int) -> np.ndarray:
    """(1, GRID, GRID, ANCHORS * channels) float32: noise at step 0, nearly the truth at the end.

    For two heads it stays noise, of shape (1, slots, channels).
    """
    channels = list(loss.channel_names)
    if not isinstance(loss, GridLoss):
        slots = sum(rows * columns * ANCHORS for rows, columns in HEADS)
        noise = np.random.default_rng(seed + step).normal(0, 1, (1, slots, len(channels)))
        return noise.astype(np.float32)
    slots = GRID * GRID * ANCHORS
    shape = (1, GRID, GRID, ANCHORS * len(channels))
    noise = np.random.default_rng(seed).normal(0, 1, (slots, len(channels))).astype(np.float32)
    truth = noise * 0.1
    truth[:, channels.index("objectness")] = -4
    has_anchors = loss.slots(shape).has_priors
    for row, slot in zip(rows, own_slots(loss, rows, noise.reshape(shape)), strict=True):
        if slot < 0:
            continue
        x, y, width, height = row[1:5]
        if has_anchors:
            x, y = x * GRID % 1, y * GRID % 1
            size = np.log(np.array([width, height]) * GRID / SHAPES[slot % ANCHORS])
        else:
            size = logit(np.array([width, height]))
        first = channels.index("x")
        truth[slot, first : first + 4] = [logit(x), logit(y), *size]
        truth[slot, channels.index("objectness")] = 4
        truth[slot, -CLASSES:] += 6 * row[5:]
        # A neighbour in the cell that sees the object too: ignored by YOLOv2, punished by MNIST.
        other = slot - slot % ANCHORS + (slot + 1) % ANCHORS
        truth[other, first : first + 4] = [logit(x), logit(y), *size]
        if has_anchors:
            truth[other, first + 2 : first + 4] += np.log(
                SHAPES[slot % ANCHORS] / SHAPES[other % ANCHORS]
            )
    share = step / LAST_STEP
    return ((1 - share) * noise + share * truth).reshape(shape)


def own_slots(loss: GridLoss, rows: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(OBJECTS,) the slot of every object while the predictions are noise."""
    key = (loss.name, "breakdown" in vars(loss), rows.tobytes(), noise.tobytes())
    if key not in _slots:
        ledger = loss.breakdown(rows[None], noise).to_numpy().assignment
        _slots[key] = ledger.object_slot[0, :, 0]
    return _slots[key]


_slots: dict[tuple[str, bool, bytes, bytes], np.ndarray] = {}


def logit(probability: np.ndarray | float) -> np.ndarray | float:
    """The number whose sigmoid is `probability`."""
    probability = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(probability / (1 - probability))


def make_snapshot(
    loss: DetectionLoss, step: int, kind: str = "pinned", names: tuple[str, ...] = SAMPLES
) -> Snapshot:
    """A snapshot of made-up predictions, taken apart by the real loss; the same ones made once."""
    key = (type(loss), json.dumps(loss.get_config()), step, kind, names)
    if "breakdown" in vars(loss):  # changed for one test
        return _made(loss, step, kind, names)
    if key not in _snapshots:
        _snapshots[key] = _made(loss, step, kind, names)
    return _snapshots[key]


_snapshots: dict[tuple[object, ...], Snapshot] = {}


def _made(loss: DetectionLoss, step: int, kind: str, names: tuple[str, ...]) -> Snapshot:
    scenes = [scene(name) for name in names]
    rows = np.stack([row for _, row in scenes])
    seeds = [sum(map(ord, name)) for name in names]
    raw = np.concatenate(
        [
            raw_predictions(loss, row, step, seed)
            for (_, row), seed in zip(scenes, seeds, strict=True)
        ]
    )
    if kind == "batch":
        whole = loss.breakdown(rows, raw).to_numpy()
    else:
        parts = [
            loss.breakdown(r[None], p[None]).to_numpy() for r, p in zip(rows, raw, strict=True)
        ]
        whole = stacked(parts)
    predictions = whole.predictions
    return Snapshot(
        step=step,
        kind=kind,
        samples=names,
        class_names=tuple("0123456789"),
        loss_name=loss.name,
        channels=loss.channel_names,
        layout=loss.slots(raw.shape),
        breakdown=whole,
        images=np.stack([image for image, _ in scenes]),
        y_true=rows,
        y_pred=np.asarray(loss.slot_predictions(raw)),
        keep=nms_keep(
            predictions["boxes"], predictions["objectness"], predictions["class_probabilities"]
        ),
    )


def stacked(parts: list[LossBreakdown]) -> LossBreakdown:
    """Breakdowns of batches of one as one with totals and terms of shape (B,)."""

    def numbers(name: str) -> dict[str, np.ndarray]:
        return {
            key: np.stack([getattr(part, name)[key] for part in parts])
            for key in getattr(parts[0], name)
        }

    def joined(name: str) -> dict[str, np.ndarray]:
        return {
            key: np.concatenate([getattr(part, name)[key] for part in parts])
            for key in getattr(parts[0], name)
        }

    return LossBreakdown(
        total=np.stack([part.total for part in parts]),
        terms=numbers("terms"),
        lambdas=numbers("lambdas"),
        maps=joined("maps"),
        targets=joined("targets"),
        predictions=joined("predictions"),
        assignment=dataclasses.replace(
            parts[0].assignment,
            **{
                name: np.concatenate([getattr(part.assignment, name) for part in parts])
                for name in Assignment.ARRAYS
            },
        ),
    )


def write_kind(store: RunStore, loss: DetectionLoss, step: int, kind: str) -> Snapshot:
    """Writes one snapshot file and its records, as the training process does."""
    names = SAMPLES if kind == "pinned" else tuple(f"train/{step * 4 + k}" for k in range(4))
    snapshot = make_snapshot(loss, step, kind, names)
    path = snapshot_path(store.folder, kind, step)
    write_snapshot(path, snapshot)
    for name in names:
        view = snapshot.sample(name)
        total, terms = view.batch_total, view.batch_terms
        store.record_snapshot(step, kind, name, path, total, terms=terms, lambdas=view.lambdas)
    return snapshot


def make_run(
    checkpoints: Path,
    name: str,
    *,
    loss_name: str = "yolov2",
    state: RunState = RunState.FINISHED,
    message: str = "",
    steps: int = LAST_STEP,
    pinned_steps: tuple[int, ...] = PINNED_STEPS,
    batch_steps: tuple[int, ...] = BATCH_STEPS,
) -> RunFolder:
    """Writes a whole run folder and closes it."""
    folder = create_run(checkpoints, name)
    config = parse_config({"loss": {"name": loss_name}, "training": {"steps": LAST_STEP}})
    folder.config.write_text(config.to_json(), encoding="utf-8")
    loss = make_loss(loss_name)
    terms = loss.term_names
    columns = ("total", *(f"term/{term}" for term in terms), *(f"lambda/{term}" for term in terms))
    with RunStore.create(folder, columns) as store:
        store.set_status(steps=LAST_STEP)
        for step in pinned_steps:
            write_kind(store, loss, step, "pinned")
        batches = {step: write_kind(store, loss, step, "batch") for step in batch_steps}
        for step in range(1, steps + 1):
            row: dict[str, float] = {"total": 100 / step}
            if step in batches:
                whole = batches[step].breakdown
                row = {"total": float(whole.total)}
                row |= {f"term/{term}": float(whole.terms[term]) for term in terms}
                row |= {f"lambda/{term}": float(whole.lambdas[term]) for term in terms}
            store.record_step(step, row)
        if steps >= 20:
            store.record_event(
                20, "set-lambda", {"name": "objectness", "value": 2.0, "before": 5.0}
            )
        store.set_status(state=state, message=message)
    return folder
