"""The share of a training step that is spent waiting for pictures, by epoch.

Photographs of 500 x 375 as JPEG (made up, or those of --data) enter at 416 x 416 with all changes
at random. The goal is below 2 % from the second epoch on, when none is decoded any more.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from yolo_core.data.batches import training_batches
from yolo_core.data.kept import keep_beside
from yolo_core.data.registry import open_source
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import parse_config

SIZE = (500, 375)


def make_photographs(folder: Path, count: int) -> str:
    """JPEGs with as much in them as a photograph has, and a COCO file; what `--data` takes."""
    random = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8)).resize(SIZE)
        grain = random.integers(-12, 13, (SIZE[1], SIZE[0], 3))
        picture = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.jpg", quality=90)
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 500, "height": 375})
        for _ in range(5):
            wide, high = random.integers(30, 200, 2).tolist()
            place = [
                int(random.integers(0, whole - side))
                for whole, side in zip(SIZE, (wide, high), strict=True)
            ]
            annotations.append({"image_id": number, "category_id": 1, "bbox": [*place, wide, high]})
    for number, each in enumerate(annotations):
        each |= {"id": number, "iscrowd": 0, "area": each["bbox"][2] * each["bbox"][3]}
    whole = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "a"}]}
    (folder / "all.json").write_text(json.dumps(whole))
    return f"coco:{folder / 'all.json'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="voc:DIR, coco:FILE.json or yolo:DATA.yaml; else made up")
    parser.add_argument("--pictures", type=int, default=160, help="pictures to make up")
    parser.add_argument("--image-size", default="416")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--network", default="medium")
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keep_beside(Path(folder))
        entry = given.data or make_photographs(Path(folder), given.pictures)
        fields = {"data": {"source": entry, "image_size": given.image_size}}
        config = parse_config(fields | {"network": {"size": given.network}})
        source = open_source(config.data)
        detector = build_detector(config, build_loss(config, source), source)
        steps = (source.splits["train"] or 0) // given.batch_size
        batches = iter(training_batches(source, batch_size=given.batch_size))
        # Compiling takes seconds, in which any number of batches would be made.
        first = next(iter(training_batches(source, batch_size=given.batch_size, batches=1)))
        update(detector, first)
        print(
            f"{source.splits['train']} pictures, {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f}\n{'epoch':>5}{'step ms':>10}{'waiting ms':>12}{'share':>8}"
        )
        for epoch in range(1, given.epochs + 1):
            waited = took = 0.0
            for _ in range(steps):
                begin = time.perf_counter()
                batch = next(batches)
                waited += time.perf_counter() - begin
                update(detector, batch)
                took += time.perf_counter() - begin
            print(
                f"{epoch:>5}{1e3 * took / steps:>10.1f}{1e3 * waited / steps:>12.2f}"
                f"{waited / took:>8.2%}",
                flush=True,
            )


def update(detector: keras.Model, batch: tuple) -> None:
    """One step; reading the loss back waits for a GPU to be done."""
    detector.make_train_function()
    float(detector.train_function(iter([batch]))["loss"])


if __name__ == "__main__":
    main()
