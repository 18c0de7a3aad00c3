"""A loop of somebody's own: five lines put its steps on record."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest

from tests.training.test_recorder import tell
from yolo_core.layouts import in_layout
from yolo_core.losses import YoloV2Loss, YoloV3Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config
from yolo_core.training.recorder import RunRecorder

CHANNELS = 2 * (5 + 2)


def loss() -> YoloV2Loss:
    return YoloV2Loss([(0.8, 0.8), (1.5, 1.5)], num_classes=2)


def batch(seed: int = 0, size: tuple[int, int] = (32, 48)) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.zeros((4, 1, 7), np.float32)
    labels[:, 0] = [1, 0.4, 0.5, 0.3, 0.4, 1, 0]
    return {
        "images": random.random((4, *size, 1), np.float32),
        "labels": labels,
        "predictions": random.normal(size=(4, size[0] // 16, size[1] // 16, CHANNELS)),
    }


def run_of(path: Path) -> RunFolder:
    return RunFolder(path / "mine")


@pytest.mark.slow
def test_every_step_is_a_row_and_some_are_pictured(tmp_path):
    taken = loss()
    with RunRecorder(tmp_path / "mine", loss=taken, steps=9, class_names=["a", "b"]) as recorder:
        for step in range(1, 10):
            if recorder.wants(step):
                values = {"total": 10.0 - step, "learning_rate": 0.1, "norm": 2.0, "xy": 0.5}
                recorder.step(step, **batch(step), values=values)
            assert not recorder.stopped
    status = read_status(run_of(tmp_path))
    assert (status.state, status.step, status.steps) == (RunState.FINISHED, 9, 9)
    with RunStore.open(run_of(tmp_path)) as store:
        rows, records = store.steps(), store.snapshots()
    assert rows["total"].tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert rows["norm"].tolist() == [2] * 9
    assert rows["term/xy"].tolist() == [0.5] * 9
    assert rows["lambda/xy"].tolist() == [1.0] * 9
    assert sorted({each.step for each in records}) == [1, 2, 4, 8]
    assert {each.kind for each in records} == {"batch"}
    snapshot = read_snapshot(records[-1].file)
    assert snapshot.samples == ("train/28", "train/29", "train/30", "train/31")
    assert snapshot.class_names == ("a", "b")
    given = batch(8)
    expected = taken.breakdown(given["labels"], given["predictions"].astype(np.float32))
    assert float(snapshot.breakdown.total) == pytest.approx(float(expected.total), rel=1e-5)
    assert set(snapshot.breakdown.gradients) == set(YoloV2Loss.term_names)
    assert read_config(run_of(tmp_path).config).training.batch_size == 4


@pytest.mark.slow
def test_without_a_loss_of_its_own_the_total_is_ours(tmp_path):
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        recorder.step(1, **batch())
    with RunStore.open(run_of(tmp_path)) as store:
        row = store.last_step()
    given = batch()
    expected = loss().breakdown(given["labels"], given["predictions"].astype(np.float32))
    assert row["total"] == pytest.approx(float(expected.total), rel=1e-5)
    assert row["term/wh"] == pytest.approx(float(expected.terms["wh"]), rel=1e-5)


@pytest.mark.slow
def test_arrays_of_steps_that_are_not_pictured_are_not_touched(tmp_path):
    class Untouched:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise AssertionError("it was read")

    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        recorder.step(1, **batch(), values={"total": 1})
        recorder.step(2, **batch(), values={"total": 1})
        recorder.step(3, **dict.fromkeys(batch(), Untouched()), values={"total": 1})
        assert recorder.done == 3


def test_rows_may_be_fewer_than_steps(tmp_path):
    with RunRecorder(tmp_path / "mine", loss=loss(), row_every=10) as recorder:
        wanted = [step for step in range(1, 41) if recorder.wants(step)]
    # Every tenth, and those that are pictured.
    assert wanted == [1, 2, 4, 8, 10, 16, 20, 30, 32, 40]


def test_lambdas_rate_and_stop_reach_the_loop_that_asks(tmp_path):
    commands = (
        ("set-lambda", {"name": "xy", "value": 7.0}),
        ("set-learning-rate", {"value": 0.5}),
        ("checkpoint", {}),
    )
    weights, rates = [], []
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        for step in range(1, 20):
            weights.append(recorder.lambdas["xy"])
            rates.append(recorder.learning_rate)
            if step == 2:
                tell(tmp_path / "mine", *commands)()
            if step == 4:
                tell(tmp_path / "mine", ("stop", {}))()
            if recorder.wants(step):
                recorder.step(step, values={"total": 1.0})
            if recorder.stopped:
                break
    assert weights == [1.0, 1.0, 7.0, 7.0]
    assert rates == [None, None, 0.5, 0.5]
    assert read_status(run_of(tmp_path)).message == "Stopped by the command stop after step 4."
    with RunStore.open(run_of(tmp_path)) as store:
        answers = [each.error or each.step for each in store.commands()[::-1]]
    assert answers[:2] == [3, 3]
    assert answers[2] == "The weights of this run are in a loop of its own: save them there."


def test_a_loop_that_does_not_read_them_is_not_said_to_obey(tmp_path):
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        recorder.step(1, values={"total": 1.0})
        tell(tmp_path / "mine", ("set-lambda", {"name": "xy", "value": 7.0}))()
        recorder.step(2, values={"total": 1.0})
    with RunStore.open(run_of(tmp_path)) as store:
        (answer,) = store.commands()
    assert "does not read recorder.lambdas, so this changes nothing" in answer.error


def test_it_waits_while_it_is_paused(tmp_path, monkeypatch):
    looked = []

    def go_on(_: float) -> None:
        looked.append(read_status(run_of(tmp_path)).state)
        tell(tmp_path / "mine", ("resume", {}))()

    monkeypatch.setattr("yolo_core.training.control.time.sleep", go_on)
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        recorder.step(1, values={"total": 1.0})
        tell(tmp_path / "mine", ("pause", {}))()
        recorder.step(2, values={"total": 1.0})
    assert looked == [RunState.PAUSED]


@pytest.mark.slow
def test_samples_are_looked_at_by_a_function(tmp_path):
    asked = []

    def predict(images: np.ndarray) -> np.ndarray:
        asked.append(images.shape)
        return np.zeros((len(images), 2, 3, CHANNELS), np.float32)

    given = batch()
    samples = (given["images"][:2], given["labels"][:2])
    with RunRecorder(tmp_path / "mine", samples, loss=loss(), predict=predict) as recorder:
        recorder.step(1, **given, values={"total": 1.0})
        tell(tmp_path / "mine", ("evaluate", {}))()
        recorder.step(2, **given, values={"total": 1.0})
    with RunStore.open(run_of(tmp_path)) as store:
        pinned = store.snapshots("pinned")
        assert store.evaluations()["step"].tolist() == [2]
    assert [(each.step, each.sample) for each in pinned] == [
        (step, sample) for step in (0, 1, 2) for sample in ("val/0", "val/1")
    ]
    assert (1, 32, 48, 1) in asked


@pytest.mark.slow
def test_heads_with_their_channels_first_go_through_a_layout(tmp_path):
    taken = in_layout(YoloV3Loss([[(0.4, 0.4)], [(0.2, 0.2)]], num_classes=2), "pytorch_yolov3")
    random, given = np.random.default_rng(0), batch(size=(64, 64))
    heads = [random.normal(size=(4, 7, side, side)).astype(np.float32) for side in (4, 8)]
    given |= {"predictions": heads, "images": np.moveaxis(given["images"], -1, 1)}
    with RunRecorder(tmp_path / "mine", loss=taken) as recorder:
        recorder.step(1, **given, values={"total": 1.0})
    config = read_config(run_of(tmp_path).config)
    assert config.script.loss["grids"] == [[4, 4], [8, 8]]
    with RunStore.open(run_of(tmp_path)) as store:
        view = read_snapshot(store.snapshots()[0].file).sample("train/0")
    assert view.image.shape == (64, 64, 1)
    # The first slot of the fine head: all channels of its first cell.
    np.testing.assert_array_equal(view.y_pred[16], heads[1][0, :, 0, 0])


def test_predictions_that_fit_no_loss_are_refused_with_the_shapes_that_would(tmp_path):
    given = batch() | {"predictions": np.zeros((4, 2, 3, 27), np.float32)}
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        with pytest.raises(ValueError, match="takes a multiple of 7 channels") as error:
            recorder.step(1, **given, values={"total": 1.0})
        assert "What would fit YoloV2Loss with 2 classes" in str(error.value)
        given["predictions"] = np.zeros((4, CHANNELS, 2, 3), np.float32)
        with pytest.raises(ValueError, match=r"They fit the layout .*'pytorch_yolov3'"):
            recorder.step(1, **given, values={"total": 1.0})
    assert read_status(run_of(tmp_path)).state is RunState.FINISHED


@pytest.mark.slow
def test_another_picture_size_half_way_is_said_once_and_the_rows_go_on(tmp_path, caplog):
    with RunRecorder(tmp_path / "mine", loss=loss(), snapshot_every=1) as recorder:
        recorder.step(1, **batch(), values={"total": 1.0})
        for step in (2, 3):
            recorder.step(step, **batch(size=(64, 48)), values={"total": 1.0})
        recorder.step(4, **batch(), values={"total": 1.0})
        assert (recorder.done, recorder.problem) == (4, None)
    sentence = (
        "Step 2 is not pictured. A run has pictures of one size: it began with 32 x 48 and "
        "received 64 x 48."
    )
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert warned == [sentence]
    with RunStore.open(run_of(tmp_path)) as store:
        assert [e.detail["message"] for e in store.events() if e.kind == "warning"] == [sentence]
        assert sorted({each.step for each in store.snapshots()}) == [1, 4]
        assert store.steps()["step"].tolist() == [1, 2, 3, 4]


def test_steps_that_begin_anew_with_each_epoch_are_counted_on(tmp_path, caplog):
    with RunRecorder(tmp_path / "mine", loss=loss()) as recorder:
        for _ in range(2):
            for step in range(3):
                if recorder.wants(step):
                    recorder.step(step, values={"total": 1.0})
    with RunStore.open(run_of(tmp_path)) as store:
        assert store.steps()["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert re.search("step 0 came after its step 2: steps are counted on", caplog.text)


@pytest.mark.slow
def test_a_full_disk_stops_the_record_and_not_the_loop(tmp_path, caplog):
    with RunRecorder(tmp_path / "mine", loss=loss(), snapshot_every=1) as recorder:
        recorder.step(1, **batch(), values={"total": 1.0})
        connection = recorder.store._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for step in range(2, 200):
            if recorder.wants(step):
                recorder.step(step, **batch(step), values={"total": 1.0})
        assert step == 199
        assert "The disk is full" in recorder.problem
    warned = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warned) == 1
    assert "and the training goes on. The disk is full" in warned[0]


def test_a_loop_needs_a_loss(tmp_path):
    with (
        RunRecorder(tmp_path / "mine") as recorder,
        pytest.raises(ValueError, match="A loop is recorded with a loss"),
    ):
        recorder.wants(1)
