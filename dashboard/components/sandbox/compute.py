"""A sample under edits, computed in the web server; what is slow to make is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from dashboard.cache import cached_detector, kept_as_written
from dashboard.tensorflow_turn import tensorflow_turn
from yolo_core.data.registry import open_source
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.sandbox.edits import Edits
from yolo_core.training.config import read_config
from yolo_core.views import SampleView

_KEPT = 6


def run_loss(folder: RunFolder) -> Any:
    """The loss that a run trains with, set up anew; do not change it.

    Raises:
        ValueError: The configuration cannot be read, or its data is not there.
    """
    with tensorflow_turn():
        return _loss(folder.config)


def checked(loss: Any, view: SampleView, edits: Edits) -> None:
    """Whether edits fit a loss and a sample.

    Raises:
        ValueError: As `yolo_core.sandbox.recompute.check_edits`.
    """
    with tensorflow_turn():
        from yolo_core.sandbox.recompute import check_edits

        check_edits(loss, view, edits)


def recomputed(loss: Any, view: SampleView, edits: Edits) -> SampleView:
    """A sample under edits; this tab keeps the last few for the next look.

    Raises:
        ValueError: As `yolo_core.sandbox.recompute.recompute`.
    """
    kept: dict[Any, SampleView] = st.session_state.setdefault("sandbox/kept", {})
    # By what it is made of: two drawings have the same name, and may have the same loss.
    arrays = (view.image.tobytes(), view.y_pred.tobytes(), view.y_true.tobytes())
    key = (loss, view.kind, view.name, view.step, *arrays, edits.to_json())
    found = kept.pop(key, None)
    if found is None:
        with tensorflow_turn():
            from yolo_core.sandbox.recompute import recompute

            found = recompute(loss, view, edits)
        while len(kept) >= _KEPT:
            del kept[next(iter(kept))]
    kept[key] = found  # again the last to go: the sample without edits is asked for every time
    return found


def predicted(
    folder: RunFolder, checkpoint: CheckpointRecord, name: str, image: np.ndarray | None = None
) -> SampleView:
    """A picture under the weights of a checkpoint.

    Args:
        folder: The run.
        checkpoint: The weights.
        name: Of a sample of the run's data, which comes with its labels; or else what the picture
            is called.
        image: (height, width, channels) uint8, a picture without labels.

    Raises:
        ValueError: The checkpoint or the configuration cannot be read, or there is no such sample.
    """
    with tensorflow_turn():
        from yolo_core.data.batches import sample_batch
        from yolo_core.sandbox.predict import predicted_view
        from yolo_core.training.own_loss import short_name

        config = read_config(folder.config)
        detector, class_names = cached_detector(folder.config, Path(checkpoint.path))
        y_true = np.zeros((1, 5 + len(class_names)), np.float32)
        source, names = open_source(config.data), ()
        if image is None:
            (image,), (y_true,) = sample_batch(source, [name])
            names = (name,)
        return predicted_view(
            detector,
            image=image,
            y_true=y_true,
            class_names=class_names,
            loss_name=short_name(config.loss.name),
            name=name,
            step=checkpoint.step,
            inputs=source.network_inputs(image[None], names),
        )


def picture_shape(folder: RunFolder) -> tuple[int, int, int]:
    """(height, width, channels) of the pictures that a run's network takes."""
    return open_source(read_config(folder.config).data).image_shape


@kept_as_written(8)
def _loss(config_path: Path) -> Any:
    from yolo_core.training.build import build_loss

    config = read_config(config_path)
    return build_loss(config, open_source(config.data))
