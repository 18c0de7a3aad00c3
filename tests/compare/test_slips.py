"""Each published slip is a switch: on it gives the published number, off it gives none of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.losses.golden_files import golden, rows_of_image
from yolo_core.compare.slip_table import SLIPS
from yolo_core.compare.slips import apply_slips, options_with, slips_in, slips_of
from yolo_core.losses import FAMILY_NAMES, VARIANTS

ANCHORS = {
    "yolov2": [(1.0, 1.5), (2.0, 2.5)],
    "yolov3": [(0.2, 0.3), (0.4, 0.5)],
    "ssd": [(0.5, 0.5, 0.3, 0.4), (0.5, 0.5, 0.6, 0.7)],
}


def make(name, slips, **options):
    return apply_slips(
        name, slips, anchors=ANCHORS.get(name.split("/")[0]), num_classes=3, **options
    )


def settings(loss):
    """Everything that makes a loss what it is, but for its name."""
    return {key: value for key, value in loss.get_config().items() if key != "name"}


def test_what_was_published_with_which_slips():
    assert {name: slips_in(name) for name in VARIANTS if slips_in(name)} == {
        "mnist_yolo/documented": (
            "floor-corners",
            "x-y-order",
            "objectless-left-out",
            "raw-matching",
            "raw-boxes",
            "pixel-sized-weight",
        ),
        "mnist_yolo/huber": ("floor-corners", "raw-matching", "pixel-sized-weight"),
        "mnist_yolo/huber_no_floor": ("raw-matching", "pixel-sized-weight"),
        "mnist_yolo/cell_offsets": ("floor-corners", "raw-matching"),
        "yolov2/notebook": (
            "warmup-off-by-one",
            "smallest-class",
            "iou-gradient",
            "centre-on-one-dropped",
            "count-by-weight",
        ),
        "yolov2/notebook_stop_gradient": (
            "warmup-off-by-one",
            "smallest-class",
            "centre-on-one-dropped",
            "count-by-weight",
        ),
        "yolov2/confidence_by_iou": (
            "confidence-by-iou",
            "warmup-off-by-one",
            "smallest-class",
            "iou-gradient",
            "centre-on-one-dropped",
            "count-by-weight",
        ),
        "yolov2/backend": (
            "warmup-off-by-one",
            "smallest-class",
            "iou-gradient",
            "centre-on-one-dropped",
            "count-by-weight",
        ),
        "yolov2/formula": ("iou-gradient",),
        "yolov2/formula_pooled": ("iou-gradient",),
        "yolov3/pytorch": (
            "no-object-times-100",
            "ignore-by-anchor-shape",
            "every-head",
            "every-class",
            "saturated-logarithms",
        ),
        "yolov3/tf2": ("clipped-probabilities-v3", "cell-by-division", "share-of-sigmoids"),
        "ssd/multibox": ("global-maximum",),
    }


@pytest.mark.parametrize("name", [*FAMILY_NAMES, *VARIANTS])
def test_a_loss_with_the_slips_that_it_has_is_that_loss(name):
    from yolo_core.losses import published

    anchors = ANCHORS.get(name.split("/")[0])
    expected = settings(published(name, anchors=anchors, num_classes=3))
    assert str(settings(make(name, slips_in(name)))) == str(expected)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_on_and_off_differ_in_what_the_table_says_and_nothing_else(slip):
    on, off = (settings(make(slip.family, slips)) for slips in ([slip.name], []))
    wanted = make(slip.family, [])
    for option, value in slip.on.items():
        if option == "lambdas":
            for term in wanted.expand_lambdas(value):
                assert on["lambdas"][term] == pytest.approx(
                    value.get(term, next(iter(value.values())))
                )
                assert off["lambdas"][term] != on["lambdas"][term]
        else:
            assert (on[option], off[option]) == (value, slip.off[option])
    touched = {*slip.on, *slip.situation}
    same = [{k: str(v) for k, v in each.items() if k not in touched} for each in (on, off)]
    assert same[0] == same[1]


def test_every_slip_says_what_it_is():
    assert len({slip.name for slip in SLIPS}) == len(SLIPS)
    for slip in SLIPS:
        assert slip.family in FAMILY_NAMES
        assert slip in slips_of(f"{slip.family}/anything")
        for words in (slip.title, slip.number, slip.shows):
            assert words
        assert slip.sentence.endswith(".")
        assert slip.shows.endswith(".")
        assert set(slip.on) == set(slip.off)


def test_a_slip_of_another_family_is_refused():
    with pytest.raises(ValueError, match="yolov2 has no slip 'floor-corners'; it has confidence-"):
        make("yolov2", ["floor-corners"])
    with pytest.raises(ValueError, match="no loss 'yolov9'"):
        options_with("yolov9", [])


def test_two_slips_of_one_option_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        make("yolov3", ["saturated-logarithms", "clipped-probabilities-v3"])


def test_a_slip_wins_over_a_lambda_that_was_asked_for():
    loss = make("mnist_yolo", ["objectless-left-out"], lambdas={"no_object": 3.0, "xy": 7.0})
    assert float(loss.lambdas["no_object"].numpy()) == 0
    assert float(loss.lambdas["xy"].numpy()) == 7


def mnist_total(name, slips):
    arrays, _, _ = golden("mnist_typical")
    return float(apply_slips(name, slips, num_classes=10)(arrays["y_true"], arrays["y_pred"]))


def test_the_objectless_term_left_out_as_documented():
    # docs/losses.md, A-4: 4.571 as coded, 5.428 with the term.
    slips = slips_in("mnist_yolo/documented")
    assert mnist_total("mnist_yolo/documented", slips) == pytest.approx(4.571, abs=5e-4)
    slips = [name for name in slips if name != "objectless-left-out"]
    assert mnist_total("mnist_yolo/documented", slips) == pytest.approx(5.428, abs=5e-4)


def test_corners_rounded_down():
    # 5.4657 with the floor, 5.1811 without.
    slips = slips_in("mnist_yolo/huber")
    assert mnist_total("mnist_yolo/huber", slips) == pytest.approx(5.4657, abs=5e-5)
    slips = [name for name in slips if name != "floor-corners"]
    assert mnist_total("mnist_yolo/huber", slips) == pytest.approx(5.1811, abs=5e-5)


@pytest.mark.parametrize(
    ("slips", "term", "value"),
    [
        # B-2 and B-3: the no-object term, and as printed.
        ([], "no_object", 0.2956),
        (["no-object-unsquared"], "no_object", -0.4900),
    ],
)
def test_the_formula_as_it_was_printed(slips, term, value):
    arrays, given, _ = golden("yolov2_formula_typical")
    loss = apply_slips(
        "yolov2/formula",
        ["iou-gradient", *slips],
        anchors=arrays["anchors"],
        num_classes=given["classes"],
        lambdas={"no_object": given["lambda_"]["noobj"]},
    )
    y_pred = arrays["y_pred_raw"]
    y_true = rows_of_image(
        arrays["gt_boxes"], len(y_pred), len(arrays["gt_boxes"]), given["classes"]
    )
    breakdown = loss.breakdown(y_true, y_pred.reshape(*y_pred.shape[:3], -1))
    weighted = float(breakdown.terms[term]) * given["lambda_"]["noobj"]
    assert weighted == pytest.approx(value, abs=5e-5)


def test_a_warm_up_of_one_batch_has_none(scene):
    without = scene.loss("yolov2", slips=[], situations=["warmup-off-by-one"])
    slipped = scene.loss("yolov2", slips=["warmup-off-by-one"])
    both = scene.compare({"without": without, "with": slipped}, scene.slots(without))
    cold = scene.compare({"never warm": scene.loss("yolov2", slips=[])}, scene.slots(without))
    warm, none = (each.view.terms["wh"] for each in both.losses)
    assert warm > 5 * none
    np.testing.assert_allclose(none, cold.losses[0].view.terms["wh"])
