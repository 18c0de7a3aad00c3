"""The published losses, each in its own file, and their variants by name."""

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
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
    "MnistYoloLoss",
    "PriorConfig",
    "SSDLoss",
    "YoloV1Loss",
    "YoloV2Loss",
    "YoloV3Loss",
    "published",
]
