"""How well anchors suit a data set, seen before any training and without TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from yolo_core.anchors import heads_by_area, kmeans_anchors, shape_iou
from yolo_core.data.source import SampleSource

RECALL_AT = (0.3, 0.4, 0.5, 0.6, 0.7)
"""IoU from which an anchor may count as able to take an object."""


@dataclasses.dataclass(frozen=True)
class AnchorStudy:
    """Objects and the anchors that fit them best, by shape alone.

    Attributes:
        image_shape: (height, width, ...) of the pictures as a network gets them, in pixels.
        sizes: (n, 2) float64 widths and heights of the objects in fractions of those pictures.
        anchors: (k, 2) float32, as `sizes`, the smallest area first.
        strides: Pixels from one cell to the next of each head.
        left_out: Boxes without an area, which are not among `sizes`.
    """

    image_shape: tuple[int, ...]
    sizes: np.ndarray
    anchors: np.ndarray
    strides: tuple[int, ...]
    left_out: int = 0

    @functools.cached_property
    def overlap(self) -> np.ndarray:
        """(n,) the IoU of each object with its best anchor, both about one centre."""
        return shape_iou(self.sizes, self.anchors).max(axis=1)

    @functools.cached_property
    def best(self) -> np.ndarray:
        """(n,) the anchor that fits each object best, the first of equals."""
        return shape_iou(self.sizes, self.anchors).argmax(axis=1)

    @property
    def mean_iou(self) -> float:
        """The mean of `overlap`."""
        return float(self.overlap.mean())

    @property
    def share(self) -> np.ndarray:
        """(k,) the share of the objects that each anchor fits best."""
        return np.bincount(self.best, minlength=len(self.anchors)) / len(self.sizes)

    @property
    def pixels(self) -> np.ndarray:
        """(k, 2) widths and heights of the anchors in pixels."""
        return self.anchors * np.asarray(self.image_shape[1::-1], np.float64)

    @property
    def heads(self) -> list[list[int]]:
        """The anchors of each head, the largest on the coarsest: as a training deals them out."""
        return [rows.tolist() for rows in heads_by_area(self.anchors, self.strides)]

    @property
    def stride_of(self) -> np.ndarray:
        """(k,) the stride of the head that has each anchor."""
        strides = np.zeros(len(self.anchors), np.int64)
        for stride, rows in zip(self.strides, self.heads, strict=True):
            strides[rows] = stride
        return strides

    @property
    def cells(self) -> np.ndarray:
        """(k, 2) widths and heights of the anchors in cells of their head."""
        return self.pixels / self.stride_of[:, None]

    def best_possible_recall(self, threshold: float) -> float:
        """The share of the objects that have an anchor with that IoU or more."""
        return float((self.overlap >= threshold).mean())

    def to_json(self) -> dict[str, Any]:
        """What the command line prints."""
        columns = (self.pixels, self.cells, self.anchors, self.share, self.stride_of)
        return {
            "image_size": list(self.image_shape[1::-1]),
            "objects": len(self.sizes),
            "left_out": self.left_out,
            "mean_iou": self.mean_iou,
            "best_possible_recall": {f"{at:g}": self.best_possible_recall(at) for at in RECALL_AT},
            "anchors": [
                {
                    "pixels": pixels.round(2).tolist(),
                    "cells": cells.round(4).tolist(),
                    "fractions": fractions.astype(float).round(6).tolist(),
                    "share": float(share),
                    "stride": int(stride),
                }
                for pixels, cells, fractions, share, stride in zip(*columns, strict=True)
            ],
            "heads": [
                {"stride": stride, "anchors": rows}
                for stride, rows in zip(self.strides, self.heads, strict=True)
            ],
        }


def study_anchors(
    source: SampleSource,
    count: int = 5,
    *,
    anchors: Sequence[Sequence[float]] | np.ndarray | None = None,
    strides: Sequence[int] = (16,),
    seed: int = 0,
) -> AnchorStudy:
    """Holds the training objects, as the source resizes them, against anchors.

    Args:
        source: The data.
        count: Anchors to find.
        anchors: (k, 2) fractions of the picture to be held against them instead; None finds some.
        strides: Pixels from one cell to the next of each head.
        seed: Of the k-means.

    Raises:
        ValueError: There are fewer different sizes than anchors, or no object at all.
    """
    sizes, left_out = object_sizes(source)
    if anchors is None:
        found = kmeans_anchors(sizes, count, seed)[0]
    else:
        found = np.asarray(anchors, np.float32)
        found = found[np.lexsort((found[:, 0], found.prod(axis=1)))]
    return AnchorStudy(source.image_shape, sizes, found, tuple(strides), left_out)


def iou_by_count(source: SampleSource, most: int = 9, seed: int = 0) -> list[tuple[int, float]]:
    """(k, mean IoU of the objects with their best of k anchors) for k = 1, 2, ... `most`.

    It ends before where there are no more different sizes than that.

    Raises:
        ValueError: There is no object.
    """
    sizes = object_sizes(source)[0]
    most = min(most, len(np.unique(sizes, axis=0)))
    return [(count, kmeans_anchors(sizes, count, seed)[1]) for count in range(1, most + 1)]


def object_sizes(source: SampleSource) -> tuple[np.ndarray, int]:
    """(n, 2) float64 sizes of the training objects as fractions, and how many have no area.

    Raises:
        ValueError: No object has an area.
    """
    sizes = np.asarray(source.training_boxes(), np.float64).reshape(-1, 4)[:, 2:]
    good = (np.isfinite(sizes) & (sizes > 0)).all(axis=1)
    if not good.any():
        raise ValueError(
            f"Anchors are fitted to the objects of the training split; {source.name} has none "
            f"with an area there, of {len(sizes)} in all."
        )
    return sizes[good], int((~good).sum())
