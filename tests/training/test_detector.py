"""Detector: Keras's `fit` with every term of every step, and no step that leaves NaN behind."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.tiny import (
    assert_same_values,
    tiny_batches,
    tiny_detector,
    values_of,
    variables_of,
)
from yolo_core.losses import YoloV2Loss
from yolo_core.training.detector import _recall_counts
from yolo_core.training.own_loss import load_loss_class

pytestmark = pytest.mark.slow

TERMS = YoloV2Loss.term_names
OWN_LOSSES = Path(__file__).parents[1] / "own_losses.py"


class Logs(keras.callbacks.Callback):
    """Keeps the logs of every step, and calls back between two of them."""

    def __init__(self, between=None):
        super().__init__()
        self.steps = []
        self.between = between

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append({name: float(value) for name, value in logs.items()})
        if self.between is not None:
            self.between(batch)


@pytest.fixture(scope="module")
def shared():
    """One compiled detector for all tests: tracing takes longer than everything else."""
    detector = tiny_detector()
    return detector, [variable.numpy() for variable in variables_of(detector)]


@pytest.fixture
def detector(shared):
    start_again(shared)
    shared[0].wants_breakdown = False
    return shared[0]


def fit(detector, images, y_true, *, between=None):
    logs = Logs(between)
    detector.fit(images, y_true, batch_size=3, shuffle=False, verbose=0, callbacks=[logs])
    return logs.steps


def one_step(detector, images, y_true):
    """By `fit` too: another kind of iterator would be another trace."""
    return fit(detector, images[:3], y_true[:3])[0]


def start_again(shared):
    for variable, value in zip(variables_of(shared[0]), shared[1], strict=True):
        variable.assign(value)


def count_traces(detector, monkeypatch):
    calls, loss = [], detector.detection_loss
    original = loss.breakdown
    monkeypatch.setattr(loss, "breakdown", lambda *a: calls.append(1) or original(*a))
    return calls


def test_the_logs_are_each_step_s_own_values(shared, detector):
    images, y_true = tiny_batches(3)
    steps = fit(detector, images, y_true)
    start_again(shared)
    alone = [fit(detector, images[at : at + 3], y_true[at : at + 3])[0] for at in (0, 3, 6)]
    assert steps == alone, "a running mean would differ from the second step on"
    assert len({logs["loss"] for logs in steps}) == 3
    assert set(steps[0]) == {
        "loss",
        "recall",
        "finite",
        *(f"{group}/{term}" for group in ("term", "lambda") for term in TERMS),
    }
    total = sum(steps[0][f"lambda/{term}"] * steps[0][f"term/{term}"] for term in TERMS)
    assert steps[0]["loss"] == pytest.approx(total, rel=1e-5)


def test_a_lambda_takes_effect_at_the_next_step_without_retracing(detector, monkeypatch):
    images, y_true = tiny_batches(4)
    fit(detector, images, y_true)
    traces = count_traces(detector, monkeypatch)

    def between(step):
        if step == 1:
            detector.detection_loss.lambdas["xy"].assign(9.0)

    steps = fit(detector, images, y_true, between=between)
    assert [logs["lambda/xy"] for logs in steps] == [1.0, 1.0, 9.0, 9.0]
    total = sum(steps[2][f"lambda/{term}"] * steps[2][f"term/{term}"] for term in TERMS)
    assert steps[2]["loss"] == pytest.approx(total, rel=1e-5)
    assert traces == []


def test_the_learning_rate_takes_effect_at_the_next_step(detector):
    images, y_true = tiny_batches(2)
    weights = []

    def between(_step):
        weights.append(detector.trainable_variables[0].numpy())
        detector.optimizer.learning_rate.assign(0.0)

    fit(detector, images, y_true, between=between)
    np.testing.assert_array_equal(weights[0], weights[1])


def test_every_step_counts_in_the_loss(detector):
    images, y_true = tiny_batches(4)
    fit(detector, images, y_true)
    assert int(detector.detection_loss.step) == 4 == int(detector.optimizer.iterations)


@pytest.mark.parametrize("wants_breakdown", [False, True])
@pytest.mark.parametrize("cause", ["loss", "gradient"])
def test_a_step_that_is_not_finite_changes_nothing(detector, cause, wants_breakdown):
    images, y_true = tiny_batches(1)
    one_step(detector, images, y_true)
    if cause == "loss":
        images = images.copy()
        images[1, 4, 4] = np.inf
    else:
        # 1e38 times any size error: the loss is still a number, its gradients are none.
        detector.detection_loss.lambdas["wh"].assign(1e38)
    detector.wants_breakdown = wants_breakdown
    before = values_of(detector)
    logs = one_step(detector, images, y_true)
    assert logs["finite"] == 0
    assert np.isfinite(logs["loss"]) == (cause == "gradient")
    assert_same_values(values_of(detector), before)
    assert any("moving_mean" in name for name in before)
    assert any("seed_generator" in name for name in before)
    assert any("iteration" in name for name in before)
    assert any("loss_step" in name for name in before)


def test_training_goes_on_after_such_a_step(detector):
    images, y_true = tiny_batches(1)
    one_step(detector, np.full_like(images, np.nan), y_true)
    before = values_of(detector)
    logs = one_step(detector, images, y_true)
    after = values_of(detector)
    assert logs["finite"] == 1
    assert int(detector.detection_loss.step) == 1
    assert any((after[name] != before[name]).any() for name in before)


def test_the_breakdown_of_a_step_is_what_its_row_says(detector):
    images, y_true = tiny_batches(1)
    detector.wants_breakdown = True
    logs = one_step(detector, images, y_true)
    batch = detector.last_batch
    breakdown = batch["breakdown"]
    assert float(breakdown.total) == logs["loss"]
    for term in TERMS:
        assert float(breakdown.terms[term]) == logs[f"term/{term}"]
        assert float(breakdown.lambdas[term]) == logs[f"lambda/{term}"]
        assert breakdown.maps[term].shape == (3, 8)
        np.testing.assert_allclose(breakdown.maps[term].sum(), breakdown.terms[term], rtol=1e-5)
    np.testing.assert_array_equal(batch["images"], images)
    np.testing.assert_array_equal(batch["y_true"], y_true)
    assert batch["y_pred"].shape == (3, 8, 7)
    assert breakdown.assignment.candidate_measure


def test_without_being_asked_it_keeps_no_breakdown(detector):
    images, y_true = tiny_batches(1)
    detector.wants_breakdown = True
    one_step(detector, images, y_true)
    detector.wants_breakdown = False
    logs = one_step(detector, images, y_true)
    assert detector.last_batch is None
    assert "batch" not in logs


def test_both_compiled_steps_compute_the_same_numbers(shared, detector):
    images, y_true = tiny_batches(2)
    results = []
    for wants_breakdown in (False, True):
        start_again(shared)
        detector.wants_breakdown = wants_breakdown
        results.append((fit(detector, images, y_true), values_of(detector)))
    with_pulls = [
        {name: value for name, value in logs.items() if not name.startswith(("pull/", "cosine/"))}
        for logs in results[1][0]
    ]
    assert with_pulls == results[0][0]
    assert_same_values(results[1][1], results[0][1])


def test_inspect_changes_nothing_and_agrees_with_the_loss(detector):
    images, y_true = tiny_batches(1)
    before = values_of(detector)
    y_pred, breakdown = detector.inspect(images, y_true)
    assert_same_values(values_of(detector), before)
    raw = detector.network(images, training=False)
    np.testing.assert_allclose(
        breakdown.total, detector.detection_loss(y_true, raw).numpy(), rtol=1e-5
    )
    np.testing.assert_allclose(y_pred, np.reshape(raw, (3, 8, 7)), rtol=1e-5, atol=1e-6)
    single = detector.inspect(images[:1], y_true[:1])[1]
    assert single.maps["xy"].shape == (1, 8), "any batch size, without another trace"


def test_recall_counts_matched_objects_with_overlap_and_confidence(detector):
    images, y_true = tiny_batches(1)
    logs = one_step(detector, images, y_true)
    # Five objects; of fresh random weights few or none are found.
    assert logs["recall"] * 5 == pytest.approx(round(logs["recall"] * 5), abs=1e-3)


@pytest.mark.parametrize(("name", "recall"), [("FocalLoss", 1.0), ("Exchanged", 0.0)])
def test_recall_is_of_the_labels_whatever_the_loss_takes_for_them(name, recall):
    """Every slot sees the one object at (0.75, 0.25): only its own is the loss's own object."""
    loss = load_loss_class(f"{OWN_LOSSES}:{name}")([[1.0, 1.0]], 2)
    y_true = np.array([[[1, 0.75, 0.25, 0.5, 0.5, 1, 0]]], np.float32)
    y_pred = np.zeros((1, 2, 2, 7), np.float32)  # each box the middle of its cell, as large
    y_pred[..., 4] = 5
    found, matched = _recall_counts(loss.breakdown(y_true, y_pred), y_true)
    assert (float(found), float(matched)) == (recall, 1.0)


def test_it_is_an_ordinary_keras_model(detector):
    images, y_true = tiny_batches(2)
    fitted = detector.fit(
        images, y_true, batch_size=3, epochs=2, validation_data=(images, y_true), verbose=0
    )
    assert len(fitted.history["loss"]) == len(fitted.history["val_loss"]) == 2
    raw = detector.network(images, training=False)
    # As Keras has it for every model: the mean over batches of 3.
    expected = np.mean(
        [detector.detection_loss(y_true[at], raw[at]) for at in (np.s_[:3], np.s_[3:])]
    )
    assert fitted.history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(detector.predict(images, verbose=0), raw, rtol=1e-5, atol=1e-6)


def test_overflow_under_mixed_precision_is_the_optimizer_s_business():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2))
    detector = tiny_detector(optimizer)
    images, y_true = tiny_batches(1)
    detector.detection_loss.lambdas["wh"].assign(1e34)
    weights = [variable.numpy() for variable in detector.trainable_variables]
    scale = float(optimizer.dynamic_scale)
    logs = one_step(detector, images, y_true)
    assert logs["finite"] == 1, "the scaled gradients overflow, which is expected"
    assert float(optimizer.dynamic_scale) == scale / 2
    for variable, value in zip(detector.trainable_variables, weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    optimizer.dynamic_scale.assign(1.0)
    detector.detection_loss.lambdas["wh"].assign(1e38)
    assert float(one_step(detector, images, y_true)["finite"]) == 0, "these overflow unscaled"


@pytest.mark.slow
def test_xla_computes_the_same_step():
    images, y_true = tiny_batches(1)
    detector = tiny_detector(dropout=0.0, jit_compile=True)
    raw = detector.network(images, training=True)
    expected = detector.detection_loss.breakdown(y_true, raw)
    logs = one_step(detector, images, y_true)
    assert logs["finite"] == 1
    assert logs["loss"] == pytest.approx(float(expected.total), rel=1e-4)
    for term in TERMS:
        assert logs[f"term/{term}"] == pytest.approx(float(expected.terms[term]), rel=1e-4)
