"""An exported network sees what the run's own sees, wherever it is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from tests.export.written_about import written_about
from tests.layouts.test_raw_layouts import CLASSES, GRIDS, raw_shapes, two_heads
from yolo_core.data.registry import open_source
from yolo_core.export.decoding import OUTPUTS
from yolo_core.export.network import export_network, exported_model
from yolo_core.layouts import in_layout
from yolo_core.losses.families import FAMILY_NAMES
from yolo_core.models.decode import nms_keep
from yolo_core.models.foreign_network import load_keras
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector

SOURCE = {"source": "digits", "image_size": 64, "max_objects": 3}
NAMES = {"keras": "net.keras", "saved_model": "net", "onnx": "net.onnx"}


def detector_of(loss_name: str, **network: Any) -> tuple[Detector, RunConfig]:
    """A network that says something of every slot."""
    config = RunConfig.model_validate(
        {"loss": {"name": loss_name}, "data": SOURCE, "network": {"size": "small", **network}}
    )
    source = open_source(config.data)
    detector = build_detector(config, build_loss(config, source), source)
    random = np.random.default_rng(0)
    for variable in detector.network.trainable_variables:
        if variable.path.startswith("head"):
            noise = random.normal(0, 1, variable.shape)
            variable.assign(variable.numpy() + noise.astype(np.float32))
    return detector, config


def pictures(shape: tuple[int, int, int], count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).random((count, *shape), np.float32)


def outputs_of(kind: str, path: Path, images: np.ndarray) -> dict[str, np.ndarray]:
    """What the file says of pictures, by the program that it is for."""
    if kind == "onnx":
        session = onnxruntime.InferenceSession(path)
        assert [each.name for each in session.get_inputs()] == ["image"]
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, {"image": images}), strict=True))
    if kind == "saved_model":
        said = tf.saved_model.load(str(path)).signatures["serving_default"](image=images)
    else:
        said = load_keras(path)(images)
    return {name: np.asarray(each) for name, each in said.items()}


def exported(kind: str, folder: Path, detector: Detector, config: RunConfig, **how: bool) -> Path:
    path = folder / NAMES[kind]
    source = open_source(config.data)
    export_network(kind, path, detector, config, source, run="one", step=7, **how)
    return path


def assert_same_detections(said: dict[str, np.ndarray], detector: Detector, images: Any) -> None:
    classes = detector.detection_loss.num_classes
    nothing = np.zeros((len(images), 1, 5 + classes), np.float32)
    _, breakdown = detector.inspect(images, nothing)
    seen = breakdown.predictions
    assert set(said) == set(OUTPUTS)
    for name in OUTPUTS:
        np.testing.assert_allclose(said[name], seen[name], rtol=1e-4, atol=1e-5, err_msg=name)
    kept = [nms_keep(*(each[name] for name in OUTPUTS)) for each in (said, seen)]
    assert kept[0].any(axis=1).all()
    np.testing.assert_array_equal(*kept)


@pytest.mark.parametrize(
    "family",
    [pytest.param(each, marks=pytest.mark.slow) for each in FAMILY_NAMES[1:]] + [FAMILY_NAMES[0]],
)
def test_a_keras_file_sees_the_same(family: str, tmp_path: Path) -> None:
    detector, config = detector_of(family)
    path = exported("keras", tmp_path, detector, config, decoded=True)
    images = pictures((64, 64, 1))
    assert_same_detections(outputs_of("keras", path, images), detector, images)


# Both are made of the same traced function: of heads and of priors, the second kind, too.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind"),
    [*((each, "onnx") for each in FAMILY_NAMES), ("yolov3", "saved_model"), ("ssd", "saved_model")],
)
def test_elsewhere_it_sees_the_same(family: str, kind: str, tmp_path: Path) -> None:
    detector, config = detector_of(family)
    path = exported(kind, tmp_path, detector, config, decoded=True)
    images = pictures((64, 64, 1))
    assert_same_detections(outputs_of(kind, path, images), detector, images)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMES)
def test_raw_predictions_and_what_is_known_of_them(kind: str, tmp_path: Path) -> None:
    detector, config = detector_of("yolov2", strides=[16])
    path = exported(kind, tmp_path, detector, config, decoded=False)
    images = pictures((64, 64, 1))
    said = outputs_of(kind, path, images)
    assert list(said) == ["raw"]
    raw = np.asarray(detector.network(images))
    np.testing.assert_allclose(said["raw"], raw, rtol=1e-4, atol=1e-5)

    about = written_about(path)
    assert about["class_names"] == [str(digit) for digit in range(10)]
    anchors = detector.detection_loss.anchor_sizes((64, 64), ((4, 4, 3),))
    assert anchors is not None
    assert about["anchors"]["columns"] == ["width, px", "height, px"]
    np.testing.assert_array_equal(about["anchors"]["sizes"], anchors.sizes)
    assert about["grids"] == [[4, 4, 3]]
    assert (about["run"], about["step"], about["loss"]) == ("one", 7, "yolov2")
    assert about["input"]["height_width_channels"] == [64, 64, 1]
    assert about["outputs"] == {"raw": about["outputs"]["raw"]}
    if kind == "onnx":
        model = onnx.load(str(path))
        alone = {each.key: each.value for each in model.metadata_props}
        assert json.loads(alone["class_names"]) == about["class_names"]
        (image,) = model.graph.input
        assert image.type.tensor_type.shape.dim[0].dim_param == "batch"


@pytest.mark.slow
def test_heads_in_another_program_s_layout_say_the_same_boxes(tmp_path: Path) -> None:
    """A network as of PyTorch-YOLOv3: several outputs, channels first."""
    shapes = raw_shapes("pytorch_yolov3")
    image = keras.Input((8, 12, 3))
    heads = [
        keras.layers.Permute((3, 1, 2))(
            keras.layers.Conv2D(shape[1], 1)(keras.layers.AveragePooling2D(8 // shape[2])(image))
        )
        for shape in shapes
    ]
    assert [tuple(each.shape[1:]) for each in heads] == [shape[1:] for shape in shapes]
    detector = Detector(keras.Model(image, heads), in_layout(two_heads(), "pytorch_yolov3"))
    layout = detector.layout((8, 12, 3))
    assert layout.grids == tuple((*grid, 2) for grid in GRIDS)
    model = exported_model(detector, (8, 12, 3), layout, decoded=True, form="keras")
    model.save(tmp_path / "net.keras")
    images = pictures((8, 12, 3))
    said = load_keras(tmp_path / "net.keras")(images)
    assert said["class_probabilities"].shape == (3, 60, CLASSES)
    assert_same_detections({k: np.asarray(v) for k, v in said.items()}, detector, images)
    raw = exported_model(detector, (8, 12, 3), layout, decoded=False, form="keras")
    assert list(raw.output) == ["raw_0", "raw_1"]
