"""The published losses, each in its own file, and their variants by name."""

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.mnist_yolo import MnistYoloLoss
from yolo_core.losses.published import FAMILIES, VARIANTS, published
from yolo_core.losses.yolov1 import YoloV1Loss
from yolo_core.losses.yolov2 import YoloV2Loss

__all__ = [
    "FAMILIES",
    "VARIANTS",
    "DetectionLoss",
    "MnistYoloLoss",
    "YoloV1Loss",
    "YoloV2Loss",
    "published",
]
