"""A run of a Darknet network as the files of that program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from yolo_core.data.source import SampleSource
from yolo_core.files import replace_file
from yolo_core.models.darknet.adapt import cfg_text
from yolo_core.models.darknet.known import NOTEBOOK
from yolo_core.models.darknet.weights import Header, write_weights
from yolo_core.training.config import RecordedConfig, RunConfig

if TYPE_CHECKING:
    from yolo_core.training.detector import Detector


def check_darknet(config: RunConfig, name: str) -> None:
    """Refuses a run that Darknet could not compute.

    Raises:
        ValueError: Its network is none of Darknet's.
    """
    network = config.network
    if isinstance(config, RecordedConfig) or not network.is_darknet:
        kind = "of a script" if isinstance(config, RecordedConfig) else repr(network.size)
        raise ValueError(
            f"Only a network of Darknet (--network cfg:FILE, or its name) is exported to darknet; "
            f"that of run {name!r} is {kind}."
        )
    if network.size == NOTEBOOK:
        raise ValueError(
            f"Run {name!r} has the Keras notebook's {NOTEBOOK}, whose passthrough and batch "
            "normalisation Darknet has not: it would compute other numbers."
        )


def export_darknet(
    paths: Sequence[Path], detector: Detector, config: RunConfig, source: SampleSource, step: int
) -> None:
    """Writes `.cfg`, `.weights` and `.names`. Imports TensorFlow.

    Args:
        paths: Of these three.
        detector: With the weights.
        config: The run's.
        source: Its samples.
        step: Updates that the weights had.

    Raises:
        ValueError: They cannot be written, or a class has a name of several lines.
    """
    from yolo_core.models.darknet.build import get_weights
    from yolo_core.training.network import darknet_plan

    cfg, weights, names = paths
    several = [name for name in source.class_names if len(name.splitlines()) != 1]
    if several:
        raise ValueError(f"A .names file has a class a line; one is called {several[0]!r}.")
    plan = darknet_plan(config, detector.detection_loss, source.image_shape)
    seen = step * config.training.batch_size
    write_weights(weights, plan, get_weights(detector.network, plan, Header(seen=seen)))
    replace_file(names, "".join(f"{name}\n" for name in source.class_names))
    replace_file(cfg, cfg_text(plan))
