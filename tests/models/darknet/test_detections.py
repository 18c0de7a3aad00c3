"""Boxes and probabilities as Darknet lists them, before and after its suppression."""

from __future__ import annotations

import numpy as np
import pytest

from tests.models.darknet.golden_cases import DETECTORS, LETTERBOXED, arrays, facts, loaded, run
from yolo_core.models.darknet.adapt import heads_of
from yolo_core.models.darknet.build import build
from yolo_core.models.darknet.detections import Listed, list_boxes, suppressed
from yolo_core.models.darknet.letterbox import to_picture
from yolo_core.models.darknet.plan import parse_network

NMS = 0.45


def listed(case: str, threshold: float) -> Listed:
    network, _, built = loaded(case)
    outputs = [
        each.transpose(1, 2, 0) if each.ndim == 3 else each
        for each in run(built, arrays(case)["input"])
    ]
    numbers = [each.number for each in network.heads]
    raw, heads = [outputs[each - 1] for each in numbers], [outputs[each] for each in numbers]
    return list_boxes(network, raw, heads, threshold)


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["all", "t1"])
@pytest.mark.parametrize("case", DETECTORS)
def test_the_boxes_are_darknets_in_its_order(case: str, tag: str) -> None:
    golden = arrays(case)
    found = listed(case, 0.0 if tag == "all" else facts(case)["thresholds"][tag])
    assert len(found.boxes) == len(golden[f"dets_{tag}_pre_boxes"])
    for got, key in (
        (found.boxes, "boxes"),
        (found.objectness, "objectness"),
        (found.probabilities, "probs"),
    ):
        np.testing.assert_allclose(got, golden[f"dets_{tag}_pre_{key}"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", DETECTORS)
def test_the_suppression_is_darknets(case: str) -> None:
    golden = arrays(case)
    found = suppressed(listed(case, facts(case)["thresholds"]["t1"]), NMS)
    want = np.zeros_like(found.probabilities)
    want[golden["dets_t1_post_row"]] = golden["dets_t1_post_probs"]
    np.testing.assert_array_equal(found.probabilities > 0, want > 0)
    np.testing.assert_allclose(found.probabilities, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", LETTERBOXED)
def test_boxes_go_back_to_a_letterboxed_picture(case: str) -> None:
    golden, size = arrays(case), facts(case)["image_size"]
    width, height = size["width"], size["height"]
    _, down, across = loaded(case)[0].shape
    found = listed(case, facts(case)["thresholds"]["t1"])
    back = to_picture(found.boxes, (width, height), (across, down))
    pixels = back * [width, height, width, height]
    np.testing.assert_allclose(pixels, golden["dets_imgpix_pre_boxes"], rtol=1e-4, atol=1e-2)


HEAD = "[net]\nwidth=8\nheight=8\nchannels=7\n[region]\nclasses=2\nnum=1\nanchors=1,2\n"


def test_one_cell_by_hand() -> None:
    # The middle of cell (row 1, column 2) of an 8 x 8 grid, as large as its anchor.
    network = parse_network(HEAD)
    raw = np.full((8, 8, 7), -20.0, np.float32)
    raw[1, 2, :5] = 0, 0, 0, 0, 0
    out = raw.copy()
    out[1, 2] = 0.5, 0.5, 0, 0, 0.5, 0.9, 0.4
    found = list_boxes(network, [raw], [out], 0.3)
    place = 1 * 8 + 2
    np.testing.assert_allclose(found.boxes[place], [2.5 / 8, 1.5 / 8, 1 / 8, 2 / 8])
    np.testing.assert_allclose(found.probabilities[place], [0.45, 0.0])
    assert np.count_nonzero(found.objectness) == 1


YOLO = (
    "[net]\nwidth=8\nheight=8\nchannels=7\n[yolo]\nclasses=2\nnum=1\nanchors=1,2\nscale_x_y=1.2\n"
)


def test_scale_x_y_lets_a_centre_lie_a_tenth_of_a_cell_outside() -> None:
    # As `scal_add_cpu` of AlexeyAB's yolo_layer.c: 1.2 * sigmoid - 0.1.
    network = parse_network(YOLO)
    picture = np.full((7, 8, 8), -20.0, np.float32)
    picture[:5, 1, 2] = 20, 0, 0, 0, 20  # x: a sigmoid of 1, y: of 0.5
    picture[:5, 0, 0] = -20, 20, 0, 0, 20
    built = build(network)
    (out,) = run(built, picture)
    np.testing.assert_allclose(out[:2, 1, 2], [1.1, 0.5], atol=1e-6)
    np.testing.assert_allclose(out[:2, 0, 0], [-0.1, 1.1], atol=1e-6)
    raw, head = picture.transpose(1, 2, 0), out.transpose(1, 2, 0)
    found = list_boxes(network, [raw], [head], 0.5)
    # In pixels of a picture of 8: an anchor of 1 x 2.
    np.testing.assert_allclose(
        8 * found.boxes, [[-0.1, 1.1, 1, 2], [3.1, 1.5, 1, 2]], rtol=0, atol=1e-5
    )


def test_a_head_with_scale_x_y_is_not_trained_and_says_where() -> None:
    text = YOLO.replace("[yolo]", "[convolutional]\nfilters=7\nactivation=linear\n[yolo]")
    with pytest.raises(ValueError, match=r"line 12, \[yolo\]: a head with scale_x_y=1.2 can"):
        heads_of(parse_network(text, "a.cfg"))


def test_a_threshold_is_passed_from_above_alone() -> None:
    network = parse_network(HEAD)
    out = np.zeros((8, 8, 7), np.float32)
    out[0, 0, 4:] = 0.5, 1.0, 1.0
    assert not list_boxes(network, [out], [out], 0.5).probabilities.any()
    assert list_boxes(network, [out], [out], 0.49).probabilities[0].tolist() == [0.5, 0.5]


def test_each_class_is_suppressed_by_itself() -> None:
    # Two boxes of IoU 1/3: 1 x 1, half a width apart.
    boxes = np.array([[1, 1, 1, 1], [1.5, 1, 1, 1]], np.float32)
    found = Listed(boxes, np.ones(2), np.array([[0.9, 0.2], [0.8, 0.3]], np.float32))
    np.testing.assert_allclose(suppressed(found, 0.34).probabilities, found.probabilities)
    np.testing.assert_allclose(
        suppressed(found, 0.33).probabilities, np.array([[0.9, 0], [0, 0.3]], np.float32)
    )


def test_a_network_without_a_head_lists_nothing() -> None:
    with pytest.raises(ValueError, match=r"need \[region\] or \[yolo\].*received none"):
        list_boxes(parse_network("[net]\nwidth=8\nheight=8\nchannels=3\n[avg]"), [], [], 0.5)
