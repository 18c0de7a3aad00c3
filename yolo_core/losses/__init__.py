"""The published losses, a folder each, and their variants by name.

The names below are loaded when they are asked for: `families` and `slips` need no Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss
    from yolo_core.losses.by_name import changed, published
    from yolo_core.losses.grid import GridLoss
    from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
    from yolo_core.losses.multi_head import MultiHeadLoss
    from yolo_core.losses.ssd.loss import SSDLoss
    from yolo_core.losses.ssd.priors import SSD300, PriorConfig
    from yolo_core.losses.yolov1.loss import YoloV1Loss
    from yolo_core.losses.yolov2.loss import YoloV2Loss
    from yolo_core.losses.yolov3.loss import YoloV3Loss

_WHERE = {
    "DetectionLoss": "base",
    "GridLoss": "grid",
    "MnistYoloLoss": "mnist_yolo.loss",
    "MultiHeadLoss": "multi_head",
    "SSD300": "ssd.priors",
    "PriorConfig": "ssd.priors",
    "SSDLoss": "ssd.loss",
    "YoloV1Loss": "yolov1.loss",
    "YoloV2Loss": "yolov2.loss",
    "YoloV3Loss": "yolov3.loss",
    "FAMILY_NAMES": "families",
    "VARIANTS": "families",
    "changed": "by_name",
    "published": "by_name",
}

__all__ = [
    "FAMILY_NAMES",
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
    "changed",
    "published",
]


def __getattr__(name: str) -> Any:
    """Loads the module that holds a public name.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
