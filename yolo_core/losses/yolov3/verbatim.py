"""YOLOv3 as it was published: PyTorch-YOLOv3 and yolov3-tf2."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import IgnoreRule
from yolo_core.boxes import Tensor
from yolo_core.losses.anchor_set import cell_anchors
from yolo_core.losses.cross_entropy import binary_cross_entropy
from yolo_core.losses.labels import Labels
from yolo_core.losses.matching import Matching, last_object_wins
from yolo_core.losses.slot_axis import add_to_slots
from yolo_core.losses.verbatim import VerbatimLoss
from yolo_core.losses.yolov3.loss import YoloV3Loss
from yolo_core.slots import SlotLayout

# nn.BCELoss divides its gradient by p * (1 - p), but by no less than this.
SMALLEST_VARIANCE = 1e-12
CLIP = 1e-7


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimYoloV3Loss(VerbatimLoss, YoloV3Loss):
    """`YoloV3Loss` with any of its published slips (`docs/losses.md`, C-1 to C-9 and C').

    Args:
        *arguments: As `YoloV3Loss`.
        slips: Names of `yolov3/slips.py`.
        **options: As `YoloV3Loss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    @property
    def ignore_rule(self) -> IgnoreRule:
        """By predicted boxes, those of the slot's own head, or by anchor shapes."""
        threshold = self.options["ignore_threshold"]
        if self._has("ignore-by-anchor-shape"):
            return IgnoreRule("prior_shape", threshold)
        if self._has("ignore-within-head"):
            return IgnoreRule("predicted_box", threshold, against="head")
        return super().ignore_rule

    def _cell_of(self, centre: Tensor, cells: int) -> Tensor:
        if not self._has("cell-by-division"):
            return super()._cell_of(centre, cells)
        cell = ops.floor_divide(centre, float(np.float32(1) / np.float32(cells)))
        return ops.cast(ops.clip(cell, 0, cells - 1), "int32")

    def _match(self, labels: Labels, layout: SlotLayout) -> Matching:
        if not self._has("every-head"):
            return super()._match(labels, layout)
        slots, score = cell_anchors(labels, self.anchors, layout.grids, self._cell_of)
        members = [np.asarray(head, np.int32) for head in self.anchors.heads]
        groups = [
            (ops.take(slots, rows, axis=-1), ops.take(score, rows, axis=-1)) for rows in members
        ]
        return last_object_wins(labels, groups, "shape IoU")

    def _ignored(
        self, labels: Labels, matching: Matching, overlap: Tensor, layout: SlotLayout
    ) -> Tensor:
        if self._has("ignore-by-anchor-shape"):
            return self._fits_own_cell(labels, layout)
        if self._has("ignore-within-head"):
            # (B, N, heads), then (B, N, P): whether the slot's head trains the object.
            head = ops.take(ops.convert_to_tensor(layout.head), matching.slot)
            heads = np.arange(len(layout.grids), dtype=np.int32)
            trains = ops.logical_and(
                ops.equal(ops.expand_dims(head, -1), heads), ops.expand_dims(matching.owns, -1)
            )
            trains = ops.take(ops.any(trains, axis=2), layout.head, axis=-1)
            overlap = ops.where(trains, overlap, 0.0)
        return super()._ignored(labels, matching, overlap, layout)

    def _fits_own_cell(self, labels: Labels, layout: SlotLayout) -> Tensor:
        """(B, P) bool: slots with an object in their cell and a shape IoU above the threshold."""
        slots, score = cell_anchors(labels, self.anchors, layout.grids, self._cell_of)  # (B, N, T)
        fits = ops.logical_and(score > self.options["ignore_threshold"], slots >= 0)
        fits = ops.logical_and(fits, ops.expand_dims(labels.usable, -1))
        batch, objects, anchors = ops.shape(fits)
        flat = (batch, objects * anchors)
        count = add_to_slots(
            ops.reshape(ops.cast(fits, "int32"), flat),
            ops.reshape(ops.maximum(slots, 0), flat),
            layout.count,
        )
        return count > 0

    def _shares(
        self, object_mask: Tensor, no_object_mask: Tensor, layout: SlotLayout
    ) -> tuple[Tensor, Tensor]:
        if not self._has("sums-for-means"):
            return super()._shares(object_mask, no_object_mask, layout)
        one = ops.ones((layout.count,), "float32")
        return one, one

    def _box_weight(self, wanted: Tensor) -> Tensor | float:
        if not self._has("size-weighting"):
            return super()._box_weight(wanted)
        return 2.0 - wanted[..., 2] * wanted[..., 3]

    def _class_target(self, labels: Labels, matching: Matching) -> Tensor:
        target = super()._class_target(labels, matching)
        if not self._has("every-class"):
            return target
        wanted = [
            ops.matmul(ops.cast(rivals, "float32"), labels.one_hot) for rivals in matching.rivals
        ]
        return ops.reshape(ops.minimum(ops.stack(wanted, axis=2), 1.0), ops.shape(target))

    def _class_error(self, classes: Tensor, one_hot: Tensor) -> Tensor:
        if not self._has("share-of-sigmoids"):
            scale = self.num_classes if self._has("sums-for-means") else 1
            return scale * super()._class_error(classes, one_hot)
        log_probability = ops.log_sigmoid(classes)
        if self._has("clipped-probabilities-v3"):
            log_probability = ops.log(ops.clip(ops.sigmoid(classes), CLIP, 1.0 - CLIP))
        return -ops.sum(one_hot * ops.log_softmax(log_probability, axis=-1), axis=-1)

    def _binary(self, logit: Tensor, target: int) -> Tensor:
        if self._has("saturated-logarithms"):
            return clamped_cross_entropy(logit, target)
        clip = CLIP if self._has("clipped-probabilities-v3") else None
        return binary_cross_entropy(logit, target, clip=clip)


def clamped_cross_entropy(logit: Tensor, target: int) -> Tensor:
    """`torch.nn.BCELoss` of a sigmoid, value and gradient, in float32 on any backend.

    The gradient is laid onto the value by hand: behind a logarithm that has saturated there is
    none, or not a number.

    Args:
        logit: (...) float32.
        target: 0 or 1.

    Returns:
        (...) float32, 0 to 100.
    """
    fixed = ops.stop_gradient(logit)
    # Written out: the sigmoids of the backends round differently beside 1.
    probability = 1.0 / (1.0 + ops.exp(-fixed))
    logarithm = ops.log(probability) if target else ops.log1p(-probability)
    variance = probability * (1.0 - probability)
    slope = (probability - target) * variance / ops.maximum(variance, SMALLEST_VARIANCE)
    return slope * (logit - fixed) - ops.maximum(logarithm, -100.0)
