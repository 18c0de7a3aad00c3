"""The network of a run as a `.keras` file, a SavedModel or an ONNX file. Imports TensorFlow."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from yolo_core.data.source import SampleSource
from yolo_core.export.about import FILE, RAW, about_network, write_about
from yolo_core.export.decoding import Decode
from yolo_core.export.targets import made_beside
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.slots import SlotLayout
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector
from yolo_core.training.loading import load_run
from yolo_core.training.recorded import described_loss, is_of_ours, made_loss

INPUT = "image"


def load_for_export(
    run: RunFolder, config: RunConfig, source: SampleSource, checkpoint: CheckpointRecord
) -> Detector:
    """The detector of a run in single precision, whatever it was trained in.

    Raises:
        ValueError: As `load_run`.
    """
    training = config.training.model_copy(update={"precision": "float32"})
    config = config.model_copy(update={"training": training})
    return load_run(run, config, source, checkpoint.path)


def export_network(
    kind: str,
    path: Path,
    detector: Detector,
    config: RunConfig,
    source: SampleSource,
    *,
    run: str,
    step: int,
    decoded: bool,
) -> None:
    """Writes the network, with what is to be known of it.

    Args:
        kind: "keras", "saved_model" or "onnx".
        path: Its file, or the folder of a SavedModel; what lies there goes.
        detector: With the weights.
        config: The run's.
        source: Its samples.
        run: Its name.
        step: Updates that the weights had.
        decoded: Whether it says boxes, or raw numbers.

    Raises:
        ValueError: It cannot be written, or not in that form.
    """
    loss = detector.detection_loss
    layout = detector.layout(source.image_shape)
    about = about_network(config, source, loss, layout, run=run, step=step, decoded=decoded)
    model = exported_model(detector, source.image_shape, layout, decoded=decoded, form=kind)
    ending = {"keras": ".keras", "onnx": ".onnx"}.get(kind, "")
    with made_beside(path, f"network{ending}") as made:
        if kind == "onnx":
            _export_onnx(model, made, about)
            return
        if kind == "keras":
            model.save(made)
        else:
            model.export(made, format="tf_saved_model", verbose=False)
        write_about(made, about)


def exported_model(
    detector: Detector,
    image_shape: tuple[int, int, int],
    layout: SlotLayout,
    *,
    decoded: bool,
    form: str,
) -> keras.Model:
    """The network as it is exported: its input is called "image", and its outputs by their names.

    Args:
        detector: With the weights.
        image_shape: Height, width and channels of a picture.
        layout: Where the slots of such pictures sit.
        decoded: Whether its outputs are those of `Decode`, or what the loss takes.
        form: "keras", "saved_model" or "onnx".

    Raises:
        ValueError: It is to be a Keras file with the decoding of a loss that no file may name.
    """
    image = keras.Input(image_shape, name=INPUT)
    raw: Any = detector.network(image, training=False)
    if decoded:
        loss = detector.detection_loss
        if form == "keras":
            if not is_of_ours(loss):
                raise ValueError(
                    f"The decoding of {type(loss).__name__}, a loss of your own, cannot be kept "
                    "in a .keras file: export --raw predictions, or to saved_model or onnx."
                )
            loss = made_loss(**described_loss(loss, layout))  # with its grids
        outputs = Decode(loss, name="decode")(raw)
    else:
        heads = keras.tree.flatten(raw)
        names = [RAW] if len(heads) == 1 else [f"{RAW}_{at}" for at in range(len(heads))]
        outputs = dict(zip(names, heads, strict=True))
    model = keras.Model(image, outputs, name="detector")
    model(np.zeros((1, *image_shape), np.float32))  # Keras exports what was called
    return model


def _export_onnx(model: keras.Model, path: Path, about: dict[str, Any]) -> None:
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NumPy's names, about the converter
        model.export(path, format="onnx", verbose=False)
    import onnx

    made = onnx.load(str(path))
    for each in (*made.graph.input, *made.graph.output):
        each.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(made, {FILE: json.dumps(about), **_single(about)})
    onnx.checker.check_model(made)
    onnx.save(made, str(path))


def _single(about: dict[str, Any]) -> dict[str, str]:
    """Each entry by itself as well: viewers of ONNX files show a line an entry."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in about.items()
    }
