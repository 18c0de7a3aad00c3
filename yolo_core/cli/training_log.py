"""Where the log of a training goes."""

from __future__ import annotations

import logging
import sys

from yolo_core.runs.layout import RunFolder

logger = logging.getLogger("yolo_core.training")


class _Console(logging.Formatter):
    """Errors as the sentence that the launcher and a person look for; the rest as it is."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        return f"error: {text}" if record.levelno >= logging.ERROR else text


def log_to(folder: RunFolder | None) -> None:
    """Sends the log to a run's `train.log`, progress to standard output, errors to standard error.

    A worker that writes no run has no `train.log`.
    """
    # A full disk or a closed terminal must not print a traceback for every line.
    logging.raiseExceptions = False
    logger.setLevel(logging.DEBUG)
    logger.handlers.clear()
    output, errors = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    for handler in (output, errors):
        handler.setFormatter(_Console())
    output.setLevel(logging.INFO)
    output.addFilter(lambda record: record.levelno < logging.ERROR)
    errors.setLevel(logging.ERROR)
    for handler in (output, errors):
        logger.addHandler(handler)
    if folder is not None:
        file = logging.FileHandler(folder.log, encoding="utf-8")
        file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        logger.addHandler(file)
