"""Annotated pictures made up in memory: noise with a filled rectangle for every object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from yolo_core.data.config import DataConfig
from yolo_core.data.picture_source import PictureSource
from yolo_core.data.pictures import AnnotatedPictures, Problem

COLOURS = ((255, 40, 40), (40, 255, 40), (40, 40, 255))
CLASSES = ("red", "green", "blue")


def made_pictures(
    boxes: Sequence[Sequence[Sequence[float]]],
    *,
    sizes: Sequence[tuple[int, int]] | None = None,
    difficult: Sequence[int] = (),
    groups: Sequence[Sequence[float]] = (),
    problems: Sequence[Problem] = (),
    unreadable: Sequence[int] = (),
) -> AnnotatedPictures:
    """Pictures of (class, xmin, ymin, xmax, ymax) each, in pixels.

    Args:
        boxes: Of every picture its objects.
        sizes: Widths and heights; 60 x 40 by default.
        difficult: Rows of all objects that are difficult.
        groups: (picture, class, xmin, ymin, xmax, ymax) each.
        problems: What was wrong.
        unreadable: Pictures that cannot be read.
    """
    sizes = list(sizes or [(60, 40)] * len(boxes))
    rows = [(at, *box) for at, each in enumerate(boxes) for box in each]
    columns = np.array(rows, np.float64).reshape(-1, 6)
    regions = np.array(groups, np.float64).reshape(-1, 6)
    hard = np.zeros(len(rows), bool)
    hard[list(difficult)] = True

    def read(index: int) -> np.ndarray:
        if index in unreadable:
            raise ValueError(f"p{index}.png is cut short.")
        width, height = sizes[index]
        picture = np.random.default_rng(index).integers(0, 30, (height, width, 3), np.uint8)
        for label, left, top, right, bottom in boxes[index]:
            picture[int(top) : int(bottom), int(left) : int(right)] = COLOURS[int(label)]
        return picture

    return AnnotatedPictures(
        name="made:pictures",
        folder=Path("/data"),
        classes=CLASSES,
        files=tuple(f"p{at}.png" for at in range(len(boxes))),
        sizes=np.array(sizes, np.int32).reshape(-1, 2),
        splits={},
        box_picture=columns[:, 0].astype(np.int32),
        box_edges=columns[:, 2:].astype(np.float32),
        box_class=columns[:, 1].astype(np.int32),
        box_difficult=hard,
        ignored_picture=regions[:, 0].astype(np.int32),
        ignored_edges=regions[:, 2:].astype(np.float32),
        ignored_class=regions[:, 1].astype(np.int32),
        problems=tuple(problems),
        read_picture=read,
    )


def made_source(data: AnnotatedPictures, *, val: int = 0, **fields: object) -> PictureSource:
    """A source of them: all in training, the first `val` of them for validation as well."""
    config = DataConfig.model_validate({"source": "voc:made", **fields})
    count = len(data.files)
    return PictureSource(data, {"train": range(count), "val": range(val), "test": ()}, config)
