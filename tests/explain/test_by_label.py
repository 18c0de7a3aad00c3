"""A loss that reads its labels wrongly: what is said of boxes goes by the labels all the same."""

from __future__ import annotations

import types

import numpy as np
import pytest

from tests.dashboard.sample_run import exchanging, make_loss, make_snapshot
from tests.explain.made_view import make_view
from tests.losses.loss_table import CASES, random_scene
from yolo_core.explain.by_label import (
    differs,
    given_elsewhere,
    label_iou,
    place_doubts,
    score_with_label,
    target_doubts,
)
from yolo_core.explain.reasons import object_reason, slot_reason, trained_objects
from yolo_core.explain.report import explain
from yolo_core.explain.trace import candidates, comparisons, object_of_slot
from yolo_core.views import SampleView

# What published code makes of its labels and boxes otherwise (docs/losses.md): raw outputs or
# rounded corners are compared, places are taken for others, cells for squares.
OTHERWISE = {
    "mnist_yolo/documented": "score",
    "mnist_yolo/huber": "score",
    "mnist_yolo/huber_no_floor": "score",
    "mnist_yolo/cell_offsets": "score",
    "yolov2/formula": "overlap",
    "yolov2/formula_pooled": "overlap",
}
# Object 0 of val/0 has its centre at (63.36, 33.6) px, x and y exchanged at (33.6, 63.36).
ELSEWHERE = (
    "This loss trains it towards another box than its label: (33.6, 63.4 px), 21.1 x 32.6 px in "
    "place of (63.4, 33.6 px), 21.1 x 32.6 px, IoU 0.00."
)


def exchanged(name: str) -> SampleView:
    """val/0 under a loss that reads x for y, half-way to predicting the true labels."""
    return make_snapshot(exchanging(make_loss(name)), 20, names=("val/0",)).sample("val/0")


@pytest.mark.parametrize("case", CASES)
def test_of_a_loss_that_reads_its_labels_right_its_account_is_the_labels(case) -> None:
    loss, y_pred = case.loss(), case.predictions(18)
    y_true = np.concatenate([random_scene(seed) for seed in range(6)])
    whole, layout = loss.breakdown(y_true, y_pred).to_numpy(), loss.slots(y_pred.shape)
    wrong, compared = set(), 0
    for image in range(18):
        assignment = types.SimpleNamespace(candidate_measure=whole.assignment.candidate_measure)
        view = types.SimpleNamespace(
            layout=layout,
            y_true=y_true[image],
            predictions={"boxes": whole.predictions["boxes"][image]},
            assignment=assignment,
        )
        objects = np.flatnonzero((whole.assignment.object_slot[image] >= 0).any(axis=1))
        own = whole.targets["overlap"][image][:, objects]
        if np.abs(own - label_iou(view, slice(None), objects)).max(initial=0.0) > 1e-4:
            wrong.add("overlap")
        for index in objects:
            pairs = zip(
                whole.assignment.candidate_slots[image, index].ravel(),
                whole.assignment.candidate_score[image, index].ravel(),
                strict=True,
            )
            for slot, score in pairs:
                if slot >= 0:
                    compared += 1
                    if differs(score, score_with_label(view, int(slot), int(index))):
                        wrong.add("score")
    assert compared > 6
    assert wrong == {OTHERWISE.get(case.name)} - {None}


@pytest.mark.parametrize("name", ["yolov2", "mnist_yolo", "yolov3"])
def test_iou_now_is_that_of_the_label(name: str) -> None:
    view = exchanged(name)
    boxes = view.predictions["boxes"].astype(np.float64)
    told = 0
    for each in explain(view).objects:
        x, y, w, h = view.y_true[each.index, 1:5].astype(np.float64)
        for place in each.slots:
            slot = view.layout.index(place.head, place.row, place.column, place.anchor)
            px, py, pw, ph = boxes[slot]
            across = max(0.0, min(x + w / 2, px + pw / 2) - max(x - w / 2, px - pw / 2))
            down = max(0.0, min(y + h / 2, py + ph / 2) - max(y - h / 2, py - ph / 2))
            shared = across * down
            assert place.iou == pytest.approx(shared / (w * h + pw * ph - shared), abs=1e-5)
            own = float(view.targets["overlap"][slot, each.index])
            if own - place.iou > 0.01:
                told += 1
                said = (
                    f"{own:.2f} by this loss's own account",
                    f"{own:.2f} by this loss's own account (by the label {place.iou:.2f})",
                )
                assert any(words in each.reason for words in said), each.reason
    assert told, "no box overlaps what the loss takes for its object"


def test_the_sentence_of_a_slot_gives_both_numbers() -> None:
    view = exchanged("yolov2")
    trained = [slot for slot in range(view.layout.count) if trained_objects(view, slot)]
    assert len(trained) == 5
    for slot in trained:
        (index,) = trained_objects(view, slot)
        label = label_iou(view, [slot], [index])[0, 0]
        own = view.targets["overlap"][slot, index]
        both = f"its box has IoU {label:.2f} with its label ({own:.2f} by this loss's own account)"
        assert (both in slot_reason(view, slot)) == (abs(own - label) > 0.005)


def test_the_rule_quotes_what_it_goes_by_and_names_it_as_the_loss_s() -> None:
    """Every slot's sentence: a number of the loss's alone stands only where the label agrees."""
    view = exchanged("yolov2")
    label = label_iou(view, slice(None), view.objects)
    own = view.targets["overlap"][:, view.objects]
    empty = np.flatnonzero(~view.assignment.object_mask)
    apart = np.abs(own - label).max(axis=1) > 0.005
    assert apart[empty].any()
    assert not apart[empty].all()
    for slot in empty.tolist():
        assert ("by this loss's own account" in slot_reason(view, slot)) == apart[slot]
    assert all(
        each.by_label == pytest.approx(label_iou(view, [slot], [each.index])[0, 0])
        for slot in empty.tolist()
        for each in comparisons(view, slot)
    )


def test_a_slot_is_about_the_object_whose_label_its_box_overlaps() -> None:
    view = exchanged("yolov2")
    compared = set(view.assignment.candidate_slots.ravel().tolist())
    label = label_iou(view, slice(None), view.objects)
    slots = [slot for slot in range(view.layout.count) if slot not in compared]
    assert sum(label[slot].max() > 0 for slot in slots) > 5
    for slot in slots:
        best = int(view.objects[label[slot].argmax()]) if label[slot].max() > 0 else None
        assert object_of_slot(view, slot) == best


def test_an_object_says_which_box_it_is_trained_towards() -> None:
    view = exchanged("yolov2")
    assert object_reason(view, 0).endswith(ELSEWHERE)
    (doubt,) = target_doubts(view)
    assert doubt == (
        # The centre of object 2 lies nearly on the diagonal, and yet not quite.
        "This loss trains 5 of the 5 objects of val/0 towards other boxes than their labels, as if "
        "x and y of the labels were exchanged: object 0 (class 4) towards (33.6, 63.4 px), 21.1 x "
        "32.6 px, while its label says (63.4, 33.6 px), 21.1 x 32.6 px; the IoU of the two is 0.00."
    )


@pytest.mark.parametrize("name", ["yolov2", "mnist_yolo", "yolov3"])
def test_of_a_sound_loss_nothing_of_it_is_said(name: str) -> None:
    for sample in ("val/0", "val/1", "val/2", "train/0"):
        view = make_snapshot(make_loss(name), 20).sample(sample)
        said = [slot_reason(view, slot) for slot in range(view.layout.count)]
        said += [object_reason(view, index) for index in view.objects.tolist()]
        assert not any("account" in each or "towards another box" in each for each in said)
        assert target_doubts(view) == []


def test_a_score_that_is_not_the_label_s_says_so() -> None:
    view = exchanged("mnist_yolo")  # its candidates are scored by their boxes
    index = 0
    (best, *_) = candidates(view, index, 0)
    assert best.score != pytest.approx(best.by_label, abs=0.01)
    assert f"{best.score:.2f} by this loss's own account (by the label {best.by_label:.2f})" in (
        object_reason(view, index)
    )


@pytest.mark.parametrize("name", ["yolov2", "yolov3", "mnist_yolo"])
def test_cells_without_the_centre_are_told_of(name: str) -> None:
    view = exchanged(name)
    # Objects 2 and 4 lie on the diagonal of the grid, where it makes no difference.
    found = [bool(given_elsewhere(view, n)) for n in view.objects.tolist()]
    assert found == [True, True, False, True, False]
    (doubt,) = place_doubts(view)
    assert doubt.startswith(
        "This loss gives 3 of the 5 objects of val/0 to cells that do not hold their centres: "
        "object 0 (class 4) to "
    )
    # Its centre at (63.4, 33.6) px lies in row 2, column 3 of 6 x 6 cells.
    if name != "yolov3":
        assert "to cell (row 3, column 2), while its centre lies in (row 2, column 3)." in doubt
    assert doubt.endswith("Are x and y, or rows and columns, exchanged?")


@pytest.mark.parametrize("name", ["yolov2", "yolov3", "mnist_yolo"])
def test_of_a_loss_that_keeps_to_the_centres_nothing_is_said(name: str) -> None:
    for sample in ("val/0", "val/1", "val/2"):
        view = make_snapshot(make_loss(name), 20, names=(sample,)).sample(sample)
        assert place_doubts(view) == []


def test_priors_may_lie_anywhere() -> None:
    """SSD matches by overlap, wherever the centre is."""
    far = make_view(candidates=[[4, 5], [6, 7]], slots=[5, 6], measure="shape IoU")
    assert given_elsewhere(far, 0) == [5]
    priors = make_view(candidates=[[4, 5], [6, 7]], slots=[5, 6], measure="prior IoU")
    assert given_elsewhere(priors, 0) == []
