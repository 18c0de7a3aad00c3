"""Anchor-based detection losses that explain themselves, and the loop that trains with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core import losses
from yolo_core.lazy import lazy_names

if TYPE_CHECKING:
    from yolo_core.assignment import Assignment, IgnoreRule, ObjectStatus
    from yolo_core.breakdown import LossBreakdown
    from yolo_core.data.sample import Sample
    from yolo_core.data.source import GivenSamples, SampleSource
    from yolo_core.losses import *  # noqa: F403
    from yolo_core.losses.heads import Head
    from yolo_core.models.darknet.build import load_darknet
    from yolo_core.models.darknet.notebook import darknet19_yolov2
    from yolo_core.models.foreign_network import load_keras
    from yolo_core.models.networks import detector_network
    from yolo_core.slots import SlotLayout
    from yolo_core.training.detector import Detector
    from yolo_core.training.own_function import OwnFunction
    from yolo_core.training.recorder import RunRecorder

__version__ = "0.2.0"

__all__ = [
    "Assignment",
    "Detector",
    "GivenSamples",
    "Head",
    "IgnoreRule",
    "LossBreakdown",
    "ObjectStatus",
    "OwnFunction",
    "RunRecorder",
    "Sample",
    "SampleSource",
    "SlotLayout",
    "__version__",
    "darknet19_yolov2",
    "detector_network",
    "load_darknet",
    "load_keras",
]
__all__ += losses.__all__

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "yolo_core.assignment": ("Assignment", "IgnoreRule", "ObjectStatus"),
        "yolo_core.breakdown": ("LossBreakdown",),
        "yolo_core.data.sample": ("Sample",),
        "yolo_core.data.source": ("GivenSamples", "SampleSource"),
        "yolo_core.slots": ("SlotLayout",),
        "yolo_core.losses": losses.__all__,
        "yolo_core.losses.heads": ("Head",),
        "yolo_core.models.darknet.build": ("load_darknet",),
        "yolo_core.models.darknet.notebook": ("darknet19_yolov2",),
        "yolo_core.models.foreign_network": ("load_keras",),
        "yolo_core.models.networks": ("detector_network",),
        "yolo_core.training.detector": ("Detector",),
        "yolo_core.training.own_function": ("OwnFunction",),
        "yolo_core.training.recorder": ("RunRecorder",),
    },
)
