"""A model that Keras's own `compile` was given a loss: what is recorded; nothing changes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.own_script import BATCH, CLASSES, own_batches, pictures
from tests.training.test_recorder import At, tell
from yolo_core.data.sample import label_rows
from yolo_core.losses import YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config
from yolo_core.training.detector import Detector
from yolo_core.training.recorder import RunRecorder

pytestmark = pytest.mark.slow


def network() -> keras.Model:
    """With everything that a step changes besides its weights: moving statistics and a seed."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 48, 1)),
            layers.Conv2D(8, 5, strides=4, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Conv2D(14, 5, strides=4, padding="same"),
        ]
    )


def loss() -> YoloV2Loss:
    return YoloV2Loss([(0.8, 0.8), (1.5, 1.5)], num_classes=2)


def compiled(**options: object) -> keras.Model:
    model = network()
    model.compile(**{"optimizer": "adam", "loss": loss(), **options})
    return model


def detector() -> Detector:
    made = Detector(network(), loss())
    made.compile("adam")
    return made


def arrays(count: int = 2) -> tuple[np.ndarray, np.ndarray]:
    samples = pictures(count)
    rows = [label_rows(s.boxes, s.classes, num_classes=2, max_objects=1) for s in samples]
    return np.stack([s.image for s in samples]).astype(np.float32) / 255, np.stack(rows)


class Kept(keras.callbacks.Callback):
    """Keras's running mean after every batch; the weights after every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.weights: list[list[np.ndarray]] = []

    def on_train_batch_end(self, batch: int, logs: dict) -> None:  # noqa: ARG002
        self.losses.append(float(logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        self.weights.append(self.model.get_weights())


EPOCHS = 8


@functools.cache
def without_recorder(make: Callable[[], keras.Model]) -> tuple[Kept, list[float]]:
    """What the same training comes to with nobody looking; and the losses of its epochs."""
    kept = Kept()
    history = make().fit(own_batches(), epochs=EPOCHS, verbose=0, callbacks=[kept])
    return kept, history.history["loss"]


def assert_equal_weights(model: keras.Model, expected: list[np.ndarray]) -> None:
    for one, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("make", [compiled, detector])
def test_curve_and_weights_are_bit_by_bit_those_without_the_recorder(make, tmp_path):
    model, kept = make(), Kept()
    recorder = RunRecorder(tmp_path / "run", samples=arrays(), checkpoint_every=2)
    history = model.fit(own_batches(), epochs=3, verbose=0, callbacks=[kept, recorder])
    without, losses = without_recorder(make)
    assert kept.losses == without.losses[: len(kept.losses)]
    assert history.history["loss"] == losses[:3]
    assert_equal_weights(model, without.weights[2])


def test_the_total_of_each_step_is_worked_out_of_keras_s_running_mean(tmp_path):
    """The last batch of an epoch has two pictures of 4, and the mean begins anew with each."""
    images, labels = arrays(10)
    model = compiled()
    own = loss()
    totals = []

    class Own(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:  # noqa: ARG002
            at = slice(4 * batch, 4 * batch + 4)
            totals.append(float(own(labels[at], plain(images[at]))))

    # Without dropout and moving statistics the loss before a step is that of the step.
    plain = keras.Sequential(
        [keras.Input((32, 48, 1)), keras.layers.Conv2D(14, 16, strides=16, padding="same")]
    )
    model = keras.Sequential(plain.layers)
    model.compile("sgd", loss=loss())
    callbacks = [Own(), RunRecorder(tmp_path / "run")]
    model.fit(images, labels, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
    with RunStore.open(RunFolder(tmp_path / "run")) as store:
        np.testing.assert_allclose(store.steps()["total"], totals, rtol=1e-5)
    assert read_config(RunFolder(tmp_path / "run").config).training.batch_size == 4


def test_what_is_not_live_is_said_in_log_status_and_on_record(tmp_path, caplog):
    caplog.set_level(logging.INFO, "yolo_core.training")
    sentence = (
        "Compiled by Keras's own compile: the terms of every step and snapshots of batches are "
        "not recorded; Detector(network, loss) has all of it."
    )
    seen = []
    folder = RunFolder(tmp_path / "run")
    look = At(2, lambda: seen.append(read_status(folder).message))
    recorder = RunRecorder(folder.path, samples=arrays())
    compiled().fit(own_batches(), verbose=0, callbacks=[recorder, look])
    assert seen == [sentence]
    assert sentence in caplog.text
    with RunStore.open(folder) as store:
        notes = [event.detail["message"] for event in store.events() if event.kind == "note"]
        assert notes == [sentence]
        assert "term/xy" not in store.columns
        assert {record.kind for record in store.snapshots()} == {"pinned"}


def test_lambdas_learning_rate_and_stop_are_obeyed(tmp_path):
    commands = (
        ("set-lambda", {"name": "no_object", "value": 0.0}),
        ("set-learning-rate", {"value": 0.5}),
        ("checkpoint", {}),
        ("evaluate", {}),
    )
    folder = RunFolder(tmp_path / "run")
    recorder = RunRecorder(folder.path, samples=arrays())
    callbacks = [
        At(2, tell(folder.path, *commands)),
        recorder,
        At(5, tell(folder.path, ("stop", {}))),
    ]
    model = compiled()
    model.fit(own_batches(), epochs=3, verbose=0, callbacks=callbacks)
    assert float(model.optimizer.learning_rate) == 0.5
    status = read_status(folder)
    assert (status.state, status.step) == (RunState.STOPPED, 6)
    with RunStore.open(folder) as store:
        rows = store.steps()
        assert [(each.name, each.error) for each in store.commands() if each.error] == []
        assert [record.step for record in store.checkpoints()] == [2]
        assert store.evaluations()["step"].tolist() == [2]
    assert rows["lambda/no_object"].tolist() == [1.0] * 2 + [0.0] * 4
    assert rows["learning_rate"] == pytest.approx([0.001] * 2 + [0.5] * 4)


def test_validation_data_of_fit_are_an_evaluation(tmp_path):
    model = compiled()
    recorder = RunRecorder(tmp_path / "run")
    history = model.fit(
        own_batches(), epochs=2, verbose=0, callbacks=[recorder], validation_data=own_batches()
    )
    with RunStore.open(RunFolder(tmp_path / "run")) as store:
        measured = store.evaluations()
    assert measured["step"].tolist() == [3, 6]
    assert measured["total"].tolist() == pytest.approx(history.history["val_loss"])


def test_a_checkpoint_of_it_is_gone_on_from(tmp_path):
    data = own_batches()
    torn = compiled()
    torn.fit(data, verbose=0, callbacks=[RunRecorder(tmp_path / "run", checkpoint_every=3)])
    again = compiled()
    with RunStore.open(RunFolder(tmp_path / "run"), writable=True) as store:
        recorder = RunRecorder(store, steps=6, checkpoint_every=3)
        recorder.set_model(again)
        assert recorder.restore()
        again.fit(data, verbose=0, callbacks=[recorder])
        assert store.steps()["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert_equal_weights(again, without_recorder(compiled)[0].weights[1])


def test_a_loss_of_one_s_own_is_looked_at_with_another_beside_it(tmp_path):
    def theirs(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_pred)) + 0 * keras.ops.sum(y_true)

    with pytest.raises(ValueError, match=r"whose loss is theirs\. With such a loss give"):
        compiled(loss=theirs).fit(
            own_batches(), verbose=0, callbacks=[RunRecorder(tmp_path / "none")]
        )
    recorder = RunRecorder(tmp_path / "run", arrays(), loss=loss(), class_names=CLASSES)
    history = compiled(loss=theirs).fit(own_batches(), verbose=0, callbacks=[recorder])
    with RunStore.open(RunFolder(tmp_path / "run")) as store:
        assert float(np.mean(store.steps()["total"])) == pytest.approx(history.history["loss"][0])
        assert "lambda/xy" not in store.columns
        view = read_snapshot(store.snapshots()[-1].file).sample("val/1")
    assert view.class_names == CLASSES
    assert set(view.terms) == set(YoloV2Loss.term_names)


def test_a_subclass_of_a_script_s_own_is_shown_and_never_loaded(tmp_path):
    class Mine(YoloV2Loss):
        pass

    mine = Mine([(0.8, 0.8), (1.5, 1.5)], num_classes=2)
    compiled(loss=mine).fit(
        own_batches(), verbose=0, callbacks=[RunRecorder(tmp_path / "run", arrays())]
    )
    config = read_config(RunFolder(tmp_path / "run").config)
    assert config.loss.name == "test_compiled.py:Mine"


def full(store: RunStore) -> object:
    """A disk that takes no more pages of the database."""

    def act() -> None:
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")

    return act


@pytest.mark.parametrize("make", [compiled, detector])
def test_on_a_full_disk_the_training_goes_on_and_one_warning_says_so(make, tmp_path, caplog):
    model = make()
    recorder = RunRecorder(tmp_path / "run", samples=arrays(), snapshot_every=1)
    callbacks = [recorder, At(4, full(recorder.store))]
    model.fit(own_batches(), epochs=EPOCHS, verbose=0, callbacks=callbacks)
    assert_equal_weights(model, without_recorder(make)[0].weights[-1])
    ours = [each for each in caplog.records if each.name.startswith("yolo_core")]
    warned = [each.getMessage() for each in ours if each.levelno >= logging.WARNING]
    assert len(warned) == 1, warned
    assert "and the training goes on. The disk is full, so" in warned[0]
    assert recorder.problem is not None


def test_a_fit_after_the_run_has_ended_is_not_recorded_and_is_told(tmp_path, caplog):
    model, recorder = compiled(), RunRecorder(tmp_path / "run")
    model.fit(own_batches(), verbose=0, callbacks=[recorder])
    model.fit(own_batches(), verbose=0, callbacks=[recorder])
    assert "in a `with` block one recorder takes several" in caplog.text
    status = read_status(RunFolder(tmp_path / "run"))
    assert (status.state, status.step) == (RunState.FINISHED, 3)


def test_other_classes_than_those_of_the_loss_are_refused(tmp_path):
    recorder = RunRecorder(tmp_path / "run", class_names=["one", "two", "three"])
    with pytest.raises(
        ValueError, match="has 2 classes; the recorder was given 3: one, two, three"
    ):
        recorder.set_model(compiled())


def test_a_network_of_any_picture_size_is_recorded(tmp_path):
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(14, 16, strides=16, padding="same")]
    )
    whole = Detector(model, loss())
    whole.compile("adam")
    whole.fit(own_batches(), verbose=0, callbacks=[RunRecorder(tmp_path / "run", arrays())])
    with RunStore.open(RunFolder(tmp_path / "run")) as store:
        assert {record.kind for record in store.snapshots()} == {"pinned", "batch"}
        batch = read_snapshot(store.snapshots("batch")[0].file)
    assert batch.layout.grids == ((2, 3, 2),)
    assert len(batch.samples) == BATCH


def test_a_script_that_ends_before_its_training_is_stopped_on_record(tmp_path: Path) -> None:
    recorder = RunRecorder(tmp_path / "run")
    recorder.set_params({"epochs": 1, "steps": 3})
    recorder.set_model(compiled())
    recorder.on_train_begin()
    recorder._at_exit()
    status = read_status(RunFolder(tmp_path / "run"))
    assert status.state is RunState.STOPPED
    assert status.message == "Stopped by the end of the script after step 0."
