"""The box a slot is trained towards is that of its object, for every loss and in all its units."""

import types

import numpy as np
import pytest

from tests.losses.loss_table import CASES, random_scene
from yolo_core.explain.target_boxes import target_boxes

# Its offsets are measured by the other axis, so on this grid they lead elsewhere.
ELSEWHERE = "mnist_yolo/cell_offsets"


@pytest.mark.parametrize("case", [case for case in CASES if case.id != ELSEWHERE])
def test_the_target_of_a_slot_is_the_box_of_its_object(case):
    loss, y_true, y_pred = case.loss(), random_scene(1), case.predictions(3)
    whole = loss.breakdown(y_true, y_pred).to_numpy()
    compared = 0
    for image in range(3):
        view = types.SimpleNamespace(
            layout=loss.slots(y_pred.shape),
            assignment=whole.assignment,
            predictions={name: value[image] for name, value in whole.predictions.items()},
            targets={name: value[image] for name, value in whole.targets.items()},
        )
        boxes = target_boxes(view)
        matched = whole.assignment.matched_object[image]
        trained = np.flatnonzero(matched >= 0)
        np.testing.assert_allclose(
            boxes[trained], y_true[image, matched[trained], 1:5], rtol=1e-3, atol=1e-4
        )
        assert np.isnan(boxes[matched < 0]).any(axis=1).all()
        compared += len(trained)
    assert compared >= 6


@pytest.mark.parametrize("change", ["no target", "unknown units", "not finite"])
def test_where_the_snapshot_does_not_tell_there_is_none(change):
    (case,) = (each.values[0] for each in CASES if each.id == "yolov2")
    loss, y_true, y_pred = case.loss(), random_scene(1), case.predictions(3)
    whole = loss.breakdown(y_true, y_pred).to_numpy()
    predictions = {name: value[2].copy() for name, value in whole.predictions.items()}
    targets = {name: value[2] for name, value in whole.targets.items()}
    if change == "no target":
        del targets["wh"]
    elif change == "unknown units":
        predictions["xy"] = np.sin(predictions["xy"])
    else:
        predictions["boxes"][0, 0] = np.nan
    view = types.SimpleNamespace(
        layout=loss.slots(y_pred.shape),
        assignment=whole.assignment,
        predictions=predictions,
        targets=targets,
    )
    assert target_boxes(view) is None
