"""Labels of other programs, and the same objects as rows [object, box, one-hot class].

Boxes are image fractions everywhere; the losses here take (B, N, 5 + C) float32, padded with zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yolo_core.anchors import shape_iou
from yolo_core.layouts.arrays import as_numpy
from yolo_core.slots import SlotLayout

BOX = slice(1, 5)


def from_pytorch_targets(
    targets: Any, *, batch: int, num_classes: int, max_objects: int | None = None
) -> np.ndarray:
    """PyTorch-YOLOv3's targets as label rows.

    Args:
        targets: (n, 6), rows [picture, class, x_center, y_center, width, height].
        batch: B.
        num_classes: C.
        max_objects: N; None for as many as the fullest picture has, at least 1.

    Returns:
        (B, N, 5 + C) float32; the objects of a picture keep their order.

    Raises:
        ValueError: Another shape, a picture or class that does not exist, or too many objects.
    """
    rows = as_numpy(targets)
    if rows.ndim != 2 or rows.shape[1] != 6:
        raise ValueError(
            f"PyTorch-YOLOv3 targets are (n, 6), rows [picture, class, x_center, y_center, width, "
            f"height]; received {rows.shape}."
        )
    pictures = _indices("picture", rows[:, 0], batch)
    found = [rows[pictures == picture] for picture in range(batch)]
    boxes = [each[:, 2:] for each in found]
    return _rows(boxes, [each[:, 1] for each in found], num_classes, max_objects)


def to_pytorch_targets(y_true: Any) -> np.ndarray:
    """The way back: (n, 6) float32, picture after picture, padding left out.

    Raises:
        ValueError: The labels have another shape.
    """
    y_true = _checked(y_true)
    pictures, rows = np.nonzero(y_true[..., 0])
    found = y_true[pictures, rows]
    classes = found[:, 5:].argmax(-1)
    return np.column_stack([pictures, classes, found[:, BOX]]).astype(np.float32)


def from_darknet_truth(
    truth: Any, *, num_classes: int, max_objects: int | None = None
) -> np.ndarray:
    """Darknet's truth as label rows.

    Args:
        truth: (B, M * 5) or (B, M, 5), boxes [x_center, y_center, width, height, class]; the
            first one with x_center 0 ends the picture's list, as it does there.
        num_classes: C.
        max_objects: N; None for M.

    Returns:
        (B, N, 5 + C) float32.

    Raises:
        ValueError: Another shape, a class that does not exist, or too many objects.
    """
    boxes = as_numpy(truth)
    if boxes.ndim == 2 and boxes.shape[1] % 5 == 0:
        boxes = boxes.reshape(len(boxes), -1, 5)
    if boxes.ndim != 3 or boxes.shape[2] != 5:
        raise ValueError(
            "Darknet's truth is (B, boxes * 5), boxes [x_center, y_center, width, height, class]; "
            f"received {np.shape(truth)}."
        )
    lengths = np.cumprod(boxes[..., 0] != 0, axis=1).sum(axis=1)
    found = [each[:length] for each, length in zip(boxes, lengths, strict=True)]
    return _rows(
        [each[:, :4] for each in found],
        [each[:, 4] for each in found],
        num_classes,
        max(boxes.shape[1], 1) if max_objects is None else max_objects,
    )


def to_darknet_truth(y_true: Any, *, boxes: int = 90) -> np.ndarray:
    """The way back.

    Args:
        y_true: (B, N, 5 + C).
        boxes: M, the places a picture has: 30 in YOLOv2's time, 90 in YOLOv3's.

    Returns:
        (B, M * 5) float32.

    Raises:
        ValueError: A picture has more objects, or one whose x_center is 0, which would end the
            list.
    """
    y_true = _checked(y_true)
    truth = np.zeros((len(y_true), boxes, 5), np.float32)
    for picture, rows in enumerate(y_true):
        found = rows[rows[:, 0] != 0]
        if len(found) > boxes:
            raise ValueError(
                f"Darknet's truth has room for {boxes} boxes; picture {picture} has {len(found)}."
            )
        if (found[:, 1] == 0).any():
            raise ValueError(
                f"Darknet's truth ends at a box with x_center 0, and picture {picture} has an "
                "object there."
            )
        truth[picture, : len(found), :4] = found[:, BOX]
        truth[picture, : len(found), 4] = found[:, 5:].argmax(-1)
    return truth.reshape(len(y_true), -1)


def from_ssd_targets(
    targets: Sequence[Any], *, num_classes: int, max_objects: int | None = None
) -> np.ndarray:
    """The PyTorch SSD's targets as label rows.

    Args:
        targets: One (n, 5) a picture, rows [x_min, y_min, x_max, y_max, class].
        num_classes: C.
        max_objects: N; None for as many as the fullest picture has, at least 1.

    Returns:
        (B, N, 5 + C) float32. Corners become centre and size: exact up to rounding.

    Raises:
        ValueError: Another shape, a class that does not exist, or too many objects.
    """
    found = [as_numpy(each).astype(np.float64) for each in targets]
    for picture, each in enumerate(found):
        if each.ndim != 2 or each.shape[1] != 5:
            raise ValueError(
                "The PyTorch SSD's targets are one (n, 5) a picture, rows [x_min, y_min, x_max, "
                f"y_max, class]; received {each.shape} for picture {picture}."
            )
    boxes = [
        np.concatenate([(low := each[:, :2]) + (size := each[:, 2:4] - low) / 2, size], axis=1)
        for each in found
    ]
    return _rows(boxes, [each[:, 4] for each in found], num_classes, max_objects)


def to_ssd_targets(y_true: Any) -> list[np.ndarray]:
    """The way back: one (n, 5) float32 a picture, padding left out."""
    targets = []
    for rows in _checked(y_true):
        found = rows[rows[:, 0] != 0].astype(np.float64)
        centre, half = found[:, 1:3], found[:, 3:5] / 2
        classes = found[:, 5:].argmax(-1)
        corners = [centre - half, centre + half]
        targets.append(np.column_stack([*corners, classes]).astype(np.float32))
    return targets


def from_keras_yolo3(y_true: Sequence[Any], *, max_objects: int | None = None) -> np.ndarray:
    """keras-yolo3's labels as label rows.

    Args:
        y_true: One (B, rows, columns, anchors, 5 + C) a head, which holds the object that each slot
            is trained for: box, 1, class.
        max_objects: N; None for as many as the fullest picture has, at least 1.

    Returns:
        (B, N, 5 + C) float32, head after head, slot after slot. An object that lost its slot to
        another one is not in their labels, and so not in these; its class may still stand beside
        that of the other one.

    Raises:
        ValueError: Another shape, or too many objects.
    """
    heads = [as_numpy(head) for head in y_true]
    shapes = [head.shape for head in heads]
    if not heads or any(len(s) != 5 or s[4] != shapes[0][4] or s[4] < 6 for s in shapes):
        raise ValueError(
            "keras-yolo3's labels are one (B, rows, columns, anchors, 5 + C) a head; received "
            f"{shapes}."
        )
    slots = np.concatenate(
        [head.reshape(len(head), int(np.prod(head.shape[1:4])), head.shape[4]) for head in heads],
        axis=1,
    )
    found = [each[each[:, 4] != 0] for each in slots]
    labels = _empty(found, slots.shape[2] - 5, max_objects)
    for picture, rows in enumerate(found):
        labels[picture, : len(rows)] = rows[:, [4, 0, 1, 2, 3, *range(5, slots.shape[2])]]
    return labels


def to_keras_yolo3(y_true: Any, layout: SlotLayout) -> list[np.ndarray]:
    """Label rows as keras-yolo3 lays them out: each object in the slot of its best anchor.

    Of all anchors of all heads the one of the best shape IoU takes an object, the first on a tie,
    in the cell that the centre falls in; of two objects in one slot the later overwrites the
    other's box, and both classes stay.

    Args:
        y_true: (B, N, 5 + C).
        layout: `DetectionLoss.slots` of the predictions: the grids, and the anchors as priors.

    Returns:
        One (B, rows, columns, anchors, 5 + C) float32 a head.

    Raises:
        ValueError: The layout has no anchors, or an object's centre is outside of the picture.
    """
    y_true = _checked(y_true)
    if not layout.has_priors:
        raise ValueError("keras-yolo3's labels go by anchors; received slots without any.")
    sizes = [layout.on_grid(head, layout.prior.T)[2:, 0, 0].T for head in range(len(layout.grids))]
    head_of = np.repeat(np.arange(len(sizes)), [len(each) for each in sizes])
    anchor_of = np.concatenate([np.arange(len(each)) for each in sizes])
    heads = [np.zeros((len(y_true), *grid, y_true.shape[2]), np.float32) for grid in layout.grids]
    for picture, rows in enumerate(y_true):
        for row in rows[rows[:, 0] != 0]:
            x, y = row[1], row[2]
            if not (0 <= x <= 1 and 0 <= y <= 1):
                raise ValueError(
                    f"Picture {picture} has an object with its centre at ({x:.4g}, {y:.4g}), in no "
                    "cell of the grid."
                )
            best = int(shape_iou(row[None, 3:5], np.concatenate(sizes))[0].argmax())
            head = heads[head_of[best]]
            height, width = head.shape[1:3]
            cell = (
                min(int(y * np.float32(height)), height - 1),
                min(int(x * np.float32(width)), width - 1),
            )
            slot = head[(picture, *cell, anchor_of[best])]
            slot[:4], slot[4] = row[BOX], 1
            slot[5:] = np.maximum(slot[5:], row[5:])
    return heads


def to_keras_yolo2(y_true: Any, layout: SlotLayout) -> np.ndarray:
    """Label rows as keras-yolo2 and the Keras notebook lay them out: boxes in cells of the grid.

    Args:
        y_true: (B, N, 5 + C).
        layout: `DetectionLoss.slots` of the predictions, of one head.

    Returns:
        (B, rows, columns, anchors, 5 + C) float32, otherwise as `to_keras_yolo3`.

    Raises:
        ValueError: As `to_keras_yolo3`, or there are several heads.
    """
    if len(layout.grids) != 1:
        raise ValueError(f"keras-yolo2's labels are of one head; received {len(layout.grids)}.")
    (head,) = to_keras_yolo3(y_true, layout)
    head[..., :4] *= np.tile(head.shape[2:0:-1], 2)
    return head


def from_keras_yolo2(y_true: Any, *, max_objects: int | None = None) -> np.ndarray:
    """keras-yolo2's labels as label rows; see `from_keras_yolo3`.

    The way there and back is exact on grids whose sides are powers of two, else up to rounding.

    Raises:
        ValueError: As `from_keras_yolo3`.
    """
    head = np.array(as_numpy(y_true), np.float32)
    if head.ndim == 5:
        head[..., :4] /= np.tile(head.shape[2:0:-1], 2)
    return from_keras_yolo3([head], max_objects=max_objects)


def _checked(y_true: Any) -> np.ndarray:
    y_true = as_numpy(y_true)
    if y_true.ndim != 3 or y_true.shape[2] < 6:
        raise ValueError(
            "Labels are (B, N, 5 + C), rows [object, x_center, y_center, width, height, one-hot "
            f"class]; received {y_true.shape}."
        )
    return y_true


def _indices(name: str, values: np.ndarray, count: int) -> np.ndarray:
    """Whole numbers from 0 to `count` - 1."""
    wrong = ~((values >= 0) & (values < count) & (values == np.floor(values)))
    if wrong.any():
        raise ValueError(
            f"A {name} must be a whole number from 0 to {count - 1}; received {values[wrong][0]:g}."
        )
    return values.astype(np.int64)


def _empty(found: Sequence[np.ndarray], num_classes: int, rows: int | None) -> np.ndarray:
    """(B, N, 5 + C) zeros with room for the objects of each picture."""
    most = max((len(each) for each in found), default=0)
    if rows is not None and most > rows:
        raise ValueError(f"A picture has {most} objects; there is room for {rows}.")
    count = max(most, 1) if rows is None else rows
    return np.zeros((len(found), count, 5 + num_classes), np.float32)


def _rows(
    boxes: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    num_classes: int,
    max_objects: int | None,
) -> np.ndarray:
    """Boxes and class numbers of each picture as label rows."""
    labels = _empty(boxes, num_classes, max_objects)
    for picture, (box, number) in enumerate(zip(boxes, classes, strict=True)):
        rows = labels[picture, : len(box)]
        rows[:, 0], rows[:, BOX] = 1, box
        rows[np.arange(len(box)), 5 + _indices("class", number, num_classes)] = 1
    return labels
