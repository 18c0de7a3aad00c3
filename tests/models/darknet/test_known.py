"""The tables of well-known networks against Darknet's own count of its configurations."""

from __future__ import annotations

import json
import time

import pytest

from tests.models.darknet.golden_cases import GOLDEN
from yolo_core.models.darknet.known import NAMES, known_cfg, known_network
from yolo_core.models.darknet.numbers import count, parts_of
from yolo_core.models.darknet.specs import Head
from yolo_core.models.darknet.weights import expected_floats

OFFICIAL = json.loads((GOLDEN / "official_networks.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_the_type_shape_and_floats_that_darknet_counts(name: str) -> None:
    network = known_network(name)
    layers = [
        [each.section.name, list(each.shape), count(parts_of(each))] for each in network.layers
    ]
    assert layers == OFFICIAL[name]["layers"]
    assert list(network.shape) == [3, *OFFICIAL[name]["input_whc"][1::-1]]
    assert network.notes == ()


@pytest.mark.parametrize(
    ("name", "floats"),
    [
        ("yolov2", 50_983_561),
        ("yolov2-tiny", 11_237_145),
        ("yolov3", 62_001_757),
        ("yolov3-tiny", 8_858_734),
    ],
)
def test_published_parameter_counts(name: str, floats: int) -> None:
    assert expected_floats(known_network(name)) == floats


def test_other_classes_and_sizes() -> None:
    # VOC's 20 classes: 5 anchors of 25 channels, 1025 numbers a filter.
    network = known_network("yolov2", classes=20, width=416, height=320)
    assert network.layers[-1].shape == (125, 10, 13)
    assert expected_floats(network) == 50_983_561 - 300 * 1025


def test_heads_have_their_anchors() -> None:
    heads = [each.spec for each in known_network("yolov3").heads]
    assert all(isinstance(each, Head) for each in heads)
    assert [each.anchors[0] for each in heads] == [(116, 90), (30, 61), (10, 13)]
    (head,) = known_network("yolov2-tiny").heads
    assert head.spec.anchors[3] == (7.88282, 3.52778)
    assert head.spec.softmax


@pytest.mark.parametrize(
    "options",
    [{"classes": 0}, {"width": 100}, {"height": -32}, {"width": 16, "height": 16}],
)
def test_what_a_known_network_cannot_be(options: dict) -> None:
    with pytest.raises(ValueError, match="multiples of 32; received"):
        known_cfg("yolov3", **options)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="yolov2, yolov2-tiny, yolov3, yolov3-tiny; received"):
        known_cfg("yolov9")


@pytest.mark.slow
def test_keras_builds_it_in_seconds_and_counts_the_same_parameters() -> None:
    from yolo_core.models.darknet.build import build

    started = time.perf_counter()
    model = build(known_network("yolov2", width=416, height=416)).model()
    assert time.perf_counter() - started < 10
    assert model.count_params() == 50_983_561
    assert model.output_shape == (None, 13, 13, 425)
