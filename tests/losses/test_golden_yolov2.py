"""YoloV2Loss gives the numbers that the Keras notebook's custom_loss gave."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.losses import published

VARIANTS = {
    "seed": "yolov2/notebook",
    "seed_stopgrad": "yolov2/notebook_stop_gradient",
    "yumi_buggy": "yolov2/confidence_by_iou",
    "yumi_fixed": "yolov2/backend",
}
CASES = ["yolov2_typical", "yolov2_edge", "yolov2_large_logits", "yolov2_weights", "yolov2_warmup"]


def make(case, variant):
    arrays, settings, scalars = golden(case)
    scales = settings["lambdas"]
    # `backend.py` has neither warm-up nor weights a class.
    own = {"warmup_batches": settings["WARM_UP_BATCHES"], "class_weights": scales["CLASS_WEIGHTS"]}
    loss = published(
        VARIANTS[variant],
        anchors=arrays["anchors"],
        num_classes=settings["classes"],
        **(own if variant.startswith("seed") else {}),
        no_object_scale=scales["NO_OBJECT_SCALE"],
        object_scale=scales["OBJECT_SCALE"],
        coord_scale=scales["COORD_SCALE"],
        class_scale=scales["CLASS_SCALE"],
    )
    y_pred = arrays["y_pred"]
    batch, height, width, anchors, features = y_pred.shape
    y_true = rows_of_image(
        arrays["gt_boxes"], batch, settings["true_box_buffer"], settings["classes"]
    )
    return loss, y_true, y_pred.reshape(batch, height, width, anchors * features), arrays, scalars


# The code of these two has no warm-up, so no such numbers exist.
WITHOUT_WARM_UP = {"yumi_buggy", "yumi_fixed"}
PUBLISHED = [
    (case, variant)
    for case in CASES
    for variant in VARIANTS
    if case != "yolov2_warmup" or variant not in WITHOUT_WARM_UP
]


@pytest.mark.parametrize(("case", "variant"), PUBLISHED)
def test_total_and_gradient(case, variant):
    loss, y_true, y_pred, arrays, scalars = make(case, variant)
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert float(breakdown.total) == pytest.approx(scalars[f"{variant}__total_loss"], rel=1e-5)
    expected = arrays[f"{variant}__grad_total_wrt_y_pred"]
    assert_gradient(gradient, expected.reshape(gradient.shape))


@pytest.mark.parametrize("case", CASES)
def test_terms_masks_and_boxes_of_the_notebook(case):
    loss, y_true, y_pred, arrays, scalars = make(case, "seed")
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    weighted = {t: float(breakdown.lambdas[t] * breakdown.terms[t]) for t in breakdown.terms}
    assert weighted["xy"] == pytest.approx(scalars["seed__loss_xy"], rel=1e-5)
    assert weighted["wh"] == pytest.approx(scalars["seed__loss_wh"], rel=1e-5)
    confidence = weighted["objectness"] + weighted["no_object"]
    assert confidence == pytest.approx(scalars["seed__loss_conf"], rel=1e-5)
    assert weighted["classification"] == pytest.approx(scalars["seed__loss_class"], rel=1e-5)

    shape = arrays["y_pred"].shape[:4]
    a = breakdown.assignment
    scale = loss.lambdas["objectness"].numpy(), loss.lambdas["no_object"].numpy()
    mask = a.object_mask * scale[0] + a.no_object_mask * scale[1]
    np.testing.assert_array_equal(mask.reshape(shape), arrays["seed__conf_mask"])
    grid = np.array([shape[2], shape[1]] * 2, np.float32)
    boxes = breakdown.predictions["boxes"].reshape(*shape, 4) * grid
    np.testing.assert_allclose(boxes[..., :2], arrays["seed__pred_box_xy"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(boxes[..., 2:], arrays["seed__pred_box_wh"], rtol=1e-5)
    np.testing.assert_allclose(
        breakdown.predictions["objectness"].reshape(shape),
        arrays["seed__pred_box_conf"],
        rtol=1e-5,
        atol=1e-7,
    )
    expected_iou = arrays["seed__iou_target_conf"]
    iou = np.where(a.object_mask, breakdown.targets["objectness"], 0).reshape(shape)
    np.testing.assert_allclose(iou, expected_iou, rtol=1e-4, atol=1e-6)
    best = breakdown.targets["overlap"].max(-1).reshape(shape)
    np.testing.assert_allclose(best, arrays["seed__best_ious"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_every_object_has_the_slot_that_the_generator_gave_it(case):
    loss, y_true, y_pred, arrays, _ = make(case, "seed")
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    layout = loss.slots(y_pred.shape)
    taken = [0] * len(y_true)
    for image, row, column, anchor, score, _ in arrays["assignment"]:
        index = taken[int(image)]
        taken[int(image)] += 1
        slot = breakdown.assignment.object_slot[int(image), index, 0]
        assert (layout.row[slot], layout.column[slot], layout.anchor[slot]) == (row, column, anchor)
        best = breakdown.assignment.candidate_score[int(image), index, 0].max()
        assert best == pytest.approx(score, rel=1e-5)
