"""Detections as a COCO result file, and the objects that they are held against. No TensorFlow.

https://cocodataset.org/#format-results. Ids count from 1; boxes are in pixels of the network's
input, as sizes are in an evaluation, so that the two files and its scores are of the same boxes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yolo_core.evaluation.table import EvaluationTable


def coco_results(table: EvaluationTable) -> list[dict[str, Any]]:
    """The detections of an evaluation.

    Returns:
        [{"image_id", "category_id", "bbox": [left, top, width, height], "score"}].
    """
    found = table.found
    columns = (found.sample, found.class_index, _boxes(table, found.box), found.score)
    return [
        {"image_id": sample + 1, "category_id": kind + 1, "bbox": box, "score": score}
        for sample, kind, box, score in zip(*(each.tolist() for each in columns), strict=True)
    ]


def coco_truth(table: EvaluationTable) -> dict[str, Any]:
    """The objects of an evaluation as a COCO annotation file.

    Regions in which detections count neither as right nor as wrong are crowds, as in COCO.
    """
    width, height = table.image_size
    truth = table.truth
    columns = (truth.sample, truth.class_index, _boxes(table, truth.box), truth.ignored)
    rows = zip(*(each.tolist() for each in columns), strict=True)
    return {
        "images": [
            {"id": at, "file_name": name, "width": width, "height": height}
            for at, name in enumerate(table.samples, 1)
        ],
        "categories": [{"id": at, "name": name} for at, name in enumerate(table.class_names, 1)],
        "annotations": [
            {
                "id": at,
                "image_id": sample + 1,
                "category_id": kind + 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": int(ignored),
            }
            for at, (sample, kind, box, ignored) in enumerate(rows, 1)
        ],
    }


def _boxes(table: EvaluationTable, boxes: np.ndarray) -> np.ndarray:
    """(n, 4) left, top, width, height in pixels, of centres and sizes as fractions."""
    corner = boxes[:, :2] - boxes[:, 2:] / 2
    return np.concatenate([corner, boxes[:, 2:]], axis=1) * np.tile(table.image_size, 2)
