"""The formulas are whole, have every term, and have the numbers of the picture in them."""

from __future__ import annotations

import re

import pytest

from yolo_core.compare.formulas import formula, symbols
from yolo_core.losses import FAMILY_NAMES, VARIANTS
from yolo_core.losses.families import all_families

SLIPS = [
    pytest.param(family.name, slip, id=slip.name)
    for family in all_families()
    for slip in family.slips
]
V2 = ("xy", "wh", "objectness", "no_object", "classification")
TERMS = dict.fromkeys(FAMILY_NAMES, V2) | {
    "ssd": ("xy", "wh", "classification", "no_object"),
    "retinanet": ("box", "classification", "no_object"),
    "yolov5": ("box", "objectness", "no_object", "classification"),
}
# Slips that change what is compared or counted where no picture's formula says it.
NOT_WRITTEN = {
    "clipped-probabilities",
    "clipped-probabilities-v3",
    "saturated-logarithms",
    "smallest-class",
    "every-class",
    "angle-of-quotient",
    "sort-fails-on-one",
    "iou-gradient",
    "centre-on-one-dropped",
    "count-by-weight",
    "cell-by-division",
    "global-maximum",
    "rounded-anchors",
    "forced-for-another",
    "zero-overlap-forces-all",
    "saturating-focal",
    "no-objects-no-loss",
}


def written(name, options=None, weight=2.0, value=0.25):
    terms = TERMS[name.split("/")[0]]
    return formula(name, dict.fromkeys(terms, weight), dict.fromkeys(terms, value), options=options)


def says(name, options=None):
    """The formula and what its symbols stand for."""
    words = symbols(name, options=options)
    assert words.endswith(".")
    assert words.count("$") % 2 == 0
    assert "None" not in words
    assert "_object" not in words
    return written(name, options), words


def assert_whole(text):
    without_escapes = re.sub(r"\\[{}]", "", text)
    depth = 0
    for sign in without_escapes:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    for opening, closing in ((r"\left", r"\right"), (r"\begin{", r"\end{")):
        count = [
            len(re.findall(re.escape(each) + r"(?![a-z])", text)) for each in (opening, closing)
        ]
        assert count[0] == count[1]
    assert text.startswith("\\begin{aligned}")
    assert text.endswith("\\end{aligned}")
    # One column mark a line, and none inside a formula.
    for line in text.splitlines()[1:-1]:
        assert line.count("&") == 1
    assert "_object" not in text  # text mode takes no underscore
    assert "None" not in text


@pytest.mark.parametrize("name", [*FAMILY_NAMES, *VARIANTS])
def test_whole_with_every_term_and_every_number(name):
    text = written(name)
    assert_whole(text)
    terms = TERMS[name.split("/")[0]]
    for term in terms:
        words = term.replace("_", " ")
        assert rf"_{{\text{{{words}}} \,=\, 0.25}}" in text
    assert text.count(r"\underbrace") == len(terms)
    assert text.count(r"0.9em}2} \cdot") == len(terms)  # each lambda over its number
    assert f"={{}}& {2 * 0.25 * len(terms):g} " in text or f"={{}}& {0.5 * len(terms):g}\n" in text


@pytest.mark.parametrize(("family", "slip"), SLIPS)
def test_a_slip_shows_in_the_formula_where_a_formula_can_say_it(family, slip):
    situation = {key: value for key, value in slip.situation.items() if key != "lambdas"}
    on, off = (says(family, {**situation, "slips": names}) for names in ((slip.name,), ()))
    assert_whole(on[0])
    assert_whole(off[0])
    says_nothing = slip.name in NOT_WRITTEN or bool(slip.lambdas)
    assert (on == off) is says_nothing


def test_what_distinguishes_the_code_from_the_formula():
    code, text = written("yolov2/notebook"), written("yolov2/formula")
    assert r"\frac{1}{2 N_{\text{obj}}}" in code
    assert r"\sqrt" not in code
    assert r"\frac{1}{N_{\text{obj}}}" in text
    assert r"\sqrt{w} - \sqrt{\hat{w}}" in text
    assert "of each picture" in symbols("yolov2/formula")
    assert "is below $0.6$." in symbols("yolov2/notebook")
    # B-2 and B-3, as printed.
    assert r"C_{ij}^{\text{noobj}} \left( 0 - \hat{C}_{ij} \right)^2" in code
    assert r"C_{ij} \left( 0 - \hat{C}_{ij} \right)^2" in written(
        "yolov2", {"no_object_on_objects": True}
    )
    assert r"\left( 0 - \hat{C}_{ij} \right)}" in written("yolov2", {"no_object_unsquared": True})


def test_numbers_as_they_are_written_in_a_book():
    text = formula("yolov2", {"xy": 0.5, "wh": 1e-7}, {"xy": float("nan"), "wh": float("inf")})
    assert r"10^{-7}" in text
    assert r"\text{NaN}" in text
    assert r"\infty" in text
    assert_whole(text)


def test_a_loss_of_ones_own_is_known_by_its_terms():
    text = formula("mine.py:My_Loss", {"focal_100%": 2.0}, {"focal_100%": 3.0})
    assert_whole(text)
    assert r"L_{\text{focal 100 }}" in text
    assert "& 6" in text
    assert symbols("mine.py:My_Loss") == ""


def test_wrong_names():
    with pytest.raises(ValueError, match="no loss 'yolov9'"):
        formula("yolov9", {}, {})
    with pytest.raises(ValueError, match="The terms wh of yolov2 have no lambda"):
        formula("yolov2", {"xy": 1.0}, {"xy": 1.0, "wh": 1.0})
