"""Data and anchors on the bench: what checks ask of them, read once. No TensorFlow."""

from __future__ import annotations

import functools

import numpy as np

from yolo_core.anchors import shape_iou
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.registry import is_scenes
from yolo_core.data.resize import fitted_boxes
from yolo_core.data.source import SampleSource
from yolo_core.doctor.finding import NotTried
from yolo_core.losses.recipe import usable_objects
from yolo_core.training.config import RunConfig

_LEAST_OBJECTS = 20


class DataBench:
    """The data of a run, before it is trained on.

    Args:
        config: The run's configuration.
        source: Its samples.
    """

    def __init__(self, config: RunConfig, source: SampleSource) -> None:
        self.config = config
        self.source = source

    @functools.cached_property
    def sizes(self) -> np.ndarray:
        """(n, 2) float64 widths and heights of the training objects, as the network gets them.

        Raises:
            NotTried: There are too few.
        """
        sizes = usable_objects(self.source).boxes[:, 2:].astype(np.float64)
        if len(sizes) < _LEAST_OBJECTS:
            raise NotTried(f"There are only {len(sizes)} objects to compare with.")
        return sizes

    @property
    def given_anchors(self) -> np.ndarray:
        """(k, 2) float64 anchors that somebody gave, as fractions of the picture.

        Raises:
            NotTried: None were given: those that a training fits are right by construction.
        """
        anchors = self.config.loss.anchors
        if not anchors or self.config.loss.anchors_fitted:
            raise NotTried("No anchors were given; a training fits them to the objects.")
        return np.asarray(anchors, np.float64)

    @property
    def pictures(self) -> AnnotatedPictures:
        """The annotated pictures.

        Raises:
            NotTried: The samples are drawn, not read.
        """
        given = getattr(self.source, "data", None)
        if is_scenes(self.config.data.source) or not isinstance(given, AnnotatedPictures):
            raise NotTried("Its pictures are drawn, or have the size that enters the network.")
        return given

    @property
    def pixels(self) -> np.ndarray:
        """(2,) width and height that enter the network."""
        return np.array(self.source.image_shape[1::-1], np.float64)

    def sizes_under(self, fit: str) -> np.ndarray:
        """(n, 2) sizes of all objects if pictures were brought to their size in that way."""
        data = self.pictures
        width, height = (int(side) for side in self.pixels)
        boxes = fitted_boxes(data.box_edges, data.sizes[data.box_picture], (width, height), fit)[
            :, 2:
        ].astype(np.float64)
        return boxes[(np.isfinite(boxes) & (boxes > 0)).all(axis=1)]


def mean_fit(sizes: np.ndarray, anchors: np.ndarray) -> float:
    """The mean IoU by shape of objects with their best anchor."""
    return float(shape_iou(sizes, anchors).max(axis=1).mean())


def anchor_words(anchors: np.ndarray, pixels: np.ndarray) -> str:
    """Anchors in pixels: "10 x 13, 33 x 23 px"."""
    shown = ", ".join(f"{width:.3g} x {height:.3g}" for width, height in (anchors * pixels)[:9])
    return f"{shown} px"
