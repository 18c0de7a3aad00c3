"""RetinaNet as torchvision and keras-hub have it."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.cross_entropy import doubt_and_error
from yolo_core.losses.labels import Labels
from yolo_core.losses.retinanet.loss import RetinaNetLoss
from yolo_core.losses.retinanet.pyramid import PyramidAnchors
from yolo_core.losses.verbatim import VerbatimLoss

CLIP = 1e-7


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimRetinaNetLoss(VerbatimLoss, RetinaNetLoss):
    """`RetinaNetLoss` with any of the published slips (`docs/losses.md`, retinanet).

    Args:
        *arguments: As `RetinaNetLoss`.
        slips: Names of `retinanet/slips.py`.
        **options: As `RetinaNetLoss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    def _anchor_boxes(self, pyramid: PyramidAnchors) -> np.ndarray:
        return pyramid.boxes(rounded=self._has("rounded-anchors"))

    def _forces(self, labels: Labels, reach: Tensor) -> Tensor:
        if self.options["low_quality_matches"] and self._has("zero-overlap-forces-all"):
            return labels.usable
        return super()._forces(labels, reach)

    def _forced(self, best_anchor: Tensor, wants: Tensor, matched: Tensor) -> Tensor:
        if self._has("forced-for-another"):
            return matched
        return super()._forced(best_anchor, wants, matched)

    def _class_error(self, wanted: Tensor, logits: Tensor) -> Tensor:
        if not (self._has("saturating-focal") or self._has("means-of-entries")):
            return super()._class_error(wanted, logits)
        alpha, gamma = self.options["alpha"], self.options["gamma"]
        if self._has("saturating-focal"):
            right = _rounded_sigmoid(logits)
            # A probability on the bound itself still has a gradient, unlike that of `ops.clip`.
            right = ops.where(right > 1.0 - CLIP, 1.0 - CLIP, right)
            right = ops.where(right < CLIP, CLIP, right)
            right = ops.where(wanted, right, 1.0 - right)
            error = ops.power(1.0 - right, gamma) * -ops.log(right)
        else:
            doubt, error = doubt_and_error(ops.where(wanted, -logits, logits), gamma)
            error = doubt * error
        if self._has("means-of-entries"):
            return ops.mean(error, axis=-1)
        return ops.sum(ops.where(wanted, alpha, 1.0 - alpha) * error, axis=-1)

    def _box_error(self, deltas: Tensor, target: Tensor, boxes: Tensor, wanted: Tensor) -> Tensor:
        error = super()._box_error(deltas, target, boxes, wanted)
        if self._has("means-of-entries") and self.options["box_error"] != "giou":
            return error / 4.0
        return error

    def _share(self, matched: Tensor) -> Tensor:
        share = super()._share(matched)
        if not self._has("no-objects-no-loss"):
            return share
        return ops.where(self.reduce_count(ops.sum(matched)) > 0.0, share, 0.0)


def _rounded_sigmoid(logits: Tensor) -> Tensor:
    """The sigmoid as PyTorch has it beside 1, where a few steps of float32 decide over the clip.

    Its gradient is p (1 - p) of the rounded p.
    """
    # Past 80 the exponential leaves float32, and p has long been 0 or 1.
    fixed = ops.stop_gradient(logits)
    rounded = 1.0 / (1.0 + ops.exp(-ops.clip(fixed, -80.0, 80.0)))
    return rounded + rounded * (1.0 - rounded) * (logits - fixed)
