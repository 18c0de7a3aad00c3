"""What the doctor is asked about: a run, data or a loss, each brought to its bench."""

from __future__ import annotations

from collections.abc import Iterable

from yolo_core.data.registry import is_scenes, open_source
from yolo_core.data.source import SampleSource
from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, Examination, examine
from yolo_core.doctor.registry import checks
from yolo_core.losses.recipe import derived_setup
from yolo_core.runs.layout import RunFolder
from yolo_core.training.config import RecordedConfig, RunConfig, read_config
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class

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
) -> Examination:
    """Looks at the loss of a configuration, on made-up pictures; loads TensorFlow.

    Args:
        config: Its loss; one of one's own must have been named by somebody (`own_loss.remember`).
        class_names: Those of the data.
        only: The checks to make; None for all.
        run: The run whose loss it is; its file must be the one that the run keeps.

    Raises:
        ValueError: The loss cannot be made.
    """
    from yolo_core.doctor.loss_bench import LossBench
    from yolo_core.doctor.pictures import IMAGE_SHAPE, BenchSource
    from yolo_core.training.build import build_loss

    own, shape = None, IMAGE_SHAPE
    if isinstance(config, RecordedConfig):
        # It was made for the pictures of its script.
        source = open_source(config.data)
        shape = source.image_shape
    else:
        source = BenchSource(class_names)
        if is_own_loss(config.loss.name):
            if run is not None:
                check_source(config.loss.name, run.path)
            own = load_loss_class(config.loss.name)
    loss = build_loss(config, source, own=own, tried=False)
    bench = LossBench(loss, shape, own=own is not None)
    return examine(checks("loss") if only is None else only, bench)


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


def with_derived_strides(config: RunConfig) -> RunConfig:
    """A configuration with the strides that a training of it would derive from its data."""
    if config.network.strides is not None or is_scenes(config.data.source):
        return config
    source = open_source(config.data)
    derived = derived_setup(config.loss.name, source, anchors=config.loss.anchors)
    if derived is None:
        return config
    network = config.network.model_copy(update={"strides": derived.strides})
    return config.model_copy(update={"network": network})
