"""Network and anchors in the form of a new training: what it passes on, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.components.shared import starting
from dashboard.components.shared.anchor_pairs import read_pairs
from dashboard.data_folders import VARIABLE
from tests.dashboard.page import assert_sound, button, words
from tests.dashboard.test_again import make, trained
from tests.dashboard.train_page import field, open_page
from tests.dashboard.voc_set import make_voc
from yolo_core.training.config import read_config

BACKBONE = {"size": "MobileNetV2", "alpha": 0.5, "weights": "imagenet", "frozen": True}


pytestmark = pytest.mark.usefixtures("checkpoints", "voc")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []
    monkeypatch.setattr(starting, "start_training", lambda given, _: calls.append(given) or "x")
    return calls


@pytest.fixture
def voc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_voc(tmp_path / "pets")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def start(page, started: list[list[str]]) -> str:
    button(page, "Start training").click().run()
    return " ".join(started[-1])


def test_a_backbone_with_imagenet_weights_frozen(started) -> None:
    page = open_page()
    field(page, "selectbox", "network").set_value("MobileNetV2").run()
    field(page, "number_input", "alpha").set_value(0.35)
    field(page, "button_group", "weights").set_value("imagenet").run()
    field(page, "toggle", "frozen").set_value(True).run()
    assert_sound(page)
    said = start(page, started)
    assert "--network MobileNetV2 --alpha 0.35 --weights imagenet --frozen" in said
    network = trained(started[-1]).network
    assert network.model_dump(exclude={"strides", "darknet"}) == BACKBONE | {"alpha": 0.35}


def test_what_only_some_networks_have_is_asked_for_them_alone(started) -> None:
    page = open_page()
    assert not [each for each in page.number_input if each.key == "new/alpha"]
    field(page, "selectbox", "network").set_value("ResNet50").run()
    assert not [each for each in page.number_input if each.key == "new/alpha"]
    assert not [each for each in page.toggle if each.key == "new/frozen"], "no weights to keep"
    assert start(page, started).endswith("--network ResNet50")
    field(page, "selectbox", "network").set_value("medium").run()
    assert start(page, started).endswith("--network medium")
    # It comes back as it was left.
    field(page, "selectbox", "network").set_value("ResNet50").run()
    assert field(page, "button_group", "weights").value == "none"


def test_a_weights_file_must_lie_in_a_folder_of_the_server(started, voc, tmp_path) -> None:
    inside, outside = voc / "some.weights.h5", tmp_path / "other.weights.h5"
    inside.write_bytes(b"x")
    outside.write_bytes(b"x")
    page = open_page()
    field(page, "selectbox", "network").set_value("VGG16").run()
    field(page, "button_group", "weights").set_value("a file").run()
    assert "Name the weights file" in words(page)
    for wrong, said in (
        (outside, "is not in a folder that this server was started with"),
        (voc / "nosuch.h5", "There is no file"),
    ):
        field(page, "text_input", "weights-file").set_value(str(wrong)).run()
        assert said in words(page)
        assert button(page, "Start training").disabled
    field(page, "text_input", "weights-file").set_value(str(inside)).run()
    assert f"--weights {inside}" in start(page, started)


def test_sides_that_a_backbone_cannot_have_are_told_before_the_start() -> None:
    page = open_page()
    field(page, "selectbox", "network").set_value("MobileNetV2")
    field(page, "text_input", "image-size").set_value("400").run()
    assert "multiples of 32 pixels; received --image-size 400" in words(page)
    assert button(page, "Start training").disabled


def test_how_many_anchors_a_head_or_which(started) -> None:
    page = open_page()
    assert field(page, "number_input", "anchors-per-head").value == 3
    assert "--anchors" not in start(page, started)
    field(page, "number_input", "anchors-per-head").set_value(2).run()
    assert "--anchors-per-head 2" in start(page, started)
    field(page, "button_group", "anchors").set_value("typed").run()
    assert button(page, "Start training").disabled
    field(page, "text_input", "anchors-typed").set_value("30,40 60,80").run()
    assert start(page, started).count("--anchors 30,40 60,80") == 1
    assert "--anchors-per-head" not in started[-1]
    field(page, "selectbox", "loss").set_value("ssd").run()
    assert not [each for each in page.button_group if each.key == "new/anchors"]
    assert "--anchors" not in start(page, started)


@pytest.mark.parametrize("typed", ["30", "a,b", "0,3", "/etc/some.json", "fitted"])
def test_anchors_that_are_none(typed) -> None:
    page = open_page()
    field(page, "button_group", "anchors").set_value("typed").run()
    field(page, "text_input", "anchors-typed").set_value(typed).run()
    assert len(page.error) == 1
    assert button(page, "Start training").disabled


def test_no_file_is_read_for_what_is_typed(tmp_path) -> None:
    (tmp_path / "a.json").write_text('{"anchors": [[0.1, 0.2]]}')
    with pytest.raises(ValueError, match="Anchors are pairs"):
        read_pairs(str(tmp_path / "a.json"), lambda: (96, 96))
    assert read_pairs("10,20 0.5,9", lambda: (100, 200)) == [[0.05, 0.2], [0.0025, 0.09]]


OLD = {
    "seed": 3,
    "network": BACKBONE | {"strides": [16]},
    "loss": {"lambdas": {"xy": 2.0}, "anchors": [[0.1, 0.2], [0.3, 0.4]]},
    "training": {"steps": 77, "patience": 4},
}


def like(voc: Path, **loss: object) -> dict[str, object]:
    data = {
        "source": f"voc:{voc}",
        "image_size": "320x256",
        "fit": "letterbox",
        "augment": "flip",
        "classes": ["dog"],
        "seed": 8,
    }
    return {**OLD, "data": data, "loss": {**OLD["loss"], **loss}}


def test_all_of_a_run_is_filled_in_and_without_a_change_trained_again(
    started, checkpoints, voc
) -> None:
    make(checkpoints, "old", **like(voc))
    page = open_page(again="old")
    assert_sound(page)
    shown = {
        ("selectbox", "data"): f"voc:{voc}",
        ("text_input", "image-size"): "320x256",
        ("button_group", "fit"): "letterbox",
        ("button_group", "augment"): ["flip"],
        ("multiselect", "classes"): ["dog"],
        ("selectbox", "network"): "MobileNetV2",
        ("number_input", "alpha"): 0.5,
        ("button_group", "weights"): "imagenet",
        ("toggle", "frozen"): True,
        ("button_group", "anchors"): "typed",
        ("text_input", "anchors-typed"): "0.1,0.2 0.3,0.4",
        ("number_input", "patience"): 4,
    }
    assert {key: field(page, *key).value for key in shown} == shown
    start(page, started)
    assert started[-1][2:] == ["--config", str(checkpoints / "old" / "config.json")]
    assert trained(started[-1]) == read_config(checkpoints / "old" / "config.json")


def test_each_change_of_a_run_is_passed_on_alone(started, checkpoints, voc) -> None:
    make(checkpoints, "old", **like(voc))
    page = open_page(again="old")
    field(page, "multiselect", "classes").set_value([]).run()
    field(page, "toggle", "frozen").set_value(False).run()
    field(page, "button_group", "anchors").set_value("fitted").run()
    field(page, "number_input", "anchors-per-head").set_value(1).run()
    start(page, started)
    assert started[-1][4:] == [
        *("--classes", "dog", "cat", "--no-frozen"),
        *("--anchors", "fitted", "--anchors-per-head", "1"),
    ]
    config = trained(started[-1])
    assert (config.data.classes, config.network.frozen) == (("dog", "cat"), False)
    assert (config.loss.anchors_fitted, len(config.loss.anchors)) == (True, 1)
    assert (config.data.seed, config.data.fit) == (8, "letterbox")


def test_another_network_than_the_run_s(started, checkpoints, voc) -> None:
    make(checkpoints, "old", **like(voc))
    page = open_page(again="old")
    field(page, "selectbox", "network").set_value("small").run()
    start(page, started)
    assert started[-1][4:] == ["--network", "small"]
    network = trained(started[-1]).network
    assert (network.size, network.weights, network.frozen) == ("small", "none", False)
    assert network.strides == (16,)


def test_heads_and_lambdas_of_other_data_can_be_derived_anew(started, checkpoints, voc) -> None:
    make(checkpoints, "old", **like(voc))
    page = open_page(again="old")
    assert field(page, "number_input", "yolov2/xy").placeholder == "2"
    field(page, "toggle", "derive").set_value(True).run()
    shown = float(field(page, "number_input", "yolov2/xy").placeholder)
    assert shown != 2
    start(page, started)
    assert started[-1][4:] == ["--derive"]
    config = trained(started[-1])
    assert config.loss.lambdas["xy"] == pytest.approx(shown, rel=1e-4)
    assert config.network.strides == (32,)


def test_other_data_leave_what_was_said_of_the_run_s_own(checkpoints, voc) -> None:
    make(checkpoints, "old", **like(voc))
    config = trained(["--config", str(checkpoints / "old" / "config.json"), "--data", "digits"])
    assert (config.data.classes, config.data.image_size, config.data.seed) == ((), 96, 8)


def test_fields_that_were_hidden_come_back_as_they_were(voc) -> None:
    page = open_page()
    field(page, "text_input", "image-size").set_value("320x256").run()
    field(page, "selectbox", "data").set_value("digits").run()
    page.run()
    field(page, "selectbox", "data").set_value(f"voc:{voc}").run()
    assert_sound(page)
    assert field(page, "text_input", "image-size").value == "320x256"
