"""Each published slip is a switch: on it gives the published number, off it gives none of it."""

from __future__ import annotations

import pytest

from tests.losses.golden_files import golden, rows_of_image
from yolo_core.losses import FAMILY_NAMES, VARIANTS, changed, published
from yolo_core.losses.families import all_families, family_of, loss_names

ANCHORS = {
    "yolov2": [(1.0, 1.5), (2.0, 2.5)],
    "yolov3": [(0.2, 0.3), (0.4, 0.5)],
    "ssd": [(0.5, 0.5, 0.3, 0.4), (0.5, 0.5, 0.6, 0.7)],
    "retinanet": [(0.5, 0.5, 0.3, 0.4), (0.5, 0.5, 0.6, 0.7)],
    "yolov5": [(0.2, 0.3), (0.4, 0.5)],
}
SLIPS = [
    pytest.param(family.name, slip, id=slip.name)
    for family in all_families()
    for slip in family.slips
]


def make(name, **options):
    return published(name, anchors=ANCHORS.get(name.split("/")[0]), num_classes=3, **options)


def settings(loss):
    """Everything that makes a loss what it is, but for its name."""
    return {key: value for key, value in loss.get_config().items() if key != "name"}


def test_what_was_published_with_which_slips():
    notebook = {"warmup-off-by-one", "smallest-class", "centre-on-one-dropped", "count-by-weight"}
    formula = {"square-root-sizes", "whole-errors", "plain-counts", "only-assigned-ignore"}
    found = {name: make(name).slips for name in VARIANTS}
    assert {name: slips for name, slips in found.items() if slips} == {
        "mnist_yolo/documented": {
            "floor-corners",
            "x-y-order",
            "objectless-left-out",
            "raw-matching",
            "raw-boxes",
            "pixel-sized-weight",
        },
        "mnist_yolo/huber": {
            "floor-corners",
            "raw-matching",
            "huber-errors",
            "pixel-sized-weight",
        },
        "mnist_yolo/huber_no_floor": {"raw-matching", "huber-errors", "pixel-sized-weight"},
        "mnist_yolo/cell_offsets": {
            "floor-corners",
            "raw-matching",
            "huber-errors",
            "cell-offsets",
            "offsets-by-swapped-axes",
        },
        "yolov2/notebook": {*notebook, "iou-gradient"},
        "yolov2/notebook_stop_gradient": notebook,
        "yolov2/confidence_by_iou": {*notebook, "iou-gradient", "confidence-by-iou"},
        "yolov2/backend": {*notebook, "iou-gradient"},
        "yolov2/formula": {*formula, "iou-gradient", "counts-of-each-picture"},
        "yolov2/formula_pooled": {*formula, "iou-gradient"},
        "yolov3/pytorch": {
            "no-object-times-100",
            "ignore-by-anchor-shape",
            "every-head",
            "every-class",
            "saturated-logarithms",
        },
        "yolov3/tf2": {
            "ignore-within-head",
            "size-weighting",
            "sums-for-means",
            "share-of-sigmoids",
            "cell-by-division",
            "clipped-probabilities-v3",
        },
        "ssd/multibox": {"global-maximum"},
        "retinanet/torchvision": {
            "rounded-anchors",
            "forced-for-another",
            "zero-overlap-forces-all",
        },
        "retinanet/kerashub": {
            "rounded-anchors",
            "saturating-focal",
            "means-of-entries",
            "no-objects-no-loss",
        },
        "yolov5/v7.0": {"neighbour-overwrites", "angle-of-quotient", "sort-fails-on-one"},
    }


def test_the_name_alone_has_no_slip_but_the_gradient_that_yolov2_is_written_with():
    found = {name: make(name).slips for name in FAMILY_NAMES}
    assert {name: slips for name, slips in found.items() if slips} == {"yolov2": {"iou-gradient"}}
    assert not any(type(make(name)).__name__.startswith("Verbatim") for name in FAMILY_NAMES)


@pytest.mark.parametrize("name", loss_names())
def test_a_loss_with_the_slips_that_it_has_is_that_loss(name):
    loss = make(name)
    assert settings(make(name, slips=loss.slips)) == settings(loss)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


@pytest.mark.parametrize(("family", "slip"), SLIPS)
def test_a_slip_can_be_switched_alone_by_its_name_and_by_its_keyword(family, slip):
    plain, slipped = make(family, slips=[]), make(family, slips=[slip.name])
    assert (plain.slips, slipped.slips) == (frozenset(), {slip.name})
    weights = plain.expand_lambdas(slip.lambdas)
    for term, variable in slipped.lambdas.items():
        expected = weights.get(term, float(plain.lambdas[term].numpy()))
        assert float(variable.numpy()) == pytest.approx(expected)
    if not slip.option:
        assert weights
        return
    assert (plain.switches[slip.option], slipped.switches[slip.option]) == (slip.off, slip.on)
    assert make(family, **{"slips": [], slip.option: slip.on}).slips == {slip.name}
    assert changed(plain, {slip.option: slip.on}).slips == {slip.name}
    assert changed(slipped, {slip.option: slip.off}).slips == frozenset()
    others = {key: value for key, value in plain.switches.items() if key != slip.option}
    assert others == {k: value for k, value in slipped.switches.items() if k != slip.option}


def test_every_slip_says_what_it_is():
    slips = [slip for family in all_families() for slip in family.slips]
    assert len({slip.name for slip in slips}) == len(slips)
    for slip in slips:
        for words in (slip.title, slip.number, slip.shows, slip.with_words, slip.without_words):
            assert words
        assert slip.sentence.endswith(".")
        assert slip.shows.endswith(".")
        assert bool(slip.option) != bool(slip.lambdas)


def test_a_slip_of_another_family_is_refused():
    with pytest.raises(ValueError, match="yolov2 has no slip 'floor-corners'; it has confidence-"):
        make("yolov2", slips=["floor-corners"])
    with pytest.raises(ValueError, match="no loss 'yolov9'"):
        family_of("yolov9")


def test_two_slips_of_one_option_exclude_each_other():
    with pytest.raises(ValueError, match="exclude each other"):
        make("yolov3", slips=["saturated-logarithms", "clipped-probabilities-v3"])


def test_a_lambda_that_was_asked_for_wins_over_a_slip():
    loss = make("mnist_yolo", slips=["objectless-left-out"], lambdas={"no_object": 3.0, "xy": 7.0})
    assert float(loss.lambdas["no_object"].numpy()) == 3
    assert float(loss.lambdas["xy"].numpy()) == 7


def mnist_total(name, slips):
    arrays, _, _ = golden("mnist_typical")
    return float(published(name, slips=slips, num_classes=10)(arrays["y_true"], arrays["y_pred"]))


def test_the_objectless_term_left_out_as_documented():
    # docs/losses.md, A-4: 4.571 as coded, 5.428 with the term.
    slips = make("mnist_yolo/documented").slips
    assert mnist_total("mnist_yolo/documented", slips) == pytest.approx(4.571, abs=5e-4)
    slips = [name for name in slips if name != "objectless-left-out"]
    assert mnist_total("mnist_yolo/documented", slips) == pytest.approx(5.428, abs=5e-4)


def test_corners_rounded_down():
    # 5.4657 with the floor, 5.1811 without.
    slips = make("mnist_yolo/huber").slips
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
    given_all = {"anchors": arrays["anchors"], "num_classes": given["classes"]}
    loss = published(
        "yolov2/formula",
        slips=[*published("yolov2/formula", **given_all).slips, *slips],
        lambdas={"no_object": given["lambda_"]["noobj"]},
        **given_all,
    )
    y_pred = arrays["y_pred_raw"]
    y_true = rows_of_image(
        arrays["gt_boxes"], len(y_pred), len(arrays["gt_boxes"]), given["classes"]
    )
    breakdown = loss.breakdown(y_true, y_pred.reshape(*y_pred.shape[:3], -1))
    weighted = float(breakdown.terms[term]) * given["lambda_"]["noobj"]
    assert weighted == pytest.approx(value, abs=5e-5)
