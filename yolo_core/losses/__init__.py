"""The published losses, a folder each, and their variants by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core.lazy import lazy_names

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss
    from yolo_core.losses.by_name import changed, published
    from yolo_core.losses.families import FAMILY_NAMES, VARIANTS
    from yolo_core.losses.grid import GridLoss
    from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
    from yolo_core.losses.multi_head import MultiHeadLoss
    from yolo_core.losses.retinanet.loss import RetinaNetLoss
    from yolo_core.losses.retinanet.pyramid import PyramidAnchors
    from yolo_core.losses.ssd.loss import SSDLoss
    from yolo_core.losses.ssd.priors import SSD300, PriorConfig
    from yolo_core.losses.yolov1.loss import YoloV1Loss
    from yolo_core.losses.yolov2.loss import YoloV2Loss
    from yolo_core.losses.yolov3.loss import YoloV3Loss
    from yolo_core.losses.yolov5.loss import YoloV5Loss

__all__ = [
    "FAMILY_NAMES",
    "SSD300",
    "VARIANTS",
    "DetectionLoss",
    "GridLoss",
    "MnistYoloLoss",
    "MultiHeadLoss",
    "PriorConfig",
    "PyramidAnchors",
    "RetinaNetLoss",
    "SSDLoss",
    "YoloV1Loss",
    "YoloV2Loss",
    "YoloV3Loss",
    "YoloV5Loss",
    "changed",
    "published",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "yolo_core.losses.base": ("DetectionLoss",),
        "yolo_core.losses.by_name": ("changed", "published"),
        "yolo_core.losses.families": ("FAMILY_NAMES", "VARIANTS"),
        "yolo_core.losses.grid": ("GridLoss",),
        "yolo_core.losses.multi_head": ("MultiHeadLoss",),
        "yolo_core.losses.mnist_yolo.loss": ("MnistYoloLoss",),
        "yolo_core.losses.yolov1.loss": ("YoloV1Loss",),
        "yolo_core.losses.yolov2.loss": ("YoloV2Loss",),
        "yolo_core.losses.yolov3.loss": ("YoloV3Loss",),
        "yolo_core.losses.yolov5.loss": ("YoloV5Loss",),
        "yolo_core.losses.retinanet.loss": ("RetinaNetLoss",),
        "yolo_core.losses.retinanet.pyramid": ("PyramidAnchors",),
        "yolo_core.losses.ssd.loss": ("SSDLoss",),
        "yolo_core.losses.ssd.priors": ("SSD300", "PriorConfig"),
    },
)
