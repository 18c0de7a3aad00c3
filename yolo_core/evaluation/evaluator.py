"""Evaluation on validation samples, by the network and the loss that train."""

from __future__ import annotations

import numpy as np

from yolo_core.data.batches import sample_batch
from yolo_core.data.source import SampleSource, first_names
from yolo_core.evaluation.metrics import detections_in, mean_average_precision, objects_in
from yolo_core.models.decode import nms_keep
from yolo_core.training.detector import Detector

BATCH = 100


class Evaluator:
    """Measures a detector on the first samples of a split.

    Args:
        source: Where the samples come from.
        count: How many; all of them where the split has fewer.
        split: "val" or "test".

    Raises:
        ValueError: The source has no such split.
    """

    def __init__(self, source: SampleSource, count: int, split: str = "val") -> None:
        self.source = source
        self.names = first_names(source, split, count)
        self._batches: list[tuple[np.ndarray, np.ndarray]] | None = None

    def evaluate(self, detector: Detector) -> dict[str, float]:
        """The metrics in inference mode.

        Returns:
            "map50", "map50_95", "recall" (COCO rules), and the loss on these samples: "total" and
            "term/NAME", means over batches of 100.
        """
        if self._batches is None:
            parts = [self.names[at : at + BATCH] for at in range(0, len(self.names), BATCH)]
            self._batches = [sample_batch(self.source, names) for names in parts]
        found, truth, losses = [], [], []
        for images, y_true in self._batches:
            _, breakdown = detector.inspect(images.astype(np.float32) / 255.0, y_true)
            seen = breakdown.predictions
            boxes, objectness = seen["boxes"], seen["objectness"]
            keep = nms_keep(boxes, objectness, seen["class_probabilities"])
            found += detections_in(boxes, objectness, seen["class_probabilities"], keep)
            truth += objects_in(y_true)
            terms = {f"term/{name}": float(value) for name, value in breakdown.terms.items()}
            losses.append({"total": float(breakdown.total), **terms})
        metrics = mean_average_precision(found, truth, num_classes=len(self.source.class_names))
        weights = [len(images) for images, _ in self._batches]
        means = {
            name: float(np.average([loss[name] for loss in losses], weights=weights))
            for name in losses[0]
        }
        return {**metrics, **means}
