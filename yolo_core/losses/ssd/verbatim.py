"""SSD as ssd.pytorch has it."""

from __future__ import annotations

import math

import keras
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.slot_axis import largest
from yolo_core.losses.ssd.loss import LEAST_HARD, LOWEST, SSDLoss
from yolo_core.losses.verbatim import VerbatimLoss

# Logarithms of the smallest float32 above zero, and of the smallest with full precision.
LOG_SMALLEST = -149 * math.log(2)
LOG_SMALLEST_NORMAL = -126 * math.log(2)


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimSSDLoss(VerbatimLoss, SSDLoss):
    """`SSDLoss` with the published slip (`docs/losses.md`, E-3).

    Args:
        *arguments: As `SSDLoss`.
        slips: Names of `ssd/slips.py`.
        **options: As `SSDLoss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    def _hardness(self, logits: Tensor, error: Tensor, object_mask: Tensor) -> Tensor:
        if not self._has("global-maximum"):
            return super()._hardness(logits, error, object_mask)
        fixed = ops.stop_gradient(logits)
        hardness = ops.maximum(global_max_log_sum_exp(fixed) - fixed[..., 0], LEAST_HARD)
        # As published, matched priors are ranked with an error of 0.
        return ops.where(object_mask, 0.0, hardness)


def global_max_log_sum_exp(logits: Tensor) -> Tensor:
    """(B, P) `log_sum_exp` of ssd.pytorch: minus infinity for rows far below the batch's maximum.

    Between the smallest normal float32 and nothing PyTorch adds in steps of 2 ** -149, and other
    backends flush to zero; so the steps are counted as whole numbers.
    """
    peak = ops.max(logits, initial=LOWEST)
    below = logits - peak
    steps = ops.sum(ops.round(ops.exp(ops.minimum(below - LOG_SMALLEST, 20.0))), axis=-1)
    is_normal = largest(below, empty=LOWEST) > LOG_SMALLEST_NORMAL
    return peak + ops.where(is_normal, ops.logsumexp(below, axis=-1), ops.log(steps) + LOG_SMALLEST)
