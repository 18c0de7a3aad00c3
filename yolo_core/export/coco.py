"""Detections as a COCO result file, and the objects that they are held against. No TensorFlow.

https://cocodataset.org/#format-results. Boxes are in pixels of the upright pictures themselves,
whatever size the network takes. Of data in COCO's format ids are those of its own file, so that
the results go with it; else they count from 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yolo_core.data.config import DataConfig
from yolo_core.data.opening import ids_of_coco
from yolo_core.data.source import SampleSource
from yolo_core.evaluation.table import EvaluationTable


class CocoFiles:
    """An evaluation in the words of COCO.

    Args:
        table: The evaluation.
        source: The samples that it is of.
        data: How they were opened.

    Raises:
        ValueError: The data is not there any more.
    """

    def __init__(self, table: EvaluationTable, source: SampleSource, data: DataConfig) -> None:
        self._table = table
        self._originals = [source.original(name) for name in table.samples]
        pictures, classes = ids_of_coco(data.source, data.pictures) or ({}, {})
        self._image_ids = [
            pictures.get(each.file, at) for at, each in enumerate(self._originals, 1)
        ]
        self._class_ids = [classes.get(name, at) for at, name in enumerate(table.class_names, 1)]
        self._folder = source.folder

    def results(self) -> list[dict[str, Any]]:
        """The detections: [{"image_id", "category_id", "bbox", "score"}]."""
        found = self._table.found
        return [
            {**self._place(*row), "score": score}
            for *row, score in zip(
                found.sample.tolist(),
                found.class_index.tolist(),
                found.box,
                found.score.tolist(),
                strict=True,
            )
        ]

    def objects(self) -> dict[str, Any]:
        """The objects, as a file of COCO instances.

        Regions in which detections count neither as right nor as wrong are crowds, as in COCO.
        """
        truth = self._table.truth
        columns = (truth.sample.tolist(), truth.class_index.tolist(), truth.box)
        rows = (self._place(*row) for row in zip(*columns, strict=True))
        return {
            "images": [
                {"id": at, "file_name": self._file_name(each.file)}
                | dict(zip(("width", "height"), each.size, strict=True))
                for at, each in zip(self._image_ids, self._originals, strict=True)
            ],
            "categories": [
                {"id": at, "name": name}
                for at, name in zip(self._class_ids, self._table.class_names, strict=True)
            ],
            "annotations": [
                {"id": at, **row, "area": math.prod(row["bbox"][2:]), "iscrowd": int(ignored)}
                for at, (row, ignored) in enumerate(zip(rows, truth.ignored, strict=True), 1)
            ],
        }

    def _place(self, sample: int, label: int, box: np.ndarray) -> dict[str, Any]:
        """Picture, class, and left, top, width, height in its pixels."""
        original = self._originals[sample]
        pixels = np.array(self._table.image_size)
        corners = np.concatenate([box[:2] - box[2:] / 2, box[:2] + box[2:] / 2])
        edges = original.place.back(corners[None] * np.tile(pixels, 2), original.size)[0]
        left_top, right_bottom = edges[:2], edges[2:]
        return {
            "image_id": self._image_ids[sample],
            "category_id": self._class_ids[label],
            "bbox": [*left_top.tolist(), *(right_bottom - left_top).tolist()],
        }

    def _file_name(self, file: Any) -> str:
        folder = self._folder
        inside = folder is not None and file.is_relative_to(folder)
        return (file.relative_to(folder) if inside else file).as_posix()
