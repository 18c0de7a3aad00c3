"""Everything that the doctor looks for, in the order in which it says what it found."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping

from yolo_core.doctor.finding import Check, Of

_MODULES: Mapping[Of, tuple[str, ...]] = {
    "loss": (
        "edge", "laws", "anchor_order", "cells", "decoding", "targets", "overlap", "ledger",
        "collision", "ignoring", "mining", "booked", "channels", "stop_gradient", "batch_split",
        "order", "scaling", "empty", "saturation", "activation", "oracle", "pull", "descent",
    ),
    "data": (
        "problems", "class_unseen", "anchor_scale", "anchor_shape", "anchor_use", "anchor_resize",
        "stretched", "collisions", "augmented",
    ),
    "run": (
        "not_finite", "boxes_growing", "misread", "total", "term_still", "starves",
        "objectness_zero", "dead", "step_size", "learning_rate", "warm_up", "batch_norm",
        "overfitted", "class_silent", "anchor_silent", "never_learned", "contradicted",
    ),
}  # fmt: skip


@functools.cache
def checks(of: Of) -> tuple[Check, ...]:
    """What is looked for in a loss, in data, or in a run; those of a loss load Keras."""
    return tuple(
        importlib.import_module(f"{__package__}.{of}.{name}").CHECK for name in _MODULES[of]
    )
