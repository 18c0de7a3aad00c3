"""What is wrong with a run, by its rows and snapshots: each made up, with numbers by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.dashboard.sample_run import exchanging, make_loss
from tests.doctor.made_run import TERMS, found, keys, make_run, with_predictions
from yolo_core.doctor.asked import watch
from yolo_core.doctor.run import anchor_silent
from yolo_core.runs.pulls import UPDATE


def as_it_is(snapshot):
    return snapshot


def test_a_run_in_order_is_left_alone(tmp_path):
    assert keys(make_run(tmp_path, batches=as_it_is)) == set()


def test_a_run_that_has_hardly_begun_is_left_alone(tmp_path):
    run = make_run(tmp_path, steps=3, looks=(0,))
    assert keys(run) == set()
    assert "It has made 3 steps" in watch(run).not_tried["starves"]


def test_the_first_term_that_is_no_number(tmp_path):
    wh = np.full(400, 0.5)
    wh[300:] = np.nan
    run = make_run(tmp_path, curves={"wh": wh}, looks=(0, 100, 200))
    finding = found(run, "not-finite")
    assert finding.seen.step == 301
    assert "At step 301 the loss is no number, and of its terms wh; 100 such steps" in finding.what


def test_boxes_that_grow(tmp_path):
    sizes = {100: 1, 200: 10, 300: 20, 400: 40}

    def grow(snapshot):
        boxes = snapshot.breakdown.predictions["boxes"].copy()
        boxes[..., 2:] *= sizes.get(snapshot.step, 1)
        return with_predictions(snapshot, boxes=boxes)

    finding = found(make_run(tmp_path, change=grow), "boxes-growing")
    assert finding.seen.step == 200
    assert finding.seen.link["step"] == "400"


def test_a_loss_that_exchanges_x_and_y(tmp_path):
    loss = exchanging(make_loss("yolov2"))
    run = make_run(tmp_path, loss=loss, looks=(0, 400))
    said = {each.key: each for each in watch(run).findings}
    assert {"misread:places", "misread:targets"} <= set(said)
    assert "x and y of the labels were exchanged" in said["misread:targets"].what


def test_a_total_that_is_sixteen_times_its_parts(tmp_path):
    finding = found(make_run(tmp_path, total=lambda summed: 16 * summed), "total")
    assert finding.seen.evidence["ratio"] == "16"


def test_a_term_that_never_moves(tmp_path):
    still = {"objectness": np.full(400, 0.6931)}
    finding = found(make_run(tmp_path, curves=still), "term-still")
    assert finding.what == "objectness has been 0.6931 for all 400 steps."
    zero = {"objectness": np.zeros(400)}
    assert found(make_run(tmp_path, curves=zero, name="zero"), "term-still").seen.cause == "zero"


def test_a_term_that_is_switched_off_may_stay(tmp_path):
    still = {"objectness": np.full(400, 0.6931)}
    assert keys(make_run(tmp_path, curves=still, lambdas={"objectness": 0.0})) == set()


def test_a_term_that_starves_another(tmp_path):
    curves = {"no_object": np.geomspace(1.0, 0.3, 400), "classification": np.full(400, 2.3)}
    curves["classification"][::2] += 0.01
    run = make_run(tmp_path, curves=curves, lambdas={"no_object": 5000.0})
    finding = found(run, "starves")
    assert finding.key == "starves:classification"
    assert finding.seen.evidence["strong"] == "no_object"


def test_objectness_that_is_zero_everywhere(tmp_path):
    def silent(snapshot):
        objectness = np.full_like(snapshot.breakdown.predictions["objectness"], 0.004)
        return with_predictions(snapshot, objectness=objectness)

    finding = found(make_run(tmp_path, change=silent), "objectness-zero")
    assert "more than 0.004 at step 400" in finding.what


def test_predictions_that_do_not_depend_on_the_picture(tmp_path):
    def dead(snapshot):
        return dataclasses.replace(snapshot, y_pred=np.repeat(snapshot.y_pred[:1], 4, axis=0))

    finding = found(make_run(tmp_path, change=dead), "dead")
    assert finding.seen.cause == "all"

    def one_channel(snapshot):
        raw = snapshot.y_pred.copy()
        raw[..., 2] = 0.0
        return dataclasses.replace(snapshot, y_pred=raw)

    assert (
        "At step 400 w is the same"
        in found(make_run(tmp_path, change=one_channel, name="one"), "dead").what
    )


@pytest.mark.parametrize(
    ("first", "last", "cause"), [(1.0, 5.0, "high"), (1.0, 0.999, "low"), (1.0, 0.4, None)]
)
def test_a_learning_rate_that_is_far_off(tmp_path, first, last, cause):
    curves = {term: np.geomspace(first, last, 400) for term in TERMS}
    named = [e for e in watch(make_run(tmp_path, curves=curves)).findings if "rate" in e.key]
    assert [each.seen.cause for each in named] == ([] if cause is None else [cause])


@pytest.mark.parametrize(
    ("moves", "cause"), [(0.9, "high"), (0.02, None), (1e-4, None), (2e-6, "low")]
)
def test_weights_that_are_thrown_about_or_hardly_move(tmp_path, moves, cause):
    # Measured at every fiftieth step; with the rate it falls to nothing in the end.
    measured = np.where(np.arange(1, 401) % 50 == 0, moves * np.linspace(1, 0, 400), np.nan)
    named = watch(make_run(tmp_path, more={UPDATE: measured})).findings
    assert [each.seen.cause for each in named] == ([] if cause is None else [cause])


def test_what_too_large_steps_bring_about_is_said_to_follow_from_them(tmp_path):
    thrown = {UPDATE: np.where(np.arange(1, 401) % 50 == 0, 0.9, np.nan)}
    still = {"objectness": np.full(400, 0.6931)}
    finding = found(make_run(tmp_path, curves=still, more=thrown), "term-still")
    assert finding.cause.startswith('Perhaps it follows from "A learning rate that is far off"')


def test_a_warm_up_of_most_of_the_run(tmp_path):
    def of(batches):
        return {"loss": {"name": "yolov2", "options": {"warmup_batches": batches}}}

    finding = found(make_run(tmp_path, config={**of(300), "training": {"steps": 400}}), "warm-up")
    assert finding.what == "the loss's warmup_batches lasts 300 steps, of 400 in all."
    assert (
        keys(make_run(tmp_path, config={**of(40), "training": {"steps": 400}}, name="b")) == set()
    )


def test_inference_that_is_far_from_training(tmp_path):
    def shrunk(snapshot):
        boxes = snapshot.breakdown.predictions["boxes"].copy()
        boxes[..., 2:] *= 0.3  # an IoU of 0.09 at most
        return with_predictions(snapshot, boxes=boxes)

    finding = found(make_run(tmp_path, change=shrunk, batches=as_it_is), "batch-norm")
    assert float(finding.seen.evidence["training"]) > 0.5
    assert float(finding.seen.evidence["inference"]) < 0.1


def test_validation_that_is_left_behind(tmp_path):
    looks = (0, 50, 100, 150, 200, 250, 300, 350, 400)
    val = dict(zip(looks, (9, 5, 3, 2, 3, 4, 5, 6, 7), strict=True))

    def apart(snapshot):
        totals = [val[snapshot.step] if "val" in name else 1.0 for name in snapshot.samples]
        whole = dataclasses.replace(snapshot.breakdown, total=np.array(totals, np.float32))
        return dataclasses.replace(snapshot, breakdown=whole)

    finding = found(make_run(tmp_path, looks=looks, change=apart), "overfitted")
    assert finding.seen.step == 150
    assert (finding.seen.evidence["ratio"], finding.seen.evidence["best"]) == ("7.0", "2")


def test_a_class_that_is_never_said(tmp_path):
    def relabelled(snapshot):
        y_true = snapshot.y_true.copy()
        at = snapshot.samples.index("val/0")
        y_true[at, :, 5:] = np.eye(10)[6]
        return dataclasses.replace(snapshot, y_true=y_true)

    finding = found(make_run(tmp_path, change=relabelled), "class-silent")
    assert "objects of class 6" in finding.what


def test_an_anchor_that_no_object_is_given_to(tmp_path, monkeypatch):
    monkeypatch.setattr(anchor_silent, "_OBJECTS_A_PLACE", 5)

    def without_the_last(snapshot):
        mask = snapshot.breakdown.assignment.object_mask.copy()
        mask[:, snapshot.layout.anchor == 2] = False
        assignment = dataclasses.replace(snapshot.breakdown.assignment, object_mask=mask)
        whole = dataclasses.replace(snapshot.breakdown, assignment=assignment)
        return dataclasses.replace(snapshot, breakdown=whole)

    assert "anchor-silent" not in {
        k.split(":")[0] for k in keys(make_run(tmp_path, batches=as_it_is))
    }
    run = make_run(tmp_path, batches=without_the_last, name="without")
    assert "none of anchor 2" in found(run, "anchor-silent").what


def test_objects_that_are_never_learned(tmp_path):
    # Of 12 objects one lies outside, one has no area, and one lost its slot: 3 are never found.
    run = make_run(tmp_path, steps=1000, looks=(0, 800, 900, 1000))
    finding = found(run, "never-learned")
    assert finding.seen.cause == "lost"
    assert finding.what.startswith("3 of 12 objects")
    assert "3 no slot trained for it" in finding.what


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("swapped", "object 0 is labelled 9, and seen as 5"),
        ("misplaced", "object 0 (5) is seen with a score of 1.00 by a box that has an IoU of 0.2"),
        ("overlooked", "5 is seen with a score of 1.00 where no label is"),
        ("right", ""),
    ],
)
def test_a_label_that_the_network_contradicts(tmp_path, kind, words):
    samples = ("val/0", "train/0", "train/1")

    def mislabelled(snapshot):
        y_true = snapshot.y_true.copy()
        label = y_true[samples.index("train/0"), 0]
        if kind == "swapped":
            label[5:] = np.eye(10)[9]  # it is a 5
        elif kind == "misplaced":
            label[1] += 0.6 * label[3]  # an IoU of 0.25
        elif kind == "overlooked":
            label[:] = 0
        return dataclasses.replace(snapshot, y_true=y_true)

    def sure(snapshot):
        seen = snapshot.breakdown.predictions
        objectness = np.where(seen["objectness"] > 0.5, 0.999, seen["objectness"])
        probability = seen["class_probabilities"] ** 8
        probability /= probability.sum(axis=-1, keepdims=True)
        return with_predictions(
            snapshot,
            objectness=objectness.astype(np.float32),
            class_probabilities=probability.astype(np.float32),
        )

    looks = (0, 400, 500, 600)
    run = make_run(
        tmp_path, steps=600, looks=looks, samples=samples, change=lambda s: mislabelled(sure(s))
    )
    if not words:
        assert keys(run) == set()
        return
    finding = found(run, "label-doubt")
    assert finding.seen.cause == kind
    assert words in finding.what
