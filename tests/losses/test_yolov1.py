"""YoloV1Loss on pictures small enough to check by hand."""

import numpy as np
import pytest

from tests.losses.golden_files import with_gradient
from yolo_core.assignment import ObjectStatus
from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.losses import YoloV1Loss, published
from yolo_core.training.config import parse_config


def test_one_box_of_one_cell_by_hand():
    y_true = np.float32([[[1, 0.5, 0.5, 0.25, 0.25, 1, 0]]])
    y_pred = np.float32([0.5, 0.6, 0.25, 0.16, 0.8, 0.7, 0.3]).reshape(1, 1, 1, 7)
    loss = published("yolov1", num_classes=2, confidence_target="one", decoded=True)
    breakdown, _ = with_gradient(loss, y_true, y_pred)
    terms = {term: pytest.approx(float(value)) for term, value in breakdown.terms.items()}
    assert terms == {
        "xy": 0.1**2,
        "wh": (0.5 - 0.4) ** 2,
        "objectness": (1 - 0.8) ** 2,
        "no_object": 0,
        "classification": 0.3**2 + 0.3**2,
    }
    assert float(breakdown.total) == pytest.approx(5 * (0.01 + 0.01) + 0.04 + 0.18)
    # The boxes share 0.25 x 0.105 of the picture.
    iou = 0.02625 / (0.0625 + 0.04 - 0.02625)
    breakdown, _ = with_gradient(published("yolov1", num_classes=2, decoded=True), y_true, y_pred)
    assert float(breakdown.terms["objectness"]) == pytest.approx((iou - 0.8) ** 2, rel=1e-5)
    assert float(breakdown.targets["objectness"][0, 0]) == pytest.approx(iou, rel=1e-5)


def test_other_boxes_of_a_cell_with_an_object_are_pushed_down_or_ignored():
    y_true = np.float32([[[1, 0.5, 0.5, 0.25, 0.25, 1, 0]]])
    cell = [0.5, 0.5, 0.25, 0.25, 0.9, 0.1, 0.1, 0.1, 0.1, 0.4, 1, 0]
    y_pred = np.float32(cell).reshape(1, 1, 1, 12)
    pushed = published("yolov1", num_classes=2, decoded=True).breakdown(y_true, y_pred).to_numpy()
    assert pushed.assignment.no_object_mask.tolist() == [[False, True]]
    assert float(pushed.terms["no_object"]) == pytest.approx(0.16)
    loss = published("yolov1", num_classes=2, decoded=True, no_object="empty_cells")
    ignored = loss.breakdown(y_true, y_pred)
    assert ignored.to_numpy().assignment.ignore_mask.tolist() == [[False, True]]
    assert float(ignored.terms["no_object"]) == 0


def test_raw_output_gives_the_loss_of_what_it_decodes_to():
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(2, 3, 4, 13)).astype(np.float32)
    y_true = np.zeros((2, 2, 8), np.float32)
    y_true[0] = [[1, 0.3, 0.4, 0.5, 0.2, 0, 1, 0], [1, 0.9, 0.1, 0.1, 0.3, 1, 0, 0]]
    boxes = 1 / (1 + np.exp(-raw[..., :10].reshape(2, 3, 4, 2, 5)))
    boxes[..., 2:4] **= 2
    classes = np.exp(raw[..., 10:])
    classes /= classes.sum(-1, keepdims=True)
    decoded = np.concatenate([boxes.reshape(2, 3, 4, 10), classes], axis=-1)
    from_raw = published("yolov1", num_classes=3)(y_true, raw)
    from_decoded = published("yolov1", num_classes=3, decoded=True)(y_true, decoded)
    assert float(from_raw) == pytest.approx(float(from_decoded), rel=1e-6)


def test_two_objects_in_a_cell_leave_one_and_the_class_of_a_cell_is_on_each_of_its_slots():
    y_true = np.zeros((1, 3, 7), np.float32)
    y_true[0, :2] = [[1, 0.20, 0.2, 0.1, 0.3, 1, 0], [1, 0.30, 0.3, 0.9, 0.9, 0, 1]]
    raw = np.zeros((1, 2, 2, 12), np.float32)
    raw[0, 0, 0] = [0, 0, -1, -1, 0, 0, 0, 3, 3, 0, 0.5, -0.5]
    loss = published("yolov1", num_classes=2)
    breakdown, _ = with_gradient(loss, y_true, raw)
    a = breakdown.assignment
    # Each wants its own box of cell (0, 0), but the cell has one set of class scores.
    assert a.object_slot[0, :, 0].tolist() == [0, 1, -1]
    assert a.object_status[0, :, 0].tolist() == [3, 1, 0]
    assert a.overwritten_by[0, :, 0].tolist() == [1, -1, -1]
    assert a.matched_object[0].tolist() == [-1, 1] + [-1] * 6
    assert np.asarray(loss.slot_predictions(raw))[0, :2, 5:].tolist() == [[0.5, -0.5]] * 2
    assert np.isnan(loss.slots(raw.shape).prior).all()


def test_predictions_that_do_not_fit_are_refused_with_the_shape_that_fits():
    y_true, loss = np.zeros((1, 1, 8), np.float32), published("yolov1", num_classes=3, predictors=2)
    with pytest.raises(ValueError, match=r"rows, columns, 2 \* 5 \+ 3.*received \(1, 4, 4, 16\)"):
        loss(y_true, np.zeros((1, 4, 4, 16), np.float32))
    with pytest.raises(ValueError, match=r"boxes \* 5 \+ 3.*Is num_classes right"):
        published("yolov1", num_classes=3)(y_true, np.zeros((1, 4, 4, 3), np.float32))
    with pytest.raises(ValueError, match="no_object must be one of all_nonresponsible, empty"):
        published("yolov1/paper", num_classes=3, no_object="some")


def test_what_one_object_a_cell_costs_on_the_digit_scenes():
    """The number that the README and `recipes` state, out of the ledger."""
    config = parse_config({"loss": {"name": "yolov1"}})
    names = [f"val/{index}" for index in range(config.data.validation_scenes)]
    _, y_true = sample_batch(open_source(config.data), names)
    predictions = np.zeros((len(names), 6, 6, 3 * 5 + 10), np.float32)
    ledger = YoloV1Loss(10).breakdown(y_true, predictions).to_numpy().assignment
    status = ledger.object_status[y_true[..., 0] != 0]
    assert np.sum(status == ObjectStatus.MATCHED) == 955
    assert np.sum(status == ObjectStatus.OVERWRITTEN) == 1
    assert len(status) == 956
