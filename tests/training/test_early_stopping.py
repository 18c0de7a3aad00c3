"""Early stopping counts evaluations, and the best checkpoint stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from tests.training.tiny import tiny_batches, tiny_detector
from yolo_core.data.sample import Sample
from yolo_core.data.source import GivenSamples
from yolo_core.runs.checkpoints import find_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.early_stopping import ValidationMap
from yolo_core.training.recorder import RunRecorder


def test_it_asks_to_stop_after_so_many_without_a_better_one() -> None:
    validation = ValidationMap(patience=2)
    said = [validation.told(step, value) for step, value in ((10, 0.2), (20, 0.5), (30, 0.5))]
    assert said == [True, True, False]
    assert not validation.asks_to_stop
    assert not validation.told(40, 0.4)
    assert validation.asks_to_stop
    assert validation.sentence == (
        "early stopping (validation mAP50 has not risen above 0.500 of step 20 in 2 evaluations)"
    )


def test_without_patience_it_never_does() -> None:
    validation = ValidationMap(patience=0)
    for step in range(50):
        validation.told(step, 0.5 if step == 0 else 0.1)
    assert not validation.asks_to_stop
    assert validation.best_step == 0


def test_a_step_that_is_measured_twice_counts_once() -> None:
    validation = ValidationMap(patience=1)
    validation.told(10, 0.5)
    validation.told(10, 0.4)
    assert not validation.asks_to_stop


def test_after_a_resumption_it_goes_on_as_if_it_had_never_ended() -> None:
    validation = ValidationMap(patience=3)
    validation.replay([10, 20, 30], [0.5, 0.4, 0.4])
    assert not validation.asks_to_stop
    validation.told(40, 0.4)
    assert validation.asks_to_stop
    assert validation.best_step == 10


@pytest.mark.slow
def test_a_training_ends_and_keeps_its_best_checkpoint(tmp_path: Path) -> None:
    images, y_true = tiny_batches(40)
    samples = [
        Sample(f"val/{k}", (images[k] * 255).astype("uint8"), y_true[k, :1, 1:5], y_true[k, :1, 0])
        for k in range(2)
    ]
    source = GivenSamples(samples, ("a", "b"))
    # Best at step 4; the evaluations of 6, 8 and 10 are the three without a better one.
    scores = {2: 0.1, 4: 0.6, 6: 0.5, 8: 0.6, 10: 0.3}
    recorder = RunRecorder(
        tmp_path / "one",
        source,
        batch_size=3,
        evaluate=lambda _: {"map50": scores[recorder.done]},
        evaluate_every=2,
        checkpoint_every=1,
        patience=3,
    )
    data = tf.data.Dataset.from_tensor_slices((images, y_true)).batch(3)
    tiny_detector().fit(data, epochs=1, callbacks=[recorder], verbose=0)
    run = RunFolder(tmp_path / "one")
    status = read_status(run)
    assert (status.state, status.step) == (RunState.STOPPED, 10)
    assert "has not risen above 0.600 of step 4 in 3 evaluations" in status.message
    with RunStore.open(run) as store:
        assert [each.step for each in store.checkpoints()] == [4, 8, 9, 10]
    assert find_checkpoint(run, "best").step == 4
    assert find_checkpoint(run, "best").path.is_file()
