"""Two gradients held against each other: what is a weight, what is a difference, and where."""

from __future__ import annotations

import re

import numpy as np
import pytest

from yolo_core.compare.own.gradients import compare_gradients
from yolo_core.compare.own.saved import list_comparisons, read_comparison, write_comparison
from yolo_core.compare.own.term_factors import relative_difference, term_factors, trained

X, OBJECTNESS, CLASS_0 = 0, 4, 5


@pytest.fixture(scope="module")
def published(scene):
    """YOLOv2 on one picture: its snapshot, and the gradient of each of its terms."""
    from yolo_core.compare.own.diagnosis import term_gradients
    from yolo_core.compare.raw_shape import network_output
    from yolo_core.models.decode import nms_keep
    from yolo_core.views import Snapshot

    loss = scene.loss("yolov2")
    y_pred = network_output(loss, scene.slots(loss))
    breakdown, terms = term_gradients(loss, scene.y_true[None], y_pred)
    seen = breakdown.predictions
    snapshot = Snapshot(
        step=0,
        kind="batch",
        samples=("val/3",),
        class_names=scene.scenes.class_names,
        loss_name="yolov2",
        channels=loss.channel_names,
        layout=loss.slots(y_pred.shape),
        breakdown=breakdown,
        images=scene.image[None],
        y_true=scene.y_true[None],
        y_pred=np.asarray(loss.slot_predictions(y_pred)),
        keep=nms_keep(seen["boxes"], seen["objectness"], seen["class_probabilities"]),
    )
    return snapshot, terms


@pytest.fixture(scope="module")
def against(published):
    snapshot, terms = published

    def against(mine):
        return compare_gradients(
            yours="mine.py:loss",
            against="yolov2",
            snapshot=snapshot,
            your_gradient=mine,
            term_gradients=terms,
            your_total=1.0,
            published_total=2.0,
        )

    return against


def weighted(terms, **factors):
    return sum(factors.get(term, 1.0) * gradient for term, gradient in terms.items())


def test_the_same(published, against):
    _, terms = published
    found = against(weighted(terms))
    assert found.findings == ("The two gradients are the same everywhere.",)
    assert found.same
    assert found.slots == ()
    assert found.factor == pytest.approx(1)
    np.testing.assert_allclose(found.published_gradient, weighted(terms), rtol=1e-6)


def test_another_weight(published, against):
    _, terms = published
    found = against(2 * weighted(terms))
    assert found.findings == (
        "Yours is 2 x the published one everywhere: the same loss with another weight.",
    )
    assert found.same
    assert found.slots == ()
    assert found.factor == pytest.approx(2)


def test_other_weights_of_terms_that_share_channels(published, against):
    # The box of YOLOv2 is moved by xy and wh, and by objectness through the IoU.
    _, terms = published
    found = against(weighted(terms, objectness=0.2, wh=3.0, no_object=7.0))
    assert found.slots == ()
    assert not found.same
    assert {each.term: round(each.factor, 4) for each in found.terms} == {
        "xy": 1.0,
        "wh": 3.0,
        "objectness": 0.2,
        "no_object": 7.0,
        "classification": 1.0,
    }
    assert found.findings[0].startswith("The same formulas with other weights: wh 3 x")


def test_one_slot_changed_is_found_with_its_place_and_reason(published, against):
    snapshot, terms = published
    view = snapshot.sample("val/3")
    slot = int(np.flatnonzero(view.assignment.no_object_mask)[10])
    mine = weighted(terms)
    mine[0, slot, X] = 0.5
    found = against(mine)
    (only,) = found.slots
    layout = view.layout
    assert (only.row, only.column, only.anchor) == (
        layout.row[slot],
        layout.column[slot],
        layout.anchor[slot],
    )
    assert only.channels == (("x", 0.5, 0.0),)
    assert only.part == "no object"
    assert only.reason.startswith("no object: ")
    assert only.relative == 1
    assert only.sentence == "your loss trains what the published one leaves alone here"
    assert found.findings[0].startswith(
        "The gradients differ on 1 of 108 slots, only slots without"
    )
    assert found.findings[0].endswith("The median factor over all numbers is 1.")


def test_the_largest_relative_difference_comes_first(published, against):
    snapshot, terms = published
    view = snapshot.sample("val/3")
    empty = np.flatnonzero(view.assignment.no_object_mask)[:3]
    mine = weighted(terms)
    mine[0, empty, OBJECTNESS] *= [1.5, -1.0, 0.0]
    found = against(mine)
    assert [each.slot for each in found.slots] == [empty[1], empty[2], empty[0]]
    assert [each.relative for each in found.slots] == pytest.approx([2, 1, 1 / 3], abs=1e-3)
    assert [each.sentence for each in found.slots] == [
        "your loss pushes the other way",
        "your loss leaves alone what the published one trains here",
        "your loss pulls 1.5 x as hard on objectness",
    ]


def test_an_ignore_rule_the_wrong_way_round(published, against):
    snapshot, terms = published
    masks = snapshot.sample("val/3").assignment
    mine = weighted(terms)
    mine[0, masks.no_object_mask, OBJECTNESS] = 0.0
    mine[0, masks.ignore_mask, OBJECTNESS] = 0.01
    found = against(mine)
    ignored, empty = int(masks.ignore_mask.sum()), int(masks.no_object_mask.sum())
    assert found.findings[0] == (
        f"The ignore rule is the wrong way round: your loss trains {ignored} of {ignored} slots "
        f"that the published one ignores, and none of the {empty} that it trains as no object."
    )
    assert {each.slot for each in found.slots} == set(np.flatnonzero(~masks.object_mask))


def test_only_ignored_slots(published, against):
    snapshot, terms = published
    masks = snapshot.sample("val/3").assignment
    mine = weighted(terms)
    mine[0, masks.ignore_mask, OBJECTNESS] = 0.01
    found = against(mine)
    count = int(masks.ignore_mask.sum())
    assert found.findings[:2] == (
        f"Your loss trains {count} of {count} slots that the published one ignores.",
        f"The gradients differ on {count} of 108 slots, only slots that the published loss "
        "ignores, in objectness. The median factor over all numbers is 1.",
    )
    assert {each.sentence for each in found.slots} == {
        "your loss trains it, and the published one leaves it alone"
    }
    assert all(each.reason.startswith("ignored: its box overlaps object") for each in found.slots)


def test_rows_and_columns_exchanged(published, against):
    _, terms = published
    grid = weighted(terms).reshape(6, 6, 3, 15)
    found = against(np.swapaxes(grid, 0, 1).reshape(1, 108, 15))
    assert any("with row and column exchanged" in each for each in found.findings)


def test_no_gradient_and_no_number(published, against):
    _, terms = published
    nothing = against(np.zeros((1, 108, 15)))
    assert nothing.findings[0].startswith("Your loss has no gradient at all")
    assert nothing.factor is None
    mine = weighted(terms)
    mine[0, 7, CLASS_0] = np.nan
    broken = against(mine)
    assert broken.findings[0].startswith("Your gradient is no finite number in 1 of 1620 places")
    assert (broken.slots[0].slot, broken.slots[0].relative) == (7, 2)
    assert broken.to_json()["slots"][0]["channels"][0]["yours"] is None


def test_rounding_is_no_difference(published, against):
    _, terms = published
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 108, 15))
    assert against(weighted(terms) * (1 + 1e-5 * noise) + 1e-9 * noise).same


def test_shapes_that_do_not_fit(against):
    with pytest.raises(
        ValueError, match=re.escape("must have the shape of the slots, (1, 108, 15)")
    ):
        against(np.zeros((1, 107, 15)))


def test_numbers_of_the_distance():
    one = np.asarray([[1.0, 2.0, 0.0, -1.0, np.nan]])
    other = np.asarray([[1.0, 1.0, 3.0, 1.0, 1.0]])
    np.testing.assert_allclose(relative_difference(one, other), [[0, 0.5, 1, 2, 2]])


def test_what_is_only_rounding():
    small = np.asarray([[[1.0, 1e-12], [1e-7, 1e-3], [-1e-4, 0.0]]])
    mine, terms = trained(small, {"xy": 3 * small})
    np.testing.assert_array_equal(mine, [[[1.0, 0.0], [0.0, 1e-3], [-1e-4, 0.0]]])
    np.testing.assert_array_equal(terms["xy"], 3 * mine)
    # 2e-6 is no rounding in the one, so 5e-7 is none in the other; 1e-13 beside it is.
    mine, terms = trained([[[1.0], [5e-7], [1e-13]]], {"xy": [[[1.0], [2e-6], [2e-6]]]})
    np.testing.assert_array_equal(mine, [[[1.0], [5e-7], [0.0]]])
    np.testing.assert_array_equal(terms["xy"], [[[1.0], [2e-6], [2e-6]]])


@pytest.mark.parametrize("factor", [0.03185, 1e-4, 40.0])
def test_a_weight_on_tiny_numbers_is_a_weight_and_nothing_else(published, factor):
    snapshot, terms = published
    empty = np.flatnonzero(snapshot.sample("val/3").assignment.no_object_mask)
    terms = {term: gradient.copy() for term, gradient in terms.items()}
    # A trained network is sure of most empty slots: 1e-4 down to 1e-9 of the largest number.
    largest = np.abs(terms["objectness"][..., OBJECTNESS]).max()
    terms["no_object"][0, empty, OBJECTNESS] = largest * np.geomspace(1e-4, 1e-9, len(empty))
    found = compare_gradients(
        yours="mine.py:loss",
        against="yolov2",
        snapshot=snapshot,
        your_gradient=weighted(terms, no_object=factor),
        term_gradients=terms,
        your_total=1.0,
        published_total=2.0,
    )
    assert found.slots == ()
    assert found.findings == (
        f"The same formulas with other weights: no_object {factor:.4g} x the published one.",
        "The same: xy, wh, objectness, classification.",
    )
    assert all(each.agree == each.entries for each in (*found.terms, *found.groups))


def test_a_term_that_is_zero_only_where_it_stands_alone_is_not_left_out():
    # x and y of four slots, and what flows to three of them through the confidence.
    xy, confidence = np.zeros((1, 8, 3)), np.zeros((1, 8, 3))
    xy[0, :4, :2] = [[1, 2], [3, 4], [5, 6], [7, 8]]
    confidence[0, :, 2] = 1
    confidence[0, :3, :2] = 1
    mine = np.zeros_like(xy)
    mine[0, :, 2] = [1, 5, 2, 7, 3, 9, 4, 8]
    mine[0, :3, :2] = [[2, 9], [7, 1], [8, 3]]  # another formula, with nothing on the fourth slot
    terms = {"xy": xy, "objectness": confidence}
    found, _ = term_factors(mine, terms)
    assert [each.kind for each in found] == ["other", "other"]
    found, _ = term_factors(confidence, terms)
    assert [each.kind for each in found] == ["left out", "same"]


def test_sizes_that_are_not_trained_are_said(published, against):
    _, terms = published
    mine = weighted(terms)
    mine[..., 2:4] = 0.0
    found = against(mine)
    count = 2 * int(published[0].sample("val/3").assignment.object_mask.sum())
    assert found.findings[0] == (
        f"Your loss trains none of the {count} numbers of w, h on slots with an object, and the "
        "published one all of them."
    )


def test_written_and_read_back(tmp_path, published, against):
    _, terms = published
    mine = weighted(terms, wh=3.0)
    mine[0, 5, X] = 1.0
    found = against(mine)
    assert list_comparisons(tmp_path) == []
    path = write_comparison(tmp_path, found)
    assert path.name == "mine-py-loss-yolov2.npz"
    assert list_comparisons(tmp_path) == [path]
    back = read_comparison(path)
    assert back.to_json() == found.to_json()
    np.testing.assert_array_equal(back.your_gradient, found.your_gradient)
    assert back.views[0].total == found.views[0].total
    # A second one of the same losses takes its place.
    assert write_comparison(tmp_path, found) == path
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="damaged, half-written"):
        read_comparison(path)


def test_a_snapshot_is_no_comparison(tmp_path, published):
    from yolo_core.runs.snapshots import write_snapshot

    path = tmp_path / "snapshot.npz"
    write_snapshot(path, published[0])
    with pytest.raises(ValueError, match="is no comparison of gradients"):
        read_comparison(path)
