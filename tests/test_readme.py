"""The scripts of the README, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.tensorboard_files import scalars
from yolo_core.losses import YoloV2Loss
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## In your own Keras script")[1].split("\n## ")[0]
COMPILED, RECORDED, LOOP, LAYOUT, OWN, APART = re.findall(
    r"```python\n(.*?)```", SECTION, re.DOTALL
)
CLASSES = 20


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a script has before these lines."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    images = random.random((8, 64, 96, 3), np.float32)
    labels = np.zeros((8, 3, 5 + CLASSES), np.float32)
    labels[:, 0, :6] = [1, 0.5, 0.4, 0.3, 0.2, 1]
    anchors = [(1.0, 1.0), (2.0, 2.0)]
    outputs = len(anchors) * (5 + CLASSES)
    model = keras.Sequential(
        [keras.Input((64, 96, 3)), keras.layers.Conv2D(outputs, 32, strides=32, padding="same")]
    )
    return {
        "anchors": anchors,
        "model": model,
        "images": images[:2],
        "labels": labels[:2],
        "names": [f"kind {at}" for at in range(CLASSES)],
        "batches": tf.data.Dataset.from_tensor_slices((images, labels)).batch(4),
    }


def test_a_plain_compile_trains(around):
    exec(COMPILED, around)
    losses = around["model"].fit(around["batches"], verbose=0).history["loss"]
    assert np.isfinite(losses).all()


def test_three_lines_record_it(around, tmp_path):
    exec(COMPILED + RECORDED, around)
    beside = keras.callbacks.TensorBoard("checkpoints/mine/tb")
    around["detector"].fit(around["batches"], verbose=0, callbacks=[beside])
    seen = scalars(tmp_path / "checkpoints")
    assert [step for step, _ in seen["mine/tb"]["total"]] == [1]
    assert seen["mine/tb/train"]["epoch_loss"]
    run = RunFolder(tmp_path / "checkpoints" / "mine")
    status = read_status(run)
    assert (status.state, status.step) == (RunState.FINISHED, 6)
    with RunStore.open(run) as store:
        assert {record.kind for record in store.snapshots()} == {"batch", "pinned"}


def test_a_loop_records_itself(around, tmp_path):
    from yolo_core import RunRecorder

    loss = YoloV2Loss(around["anchors"], CLASSES)

    def predict(images: np.ndarray) -> Any:
        return around["model"](images)

    def train(images: Any, labels: Any, lambdas: dict[str, float]) -> tuple[Any, Any]:
        predictions = predict(images)
        terms = loss.breakdown(labels, predictions).terms
        return predictions, sum(lambdas[name] * value for name, value in terms.items())

    samples = around["images"], around["labels"]
    names = {"RunRecorder": RunRecorder, "loss": loss, "predict": predict, "train": train}
    exec(LOOP, around | names | {"samples": samples})
    run = RunFolder(tmp_path / "checkpoints" / "loop")
    assert read_status(run).state is RunState.FINISHED
    with RunStore.open(run) as store:
        rows, records = store.steps(), store.snapshots("batch")
    assert rows["step"].tolist() == [1, 2]
    assert records[0].total == pytest.approx(rows["total"][0], rel=1e-5)


def test_heads_in_another_program_s_layout(around):
    from yolo_core.layouts.by_name import LAYOUT_NAMES

    assert [name for name in LAYOUT_NAMES if f"`{name}`" not in SECTION] == []
    random = np.random.default_rng(0)
    sizes = ((13, 13), (26, 26), (52, 52))
    heads = {
        f"head_{rows}": random.normal(size=(2, 3 * (5 + CLASSES), rows, columns))
        for rows, columns in sizes
    }
    exec(LAYOUT, around | heads | {"anchors_of_heads": random.uniform(0.1, 0.9, (3, 3, 2))})


def test_a_loss_of_one_s_own_is_kept(around, tmp_path):
    from yolo_core import RunRecorder

    def my_loss(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_pred)) + 0 * keras.ops.mean(y_true)

    exec(COMPILED.split("model.compile")[0], around)
    exec(OWN, around | {"RunRecorder": RunRecorder, "my_loss": my_loss})
    run = RunFolder(tmp_path / "checkpoints" / "own")
    with RunStore.open(run) as store:
        (record, *_) = store.snapshots("pinned")
        total = store.steps()["total"][0]
    own = read_snapshot(record.file).breakdown.own
    assert own is not None
    assert own.name == "my_loss"
    assert own.gradient.any()
    assert total < 1


def test_a_loss_is_taken_apart(around):
    exec(COMPILED + APART, around)
    assert around["parts"].maps["xy"].shape == (2, 2 * 3 * 2)
