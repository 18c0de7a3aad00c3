"""A picture of one's own under the weights of a checkpoint.

Imports TensorFlow, so a page imports it inside the function that computes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yolo_core.compare.side_by_side import sample_view
from yolo_core.data.source import SampleSource
from yolo_core.losses import DetectionLoss
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.checkpoint import read_checkpoint
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector
from yolo_core.views import SampleView


def load_detector(config: RunConfig, source: SampleSource, checkpoint: Path) -> Detector:
    """The detector of a run with the weights, lambdas and step of a checkpoint.

    Raises:
        ValueError: The checkpoint is damaged or of another run.
    """
    detector = build_detector(config, build_loss(config, source), source)
    read_checkpoint(checkpoint, detector, with_optimizer=False)
    return detector


def predicted_view(
    detector: Detector,
    *,
    image: np.ndarray,
    y_true: np.ndarray,
    class_names: tuple[str, ...],
    loss_name: str,
    name: str,
    step: int,
    inputs: np.ndarray | None = None,
) -> SampleView:
    """A picture as a pinned sample would be seen: in inference mode, a batch of one.

    Args:
        detector: From `load_detector`.
        image: (height, width, channels) uint8 of the network's size.
        y_true: (N, 5 + C) float32 label rows; all padding where nothing is labelled.
        class_names: (C,) names.
        loss_name: The loss's name as the pages show it.
        name: What the picture is called.
        step: The checkpoint's step.
        inputs: (1, ...) float32, what the network takes for it; None for numbers of 0 to 1.
    """
    loss: DetectionLoss = detector.detection_loss
    images = image[None].astype(np.float32) / 255.0 if inputs is None else inputs
    raw = np.asarray(detector.network(images, training=False))
    return sample_view(
        loss,
        image=image,
        y_true=y_true,
        y_pred=raw,
        class_names=class_names,
        loss_name=loss_name,
        name=name,
        step=step,
    )
