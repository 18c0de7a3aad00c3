"""The anchors of a run: given, or fitted once and put down, and how many to a head."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.test_train import config_of
from tests.data.toy_source import ToySource, install_toy
from yolo_core.data.registry import open_source
from yolo_core.data.source import default_anchors
from yolo_core.losses.families import FAMILY_NAMES, family_of, takes_anchors
from yolo_core.training.build import build_loss
from yolo_core.training.config import RunConfig, parse_config


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Another data set than digits, as an installed source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install_toy(tmp_path)


@pytest.fixture
def file(tmp_path):
    """file(config): its path on disk."""

    def write(config: RunConfig) -> str:
        (tmp_path / "config.json").write_text(config.to_json())
        return str(tmp_path / "config.json")

    return write


class Elsewhere(ToySource):
    """The toy source after its pictures were moved: nothing can be fitted to it."""

    def training_boxes(self):
        raise AssertionError("fitted anew")


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_that_a_family_takes_anchors_is_known_without_its_class(name):
    family = family_of(name)
    assert family.takes_anchors == takes_anchors(family.loss_class())


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(("loss", "heads"), [("yolov2", 1), ("yolov3", 2)])
def test_what_was_fitted_is_trained_with_whatever_becomes_of_the_data(loss, heads):
    config = config_of("--data", "toy", "--loss", loss)
    assert config.loss.anchors_fitted
    assert config.loss.anchors_per_head is None
    wanted = default_anchors(ToySource(0), 3 * heads)
    np.testing.assert_array_equal(np.float32(config.loss.anchors), wanted)
    again = parse_config(json.loads(config.to_json()))
    before, now = build_loss(config, ToySource(0)), build_loss(again, Elsewhere(0))
    assert before.get_config() == now.get_config()
    # As a run of an earlier version is built, which has none on record.
    loss = config.loss.model_copy(update={"anchors": None, "anchors_fitted": False})
    old = build_loss(config.model_copy(update={"loss": loss}), ToySource(0))
    assert old.get_config() == before.get_config()


@pytest.mark.usefixtures("toy")
def test_as_many_to_a_head_as_were_asked_for_and_the_lambdas_follow():
    three, five = (config_of("--data", "toy", "--anchors-per-head", each) for each in "35")
    assert (len(three.loss.anchors), len(five.loss.anchors)) == (3, 5)
    loss = build_loss(five, ToySource(0))
    assert len(loss.heads()[0].bias) == 5 * 8
    # Five slots a cell where there were three: the mean over them is so much smaller.
    ratio = five.loss.lambdas["objectness"] / three.loss.lambdas["objectness"]
    assert ratio == pytest.approx(5 / 3, rel=0.01)
    two_heads = config_of("--data", "toy", "--loss", "yolov3", "--anchors-per-head", "2")
    assert [len(each.bias) // 8 for each in build_loss(two_heads, ToySource(0)).heads()] == [2, 2]
    digits = config_of("--anchors-per-head", "6")
    assert digits.loss.lambdas["objectness"] == pytest.approx(100, rel=0.01), "twice as many slots"


@pytest.mark.slow
def test_a_file_with_anchors_keeps_them_until_data_or_number_change(file):
    made = config_of("--anchors-per-head", "2")
    odd = made.loss.model_copy(update={"anchors": [(0.1, 0.1), (0.2, 0.2)]})
    old = file(made.model_copy(update={"loss": odd}))
    assert config_of("--config", old, "--steps", "9").loss.anchors == odd.anchors
    larger = config_of("--config", old, "--image-size", "192").loss
    assert (larger.anchors_fitted, len(larger.anchors)) == (True, 2)
    assert larger.anchors != odd.anchors
    assert len(config_of("--config", old, "--anchors-per-head", "4").loss.anchors) == 4
    assert config_of("--config", old, "--anchors", "fitted").loss.anchors == made.loss.anchors
    given = config_of("--config", old, "--anchors", "0.3,0.4").loss
    assert given.anchors == [(0.3, 0.4)]
    assert (given.anchors_fitted, given.anchors_per_head) == (False, None)


def test_given_anchors_stay_with_other_data_and_have_no_number(file):
    old = file(config_of("--anchors", "0.3,0.4"))
    assert config_of("--config", old, "--image-size", "192").loss.anchors == [(0.3, 0.4)]
    with pytest.raises(ValueError, match="the number of anchors to fit, and these are given"):
        config_of("--config", old, "--anchors-per-head", "2")
    with pytest.raises(ValueError, match="the number of anchors to fit, and these are given"):
        config_of("--anchors", "0.3,0.4", "--anchors-per-head", "2")
    fitted = config_of("--config", old, "--anchors", "fitted", "--anchors-per-head", "2").loss
    assert (fitted.anchors_fitted, len(fitted.anchors)) == (True, 2)


def test_another_network_leaves_what_the_file_said_about_its_backbone(file):
    options = ("--network", "MobileNetV2", "--alpha", "0.5", "--weights", "imagenet", "--frozen")
    old = file(config_of(*options))
    assert config_of("--config", old).network.frozen
    assert not config_of("--config", old, "--no-frozen").network.frozen
    other = config_of("--config", old, "--network", "ResNet50").network
    assert (other.alpha, other.weights, other.frozen) == (None, "none", False)


@pytest.mark.parametrize("name", ["mnist_yolo", "yolov1", "ssd"])
def test_a_loss_without_anchors_has_none_on_record_and_no_number_of_them(name):
    loss = config_of("--loss", name).loss
    assert (loss.anchors, loss.anchors_fitted) == (None, False)
    with pytest.raises(ValueError, match=f"{name} has no anchors; received --anchors-per-head 3"):
        config_of("--loss", name, "--anchors-per-head", "3")


def test_a_loss_of_ones_own_that_takes_anchors_has_them_on_record(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from yolo_core.losses import YoloV2Loss\nclass Mine(YoloV2Loss):\n    strides = (8,)\n"
    )
    loss = config_of("--loss", f"{file}:Mine", "--anchors-per-head", "2").loss
    wanted = default_anchors(open_source(RunConfig().data), 2)
    np.testing.assert_array_equal(np.float32(loss.anchors), wanted)


def test_a_file_that_says_fitted_and_has_none_is_refused():
    with pytest.raises(ValueError, match="anchors_fitted is of anchors, and there are none"):
        parse_config({"loss": {"anchors_fitted": True}})
