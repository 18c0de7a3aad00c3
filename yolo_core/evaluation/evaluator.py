"""Evaluation on samples of a split, by the network and the loss that train."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.data.batches import stack_samples
from yolo_core.data.source import SampleSource, first_names
from yolo_core.evaluation.metrics import (
    Detections,
    Objects,
    detections_in,
    mean_average_precision,
    objects_in,
)
from yolo_core.models.decode import nms_keep

if TYPE_CHECKING:
    from yolo_core.training.detector import Detector

MOST_IN_A_BATCH = 100
BATCH_PIXELS = 2_000_000  # beyond that a batch takes gigabytes in the network
KEPT_BYTES = 200_000_000


@dataclasses.dataclass(frozen=True)
class Looked:
    """What was seen in a batch of samples.

    Attributes:
        detections: One entry a sample.
        objects: One entry a sample.
        slots: The slots of the detections, one array a sample.
        losses: "total" and "term/NAME" of the batch.
    """

    detections: list[Detections]
    objects: list[Objects]
    slots: list[np.ndarray]
    losses: dict[str, float]


@dataclasses.dataclass(frozen=True)
class _Batch:
    images: np.ndarray
    y_true: np.ndarray
    objects: list[Objects]


class Evaluator:
    """Measures a detector on the first samples of a split.

    Args:
        source: Where the samples come from.
        count: How many; all of them where the split has fewer.
        split: Such as "val" or "test".

    Raises:
        ValueError: The source has no such split.
    """

    def __init__(self, source: SampleSource, count: int, split: str = "val") -> None:
        self.source = source
        self.names = first_names(source, split, count)
        pixels = source.image_shape[0] * source.image_shape[1]
        size = min(max(BATCH_PIXELS // pixels, 1), MOST_IN_A_BATCH)
        self._parts = [self.names[at : at + size] for at in range(0, len(self.names), size)]
        self._kept: dict[int, _Batch] = {}
        self._keeps = len(self.names) * int(np.prod(source.image_shape)) <= KEPT_BYTES

    def evaluate(self, detector: Detector) -> dict[str, float]:
        """The metrics in inference mode.

        Returns:
            "map50", "map50_95", "recall" (COCO rules), and the loss on these samples: "total" and
            "term/NAME", means over batches of 100, fewer of large pictures.
        """
        looked = list(self.look(detector))
        metrics = mean_average_precision(
            [each for one in looked for each in one.detections],
            [each for one in looked for each in one.objects],
            num_classes=len(self.source.class_names),
        )
        return {**metrics, **mean_losses(looked)}

    def look(self, detector: Detector) -> Iterator[Looked]:
        """Looks at one batch after the other, in inference mode."""
        for number, names in enumerate(self._parts):
            batch = self._kept.get(number) or self._batch(names)
            if self._keeps:
                self._kept[number] = batch
            _, breakdown = detector.inspect(
                self.source.network_inputs(batch.images, names), batch.y_true
            )
            seen = breakdown.predictions
            boxes, objectness = seen["boxes"], seen["objectness"]
            keep = nms_keep(boxes, objectness, seen["class_probabilities"])
            terms = {f"term/{name}": float(value) for name, value in breakdown.terms.items()}
            yield Looked(
                detections_in(boxes, objectness, seen["class_probabilities"], keep),
                batch.objects,
                [np.flatnonzero(each) for each in keep],
                {"total": float(breakdown.total), **terms},
            )

    def _batch(self, names: tuple[str, ...]) -> _Batch:
        samples = [self.source.sample(name) for name in names]
        images, y_true = stack_samples(self.source, samples)
        objects = [
            dataclasses.replace(
                each, ignored_boxes=sample.ignored_boxes, ignored_classes=sample.ignored_classes
            )
            for each, sample in zip(objects_in(y_true), samples, strict=True)
        ]
        return _Batch(images, y_true, objects)


def mean_losses(looked: list[Looked]) -> dict[str, float]:
    """The mean of the losses of batches, each counted by its samples."""
    weights = [len(each.objects) for each in looked]
    return {
        name: float(np.average([each.losses[name] for each in looked], weights=weights))
        for name in looked[0].losses
    }
