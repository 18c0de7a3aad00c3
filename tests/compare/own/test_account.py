"""Losses with one planted slip, and with two: what the account of their gradient says."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slipped")]

SLIPPED = Path(__file__).parent / "slipped"
AGAINST = {"v1": "yolov1/paper", "v2": "yolov2/notebook", "v3": "yolov3/tf2", "ssd": "ssd"}

# Each slip of `slipped/`, and what must be said of it.
SAID = {
    "v1_no_sqrt": "No square roots of w and h are taken",
    "v1_target_one": "is trained towards 1, published: towards the IoU of the predicted box",
    "v1_argmin": "the box with the worst IoU of its cell is responsible",
    "v1_corner_index": "with the centre of the predicted box taken from its width",
    "v1_class_all_cells": "Classes are trained on slots without an object too",
    "v1_wh_in_cells": "wrong unit: the numbers compared are cells for fractions of the picture",
    "v2_stop_gradient": "No gradient flows through the IoU",
    "v2_confidence_sigmoid_twice": "there is the sigmoid taken twice, published: a sigmoid",
    "v2_anchors_pixels": "the anchors 16 x too large, pixels for cells",
    "v2_ignore_erases": "The ignore rule silences slots with an object too",
    "v2_ignore_inverted": "the ignore rule is the wrong way round",
    "v2_softmax_twice": "there is the softmax taken twice, published: a softmax",
    "v2_half_width": "an IoU with half the width and height forgotten",
    "v2_class_plus_one": "the class one place too far",
    "v2_wh_logs": "w and h are compared as logarithms",
    "v2_no_object_zero": "The term no_object is left out",
    "v2_two": "no exp on w and h",
    "v3_no_log": "the logarithm of the target is missing",
    "v3_masks_reversed": "the heads have each other's anchors",
    "v3_batch_mixed": "the objects of all pictures of the batch",
    "v3_ignore_plane": "leaves the whole plane of an anchor alone",
    "v3_xy_bce": "x and y (the term xy) is binary cross-entropy, published: the square",
    "v3_no_sigmoid_xy": "no sigmoid on x and y",
    "ssd_ratio_1": "one hard negative for each matched prior",
    "ssd_no_variances": "no variance on the offsets of x and y",
    "ssd_no_mining": "there is no hard-negative mining",
    "ssd_yxhw": "x and y exchanged in the target, once it is an offset",
    "ssd_no_forced": "no forced prior: an object that no prior overlaps enough",
}
# Two slips of one loss in two terms each: their gradients differ from the right one in places of
# their own, so that both differences added are the gradient of both.
PAIRS = (
    ("v1_no_sqrt", "v1_class_all_cells"),
    ("v2_wh_logs", "v2_softmax_twice"),
    ("v3_xy_bce", "v3_no_log"),
    ("v3_xy_bce", "v3_ignore_plane"),
    ("ssd_ratio_1", "ssd_yxhw"),
)


class Bench:
    """One published loss on the pictures that `compare` takes."""

    def __init__(self, family: str) -> None:
        from yolo_core.compare.own.diagnosis import term_gradients
        from yolo_core.compare.own.own_gradient import breakdown_snapshot
        from yolo_core.compare.own.pictures import telling_pictures
        from yolo_core.compare.own.random_predictions import random_predictions
        from yolo_core.compare.raw_shape import network_output
        from yolo_core.compare.setup import loss_like
        from yolo_core.data.registry import open_source
        from yolo_core.training.config import RunConfig

        config = RunConfig()
        source = open_source(config.data)
        self.family = family
        against = AGAINST.get(family, family)
        self.loss = loss_like(against, config, source)
        names, images, self.y_true = telling_pictures(source, self.loss)
        shape = (len(names), *self.loss.output_shape(images.shape[1:]))
        layout = self.loss.slots(shape)
        slots = random_predictions(self.loss, layout, self.y_true)
        self.y_pred = network_output(self.loss, slots, layout.grids)
        breakdown, self.terms = term_gradients(self.loss, self.y_true, self.y_pred)
        self.snapshot = breakdown_snapshot(
            self.loss,
            against,
            breakdown,
            samples=names,
            images=images,
            y_true=self.y_true,
            y_pred=self.y_pred,
            class_names=source.class_names,
        )

    @functools.cache  # noqa: B019
    def gradient(self, slip: str) -> np.ndarray:
        """(B, P, channels) of the loss with that slip; with none for ""."""
        from yolo_core.compare.own.own_gradient import Handing, own_gradient
        from yolo_core.training.own_loss import load_object

        name = "custom_loss" if self.family == "v2" else "yolo_loss"
        name = "multibox_loss" if self.family == "ssd" else name
        path = f"{SLIPPED / f'loss_{self.family}.py'}:{name}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SLIP", slip)
            patch.setattr(sys, "path", [str(SLIPPED), *sys.path])
            function = load_object(path)
            self._hand_over()
            handing = Handing("grid" if self.family == "v2" else "rows")
            shape = self.snapshot.images.shape[1:]
            given = (self.loss, self.y_true, self.y_pred, handing)
            return own_gradient(function, path, *given, image_shape=shape)[1]

    def _hand_over(self) -> None:
        import glue

        layout = self.snapshot.layout
        glue.priors = np.array(layout.prior, np.float32)
        heads = [layout.prior[layout.head == head] for head in range(len(layout.grids))]
        counts = [count for *_, count in layout.grids]
        glue.anchors = [each[:count, 2:] for each, count in zip(heads, counts, strict=True)]
        glue.grids = [(rows, columns) for rows, columns, _ in layout.grids]

    def evidence(self):
        """What forms are made from, and the slots with an object."""
        from yolo_core.compare.own.forms.evidence import Evidence

        matched = np.asarray(self.snapshot.breakdown.assignment.matched_object)
        right = np.sum(list(self.terms.values()), axis=0)
        variances = tuple(self.loss.options.get("variances", (1.0, 1.0)))
        found = Evidence(self.snapshot, right, self.terms, matched, variances)
        return found, found.slots()

    def told(self, gradient: np.ndarray) -> tuple[str, ...]:
        from yolo_core.compare.own.own_gradient import account

        found = account(self.loss, self.snapshot, gradient, self.terms)
        return tuple(each.sentence for each in found.remarks)


@pytest.fixture(scope="module")
def bench():
    return functools.cache(Bench)


def test_of_a_loss_without_a_confidence_only_the_slots_are_told(bench):
    # It ended in an error of Python.
    one = bench("retinanet")
    assert one.told(np.sum([one.terms["box"], -one.terms["classification"]], axis=0)) == ()


def test_two_remarks_that_differ_in_counts_alone_are_no_news():
    from yolo_core.compare.own.forms.told import Remark

    one = Remark("All {count} slots of {name}.", {"count": 3, "name": "val/{1}"})
    assert one == Remark("All {count} slots of {name}.", {"count": 5, "name": "val/2"})
    assert one != Remark("None of {count} slots.", {"count": 3})
    assert one.sentence == "All 3 slots of val/{1}."


@pytest.mark.parametrize("family", AGAINST)
def test_a_right_loss_has_nothing_told_of_it(bench, family):
    one = bench(family)
    mine, published = one.gradient(""), np.sum(list(one.terms.values()), axis=0)
    np.testing.assert_allclose(mine, published, rtol=2e-3, atol=1e-5 * np.abs(published).max())
    assert one.told(mine) == ()


@pytest.mark.parametrize("slip", [each for each in SAID if each not in sum(PAIRS, ())])
def test_a_slip_is_named(bench, slip):
    one = bench(slip.partition("_")[0])
    told = one.told(one.gradient(slip))
    assert any(SAID[slip] in sentence for sentence in told), told


def test_objects_in_other_cells_keep_their_place_in_the_cell_and_nothing_else_is_told(bench):
    one = bench("v1")
    told = one.told(one.gradient("v1_cells_ji"))
    causes = [each for each in told if "object" not in each.partition(":")[2]]
    assert causes == [
        "Other slots are trained for objects: the cells with row and column exchanged: x counts "
        "columns and y counts rows.",
        "And 10 more objects are trained elsewhere.",
    ]


def test_a_weight_that_follows_from_another_mistake_is_none_of_its_own(bench):
    # Confidence is divided by the slots that it is trained on, and more are.
    one = bench("v2")
    assert one.told(one.gradient("v2_grid_exchanged")) == (
        "Boxes are decoded with a mistake: the row added to x and the column to y.",
    )


def test_a_target_in_another_unit_is_no_mistake_in_decoding(bench):
    # Alone, w and h against 16 x the target are w and h of anchors that are 16 x too small.
    one = bench("v2")
    told = one.told(one.gradient("v2_target_pixels"))
    assert told[1:] == (
        "Width and height of the target are in the wrong unit: the numbers compared are pixels "
        "for cells.",
    )
    assert "width and height of the target in pixels, not cells" in told[0]


def test_a_forced_prior_is_trained_for_its_object_and_not_for_another(bench):
    # On the picture "with an object more", which the digits alone do not show.
    one = bench("ssd")
    (only,) = one.told(one.gradient("ssd_forced_index"))
    assert "the label is changed, and the index of the box is not" in only


def test_a_variance_and_a_temperature_are_solved_for(bench):
    from yolo_core.compare.own.forms.boxes import size_forms

    one = bench("ssd")
    evidence, at = one.evidence()
    gradient = np.sum(list(one.terms.values()), axis=0)
    where = at.image[:, None], at.slot[:, None], evidence.box_channels[2:]
    form = form_of(size_forms(evidence, at), variance="", error="smooth L1")
    offsets = np.log(at.box[:, 2:] / evidence.layout.prior[at.slot, 2:]) / 0.3
    error = np.clip(evidence.raw[where] - offsets, -1, 1)
    gradient[where] = np.median(gradient[where] / form) * error
    assert one.told(gradient) == (
        "The target of w and h (the term wh) has a variance of 0.3 on the offsets of w and h, not "
        "0.2.",
    )
    one = bench("v2")
    evidence, at = one.evidence()
    gradient = np.sum(list(one.terms.values()), axis=0)
    where = at.image[:, None], at.slot[:, None], evidence.class_channels
    shares = np.exp(evidence.raw[where] / 4)
    gradient[where] = shares / shares.sum(axis=-1, keepdims=True) - at.one_hot
    assert any("times 0.25 (a temperature of 4)" in each for each in one.told(gradient))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_slips_are_both_named(bench, first, second):
    one = bench(first.partition("_")[0])
    right = one.gradient("")
    told = one.told(one.gradient(first) + one.gradient(second) - right)
    for slip in (first, second):
        assert any(SAID[slip] in sentence for sentence in told), (slip, told)


def test_of_numbers_at_random_nothing_is_said_but_where_they_are(bench):
    one = bench("v1")
    # Not those of the predictions: that would be the slope of their squares.
    noise = np.random.default_rng(1).normal(size=one.y_pred.shape).astype(np.float32)
    noise = np.asarray(one.loss.slot_predictions(noise))
    assert [each.partition(":")[0] for each in one.told(noise)] == [
        "The term xy is trained on slots without an object too",
        "The term wh is trained on slots without an object too",
    ]


def test_weights_by_head_class_and_picture_are_said(bench):
    one = bench("v3")
    right = np.sum(list(one.terms.values()), axis=0)
    head = np.asarray([2.0, 1.0])[one.snapshot.layout.head]
    wh = one.snapshot.channels.index("w")
    gradient = right.copy()
    gradient[..., wh : wh + 2] *= head[:, None]
    (only,) = one.told(gradient)
    assert only == "The term wh is weighted by head (head 0: 2, head 1: 1)."


def form_of(forms, **said):
    """The first form of some that says this, and the slots that it is of."""
    return next(each for each in forms if said.items() <= each.said.items()).gradient


@pytest.mark.parametrize("overlap", ["GIoU", "CIoU"])
def test_a_box_that_is_trained_by_its_overlap(bench, overlap):
    from yolo_core.compare.own.forms.confidences import overlap_forms

    one = bench("v3")
    evidence, at = one.evidence()
    gradient = np.sum(list(one.terms.values()), axis=0)
    form = form_of(overlap_forms(evidence, at), error=f"1 - {overlap} of the boxes")
    gradient[at.image[:, None], at.slot[:, None], evidence.box_channels] = 3 * form
    assert one.told(gradient) == (
        f"The box is trained by 1 - {overlap} of the boxes, and not by terms xy and wh.",
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"activation": "sigmoids"}, "In classification there are sigmoids, published: a softmax."),
        ({"error": "the square"}, "The error of classification is the square, published:"),
        ({"error": "focal loss (gamma 2)"}, "is focal loss (gamma 2), published: cross-entropy"),
        ({"target": "label smoothing of 0.1"}, "target is wrong: label smoothing of 0.1"),
        ({"target": "the classes in the reverse order"}, "the classes in the reverse order"),
    ],
)
def test_classes_by_another_formula(bench, said, sentence):
    from yolo_core.compare.own.forms.classes import class_forms

    one = bench("v2")
    evidence, at = one.evidence()
    usual = {"activation": "a softmax", "error": "cross-entropy", "target": ""}
    forms = class_forms(evidence, at.image, at.slot, at.one_hot)
    gradient = np.sum(list(one.terms.values()), axis=0)
    where = at.image[:, None], at.slot[:, None], evidence.class_channels
    gradient[where] = 0.5 * form_of(forms, **{**usual, **said})
    assert any(sentence in each for each in one.told(gradient)), one.told(gradient)
