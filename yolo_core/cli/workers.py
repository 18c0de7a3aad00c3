"""`train` under TF_CONFIG: as one of several workers."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

from yolo_core.cli.train_config import native_notes_in
from yolo_core.cli.training_log import log_to
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import error_sentence
from yolo_core.training.distribute import Cluster, Devices, start_cluster

logger = logging.getLogger("yolo_core.training")


def joined(cluster: Cluster, count: int | None) -> Devices:
    """Waits for the other workers: of all that TensorFlow does here, this is the first."""
    log_to(None)
    logger.info("%s: starting TensorFlow, and waiting for the others.", cluster.name)
    with native_notes_in(Path(os.devnull)):
        return start_cluster(cluster, count or 1)


def follow(devices: Devices, interrupt: Interrupt, loss: str | None) -> int:
    """Trains along as a worker that writes nothing; returns 0, or 1 when that failed."""
    try:
        with native_notes_in(Path(os.devnull)):
            from yolo_core.training import following

        following.follow(devices, interrupt, loss)
    except Exception as error:
        logger.debug("%s", traceback.format_exc())
        logger.error("%s", error_sentence(error))
        return 1
    return 0
