"""Darknet networks in a run: what they start with, what they keep, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.test_train import config_of
from tests.models.darknet.golden_cases import arrays, cfg, weights
from tests.training.runs_by_command import command
from yolo_core.cli.train_config import check_config
from yolo_core.data.registry import open_source
from yolo_core.models.darknet.adapt import adapted, cfg_text, heads_of, own_anchors
from yolo_core.models.darknet.known import known_network
from yolo_core.models.darknet.numbers import FILE_TYPE
from yolo_core.models.darknet.plan import parse_network
from yolo_core.models.darknet.pretrained import read_pretrained
from yolo_core.models.darknet.weights import expected_floats
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig
from yolo_core.training.control import Control
from yolo_core.training.network import load_first_weights

BOX = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>8</ymin>"
    "<xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    """Four VOC-format pictures of 4 classes."""
    folder = tmp_path_factory.mktemp("voc")
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(4):
        pixels = random.integers(0, 255, (64, 96, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"JPEGImages/{index}.jpg")
        boxes = "".join(
            BOX.format(name, 4 + 9 * k + index, 20 + 13 * k, 30 + 5 * k + index)
            for k, name in enumerate(("cat", "dog", "cup", "hat"))
        )
        (folder / f"Annotations/{index}.xml").write_text(
            f"<annotation><filename>{index}.jpg</filename><size><width>96</width>"
            f"<height>64</height><depth>3</depth></size>{boxes}</annotation>"
        )
    for split in ("train", "val"):
        (folder / f"ImageSets/Main/{split}.txt").write_text("0\n1\n2\n3\n")
    return folder


def of(photographs: Path, *options: str) -> RunConfig:
    return config_of("--data", f"voc:{photographs}", *options)


def test_a_cfg_brings_its_size_heads_anchors_loss_and_text(photographs) -> None:
    config = of(photographs, "--network", f"cfg:{cfg('yolov3_mini')}")
    assert config.loss.name == "yolov3"
    assert config.data.image_size == 64
    assert config.network.strides == (16, 8)
    assert config.network.cfg == cfg("yolov3_mini").read_text()
    heads = own_anchors(parse_network(config.network.cfg), (64, 64))
    np.testing.assert_allclose(config.loss.anchors, np.concatenate(heads), rtol=1e-12)
    region = of(photographs, "--network", f"cfg:{cfg('yolov2_mini_96x64')}")
    assert (region.loss.name, region.data.image_size) == ("yolov2", "96x64")


def test_a_name_without_weights_has_anchors_that_fit_the_data(photographs) -> None:
    config = of(photographs, "--network", "yolov3-tiny", "--image-size", "96")
    assert (config.loss.name, config.loss.anchors_fitted) == ("yolov3", True)
    assert config.network.strides == (32, 16)
    assert of(photographs, "--network", "darknet19", "--image-size", "64").loss.name == "yolov2"


@pytest.mark.slow
@pytest.mark.parametrize("case", ["yolov2_mini_96x64", "yolov3_mini"])
def test_a_head_that_is_kept_says_what_darknet_said(case, photographs) -> None:
    golden = arrays(case)
    classes = heads_of(parse_network(cfg(case).read_text())).classes
    config = of(photographs, "--network", f"cfg:{cfg(case)}", "--weights", str(weights(case)))
    source = open_source(config.data)
    loss = build_loss(config, source)
    detector = build_detector(config, loss, source)
    said = list(load_first_weights(config, loss, detector.network, source))
    assert said[0].endswith("are taken as they are.")
    _, seen = detector.inspect(
        golden["input"].transpose(1, 2, 0)[None], np.zeros((1, 1, 5 + classes), np.float32)
    )
    boxes, objectness = seen.predictions["boxes"][0], seen.predictions["objectness"][0]
    found = np.hstack([boxes, objectness[:, None]])
    expected = np.hstack([golden["dets_all_pre_boxes"], golden["dets_all_pre_objectness"][:, None]])
    assert found.shape == expected.shape
    order = lambda rows: rows[np.lexsort(np.round(rows, 3).T)]  # noqa: E731
    np.testing.assert_allclose(order(found), order(expected), rtol=2e-3, atol=2e-3)


@pytest.mark.slow
def test_other_classes_get_a_new_head_and_the_rest_of_the_file(photographs) -> None:
    config = of(
        photographs,
        *(
            "--network",
            f"cfg:{cfg('yolov2_mini_96x64')}",
            "--weights",
            str(weights("yolov2_mini_96x64")),
        ),
        *("--classes", "cat", "--frozen"),
    )
    source = open_source(config.data)
    loss = build_loss(config, source)
    network = build_detector(config, loss, source).network
    last = parse_network(config.network.cfg or "").heads[0].number - 1
    fresh = np.array(network.get_layer(f"layer_{last}").kernel)
    (said,) = load_first_weights(config, loss, network, source)
    assert "the heads are new" in said
    np.testing.assert_array_equal(network.get_layer(f"layer_{last}").kernel, fresh)
    file = read_pretrained(weights("yolov2_mini_96x64"), config.network.size, config.network.cfg)
    np.testing.assert_array_equal(
        network.get_layer("layer_0").kernel, file.weights.arrays[0]["kernel"]
    )
    assert {each.path for each in network.trainable_variables} == {
        f"layer_{last}/kernel",
        f"layer_{last}/bias",
    }
    # As in the notebook: normally distributed with 1 over its 13 x 13 cells, or more where there
    # are more.
    assert np.std(fresh) == pytest.approx(1 / 169, rel=0.2)


def test_a_file_of_a_known_network_says_its_classes_by_its_length(tmp_path) -> None:
    network = known_network("yolov2-tiny", classes=7)
    file = tmp_path / "seven.weights"
    zeros = np.zeros(expected_floats(network), FILE_TYPE).tobytes()
    file.write_bytes(np.array([0, 1, 0, 0], "<i4").tobytes() + zeros)
    found = read_pretrained(file, "yolov2-tiny", None)
    assert (heads_of(found.network).classes, found.is_whole) == (7, True)
    part = expected_floats(network, first=5)
    file.write_bytes(file.read_bytes()[: 16 + 4 * part])
    found = read_pretrained(file, "yolov2-tiny", None)
    assert not found.is_whole
    assert found.convolutions == "3 of 9"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ValueError, match="it ends within layer 4"):
        read_pretrained(file, "yolov2-tiny", None)


def test_an_adapted_network_written_as_cfg_is_the_same_network() -> None:
    network = known_network("yolov3-tiny")
    anchors = [np.full((2, 2), 0.25), np.full((1, 2), 0.125)]
    made = adapted(network, (64, 96, 3), classes=3, anchors=anchors)
    again = parse_network(cfg_text(made))
    assert [each.shape for each in again.layers] == [each.shape for each in made.layers]
    assert [each.spec for each in again.layers] == [each.spec for each in made.layers]
    assert [each.shape for each in made.heads] == [(16, 2, 3), (8, 4, 6)]
    for one, other in zip(own_anchors(again, (96, 64)), anchors, strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--network", "yolov3-tiny", "--loss", "yolov2"), "which --loss yolov3 or a variant"),
        (("--network", "yolov2-tiny", "--image-size", "80"), "multiples of 32"),
        (("--network", "yolov2", "--strides", "16"), "have their strides"),
        (("--network", "cfg:/nowhere.cfg"), "cannot be read"),
        (("--network", "yolov2", "--weights", "imagenet"), "takes a .weights file"),
        (("--network", "yolov2", "--frozen"), "with none they are random"),
    ],
)
def test_what_does_not_go_together(options, message, photographs) -> None:
    with pytest.raises(ValueError, match=message):
        check_config(of(photographs, *options))


@pytest.mark.slow
def test_a_run_is_resumed_without_its_files(photographs, tmp_path, monkeypatch) -> None:
    between = Control.between

    def stopped_at_2(control: Control, done: int) -> None:
        if done == 2 and not stopped:
            stopped.append(control.store.send("stop", {"by": "test"}))
        between(control, done)

    stopped: list[int] = []
    monkeypatch.setattr(Control, "between", stopped_at_2)
    for name, file in (
        ("net.cfg", cfg("yolov2_mini_96x64")),
        ("net.weights", weights("yolov2_mini_96x64")),
    ):
        (tmp_path / name).write_bytes(file.read_bytes())
    runs = tmp_path / "runs"
    network = ("--network", f"cfg:{tmp_path / 'net.cfg'}", "--weights", tmp_path / "net.weights")
    options = ("--data", f"voc:{photographs}", "--steps", "4", "--batch-size", "2")
    started = command("train", "--run", "a", *map(str, network), *options, checkpoints=runs)
    assert (started.returncode, started.stderr) == (0, "")
    for name in ("net.cfg", "net.weights"):
        (tmp_path / name).unlink()
    for words in (("train", "--resume", "a"), ("evaluate", "a", "--split", "val")):
        done = command(*words, checkpoints=runs)
        assert (done.returncode, done.stderr) == (0, "")
    with RunStore.open(RunFolder(runs / "a")) as store:
        assert store.steps()["step"].tolist() == [1, 2, 3, 4]
