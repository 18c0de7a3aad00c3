"""Made-up pictures on which a loss is tried: few, and each for a mistake that it brings to light.

The picture is wider than high, and no multiple of its height: rows and columns, widths and heights
cannot be exchanged there without being seen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yolo_core.data.sample import Sample, label_rows
from yolo_core.data.source import SampleSource, TrainingObjects

IMAGE_SHAPE = (96, 160, 1)
MAX_OBJECTS = 6
ALONE, EMPTY, COLLISION, BORDER, CROWD = range(5)
NAMES = ("one corner", "empty", "collision", "border", "crowd")
"""What each of `PICTURES` is called."""
# Of each object x_center, y_center, width, height as image fractions, and its class.
PICTURES: tuple[tuple[tuple[float, float, float, float, int], ...], ...] = (
    ((0.81, 0.22, 0.30, 0.24, 1), (0.27, 0.67, 0.16, 0.42, 0)),
    (),
    # One slot for both, whatever the stride; the later one has the larger class.
    ((0.52, 0.55, 0.24, 0.30, 0), (0.53, 0.56, 0.25, 0.29, 1), (0.14, 0.2, 0.2, 0.22, 2)),
    # On the right and the lower edge, on a border between cells, and in the first corner.
    ((1.0, 0.37, 0.2, 0.3, 2), (0.4, 1.0, 0.3, 0.2, 0), (0.6, 1 / 3, 0.15, 0.2, 1),
     (0.0, 0.0, 0.3, 0.35, 1)),
    ((0.11, 0.14, 0.10, 0.15, 2), (0.16, 0.79, 0.21, 0.31, 0), (0.47, 0.15, 0.36, 0.25, 1),
     (0.88, 0.86, 0.12, 0.2, 2), (0.71, 0.48, 0.48, 0.61, 0)),
)  # fmt: skip


class BenchSource(SampleSource):
    """The pictures of this file as data, so that a loss is set up for them as for any.

    Args:
        class_names: Those of the data that the loss is for.
        image_shape: (height, width, channels) in pixels.
    """

    name = "the doctor's pictures"
    max_objects = MAX_OBJECTS
    problems = ()

    def __init__(
        self, class_names: tuple[str, ...], image_shape: tuple[int, int, int] = IMAGE_SHAPE
    ) -> None:
        self.class_names = class_names
        self.image_shape = image_shape
        self.splits = {"val": len(PICTURES), "train": len(PICTURES)}

    def sample(self, name: str) -> Sample:
        """The picture of that number, all black."""
        number = int(name.partition("/")[2]) % len(PICTURES)
        rows = np.array(PICTURES[number], np.float64).reshape(-1, 5)
        classes = np.minimum(rows[:, 4], len(self.class_names) - 1).astype(np.int32)
        return Sample(name, np.zeros(self.image_shape, np.uint8), rows[:, :4].astype("f4"), classes)

    def stream_sample(self, index: int) -> Sample:
        """The same pictures again and again."""
        return self.sample(f"train/{index}")

    def files(self, name: str) -> tuple[Path, ...]:
        """None."""
        del name
        return ()

    def training_objects(self) -> TrainingObjects:
        """The objects of the pictures, and smaller and larger ones: enough to fit any anchors."""
        boxes = np.array([each[:4] for picture in PICTURES for each in picture], np.float32)
        sizes = [boxes[:, 2:] * factor for factor in (1.0, 0.85, 1.15, 0.7)]
        every = np.concatenate([np.concatenate([boxes[:, :2], each], axis=1) for each in sizes])
        count = len(every)
        classes = np.arange(count, dtype=np.int32) % len(self.class_names)
        return TrainingObjects(every, classes, np.arange(count) % len(PICTURES), len(PICTURES))


def labels(num_classes: int) -> np.ndarray:
    """(B, N, 5 + C) float32 label rows of `PICTURES`."""
    rows = [np.array(each, np.float64).reshape(-1, 5) for each in PICTURES]
    return np.stack(
        [
            label_rows(
                each[:, :4],
                np.minimum(each[:, 4], num_classes - 1).astype(int),
                num_classes=num_classes,
                max_objects=MAX_OBJECTS,
            )
            for each in rows
        ]
    )
