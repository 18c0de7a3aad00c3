"""A sample, and the label rows that every loss takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


def _no_boxes() -> np.ndarray:
    return np.zeros((0, 4), np.float32)


def _no_classes() -> np.ndarray:
    return np.zeros(0, np.int32)


@dataclasses.dataclass(frozen=True)
class Sample:
    """An image and its ground-truth objects.

    Attributes:
        name: "train/17", "val/3" or "test/0".
        image: (height, width, channels) uint8.
        boxes: (objects, 4) float32: x_center, y_center, width, height as image fractions.
        classes: (objects,) int32.
        ignored_boxes: (regions, 4) float32, as `boxes`: difficult objects and groups. None is
            trained on; an evaluation counts what is found there neither as right nor as wrong.
        ignored_classes: (regions,) int32.
    """

    name: str
    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    ignored_boxes: np.ndarray = dataclasses.field(default_factory=_no_boxes)
    ignored_classes: np.ndarray = dataclasses.field(default_factory=_no_classes)


def label_rows(
    boxes: np.ndarray, classes: np.ndarray, *, num_classes: int, max_objects: int
) -> np.ndarray:
    """Packs objects into the label layout of `docs/losses.md#labels`.

    Args:
        boxes: (objects, 4) x_center, y_center, width, height as image fractions.
        classes: (objects,) class indices.
        num_classes: C.
        max_objects: N, the number of rows.

    Returns:
        (N, 5 + C) float32, row = [object, x_center, y_center, width, height, one-hot class];
        rows without an object are all zero. An object of another class than 0 to C - 1 gets a row
        without a class, which the losses count as INVALID.

    Raises:
        ValueError: More objects than rows, or other shapes, as when boxes and classes are
            exchanged.
    """
    count = len(boxes)
    if np.shape(boxes) != (count, 4) or np.shape(classes) != (count,):
        raise ValueError(
            "label_rows takes boxes of shape (objects, 4) and as many classes; "
            f"received {np.shape(boxes)} and {np.shape(classes)}."
        )
    if count > max_objects:
        raise ValueError(f"{count} objects do not fit in {max_objects} label rows.")
    rows = np.zeros((max_objects, 5 + num_classes), np.float32)
    rows[:count, 0] = 1.0
    rows[:count, 1:5] = boxes
    classes = np.asarray(classes, np.int64)
    known = np.flatnonzero((classes >= 0) & (classes < num_classes))
    rows[known, 5 + classes[known]] = 1.0
    return rows


def split_name(name: str, splits: Sequence[str] = ("train", "val", "test")) -> tuple[str, int]:
    """Reads a sample name such as "val/3".

    Returns:
        The split and the index.

    Raises:
        ValueError: The name has another form, or its split is not one of `splits`.
    """
    split, slash, index = name.partition("/")
    if not slash or split not in splits or not index.isascii() or not index.isdigit():
        raise ValueError(
            f"A sample is named {' or '.join(f'{s}/INDEX' for s in splits)}, "
            f"such as val/3; received {name!r}."
        )
    return split, int(index)
