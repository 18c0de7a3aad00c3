"""Annotated pictures that are made up, without any file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from yolo_core.data.pictures import AnnotatedPictures, Problem

Box = tuple[str, float, float, float, float]


def made(
    pictures: Mapping[str, Sequence[Box]],
    *,
    size: tuple[int, int] = (100, 80),
    splits: Mapping[str, Sequence[str]] | None = None,
    problems: Sequence[Problem] = (),
    classes: Sequence[str] = ("cat", "dog"),
    difficult: Sequence[int] = (),
) -> AnnotatedPictures:
    """Pictures of one size by their names; picture k is all of brightness 10 k but for its name.

    Args:
        pictures: {file: its boxes as (class, xmin, ymin, xmax, ymax)}.
        size: Width and height.
        splits: None puts all into "train".
        problems: What was wrong.
        classes: The class names.
        difficult: Rows of objects that are called difficult.
    """
    files = tuple(pictures)
    rows = [(k, *box) for k, name in enumerate(files) for box in pictures[name]]

    def read_picture(index: int) -> np.ndarray:
        return np.full((size[1], size[0], 3), 10 * index, np.uint8)

    return AnnotatedPictures(
        name="made:here",
        folder=Path("here"),
        classes=tuple(classes),
        files=files,
        sizes=np.tile(np.array([size], np.int32), (len(files), 1)),
        splits={"train": files} if splits is None else {k: tuple(v) for k, v in splits.items()},
        box_picture=np.array([row[0] for row in rows], np.int32),
        box_edges=np.array([row[2:] for row in rows], np.float32).reshape(-1, 4),
        box_class=np.array([list(classes).index(row[1]) for row in rows], np.int32),
        box_difficult=np.isin(np.arange(len(rows)), difficult),
        ignored_picture=np.zeros(0, np.int32),
        ignored_edges=np.zeros((0, 4), np.float32),
        ignored_class=np.zeros(0, np.int32),
        problems=tuple(problems),
        read_picture=read_picture,
    )
