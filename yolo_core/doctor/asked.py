"""What the doctor is asked about: a run, data or a loss, each brought to its bench."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource
from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, Examination, examine
from yolo_core.doctor.registry import checks
from yolo_core.doctor.run_record import RunRecord
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import Snapshot, read_snapshot
from yolo_core.training.config import RecordedConfig, RunConfig, read_config
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class

if TYPE_CHECKING:
    from yolo_core.compare.own.own_gradient import Handing
    from yolo_core.losses.base import DetectionLoss

TOTAL_ALONE = (
    "A plain function says its total alone: hold it against a published loss with compare, which "
    "finds its terms, masks and targets."
)
CLASSES = ("a", "b", "c")
"""Class names of a loss that is looked at without data."""


def examine_data(config: RunConfig, source: SampleSource | None = None) -> Examination:
    """Looks at data, and at the anchors that are given for them.

    Raises:
        ValueError: The data cannot be read.
    """
    source = open_source(config.data) if source is None else source
    return examine(checks("data"), DataBench(config, source))


def examine_loss(
    config: RunConfig,
    *,
    class_names: tuple[str, ...] = CLASSES,
    only: Iterable[Check] | None = None,
    run: RunFolder | None = None,
    own: type[DetectionLoss] | None = None,
) -> Examination:
    """Looks at the loss of a configuration, on made-up pictures; loads TensorFlow.

    Args:
        config: Its loss; one of one's own must have been named by somebody (`own_loss.remember`).
        class_names: Those of the data.
        only: The checks to make; None for all.
        run: The run whose loss it is; its file must be the one that the run keeps.
        own: The class of a loss of one's own whose file has been run; None runs it.

    Raises:
        ValueError: The loss cannot be made.
    """
    from yolo_core.doctor.loss_bench import LossBench
    from yolo_core.doctor.pictures import IMAGE_SHAPE, BenchSource
    from yolo_core.training.build import build_loss

    shape = IMAGE_SHAPE
    if isinstance(config, RecordedConfig):
        # It was made for the pictures of its script.
        source = open_source(config.data)
        shape = source.image_shape
    else:
        source = BenchSource(class_names)
        if own is None and is_own_loss(config.loss.name):
            if run is not None:
                check_source(config.loss.name, run.path)
            own = load_loss_class(config.loss.name)
    loss = build_loss(config, source, own=own, tried=False)
    bench = LossBench(loss, shape, own=own is not None)
    return examine(checks("loss") if only is None else only, bench)


def examine_function(
    function: Callable[[Any, Any], Any],
    name: str,
    loss: DetectionLoss,
    image_shape: Sequence[int],
    handing: Handing,
    *,
    anchors_given: bool,
) -> Examination:
    """Looks at a plain loss function, as far as its total says something.

    Args:
        function: Of (y_true, y_pred).
        name: "FILE.py:NAME" that it was loaded from.
        loss: The published loss whose slots it is for.
        image_shape: (height, width, ...) of the pictures that this loss was made for.
        handing: What the function takes.
        anchors_given: Whether somebody said which anchors it decodes with.

    Raises:
        ValueError: The function fails.
    """
    from yolo_core.doctor.function_bench import FunctionBench

    bench = FunctionBench(function, name, loss, image_shape, handing, anchors_given=anchors_given)
    every = checks("loss")
    found = examine([each for each in every if each.of_total], bench)
    untried = dict.fromkeys((each.id for each in every if not each.of_total), TOTAL_ALONE)
    return found + Examination(not_tried=untried)


def watch(run: RunFolder, snapshots: Callable[[Path], Snapshot] = read_snapshot) -> Examination:
    """Looks at what a run has put on record, whatever it is doing. No TensorFlow.

    Args:
        run: The run.
        snapshots: Reads a snapshot file; a page keeps those that it has read.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    return examine(checks("run"), RunRecord(run, snapshots))


def examine_before(run: RunFolder) -> Examination:
    """Looks at the data and the loss of a run, as they were before its first step.

    Raises:
        ValueError: Its configuration cannot be read.
    """
    config = read_config(run.config)
    found = Examination()
    names = CLASSES
    try:
        source = open_source(config.data)
        names = source.class_names
        found += examine_data(config, source)
    except ValueError as error:
        found += Examination(not_tried={"data": str(error)})
    try:
        found += examine_loss(config, class_names=names, run=run)
    except (ValueError, NotImplementedError) as error:
        found += Examination(not_tried={"loss": str(error)})
    return found
