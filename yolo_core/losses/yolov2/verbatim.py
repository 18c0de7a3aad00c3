"""YOLOv2 as it was published: the notebook, its `backend.py`, and the formulas."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import ops

from yolo_core.assignment import IgnoreRule
from yolo_core.boxes import Tensor
from yolo_core.losses.labels import Labels
from yolo_core.losses.matching import Matching
from yolo_core.losses.slot_axis import largest
from yolo_core.losses.verbatim import VerbatimLoss
from yolo_core.losses.yolov2.loss import YoloV2Loss
from yolo_core.slots import SlotLayout

# A square root has no slope at zero, a logarithm no value: decoded numbers below count as this.
SMALLEST_DECODED = 1e-30


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimYoloV2Loss(VerbatimLoss, YoloV2Loss):
    """`YoloV2Loss` with any of its published slips (`docs/losses.md`, B-2 to B-8, D-1 to D-9).

    Args:
        *arguments: As `YoloV2Loss`.
        slips: Names of `yolov2/slips.py`.
        decoded: Predictions are decoded: boxes in the unit that the terms compare (grid cells, or
            image fractions with the slip "image-units"), confidence and class probabilities.
        **options: As `YoloV2Loss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    def __init__(self, *arguments: Any, decoded: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.decoded = bool(decoded)

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {**super().get_config(), "decoded": self.decoded}

    def encode_boxes(self, layout: SlotLayout, boxes: Any) -> tuple[Any, Any]:
        """See `DetectionLoss.encode_boxes`."""
        if self.decoded:
            raise ValueError("it takes decoded predictions.")
        return super().encode_boxes(layout, boxes)

    @property
    def ignore_rule(self) -> IgnoreRule:
        """As the sound one, or for objects that own a slot alone."""
        rule = super().ignore_rule
        if not self._has("only-assigned-ignore"):
            return rule
        return dataclasses.replace(rule, against="assigned")

    @property
    def drops_centre_on_one(self) -> bool:
        """Whether a centre on exactly 1.0 belongs to no cell."""
        return self._has("centre-on-one-dropped")

    def _boxes(self, numbers: Tensor, corner: Tensor, anchor: Tensor, grid: Tensor) -> Tensor:
        if not self.decoded:
            return super()._boxes(numbers, corner, anchor, grid)
        return numbers * grid if self._has("image-units") else numbers

    def _confidence(self, objectness: Tensor) -> Tensor:
        return objectness if self.decoded else super()._confidence(objectness)

    def _class_probabilities(self, classes: Tensor) -> Tensor:
        return classes if self.decoded else super()._class_probabilities(classes)

    def _class_error(self, classes: Tensor, one_hot: Tensor) -> Tensor:
        if not self.decoded:
            return super()._class_error(classes, one_hot)
        return -ops.sum(one_hot * ops.log(ops.maximum(classes, SMALLEST_DECODED)), axis=-1)

    def _counted(self, overlap: Tensor, owns: Tensor) -> Tensor:
        if not self._has("only-assigned-ignore"):
            return super()._counted(overlap, owns)
        return overlap * ops.expand_dims(ops.cast(owns, "float32"), 2)

    def _target_class(self, labels: Labels, matching: Matching) -> Tensor:
        if not self._has("smallest-class"):
            return super()._target_class(labels, matching)
        most = self.num_classes - 1
        wanting = ops.where(matching.rivals[0], ops.expand_dims(labels.classes, 1), most)
        return -largest(-wanting, empty=-most)

    def _compared(self, boxes: Tensor, grid: Tensor) -> Tensor:
        if self._has("image-units"):
            boxes = boxes / grid
        if not self._has("square-root-sizes"):
            return boxes
        root = ops.sqrt(ops.maximum(boxes[..., 2:], SMALLEST_DECODED))
        return ops.concatenate([boxes[..., :2], root], axis=-1)

    def _box_errors(self, wanted: Tensor, boxes: Tensor, grid: Tensor) -> dict[str, Tensor]:
        errors = super()._box_errors(wanted, boxes, grid)
        return {term: self._scale * error for term, error in errors.items()}

    def _confidence_error(self, iou: Tensor, confidence: Tensor) -> Tensor:
        error = self._scale * super()._confidence_error(iou, confidence)
        return error * iou if self._has("confidence-by-iou") else error

    def _empty_error(self, object_mask: Tensor, no_object_mask: Tensor, conf: Tensor) -> Tensor:
        on_objects = self._has("no-object-on-objects")
        penalised = ops.cast(object_mask if on_objects else no_object_mask, "float32")
        error = -conf if self._has("no-object-unsquared") else ops.square(conf)
        return 0.5 * self._scale * penalised * error

    @property
    def _scale(self) -> float:
        """What takes the half of squared errors back, where they have none."""
        return 2.0 if self._has("whole-errors") else 1.0

    @property
    def _warm_batches(self) -> int:
        return super()._warm_batches - self._has("warmup-off-by-one")

    def _divisors(
        self, owned: Tensor, no_object_mask: Tensor, weight: Tensor, iou: Tensor, warm: Tensor
    ) -> dict[str, Tensor]:
        # (B,) each, until they are pooled.
        objects = ops.sum(owned, axis=-1)
        empty = ops.sum(ops.cast(no_object_mask, "float32"), axis=-1)
        confident = classed = objects
        if self._has("count-by-weight"):
            if self._has("confidence-by-iou"):
                confident = ops.sum(owned * ops.cast(iou > 0, "float32"), axis=-1)
            classed = ops.sum(owned * ops.cast(weight > 0, "float32"), axis=-1)
            # Objectness and no_object share a count, which loses the part whose lambda is zero.
            # Counts of one term need no such care: zero times that term is zero whatever it is
            # divided by.
            confident = confident * self._is_on("objectness")
            empty = empty * self._is_on("no_object")
        coord = warm * no_object_mask.shape[1] + (1.0 - warm) * objects
        counts: dict[str, Tensor] = dict.fromkeys(("xy", "wh"), coord)
        counts |= dict.fromkeys(("objectness", "no_object"), confident + empty)
        counts["classification"] = classed
        return {term: self._divisor(count) for term, count in counts.items()}

    def _divisor(self, count: Tensor) -> Tensor:
        """Of a (B,) count an image: the pooled count, or each image's times the images."""
        of_images = self._has("counts-of-each-picture")
        if not of_images:
            count = self.reduce_count(ops.sum(count))
        count = ops.maximum(count, 1.0) if self._has("plain-counts") else count + 1e-6
        if not of_images:
            return count
        images = self.reduce_count(ops.cast(ops.shape(count)[0], "float32"))
        return ops.expand_dims(count, -1) * images  # (B, 1)

    def _is_on(self, term: str) -> Tensor:
        """1.0 where the term's lambda is above zero, else 0.0."""
        return ops.cast(ops.convert_to_tensor(self.lambdas[term]) > 0, "float32")
