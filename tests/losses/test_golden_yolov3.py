"""YoloV3Loss gives the numbers of the PyTorch text and of yolov3-tf2."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.losses import YoloV3Loss, published

CASES = ["yolov3_typical", "yolov3_edge", "yolov3_large_logits"]
SCALES = {
    "seed": {},
    "noobj0p5": {"no_object_scale": 0.5},
    "noobj1_ignore0p7": {"no_object_scale": 1.0, "ignore_threshold": 0.7},
}
TF2_CASES = ["yolov3tf2_typical", "yolov3tf2_edge", "yolov3tf2_large_logits"]


def make(case, **options):
    arrays, settings, scalars = golden(case)
    loss = published(
        "yolov3/pytorch",
        anchors=arrays["anchors_px"],
        image_size=settings["img_dim"],
        num_classes=settings["num_classes"],
        **options,
    )
    gt_boxes = arrays["targets"][:, [0, 2, 3, 4, 5, 1]]
    batch = len(arrays["x"])
    counts = np.bincount(gt_boxes[:, 0].astype(int), minlength=batch)
    y_true = rows_of_image(gt_boxes, batch, counts.max(), settings["num_classes"])
    return loss, y_true, arrays["x"].transpose(0, 2, 3, 1), arrays, scalars


def by_anchor(slots, shape):
    """(B, P, ...) values of one head as (B, A, rows, columns, ...)."""
    batch, anchors, rows, columns = shape[:4]
    grid = slots.reshape(batch, rows, columns, anchors, *slots.shape[2:])
    return np.moveaxis(grid, 3, 1)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", CASES)
def test_values_masks_and_gradients(case, scale):
    loss, y_true, y_pred, arrays, scalars = make(case, **SCALES[scale])
    if f"{scale}__total_loss" not in scalars:
        assert case == "yolov3_large_logits"  # It was run with the published scales alone.
        return
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    published_terms = {
        "xy": ("loss_x", "loss_y"),
        "wh": ("loss_w", "loss_h"),
        "objectness": ("loss_conf_obj",),
        "no_object": ("loss_conf_noobj",),
        "classification": ("loss_cls",),
    }
    for term, keys in published_terms.items():
        expected = sum(scalars[f"{scale}__{key}"] for key in keys)
        assert float(breakdown.terms[term]) == pytest.approx(expected, rel=1e-5), term
    assert float(breakdown.total) == pytest.approx(scalars[f"{scale}__total_loss"], rel=1e-5)
    expected = arrays[f"{scale}__grad_total_wrt_x"].transpose(0, 2, 3, 1)
    assert_gradient(gradient, expected)

    shape, a = arrays["obj_mask"].shape, breakdown.assignment
    np.testing.assert_array_equal(by_anchor(a.object_mask, shape), arrays["obj_mask"])
    no_object = arrays.get(f"{scale}__noobj_mask", arrays["noobj_mask"])
    np.testing.assert_array_equal(by_anchor(a.no_object_mask, shape), no_object)


@pytest.mark.parametrize("case", CASES)
def test_targets_boxes_and_ledger(case):
    loss, y_true, y_pred, arrays, _ = make(case)
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    shape = arrays["obj_mask"].shape
    own = arrays["obj_mask"] > 0
    for name, keys in {"xy": ("tx", "ty"), "wh": ("tw", "th")}.items():
        received = by_anchor(breakdown.targets[name], shape)
        for axis, key in enumerate(keys):
            np.testing.assert_allclose(
                received[own][:, axis], arrays[key][own], rtol=1e-4, atol=1e-5
            )
    boxes = by_anchor(breakdown.predictions["boxes"], shape) * np.float32(shape[2])
    near = np.abs(arrays["pred_boxes"]).max(-1) < 1e6  # Decoded sizes are bounded (exp(20)).
    np.testing.assert_allclose(boxes[near], arrays["pred_boxes"][near], rtol=1e-4, atol=1e-6)

    layout, a = loss.slots(y_pred.shape), breakdown.assignment
    taken = [0] * len(y_true)
    for index, image in enumerate(arrays["targets"][:, 0].astype(int)):
        row = taken[image]
        taken[image] += 1
        slot = a.object_slot[image, row, 0]
        expected = tuple(int(arrays[key][index]) for key in ("gj", "gi", "best_n"))
        assert (layout.row[slot], layout.column[slot], layout.anchor[slot]) == expected
        np.testing.assert_allclose(
            a.candidate_score[image, row, 0], arrays["ious"][:, index], rtol=1e-5, atol=1e-7
        )


def test_a_batch_without_objects_is_finite_where_the_reference_is_nan():
    loss, y_true, y_pred, arrays, scalars = make("yolov3_no_targets")
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert np.isnan(arrays["seed__total_loss"])
    terms = {name: float(value) for name, value in breakdown.terms.items()}
    no_object = scalars["seed__loss_conf_noobj"]
    assert terms.pop("no_object") == pytest.approx(no_object, rel=1e-5)
    assert set(terms.values()) == {0.0}
    assert float(breakdown.total) == pytest.approx(100 * no_object, rel=1e-5)
    assert_gradient(gradient, arrays["seed__grad_total_wrt_x"].transpose(0, 2, 3, 1))


def test_the_default_takes_one_class_and_saturates_nowhere():
    arrays, settings, _ = golden("yolov3_large_logits")
    _, y_true, y_pred, *_ = make("yolov3_large_logits")
    anchors = arrays["anchors_px"] / settings["img_dim"]
    loss = YoloV3Loss(anchors, settings["num_classes"])
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    logit = y_pred.reshape(2, 7 * 7, 3, 8)[..., 4].reshape(2, -1)
    own = breakdown.assignment.object_mask
    # -log(sigmoid(z)) of the four objects: 74.5 where the reference jumps to 100 (C-7).
    expected = np.logaddexp(0, -logit[own].astype(float)).mean()
    assert float(breakdown.terms["objectness"]) == pytest.approx(expected, rel=1e-5)

    _, y_true, y_pred, arrays, _ = make("yolov3_edge")
    two_hot = np.argwhere(arrays["tcls"].sum(-1) == 2)
    assert len(two_hot) == 1
    image, anchor, row, column = two_hot[0]
    loss = YoloV3Loss(arrays["anchors_px"] / 416, 4)
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    slot = loss.slots(y_pred.shape).index(0, row, column, anchor)
    logits = y_pred[image, row, column, anchor * 9 + 5 : anchor * 9 + 9].astype(float)
    one_hot = np.eye(4)[int(breakdown.targets["class"][image, slot])]
    error = (np.logaddexp(0, logits) - one_hot * logits).mean()
    objects = breakdown.assignment.object_mask.sum()
    received = breakdown.maps["classification"][image, slot]
    assert received == pytest.approx(error / objects, rel=1e-5)
    assert sorted(breakdown.assignment.object_status[image, :2, 0].tolist()) == [1, 3]


def tf2_labels(arrays, settings):
    gt, classes = arrays["gt"], settings["classes"]
    y_true = np.zeros((*gt.shape[:2], 5 + classes), np.float32)
    y_true[..., 0] = gt[..., 2] > gt[..., 0]
    y_true[..., 1:3] = (gt[..., :2] + gt[..., 2:4]) / 2
    y_true[..., 3:5] = gt[..., 2:4] - gt[..., :2]
    y_true[..., 5:] = np.eye(classes)[gt[..., 4].astype(int)] * y_true[..., :1]
    return y_true


@pytest.mark.parametrize("case", TF2_CASES)
def test_one_level_of_yolov3_tf2(case):
    arrays, settings, scalars = golden(case)
    mask = settings["anchor_mask"][settings["level"]]
    loss = published(
        "yolov3/tf2",
        anchors=arrays["anchors"],
        anchor_mask=[mask],
        num_classes=settings["classes"],
    )
    shape = arrays["obj_mask"].shape
    y_true = tf2_labels(arrays, settings)
    y_pred = arrays["y_pred"].reshape(*shape[:3], -1)
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    assert float(breakdown.total) == pytest.approx(scalars["total_sum"], rel=1e-5)
    expected = arrays["grad_total_sum_wrt_y_pred"]
    assert_gradient(gradient, expected.reshape(gradient.shape))

    an_image = {term: values.sum(-1) for term, values in breakdown.maps.items()}
    for key, terms in {
        "xy_loss": ("xy",),
        "wh_loss": ("wh",),
        "obj_loss": ("objectness", "no_object"),
        "class_loss": ("classification",),
    }.items():
        received = sum(an_image[term] for term in terms)
        np.testing.assert_allclose(received, arrays[key], rtol=1e-5, atol=1e-12, err_msg=key)

    a = breakdown.assignment
    np.testing.assert_array_equal(a.object_mask.reshape(shape), arrays["obj_mask"])
    counted = ~a.ignore_mask.reshape(shape) | (arrays["obj_mask"] > 0)
    fits = (arrays["ignore_mask"] == 0) & (arrays["obj_mask"] == 0)
    np.testing.assert_array_equal(counted, ~fits)


@pytest.mark.parametrize("case", TF2_CASES)
def test_all_levels_of_yolov3_tf2_hold_the_golden_one(case):
    arrays, settings, _ = golden(case)
    level, cells = settings["level"], settings["grid"]
    coarsest = cells // 2**level
    grids = [(coarsest * 2**head,) * 2 for head in range(3)]
    loss = published(
        "yolov3/tf2",
        anchors=arrays["anchors"],
        anchor_mask=settings["anchor_mask"],
        num_classes=settings["classes"],
        grids=grids,
    )
    shape = arrays["obj_mask"].shape
    outputs = [
        np.zeros((shape[0], *grid, 3, arrays["y_pred"].shape[-1]), np.float32) for grid in grids
    ]
    outputs[level] = arrays["y_pred"]
    y_true = tf2_labels(arrays, settings)
    joined = np.concatenate([each.reshape(len(each), -1, each.shape[-1]) for each in outputs], 1)
    breakdown, gradient = with_gradient(loss, y_true, joined)
    layout = loss.slots(joined.shape)
    of_level = layout.on_grid(level, sum(breakdown.maps.values())).sum((1, 2, 3))
    np.testing.assert_allclose(of_level, arrays["total_per_image"], rtol=1e-5)
    mask = layout.on_grid(level, breakdown.assignment.object_mask)
    np.testing.assert_array_equal(mask, arrays["obj_mask"])
    gradient = gradient[:, layout.head == level].reshape(arrays["y_pred"].shape)
    assert_gradient(gradient, arrays["grad_total_sum_wrt_y_pred"])
    # Every object has one ledger row, and is trained on one of the levels or has lost its slot.
    assert breakdown.assignment.object_slot.shape == (*y_true.shape[:2], 1)
    np.testing.assert_array_equal(breakdown.assignment.object_slot[..., 0] >= 0, y_true[..., 0] > 0)

    as_list = loss(y_true, [each.reshape(*each.shape[:3], -1) for each in outputs])
    assert float(as_list) == pytest.approx(float(breakdown.total), rel=1e-6)
