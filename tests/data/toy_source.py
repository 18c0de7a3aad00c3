"""Another data set than the digits: colour pictures, twice as wide as high, of a few samples.

A process that does not run in here finds it as it finds any installed source: by its entry point.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yolo_core.data.config import DataConfig
from yolo_core.data.registry import GROUP
from yolo_core.data.sample import Sample, split_name
from yolo_core.data.source import SampleSource

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (60, 80, 230)}


class ToySource(SampleSource):
    """Rectangles of three colours on noise, 48 pixels high and 80 wide."""

    name = "toy"
    image_shape = (48, 80, 3)
    class_names = tuple(COLOURS)
    max_objects = 3
    splits = {"train": 20, "val": 6}  # noqa: RUF012
    problems = ("toy/7: its box has no area.",)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def sample(self, name: str) -> Sample:
        split, index = split_name(name, tuple(self.splits))
        if split == "train":
            return self.stream_sample(index)
        if index >= self.splits[split]:
            raise ValueError(f"{split} of {self.name} has {self.splits[split]}; received {name!r}.")
        return self._picture(name, 1, index)

    def stream_sample(self, index: int) -> Sample:
        return self._picture(f"train/{index}", 0, index % self.splits["train"])

    def files(self, name: str) -> tuple[Path, ...]:
        split_name(name, tuple(self.splits))
        return ()

    def _picture(self, name: str, split: int, index: int) -> Sample:
        random = np.random.default_rng((self.seed, split, index))
        height, width, _ = self.image_shape
        image = random.integers(0, 40, self.image_shape, np.uint8)
        classes = random.integers(0, 3, random.integers(1, 4)).astype(np.int32)
        boxes = []
        for colour in classes:
            tall, wide = random.integers(8, 20), random.integers(10, 30)
            top, left = random.integers(0, height - tall), random.integers(0, width - wide)
            image[top : top + tall, left : left + wide] = list(COLOURS.values())[colour]
            boxes.append([left + wide / 2, top + tall / 2, wide, tall])
        fractions = np.array(boxes, np.float32) / np.float32([width, height, width, height])
        return Sample(name=name, image=image, boxes=fractions, classes=classes)


def open_toy(data: DataConfig) -> ToySource:
    return ToySource(data.seed)


def install_toy(folder: Path) -> None:
    """Installs the toy source in a folder, which must be on the module search path."""
    about = folder / "toy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{GROUP}]\ntoy = {__name__}:{open_toy.__name__}\n")
