"""The laws hold for every published name, and for slips and options in any combination."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tests.losses.loss_table import CASES, DEFAULTS, LossCase, assert_laws, random_scene
from yolo_core.losses.families import family_of, loss_names
from yolo_core.losses.slips import Slip

pytestmark = pytest.mark.slow

THRESHOLD = st.floats(0.05, 0.95)
STOP_GRADIENT = ops.stop_gradient


def test_every_published_name_is_in_the_table() -> None:
    assert {case.values[0].name for case in CASES} == set(loss_names())


@st.composite
def slips(draw: st.DrawFn, known: tuple[Slip, ...]) -> list[str]:
    """Any of the slips, no two of one option."""
    chosen = draw(st.sets(st.sampled_from([slip.name for slip in known])))
    by_option = {slip.option or slip.name: slip.name for slip in known if slip.name in chosen}
    names = set(by_option.values())
    if "cell-offsets" in names:  # an object in another cell has no offset in it
        names -= {"x-y-order"}
    return sorted(names)


@st.composite
def options(draw: st.DrawFn, case: LossCase) -> dict:
    """Options that the sound class takes, of those that change numbers."""
    takes = case.loss().options
    found: dict = {}
    for name in ("ignore_threshold", "overlap_threshold"):
        if name in takes:
            found[name] = draw(THRESHOLD)
    if "negative_ratio" in takes:
        found["negative_ratio"] = draw(st.integers(0, 5))
    if "iou_gradient" in takes:
        found["iou_gradient"] = draw(st.booleans())
    if "warmup_batches" in takes:
        found["warmup_batches"] = draw(st.integers(0, 2))
    found["lambdas"] = {
        term: draw(st.sampled_from([0.0, 0.5, 1.0, 30.0])) for term in case.loss().term_names
    }
    return found


@pytest.mark.parametrize("case", DEFAULTS)
@given(data=st.data(), seed=st.integers(0, 1000), scale=st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=8, derandomize=True, deadline=None)
def test_laws_over_drawn_slips_and_options(case, data, seed, scale):
    drawn = data.draw(options(case))
    names = data.draw(slips(family_of(case.name).slips))
    # A slip that is an option of the sound class, too, is drawn as one.
    names = [name for name in names if name != "iou-gradient"]
    if drawn.get("iou_gradient") and "iou-gradient" in case.loss(iou_gradient=True).slips:
        names.append("iou-gradient")
    loss = case.loss(slips=names, **drawn)
    assert loss.slips == set(names)
    y_pred = case.predictions(3, seed=seed, scale=scale)
    assert_laws(loss, random_scene(seed), y_pred)


def numbers_that_matter(gradient: np.ndarray, count: int) -> np.ndarray:
    """The places of the largest entries, and of some others, of a flat gradient."""
    order = np.argsort(-np.abs(gradient))
    return np.concatenate([order[:count], order[count :: max(1, len(order) // count)][:count]])


class Constants:
    """Has `ops.stop_gradient` give what it gave where the first total was taken.

    YOLOv5's objectness is trained towards a CIoU that is a constant to the gradient, and so is a
    weight inside CIoU: the slope to compare with is that of a total in which both stand still.
    """

    def __init__(self) -> None:
        self.kept: list = []
        self.left: Iterator | None = None

    def __call__(self, values: Any) -> Any:
        if self.left is not None:
            return next(self.left)
        self.kept.append(STOP_GRADIENT(values))
        return self.kept[-1]

    def stand_still(self) -> None:
        """From here on, and from the first of them again."""
        self.left = iter(self.kept)


@pytest.mark.parametrize("case", DEFAULTS)
def test_the_gradient_is_the_slope_of_the_total(case, monkeypatch):
    # Central differences in float32: exact to some 1e-3 of the largest slope.
    y_true = random_scene(1)
    y_pred = case.predictions(3, seed=1, scale=0.5)
    loss = case.loss(**({"iou_gradient": True} if "iou_gradient" in case.loss().options else {}))
    constants = Constants()
    if case.name == "yolov5":  # elsewhere, what is stopped would go unnoticed
        monkeypatch.setattr(ops, "stop_gradient", constants)

    def compute(y_pred):
        breakdown = loss.breakdown(y_true, y_pred)
        parts = breakdown.assignment.no_object_mask, breakdown.assignment.matched_object
        return breakdown.total, parts

    raw = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        total, parts = compute(raw)
    gradient = np.asarray(tape.gradient(total, raw)).ravel()

    step = 1e-2
    slopes, kept = [], []
    for place in numbers_that_matter(gradient, 12):
        sides, same = [], True
        for sign in (1, -1):
            moved = y_pred.copy().ravel()
            moved[place] += sign * step
            constants.stand_still()
            total, moved_parts = compute(moved.reshape(y_pred.shape))
            same &= all(
                (a.numpy() == b.numpy()).all() for a, b in zip(parts, moved_parts, strict=True)
            )
            sides.append(float(total))
        if same:  # where a slot changes its part, the total has no slope
            slopes.append((sides[0] - sides[1]) / (2 * step))
            kept.append(gradient[place])
    assert len(kept) > 12
    np.testing.assert_allclose(slopes, kept, rtol=2e-2, atol=2e-3 * np.abs(gradient).max())
