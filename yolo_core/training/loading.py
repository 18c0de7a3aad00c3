"""The detector of a run as it was after some step, in a process that may load the run's own loss.

Imports TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

from yolo_core.data.source import SampleSource
from yolo_core.runs.layout import RunFolder
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.checkpoint import read_checkpoint
from yolo_core.training.config import RecordedConfig, RunConfig
from yolo_core.training.detector import Detector
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class


def load_run(run: RunFolder, config: RunConfig, source: SampleSource, checkpoint: Path) -> Detector:
    """The detector of a run with the weights, lambdas and step of a checkpoint.

    A loss of one's own is loaded from the very file that the run was started with from the command
    line, as for a resumption.

    Raises:
        ValueError: The checkpoint is damaged or of another run, or the file of the loss was
            changed, or never named on a command line here.
    """
    own = None
    if is_own_loss(config.loss.name) and not isinstance(config, RecordedConfig):
        check_source(config.loss.name, run.path)
        own = load_loss_class(config.loss.name)
    detector = build_detector(config, build_loss(config, source, own=own), source)
    read_checkpoint(checkpoint, detector, with_optimizer=False)
    return detector
