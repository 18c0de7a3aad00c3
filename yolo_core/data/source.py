"""Where samples come from: what every data set can do, and what is asked of any of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from yolo_core.anchors import kmeans_anchors
from yolo_core.data.sample import Sample, split_name

ANCHOR_SAMPLES = 500
"""Training samples whose boxes anchors are fitted to."""


class SampleSource(Protocol):
    """Samples by name, and in the order in which a training sees them.

    A sample is a pure function of (source, seed, split, index), augmentation included: any thread
    or process may ask for any of them in any order, and a training that resumes gets the same.

    Attributes:
        name: What the data is called.
        image_shape: Height, width and channels of every picture. It need not be square.
        class_names: (C,) names of the classes.
        max_objects: Most objects that a sample has, N of the label rows.
        splits: {"train", "val", "test": number of samples, or None where they never run out}. Each
            of that many training samples is in the stream again and again.
        problems: What could not be used, a sentence each.
    """

    name: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    max_objects: int
    splits: Mapping[str, int | None]
    problems: tuple[str, ...]

    def sample(self, name: str) -> Sample:
        """The sample of that name: "val/3", "test/0", or "train/17" of the training stream.

        Raises:
            ValueError: There is none.
        """
        ...

    def stream_sample(self, index: int) -> Sample:
        """Sample `index`, 0 or more, of the training stream, which has no end: "train/{index}"."""
        ...

    def files(self, name: str) -> tuple[Path, ...]:
        """The files that a sample was made from; none where it was made up or is bundled.

        Raises:
            ValueError: There is no such sample.
        """
        ...

    def training_boxes(self) -> np.ndarray:
        """Boxes to fit anchors to, in an order that stays.

        Returns:
            (n, 4) float32 x_center, y_center, width, height as image fractions: here of the first
            training samples. A source that knows them without making the pictures is quicker.
        """
        count = self.splits.get("train") or ANCHOR_SAMPLES
        boxes = [self.stream_sample(index).boxes for index in range(min(count, ANCHOR_SAMPLES))]
        return np.concatenate(boxes)


def first_names(source: SampleSource, split: str, count: int) -> tuple[str, ...]:
    """Names of the first samples of a split: `count` of them, or all if there are fewer.

    Raises:
        ValueError: The source has no such split, or nothing in it.
    """
    size = source.splits.get(split, 0)
    if size == 0:
        there = ", ".join(name for name, each in source.splits.items() if each != 0)
        raise ValueError(f"{source.name} has no samples in {split}; it has some in {there}.")
    return tuple(f"{split}/{index}" for index in range(min(count, size or count)))


def has_sample(source: SampleSource, name: str) -> bool:
    """Whether a name such as "val/3" is one of a sample; the training stream has no end."""
    split, index = split_name(name)
    size = source.splits.get(split, 0)
    return size is None or index < size or (split == "train" and size > 0)


def default_anchors(source: SampleSource, count: int = 3) -> np.ndarray:
    """Anchors that suit the training boxes.

    Returns:
        (count, 2) float32 widths and heights as image fractions, the smallest area first.

    Raises:
        ValueError: `count` is less than 1, or more than there are different boxes.
    """
    return kmeans_anchors(source.training_boxes()[:, 2:], count, seed=0)[0]
