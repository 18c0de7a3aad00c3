"""MnistYoloLoss gives the numbers that the reference code gave."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, with_gradient
from yolo_core.losses import published

VARIANTS = {
    "seed": "mnist_yolo/documented",
    "late": "mnist_yolo/huber",
    "late_nofloor": "mnist_yolo/huber_no_floor",
    "final": "mnist_yolo/cell_offsets",
}
CASES = ["mnist_typical", "mnist_edge", "mnist_large_logits"]


def box_terms(prefix, scalars):
    if prefix.startswith("final"):
        return scalars[f"{prefix}__bbox_coordinate_loss"], scalars[f"{prefix}__bbox_size_loss"]
    return scalars[f"{prefix}__bounding_box_loss"]


@pytest.mark.parametrize("clip", [None, 1e-7], ids=["logits", "probclip"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", CASES)
def test_values_masks_and_gradients(case, variant, clip):
    arrays, _, scalars = golden(case)
    loss = published(VARIANTS[variant], num_classes=10, probability_clip=clip)
    prefix = variant if clip is None else f"{variant}_probclip"
    breakdown, gradient = with_gradient(loss, arrays["y_true"], arrays["y_pred"])

    terms = {name: float(value) for name, value in breakdown.terms.items()}
    expected_box = box_terms(prefix, scalars)
    if variant == "final":
        assert (terms["xy"], terms["wh"]) == pytest.approx(expected_box, rel=1e-5)
    else:
        assert terms["xy"] + terms["wh"] == pytest.approx(expected_box, rel=1e-5)
    for term, key in {
        "objectness": "objectness_loss",
        "classification": "classification_loss",
        "no_object": "objectless_loss",
    }.items():
        assert terms[term] == pytest.approx(scalars[f"{prefix}__{key}"], rel=1e-5), term
    assert float(breakdown.total) == pytest.approx(scalars[f"{prefix}__total_loss"], rel=1e-5)
    assert_gradient(gradient, arrays[f"{prefix}__grad_total_wrt_y_pred"])

    batch, height, width = arrays["y_pred"].shape[:3]
    mask = breakdown.assignment.object_mask.reshape(batch, height, width, 3)
    np.testing.assert_array_equal(mask, arrays[f"{variant}__positive_mask"])
    objects = arrays["y_true"][..., 0] == 1
    anchor = breakdown.assignment.object_slot[..., 0] % 3
    best = arrays[f"{variant}__best_anchor_index"][..., 0]
    np.testing.assert_array_equal(anchor[objects], best[objects])
    np.testing.assert_allclose(
        breakdown.assignment.candidate_score[..., 0, :][objects],
        arrays[f"{variant}__iou"][objects],
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("variant", ["seed", "late", "late_nofloor", "final"])
def test_gradient_of_the_objectless_term(variant):
    arrays, _, _ = golden("mnist_typical")
    loss = published(VARIANTS[variant], num_classes=10)
    _, gradient = with_gradient(loss, arrays["y_true"], arrays["y_pred"], of="no_object")
    assert_gradient(gradient, arrays[f"{variant}__grad_objectless_wrt_y_pred"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_without_objects_is_finite_where_the_reference_is_nan(variant):
    arrays, _, scalars = golden("mnist_no_objects")
    loss = published(VARIANTS[variant], num_classes=10)
    breakdown, gradient = with_gradient(loss, arrays["y_true"], arrays["y_pred"])
    assert np.isnan(arrays[f"{variant}__total_loss"])
    terms = {name: float(value) for name, value in breakdown.terms.items()}
    objectless = scalars[f"{variant}__objectless_loss"]
    assert terms.pop("no_object") == pytest.approx(objectless, rel=1e-5)
    assert set(terms.values()) == {0.0}
    assert np.isfinite(gradient).all()
