"""Runs of losses of somebody's own: their number and gradient are on record beside ours."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.own_function_values import ANCHORS, CLASSES, drawn, labels, squared
from yolo_core import OwnFunction, RunRecorder, YoloV3Loss
from yolo_core.layouts import in_layout
from yolo_core.runs.snapshots import read_snapshot

F = 5 + CLASSES
IMAGES = np.linspace(0, 1, 2 * 2 * 3 * 3, dtype=np.float32).reshape(2, 2, 3, 3)


def test_a_loop_s_gradient_lands_in_the_slots(tmp_path: Path) -> None:
    """Heads as PyTorch has them: (batch, anchors * channels, rows, columns)."""
    loss = in_layout(YoloV3Loss(ANCHORS[:1], CLASSES), "pytorch_yolov3")
    raw, gradient = drawn((2, 2 * F, 2, 3), (2, 2 * F, 2, 3))
    with RunRecorder(tmp_path / "loop", loss=loss, own="mine") as recorder:
        recorder.step(
            1,
            images=IMAGES,
            labels=labels(),
            predictions=[raw],
            values={"total": 12.5},
            gradient=[gradient],
        )
    own = read_snapshot(tmp_path / "loop/snapshots/batch-00000001.npz").breakdown.own
    assert own is not None
    assert (own.name, float(own.total)) == ("mine", 12.5)
    # Channel 3 of anchor 1 in row 1, column 2: plane F + 3; slot (1 * 3 + 2) * 2 + 1.
    assert own.gradient[1, 11, 3] == gradient[1, F + 3, 1, 2]


def test_a_gradient_of_another_shape_ends_no_training(tmp_path: Path) -> None:
    loss = in_layout(YoloV3Loss(ANCHORS[:1], CLASSES), "pytorch_yolov3")
    (raw,) = drawn((2, 2 * F, 2, 3))
    with RunRecorder(tmp_path / "loop", loss=loss) as recorder:
        recorder.step(
            1,
            images=IMAGES,
            labels=labels(),
            predictions=[raw],
            values={"total": 1.0},
            gradient=[raw[:, :3]],
        )
        told = [each.detail.get("message", "") for each in recorder.store.events()]
    assert any("must have the shapes of the predictions" in each for each in told)
    path = tmp_path / "loop/snapshots/batch-00000001.npz"
    assert read_snapshot(path).breakdown.own is None


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True])
def test_a_compiled_model_s_own_function_is_looked_at(tmp_path: Path, given: bool) -> None:
    """Only where somebody says what it takes: on other labels its gradient would be a lie."""
    keras.utils.set_random_seed(0)
    image = keras.Input((2, 3, 3))
    raw = keras.layers.Reshape((2, 3, 2, F))(keras.layers.Dense(2 * F)(image))
    model = keras.Model(image, raw)
    model.compile("sgd", loss=squared)
    like = in_layout(YoloV3Loss(ANCHORS[:1], CLASSES), "keras_yolo2")
    own = OwnFunction([squared], labels="keras_yolo3", name="mine") if given else None
    recorder = RunRecorder(tmp_path / "run", (IMAGES, labels()), loss=like, own=own)
    theirs = np.ones((2, 2, 3, 2, F), np.float32)
    model.fit(IMAGES, theirs, epochs=1, verbose=0, callbacks=[recorder])
    snapshot = read_snapshot(tmp_path / "run/snapshots/pinned-00000001.npz")
    found = snapshot.breakdown.own
    if not given:
        assert found is None
        return
    assert found is not None
    trained = found.gradient.any(axis=-1)
    np.testing.assert_array_equal(trained, snapshot.breakdown.assignment.object_mask)
    np.testing.assert_allclose(found.gradient[trained], 2 * snapshot.y_pred[trained], rtol=1e-5)
