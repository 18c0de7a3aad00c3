"""The published losses, each in a folder of its own, and their variants by name."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from yolo_core.lazy import lazy_names

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss, GridLoss
    from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
    from yolo_core.losses.multi_head import MultiHeadLoss
    from yolo_core.losses.published import FAMILIES, VARIANTS, published
    from yolo_core.losses.ssd.loss import SSDLoss
    from yolo_core.losses.ssd.priors import SSD300, PriorConfig
    from yolo_core.losses.yolov1.loss import YoloV1Loss
    from yolo_core.losses.yolov2.loss import YoloV2Loss
    from yolo_core.losses.yolov3.loss import YoloV3Loss

__all__ = [
    "FAMILIES",
    "SSD300",
    "VARIANTS",
    "DetectionLoss",
    "GridLoss",
    "MnistYoloLoss",
    "MultiHeadLoss",
    "PriorConfig",
    "SSDLoss",
    "YoloV1Loss",
    "YoloV2Loss",
    "YoloV3Loss",
    "published",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "yolo_core.losses.base": ("DetectionLoss", "GridLoss"),
        "yolo_core.losses.multi_head": ("MultiHeadLoss",),
        "yolo_core.losses.published": ("FAMILIES", "VARIANTS", "published"),
        "yolo_core.losses.mnist_yolo.loss": ("MnistYoloLoss",),
        "yolo_core.losses.yolov1.loss": ("YoloV1Loss",),
        "yolo_core.losses.yolov2.loss": ("YoloV2Loss",),
        "yolo_core.losses.yolov3.loss": ("YoloV3Loss",),
        "yolo_core.losses.ssd.loss": ("SSDLoss",),
        "yolo_core.losses.ssd.priors": ("SSD300", "PriorConfig"),
    },
)


class _Losses(types.ModuleType):
    """Keeps `published` the function, where the import of `published.py` would set its module."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name == "published" and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Losses
