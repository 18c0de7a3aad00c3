"""Data of the tests: bright boxes on a dark ground, so that what lies in a box is plain to see."""

from __future__ import annotations

import numpy as np

from yolo_core.data.sample import Sample
from yolo_core.data.source import SampleSource
from yolo_core.doctor.data_bench import DataBench
from yolo_core.training.config import RunConfig, parse_config

SIDE = 64


class BrightBoxes(SampleSource):
    """One bright box a picture, wider than high, anywhere; training pictures may be mirrored.

    Args:
        mirrored: "boxes too", "picture alone" or "never".
        classes: How many there are; objects are of the first two.
    """

    name = "bright boxes"
    image_shape = (SIDE, SIDE, 1)
    max_objects = 1
    problems = ()

    def __init__(self, mirrored: str = "never", classes: int = 2) -> None:
        self.mirrored = mirrored
        self.class_names = tuple(f"class {index}" for index in range(classes))
        self.splits = {"train": None, "val": 60}

    def sample(self, name: str) -> Sample:
        split, index = name.split("/")
        random = np.random.default_rng([split == "train", int(index)])
        w, h = random.uniform(0.2, 0.3), random.uniform(0.1, 0.15)
        x, y = random.uniform(w / 2, 1 - w / 2), random.uniform(h / 2, 1 - h / 2)
        image = np.zeros(self.image_shape, np.uint8)
        left, right = round((x - w / 2) * SIDE), round((x + w / 2) * SIDE)
        top, bottom = round((y - h / 2) * SIDE), round((y + h / 2) * SIDE)
        image[top:bottom, left:right] = 200
        if split == "train" and self.mirrored != "never" and random.random() < 0.5:
            image = image[:, ::-1]
            x = 1 - x if self.mirrored == "boxes too" else x
        boxes = np.array([[x, y, w, h]], np.float32)
        return Sample(name, image, boxes, np.array([int(index) % 2], np.int32))

    def stream_sample(self, index: int) -> Sample:
        return self.sample(f"train/{index}")

    def files(self, name: str):
        del name
        return ()


def bench(source: SampleSource, **fields) -> DataBench:
    """That data in a configuration with these fields, such as loss={"anchors": ...}."""
    config = parse_config(fields) if fields else RunConfig()
    return DataBench(config, source)
