"""The books of a training that this project did not set up: rows, pictures, commands, its end."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.test_architecture import ROOT, imports, is_file, is_in
from tests.training.own_script import (
    BATCH,
    BATCHES,
    CLASSES,
    own_batches,
    own_detector,
    recorded_run,
    some_pictures,
)
from yolo_core.losses import YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.detector import Detector
from yolo_core.training.recorder import NonFiniteLossError, RunRecorder

pytestmark = pytest.mark.slow


class At(keras.callbacks.Callback):
    """Does something after a step, as somebody else may while the training goes on."""

    def __init__(self, step: int, act: object) -> None:
        super().__init__()
        self.left, self.act = step, act

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:  # noqa: ARG002
        self.left -= 1
        if not self.left:
            self.act()


def tell(folder: Path, *commands: tuple[str, dict]) -> object:
    """Sends commands to a run, as the dashboard does."""

    def send() -> None:
        with RunStore.open(RunFolder(folder)) as store:
            for name, arguments in commands:
                store.send(name, arguments)

    return send


def raises(error: BaseException) -> object:
    def act() -> None:
        raise error

    return act


@pytest.fixture(scope="module")
def recorded() -> RunFolder:
    return recorded_run()


def test_every_step_is_on_record(recorded: RunFolder) -> None:
    status = read_status(recorded)
    assert (status.state, status.step, status.steps) == (RunState.FINISHED, 9, 9)
    with RunStore.open(recorded) as store:
        rows = store.steps()
        assert [(e.step, e.kind) for e in store.events()] == [(0, "started"), (9, "finished")]
        assert [record.step for record in store.checkpoints()] == [0, 9]
    assert rows["step"].tolist() == list(range(1, 10))
    assert rows["learning_rate"] == pytest.approx([0.001] * 9)
    terms = sum(rows[f"term/{t}"] * rows[f"lambda/{t}"] for t in YoloV2Loss.term_names)
    np.testing.assert_allclose(rows["total"], terms, rtol=1e-5)


def test_the_books_change_no_number(recorded: RunFolder) -> None:
    totals = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: totals.append(float(logs["loss"]))
    )
    own_detector().fit(own_batches(), epochs=3, verbose=0, callbacks=[note])
    with RunStore.open(recorded) as store:
        assert store.steps()["total"].tolist() == totals


def test_its_snapshots_are_of_the_given_samples_and_of_its_batches(recorded: RunFolder) -> None:
    with RunStore.open(recorded) as store:
        pinned, batches, rows = store.snapshots("pinned"), store.snapshots("batch"), store.steps()
    assert sorted({record.step for record in pinned}) == [0, 1, 2, 4, 8, 9]
    assert {record.sample for record in pinned} == {"val/0", "val/1"}
    assert sorted({record.step for record in batches}) == [1, 2, 4, 8]
    second = read_snapshot(batches[BATCH].file)
    assert second.samples == ("train/4", "train/5", "train/6", "train/7")
    assert second.class_names == CLASSES
    assert second.loss_name == "yolov2"
    assert float(second.breakdown.total) == pytest.approx(rows["total"][1], rel=1e-5)
    view = read_snapshot(pinned[-1].file).sample("val/1")
    np.testing.assert_array_equal(view.image, some_pictures().sample("val/1").image)


def test_commands_steer_it(tmp_path: Path) -> None:
    commands = (
        ("set-lambda", {"name": "xy", "value": 7.0}),
        ("set-learning-rate", {"value": 0.5}),
        ("pin", {"samples": ["val/1"]}),
        ("pin", {"samples": ["val/9"]}),
        ("evaluate", {}),
        ("checkpoint", {}),
    )
    folder, detector = tmp_path / "mine", own_detector()
    recorder = RunRecorder(folder, some_pictures(), batch_size=BATCH)
    # In front of the recorder: what it sends after the second step is there before the third.
    callbacks = [At(2, tell(folder, *commands)), recorder, At(5, tell(folder, ("stop", {})))]
    detector.fit(own_batches(), epochs=3, verbose=0, callbacks=callbacks)
    status = read_status(RunFolder(folder))
    assert (status.state, status.step) == (RunState.STOPPED, 6)
    assert status.message == "Stopped by the command stop after step 6."
    with RunStore.open(RunFolder(folder)) as store:
        rows, answers = store.steps(), store.commands()[::-1]
        assert [record.step for record in store.checkpoints()] == [2]
    assert rows["lambda/xy"].tolist() == [1.0] * 2 + [7.0] * 4
    assert rows["learning_rate"] == pytest.approx([0.001] * 2 + [0.5] * 4)
    said = [answer.error or answer.step for answer in answers]
    assert said[:3] == [3, 3, 3]
    assert said[3] == "given has val/0 to val/1; received 'val/9'."
    assert said[4:] == [2, 2, 6]


def test_a_checkpoint_is_gone_on_from_to_the_same_end(tmp_path: Path) -> None:
    def train(folder: Path, epochs: int, *others: keras.callbacks.Callback) -> None:
        run = RunFolder(folder)
        run = RunStore.open(run, writable=True) if run.is_run else folder
        recorder = RunRecorder(
            run, some_pictures(), batch_size=BATCH, steps=2 * BATCHES, checkpoint_every=BATCHES
        )
        detector = own_detector()
        recorder.set_model(detector)
        with recorder:
            recorder.restore()
            batches = own_batches().repeat().skip(recorder.done)
            detector.fit(
                batches,
                epochs=epochs,
                steps_per_epoch=BATCHES,
                verbose=0,
                callbacks=[recorder, *others],
            )

    train(tmp_path / "whole", 2)
    with pytest.raises(OSError, match="the cable"):
        train(tmp_path / "torn", 2, At(BATCHES + 1, raises(OSError("the cable"))))
    status = read_status(RunFolder(tmp_path / "torn"))
    assert (status.state, status.message) == (RunState.FAILED, "OSError: the cable")
    train(tmp_path / "torn", 1)
    with (
        RunStore.open(RunFolder(tmp_path / "whole")) as whole,
        RunStore.open(RunFolder(tmp_path / "torn")) as torn,
    ):
        assert torn.steps()["total"].tolist() == whole.steps()["total"].tolist()
        assert [event.kind for event in torn.events()] == ["started", "resumed", "finished"]
    assert read_status(torn.folder).state is RunState.FINISHED


def test_what_a_block_trains_is_one_run_until_it_is_interrupted(tmp_path: Path) -> None:
    folder, detector = tmp_path / "mine", own_detector()

    def train() -> None:
        with RunRecorder(folder, some_pictures(), batch_size=BATCH) as recorder:
            detector.fit(own_batches(), verbose=0, callbacks=[recorder])
            assert read_status(RunFolder(folder)).state is RunState.RUNNING
            interrupt = At(2, raises(KeyboardInterrupt()))
            detector.fit(own_batches(), verbose=0, callbacks=[recorder, interrupt])

    with pytest.raises(KeyboardInterrupt):
        train()
    status = read_status(RunFolder(folder))
    assert (status.state, status.step, status.steps) == (RunState.STOPPED, 5, 6)
    assert status.message == "Stopped by Ctrl-C after step 5."


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_weights(tmp_path: Path) -> None:
    loss = YoloV2Loss([(1.0, 1.0), (2.0, 2.0)], num_classes=2, lambdas={"wh": 1e38})
    detector = own_detector(loss=loss)
    before = detector.get_weights()
    recorder = RunRecorder(tmp_path / "mine", some_pictures(), batch_size=BATCH)
    sentence = "stopped being a finite number at step 1. The weights of step 0 are kept."
    with pytest.raises(NonFiniteLossError, match=sentence):
        detector.fit(own_batches(), verbose=0, callbacks=[recorder])
    status = read_status(RunFolder(tmp_path / "mine"))
    assert status.state is RunState.FAILED
    assert status.message.endswith(sentence)
    for one, other in zip(before, detector.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_recorded_is_refused_in_a_sentence(tmp_path: Path) -> None:
    def recorder(name: str) -> RunRecorder:
        return RunRecorder(tmp_path / name, some_pictures(), batch_size=BATCH)

    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="compile it, with steps_per_execution=1"):
        recorder("a").set_model(plain)
    with pytest.raises(ValueError, match="steps_per_execution=1; received 3"):
        recorder("b").set_model(own_detector(steps_per_execution=3))
    with pytest.raises(ValueError, match="of a compiled model: compile it"):
        recorder("d").set_model(Detector(plain, YoloV2Loss([(1.0, 1.0)], num_classes=2)))
    with pytest.raises(ValueError, match="A run named 'a' exists already"):
        recorder("a")
    with pytest.raises(ValueError, match="A run name is 1 to 64 letters"):
        recorder("a b")
    twice = recorder("c")
    twice.set_model(own_detector())
    with pytest.raises(ValueError, match="A run is of one model"):
        twice.set_model(own_detector())


def test_it_knows_nothing_of_who_built_data_loss_and_network() -> None:
    reached, ahead = set(), ["yolo_core.training.recorder"]
    while ahead:
        name = ahead.pop()
        place = ROOT.joinpath(*name.split(".")).with_suffix(".py")
        if place.is_file() and name not in reached:
            reached.add(name)
            ahead += [imported for imported, _ in imports(place, top_level_only=True)]
    assert "yolo_core.training.checkpoint" in reached
    names = ("training.config", "losses.families", "training.build", "evaluation", "data.digits")
    others = tuple(f"yolo_core.{name}" for name in names)
    assert all(is_file(name) for name in others)  # one that does not exist is never reached
    assert [name for name in reached if is_in(name, others)] == []
