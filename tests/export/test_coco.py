"""Detections as COCO files: what readers of these count is what the evaluation measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from PIL import Image

from tests.data.made_pictures import CLASSES, made_pictures, made_source
from yolo_core.data.config import DataConfig
from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource
from yolo_core.evaluation.metrics import Detections, coco_scores, objects_in
from yolo_core.evaluation.table import EvaluationTable, rows_of
from yolo_core.export.coco import CocoFiles

# Two pictures of 60 x 40, one of 40 x 80: letterboxed into 64 x 64 pixels.
BOXES = [[(0, 6, 4, 30, 20), (2, 40, 10, 58, 38)], [], [(1, 4, 8, 24, 60)]]
SIZES = [(60, 40), (60, 40), (40, 80)]
DATA = {"image_size": 64, "augment": "off"}


def table_of(
    source: SampleSource, names: Sequence[str], seen: Sequence[Detections]
) -> EvaluationTable:
    """An evaluation in which that was found."""
    samples = [source.sample(name) for name in names]
    there = []
    for sample in samples:
        rows = np.zeros((1, len(sample.boxes), 5 + len(source.class_names)))
        rows[0, :, 0], rows[0, :, 1:5] = 1, sample.boxes
        rows[0, np.arange(len(sample.boxes)), 5 + sample.classes] = 1
        (objects,) = objects_in(rows)
        there.append(
            dataclasses.replace(
                objects, ignored_boxes=sample.ignored_boxes, ignored_classes=sample.ignored_classes
            )
        )
    found, truth = rows_of(seen, there)
    classes = len(source.class_names)
    scores = coco_scores(seen, there, num_classes=classes, image_size=(64, 64))
    return EvaluationTable(
        step=7,
        split="val",
        of=len(names),
        loss_name="a loss",
        class_names=source.class_names,
        image_size=(64, 64),
        grids=((4, 4, 3),),
        samples=tuple(names),
        losses={"total": 1.0},
        scores=scores,
        found=found,
        truth=truth,
    )


def nearly(source: SampleSource, name: str, seed: int) -> Detections:
    """Detections about the objects of a sample, and one in the corner."""
    sample, random = source.sample(name), np.random.default_rng(seed)
    boxes = np.concatenate([sample.boxes, [[0.9, 0.9, 0.1, 0.1]]]).astype(np.float64)
    boxes[:, 2:] *= random.uniform(0.7, 1.2, boxes[:, 2:].shape)
    scores = random.uniform(0.1, 0.9, len(boxes))
    return Detections(boxes, scores, np.append(sample.classes, 0))


def read_back(files: CocoFiles, folder: Path) -> tuple[float, float]:
    """mAP50 and mAP50-95 as a reader of COCO files counts them."""
    (folder / "results.json").write_text(json.dumps(files.results()))
    (folder / "objects.json").write_text(json.dumps(files.objects()))
    truth = COCO(str(folder / "objects.json"))
    counting = COCOeval_faster(truth, truth.loadRes(str(folder / "results.json")), "bbox")
    counting.run()
    return float(counting.stats[1]), float(counting.stats[0])


@pytest.mark.parametrize("fit", ["letterbox", "stretch"])
def test_scores_are_those_of_the_evaluation_and_boxes_those_of_the_pictures(
    fit: str, tmp_path: Path
) -> None:
    groups = [(2, 0, 2, 2, 30, 30)]
    data = made_pictures(BOXES, sizes=SIZES, groups=groups)
    source = made_source(data, val=3, fit=fit, **DATA)
    names = ["val/0", "val/1", "val/2"]
    table = table_of(source, names, [nearly(source, name, at) for at, name in enumerate(names)])
    files = CocoFiles(table, source, source.config)
    whole = table.scores.whole
    assert read_back(files, tmp_path) == pytest.approx((whole.map50, whole.map50_95), abs=1e-6)
    assert 0 < float(whole.map50_95 or 0) < 1

    objects = files.objects()
    assert objects["images"][2] == {"id": 3, "file_name": "p2.png", "width": 40, "height": 80}
    assert objects["categories"] == [{"id": at, "name": name} for at, name in enumerate(CLASSES, 1)]
    first, second, third, group = objects["annotations"]
    np.testing.assert_allclose(first["bbox"], [6, 4, 24, 16], atol=1e-4)
    np.testing.assert_allclose(second["bbox"], [40, 10, 18, 28], atol=1e-4)
    np.testing.assert_allclose(third["bbox"], [4, 8, 20, 52], atol=1e-4)
    assert (third["image_id"], third["category_id"], third["iscrowd"]) == (3, 2, 0)
    np.testing.assert_allclose(group["bbox"], [2, 2, 28, 28], atol=1e-4)
    assert group["iscrowd"] == 1


def test_scenes_without_files_are_named_by_their_samples(tmp_path: Path) -> None:
    config = DataConfig.model_validate({"source": "digits", "image_size": 64})
    source = open_source(config)
    names = ["test/0", "test/1"]
    table = table_of(source, names, [nearly(source, name, at) for at, name in enumerate(names)])
    files = CocoFiles(table, source, config)
    assert files.objects()["images"][1] == {
        "id": 2,
        "file_name": "test/1",
        "width": 64,
        "height": 64,
    }
    assert read_back(files, tmp_path)[0] == pytest.approx(table.scores.whole.map50, abs=1e-6)


def test_of_a_coco_file_ids_are_its_own(tmp_path: Path) -> None:
    """So that the results can be held against that file, as if the network had been its own."""
    images = [
        {"id": 900 + at, "file_name": f"p{at}.png", "width": 60, "height": 40} for at in range(3)
    ]
    annotations: list[dict[str, Any]] = [
        {
            "id": at + 1,
            "image_id": 900 + at,
            "category_id": kind,
            "bbox": [6, 4, 24, 16],
            "area": 384,
        }
        for at, kind in enumerate((70, 18, 70))
    ]
    categories = [{"id": 70, "name": "cup"}, {"id": 18, "name": "dog"}]
    for at in range(3):
        Image.new("RGB", (60, 40), (at, 0, 0)).save(tmp_path / f"p{at}.png")
    own = {"images": images, "annotations": annotations, "categories": categories}
    for each in annotations:
        each["iscrowd"] = 0
    (tmp_path / "own.json").write_text(json.dumps(own))
    config = DataConfig.model_validate({"source": f"coco:{tmp_path / 'own.json'}", **DATA})
    source = open_source(config)
    (split,) = (name for name, count in source.splits.items() if count == 1 and name == "val")
    table = table_of(source, ["val/0"], [nearly(source, "val/0", 1)])
    files = CocoFiles(table, source, config)
    (image,) = files.objects()["images"]
    kind = {"p0.png": 70, "p1.png": 18, "p2.png": 70}[image["file_name"]]
    assert image["id"] == 900 + int(image["file_name"][1])
    assert split == "val"
    best = files.results()[0]
    assert best["image_id"] == image["id"]
    assert {each["category_id"] for each in files.results()} <= {70, 18}
    assert files.objects()["annotations"][0]["category_id"] == kind
    # Their own file takes them.
    truth = COCO(str(tmp_path / "own.json"))
    counting = COCOeval_faster(truth, truth.loadRes(files.results()), "bbox")
    counting.params.imgIds = [image["id"]]
    counting.run()
    assert counting.stats[1] == pytest.approx(table.scores.whole.map50, abs=1e-6)
