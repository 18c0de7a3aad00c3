"""What stands in every exported network beside its weights, as JSON: classes, anchors, numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from yolo_core.data.source import SampleSource
from yolo_core.export.decoding import OUTPUTS
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout
from yolo_core.training.config import RunConfig

FILE = "detector.json"
RAW = "raw"


def about_network(
    config: RunConfig,
    source: SampleSource,
    loss: DetectionLoss,
    layout: SlotLayout,
    *,
    run: str,
    step: int,
    decoded: bool,
) -> dict[str, Any]:
    """What a program needs to know that runs an exported network.

    Args:
        config: The run's.
        source: Its samples.
        loss: Its loss.
        layout: Where its slots sit.
        run: Its name.
        step: Updates that the weights had.
        decoded: Whether the network says boxes, or raw numbers.
    """
    shape = source.image_shape
    table = loss.anchor_sizes(shape, layout.grids)
    raw = {RAW: f"what {type(loss).__name__} takes: {', '.join(loss.channel_names)} a slot"}
    return {
        "made_by": "detector-debugger",
        "run": run,
        "step": step,
        "loss": config.loss.name,
        "class_names": list(source.class_names),
        "anchors": None
        if table is None
        else {"names": table.names, "columns": table.columns, "sizes": table.sizes},
        "grids": layout.grids,
        "input": {
            "height_width_channels": shape,
            "values": getattr(source, "span", (0.0, 1.0)),
            "fit": config.data.fit,
        },
        "outputs": OUTPUTS if decoded else raw,
        "detections": "score = objectness x highest class probability, from 0.01 on; of one class "
        "none with an IoU above 0.5 to one with a higher score; at most 100",
    }


def write_about(path: Path, about: dict[str, Any]) -> None:
    """Adds it to an exported file, or to the folder of a SavedModel."""
    text = json.dumps(about, indent=1)
    if path.is_dir():
        extra = path / "assets.extra"  # TensorFlow's place for what is not its own
        extra.mkdir(exist_ok=True)
        (extra / FILE).write_text(text, encoding="utf-8")
    else:
        with ZipFile(path, "a") as archive:
            archive.writestr(FILE, text)
