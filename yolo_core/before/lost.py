"""Which objects of a data set a loss would not train: asked of the loss itself, before a training.

The assignment is the loss's own, computed by `breakdown` as in a training; there is no second one.
Imports Keras, on whatever backend the process has (`losses/on_numpy.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.before.lost_table import LostTable, digest
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.registry import is_scenes
from yolo_core.data.resize import fitted_boxes
from yolo_core.data.sample import label_rows
from yolo_core.data.source import SampleSource
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.by_name import published
from yolo_core.losses.families import family_of
from yolo_core.losses.recipe import derived_setup
from yolo_core.training.config import RunConfig
from yolo_core.training.darknet_setup import anchors_as_published
from yolo_core.training.own_loss import is_own_loss

PICTURES = 32
"""Pictures a batch; fewer where they hold very many objects."""
_MOST_PAIRS = 4_000_000
"""Of objects and slots in a batch: each costs a few floats several times over."""


def loss_of(config: RunConfig, source: SampleSource) -> DetectionLoss:
    """The loss that a run with that configuration would train with.

    Raises:
        ValueError: It is one of one's own, has no such option, or the anchors do not fit it.
    """
    wanted = config.loss
    if is_own_loss(wanted.name):
        raise ValueError(
            "Lost objects can be looked for with the losses that come along; "
            f"received {wanted.name}."
        )
    strides = config.network.strides
    if strides is None and not is_scenes(config.data.source):
        derived = derived_setup(wanted.name, source, anchors=wanted.anchors)
        strides = None if derived is None else derived.strides
    chosen = {} if strides is None else {"strides": strides}
    options = family_of(wanted.name).loss_class().setup(source, wanted.anchors, **chosen)
    options = {**options, **wanted.options}
    in_order = anchors_as_published(config.network, wanted, source)
    if in_order is not None and len(in_order) > 1:
        options["anchors"] = [each.tolist() for each in in_order]
    count = len(source.class_names)
    loss = published(wanted.name, num_classes=count, lambdas=wanted.lambdas, **options)
    loss.strides = strides or loss.strides
    return loss


def lost_objects(
    loss: DetectionLoss,
    data: AnnotatedPictures,
    image_shape: tuple[int, int],
    fit: str,
    *,
    report: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> LostTable | None:
    """Asks a loss what becomes of every object.

    Where the loss compares predicted boxes, they are those of raw zeros, which are alike in all
    slots of a cell: objects of one cell then want the same slot.

    Args:
        loss: The loss.
        data: The pictures and their objects.
        image_shape: Height and width that enter the network.
        fit: How pictures are brought to that: "stretch" or "letterbox".
        report: Told how many pictures are done.
        stopped: Whether somebody asked to end.

    Returns:
        The table; None when it was stopped.
    """
    rows = np.flatnonzero(~data.box_difficult)
    picture = data.box_picture[rows]
    size = (image_shape[1], image_shape[0])
    boxes = fitted_boxes(data.box_edges[rows], data.sizes[picture], size, fit)
    output = loss.output_shape(image_shape)
    layout = loss.slots((1, *output))
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("row", "status", "slot", "rival", "score")
    }
    measure, done = "", 0
    for batch in _batches(picture, layout.count):
        if stopped():
            return None
        members = [np.arange(*np.searchsorted(picture, [each, each + 1])) for each in batch]
        labels = np.stack(
            [
                label_rows(
                    boxes[each],
                    data.box_class[rows[each]],
                    num_classes=loss.num_classes,
                    max_objects=max(len(m) for m in members),
                )
                for each in members
            ]
        )
        nothing = np.zeros((len(batch), *output), np.float32)
        found = loss.breakdown(labels, nothing).to_numpy().assignment
        measure = found.candidate_measure
        for at, each in enumerate(members):
            status, slot, taken, score = (
                np.asarray(getattr(found, name))[at, : len(each)]
                for name in ("object_status", "object_slot", "overwritten_by", "candidate_score")
            )
            rival = np.where(taken >= 0, taken, _sharers(status, slot))
            columns["row"].append(each)
            columns["status"].append(status)
            columns["slot"].append(slot)
            columns["rival"].append(np.where(rival >= 0, rival + each[0], -1))
            columns["score"].append(score.max(axis=-1))
        done += len(batch)
        report(done)
    table = {name: np.concatenate(parts) for name, parts in columns.items() if parts}
    order = np.argsort(table.pop("row"), kind="stable") if table else np.zeros(0, np.int64)
    empty = np.zeros((0, 1))
    kept = {name: table.get(name, empty)[order] for name in ("status", "slot", "rival", "score")}
    return LostTable(
        object=rows.astype(np.int32),
        box=boxes,
        score=kept.pop("score").astype(np.float32),
        measure=measure or "shape IoU",
        grids=layout.grids,
        prior=layout.prior,
        image_shape=image_shape,
        digest=digest(data),
        **{name: values.astype(np.int32) for name, values in kept.items()},
    )


def _batches(picture: np.ndarray, slots: int) -> Iterator[np.ndarray]:
    """Pictures that have objects, those with about as many together."""
    numbers, counts = np.unique(picture, return_counts=True)
    order = np.argsort(counts, kind="stable")
    start = 0
    while start < len(order):
        end = min(start + PICTURES, len(order))
        while end > start + 1 and (end - start) * counts[order[end - 1]] * slots > _MOST_PAIRS:
            end = start + max(1, (end - start) // 2)
        yield numbers[order[start:end]]
        start = end


def _sharers(status: np.ndarray, slot: np.ndarray) -> np.ndarray:
    """(N, R) int: of each object that shares its slot, another one that has the same, else -1."""
    rival = np.full(status.shape, -1)
    for head in range(status.shape[1]):
        shared = np.flatnonzero(status[:, head] == ObjectStatus.SHARED)
        for one in shared:
            others = shared[(slot[shared, head] == slot[one, head]) & (shared != one)]
            rival[one, head] = others[0] if len(others) else -1
    return rival
