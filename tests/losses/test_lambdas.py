"""Lambdas and the step: variables that take effect at once, and that calling a loss never moves."""

import numpy as np
import pytest
import tensorflow as tf

from tests.losses.loss_table import DEFAULTS, NUM_CLASSES, random_scene
from yolo_core.losses import MnistYoloLoss, YoloV2Loss, published

ANCHORS = [[1.0, 2.0], [2.0, 1.0]]


def values_of(loss):
    return {term: float(variable.numpy()) for term, variable in loss.lambdas.items()}


def test_defaults_groups_and_single_terms():
    loss = MnistYoloLoss(num_classes=3, lambdas={"bounding_box": 0.5, "objectless": 2})
    assert values_of(loss) == {
        "objectness": 1.0,
        "xy": 0.5,
        "wh": 0.5,
        "classification": 1.0,
        "no_object": 2.0,
    }
    # In the order given: a term after its group is an exception to the group.
    loss = YoloV2Loss(ANCHORS, 3, lambdas={"coord": 3.0, "wh": 4.0})
    assert (values_of(loss)["xy"], values_of(loss)["wh"]) == (3.0, 4.0)
    assert values_of(loss)["objectness"] == 5.0


def test_setting_one_tells_what_was_set():
    loss = YoloV2Loss(ANCHORS, 3)
    assert loss.set_lambda("coord", 0.25) == {"xy": 0.25, "wh": 0.25}
    assert loss.set_lambda("no_object", "1e-3") == {"no_object": 0.001}
    assert values_of(loss)["xy"] == 0.25
    assert values_of(loss)["no_object"] == pytest.approx(0.001)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, -np.inf, "much", None, [1.0, 2.0]])
def test_values_that_are_refused(value):
    sentence = "Lambda 'xy' must be a finite number of zero or more; received "
    with pytest.raises(ValueError, match=sentence):
        MnistYoloLoss(num_classes=3, lambdas={"xy": value})
    loss = MnistYoloLoss(num_classes=3)
    with pytest.raises(ValueError, match=sentence):
        loss.set_lambda("xy", value)
    assert values_of(loss)["xy"] == 5.0


def test_names_that_are_refused():
    with pytest.raises(
        ValueError, match="MnistYoloLoss has no lambda 'box'; it has objectness, xy"
    ):
        MnistYoloLoss(num_classes=3, lambdas={"box": 1})
    with pytest.raises(ValueError, match="YoloV2Loss has no lambda 'bounding_box'"):
        YoloV2Loss(ANCHORS, 3).set_lambda("bounding_box", 1)
    with pytest.raises(ValueError, match="has no lambda"):
        published("mnist_yolo/huber", num_classes=3, lambdas={"coord": 1.0})


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFAULTS)
def test_an_assigned_lambda_takes_effect_in_the_next_call_of_the_same_trace(case):
    loss, y_true, y_pred = case.loss(), random_scene(1), case.predictions(3)
    traces = []

    @tf.function
    def step(y_true, y_pred):
        traces.append(None)
        breakdown = loss.breakdown(y_true, y_pred)
        return breakdown.total, breakdown.terms, breakdown.lambdas

    y_true, y_pred = tf.constant(y_true), tf.constant(y_pred)
    before, terms, _ = step(y_true, y_pred)
    for term in loss.term_names:
        old = values_of(loss)[term]
        loss.set_lambda(term, old + 2.0)
        after, _, lambdas = step(y_true, y_pred)
        np.testing.assert_allclose(after, before + 2.0 * terms[term], rtol=1e-5)
        assert float(lambdas[term]) == np.float32(old + 2.0)
        loss.set_lambda(term, old)
    loss.step.assign(7)
    np.testing.assert_allclose(step(y_true, y_pred)[0], before, rtol=1e-6)
    assert len(traces) == 1


@pytest.mark.parametrize("case", DEFAULTS)
def test_a_lambda_of_zero_takes_the_gradient_of_its_term_away(case):
    loss, y_true = case.loss(), random_scene(1)
    for term in loss.term_names:
        loss.set_lambda(term, 0.0)
    y_pred = tf.constant(case.predictions(3))
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        total = loss(y_true, y_pred)
    assert float(total) == 0.0
    assert not tape.gradient(total, y_pred).numpy().any()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("off_by_one", "batches", "warm_steps"),
    [(False, 3, [0, 1, 2]), (True, 3, [0, 1]), (False, 1, [0]), (True, 1, []), (False, 0, [])],
)
def test_warm_up_lasts_exactly_as_many_batches_as_it_says(off_by_one, batches, warm_steps):
    loss = published(
        "yolov2",
        anchors=ANCHORS,
        num_classes=NUM_CLASSES,
        warmup_batches=batches,
        warmup_off_by_one=off_by_one,
        lambdas={"xy": 9},
    )
    traces = []

    @tf.function
    def step(y_true, y_pred):
        traces.append(None)
        breakdown = loss.breakdown(y_true, y_pred)
        return breakdown.lambdas["xy"], breakdown.maps["wh"]

    y_true = tf.constant(random_scene(1))
    y_pred = tf.random.stateless_normal((3, 2, 3, 16), seed=(1, 2))
    warm = []
    for index in range(6):
        loss.step.assign(index)
        xy_lambda, wh_map = step(y_true, y_pred)
        # The first image holds no object: only warm-up pulls at its sizes.
        assert (float(xy_lambda) == 1.0) == bool((wh_map.numpy()[0] > 0).all())
        warm += [index] if float(xy_lambda) == 1.0 else []
    assert warm == warm_steps
    assert len(traces) == 1


def test_calling_never_counts_a_step():
    loss = YoloV2Loss(ANCHORS, NUM_CLASSES, warmup_batches=2)
    y_true, y_pred = random_scene(1), np.zeros((3, 2, 3, 16), np.float32)
    first = [float(loss(y_true, y_pred)) for _ in range(4)]
    assert len(set(first)) == 1
    assert int(loss.step.numpy()) == 0


def test_the_notebook_variant_has_one_batch_of_warm_up_less():
    options = {"anchors": ANCHORS, "num_classes": NUM_CLASSES, "warmup_batches": 1}
    y_true, y_pred = random_scene(1), np.zeros((3, 2, 3, 16), np.float32)
    notebook = published("yolov2/notebook", **options).breakdown(y_true, y_pred)
    sound = published("yolov2", **options).breakdown(y_true, y_pred)
    assert notebook.maps["wh"].numpy()[0].max() == 0
    assert sound.maps["xy"].numpy()[0].max() == 0  # all at rest in the middle of their cells
    assert float(sound.terms["wh"]) < float(notebook.terms["wh"])  # over all slots, not the objects


def test_lambdas_stay_float32_inside_a_layer_of_half_precision():
    import keras

    loss = MnistYoloLoss(num_classes=3, lambdas={"xy": 70_000.0})  # past float16

    class Layer(keras.layers.Layer):
        def call(self, _):
            return keras.ops.convert_to_tensor(loss.lambdas["xy"])

    assert float(Layer(dtype="mixed_float16")(np.zeros((1, 1)))) == 70_000.0
