"""Losses as anybody's Keras script uses them: compile, fit, save, XLA, mixed precision, errors."""

import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.losses.loss_table import CASES, DEFAULTS, GRID, NUM_CLASSES, random_scene
from yolo_core.losses import MnistYoloLoss, YoloV2Loss, published

ANCHORS = [[1.0, 2.0], [2.0, 1.0]]
CHANNELS = 2 * (5 + NUM_CLASSES)


def network(case):
    """A 1x1 convolution from a picture of the size of the grid to what the loss takes."""
    shape = case.shape(1, GRID, 2)[1:]
    inputs = keras.Input((*GRID, 4))
    outputs = keras.layers.Conv2D(math.prod(shape) // math.prod(GRID), 1)(inputs)
    return keras.Model(inputs, keras.layers.Reshape(shape)(outputs))


def pictures(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *GRID, 4)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFAULTS)
def test_fit_with_batches_of_any_size_and_number_of_label_rows(case):
    keras.utils.set_random_seed(1)
    model = network(case)
    model.compile(keras.optimizers.Adam(0.05), loss=case.loss())
    rows = [3, 1, 0, 0, 6]  # batches of 2, 2 and 1; the second without a label row

    def samples():
        for index, count in enumerate(rows):
            yield pictures(5)[index], random_scene(1)[-1][:count]

    signature = (tf.TensorSpec((*GRID, 4)), tf.TensorSpec((None, 5 + NUM_CLASSES)))
    data = tf.data.Dataset.from_generator(samples, output_signature=signature).padded_batch(2)
    assert data.element_spec[1].shape.as_list() == [None, None, 5 + NUM_CLASSES]
    history = model.fit(data, epochs=8, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("case", CASES)
def test_serialisation_round_trip(case):
    loss = case.loss()
    loss.set_lambda(loss.term_names[0], 0.375)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(restored) is type(loss)
    assert restored.name == loss.name
    assert restored.get_config() == loss.get_config()
    assert restored.get_config()["lambdas"][loss.term_names[0]] == 0.375
    y_true, y_pred = random_scene(1), case.predictions(3)
    assert float(restored(y_true, y_pred)) == float(loss(y_true, y_pred))


@pytest.mark.parametrize("case", DEFAULTS)
def test_a_saved_model_comes_back_with_its_loss(case, tmp_path):
    model = network(case)
    model.compile("sgd", loss=case.loss(lambdas={case.loss().term_names[-1]: 2.5}))
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert type(restored.loss) is type(model.loss)
    assert restored.loss.get_config() == model.loss.get_config()


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFAULTS)
def test_xla_gives_the_same_terms_and_gradient(case):
    loss, y_true, y_pred = case.loss(), random_scene(2), tf.constant(case.predictions(3))
    y_true[-1, 0, 1] = np.nan  # x - x and the like must not be simplified away

    def terms_and_gradient(y_true, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            breakdown = loss.breakdown(y_true, y_pred)
        return breakdown.terms, tape.gradient(breakdown.total, y_pred)

    terms, gradient = terms_and_gradient(y_true, y_pred)
    compiled = tf.function(terms_and_gradient, jit_compile=True)(y_true, y_pred)
    for term, value in terms.items():
        np.testing.assert_allclose(compiled[0][term], value, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(compiled[1], gradient, rtol=1e-4, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.slow
def test_compiled_with_xla_in_fit():
    model = keras.Sequential([keras.Input((*GRID, 4)), keras.layers.Conv2D(CHANNELS, 1)])
    model.compile("sgd", loss=YoloV2Loss(ANCHORS, NUM_CLASSES), jit_compile=True)
    expected = float(model.loss(random_scene(1), model(pictures(3))))
    assert model.train_on_batch(pictures(3), random_scene(1)) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(pictures(3), random_scene(1)) < expected


@pytest.fixture
def mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_precision")
@pytest.mark.parametrize("case", DEFAULTS)
def test_mixed_precision_keeps_the_loss_in_float32(case):
    loss = case.loss(lambdas={"no_object": 70_000.0})  # past float16
    y_pred = network(case)(pictures(3))
    assert y_pred.dtype == "float16"
    breakdown = loss.breakdown(random_scene(1), y_pred)
    assert np.isfinite(float(breakdown.total))
    for values in (breakdown.total, *breakdown.terms.values(), *breakdown.maps.values()):
        assert values.dtype == "float32"


@pytest.mark.slow
@pytest.mark.usefixtures("mixed_precision")
def test_mixed_precision_in_fit():
    model = keras.Sequential([keras.Input((*GRID, 4)), keras.layers.Conv2D(CHANNELS, 1)])
    model.compile("sgd", loss=YoloV2Loss(ANCHORS, NUM_CLASSES, lambdas={"no_object": 7e6}))
    total = model.train_on_batch(pictures(3), random_scene(1))
    assert 65_504 < total < np.inf  # past float16


@pytest.mark.parametrize("case", DEFAULTS)
def test_half_precision_predictions_near_overflow(case):
    y_pred = np.full(case.shape(3, GRID, 2), 6e4, np.float16)
    assert np.isfinite(float(case.loss()(random_scene(1), y_pred)))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_float64_labels_and_a_list_of_one_output(case):
    loss, y_true, y_pred = case.loss(), random_scene(1), case.predictions(3)
    expected = float(loss(y_true, y_pred))
    assert float(loss(y_true.astype(np.float64), y_pred)) == expected
    assert float(loss(y_true, [y_pred])) == expected
    assert float(loss(y_true, (y_pred,))) == expected
    assert float(loss.call(y_true, y_pred)) == expected


Y_TRUE, Y_PRED = random_scene(1), np.zeros((3, 2, 3, CHANNELS), np.float32)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "sentence"),
    [
        (
            Y_TRUE[..., :-1],
            Y_PRED,
            "with 3 classes takes labels of shape (batch, objects, 8), rows [object, x_center, "
            "y_center, width, height, one-hot class]; received (3, 6, 7).",
        ),
        (Y_TRUE[0], Y_PRED, "takes labels of shape (batch, objects, 8), rows [object, x_center"),
        (
            Y_TRUE[:2],
            Y_PRED,
            "takes labels and predictions of the same pictures; received labels of 2 and "
            "predictions of 3.",
        ),
        (
            Y_TRUE,
            Y_PRED[..., :-1],
            "with 3 classes takes a multiple of 8 channels",
        ),
        (
            Y_TRUE,
            Y_PRED.reshape(3, 6, CHANNELS),
            "takes predictions of shape (batch, rows, columns, anchors * 8) with a known grid; "
            "received (3, 6, 16).",
        ),
        (Y_TRUE, [Y_PRED, Y_PRED], "has one head; received 2 outputs."),
    ],
)
@pytest.mark.parametrize("name", ["MnistYoloLoss", "YoloV2Loss"])
def test_shapes_that_do_not_fit_are_refused(name, y_true, y_pred, sentence):
    made = {"MnistYoloLoss": MnistYoloLoss(num_classes=3), "YoloV2Loss": YoloV2Loss(ANCHORS, 3)}
    with pytest.raises(ValueError, match=re.escape(sentence)) as error:
        made[name](y_true, y_pred)
    assert name in str(error.value)


def test_another_number_of_anchors_is_refused():
    sentence = re.escape(
        "YoloV2Loss has 3 anchors and 3 classes, so it takes 24 channels; received 16, which is 2"
    )
    with pytest.raises(ValueError, match=sentence):
        YoloV2Loss([[1.0, 1.0]] * 3, 3)(Y_TRUE, Y_PRED)
    with pytest.raises(ValueError, match="expects 3 predictors a cell"):
        MnistYoloLoss(num_classes=3, predictors=3)(Y_TRUE, Y_PRED)


@pytest.mark.parametrize(
    "anchors",
    [
        [],
        [[1.0, 0.0]],
        [1.0, 2.0, 3.0],
        [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]],
        "x",
        None,
        [[np.nan, 1]],
    ],
    ids=str,
)
def test_anchors_that_are_refused(anchors):
    with pytest.raises(ValueError, match="anchors must be one or more pairs of width and height"):
        YoloV2Loss(anchors, 3)


def test_anchors_may_be_flat_as_the_notebook_lists_them():
    loss = YoloV2Loss([0.57273, 0.677385, 1.87446, 2.06253], 3)
    assert loss.anchors.tolist() == np.float32([[0.57273, 0.677385], [1.87446, 2.06253]]).tolist()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: MnistYoloLoss(num_classes=0), "num_classes must be a whole number"),
        (lambda: MnistYoloLoss(num_classes=2.5), "num_classes must be a whole number"),
        (
            lambda: published("mnist_yolo", num_classes=2, grid_order="yx"),
            "grid_order must be one of row_col",
        ),
        (
            lambda: published("mnist_yolo", num_classes=2, grid_order="x_y", box_target="cell"),
            'grid_order="x_y" does not go with box_target="cell"',
        ),
        (
            lambda: published("mnist_yolo", num_classes=2, probability_clip=0.7),
            "probability_clip must be one of None, 1e-07",
        ),
        (
            lambda: published("mnist_yolo", num_classes=2, slips=["missing-square"]),
            "mnist_yolo has no slip 'missing-square'; it has floor-corners",
        ),
        (
            lambda: published("yolov2/backend", anchors=ANCHORS, num_classes=2, warmup_batches=3),
            "published code of 'yolov2/backend' has no warmup_batches, so it cannot be set; rec",
        ),
        (
            lambda: published(
                "yolov2/confidence_by_iou", anchors=ANCHORS, num_classes=2, class_weights=[1, 2]
            ),
            r"has no class_weights, so it cannot be set; received \[1, 2\]",
        ),
        (lambda: YoloV2Loss(ANCHORS, 2, ignore_threshold=1.5), "ignore_threshold must be 0 to 1"),
        (lambda: YoloV2Loss(ANCHORS, 2, warmup_batches=-1), "warmup_batches must be a whole"),
        (lambda: YoloV2Loss(ANCHORS, 2, class_weights=[1.0]), "class_weights must be 2 numbers"),
    ],
)
def test_options_that_are_refused(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_class_counts_of_numpy_are_fine():
    assert MnistYoloLoss(num_classes=np.int64(4)).get_config()["num_classes"] == 4


@pytest.mark.parametrize("case", DEFAULTS)
def test_sample_weights_are_refused(case):
    with pytest.raises(ValueError, match="takes no sample_weight"):
        case.loss()(random_scene(1), case.predictions(3), sample_weight=np.ones(3))
    model = network(case)
    model.compile("sgd", loss=case.loss())
    with pytest.raises(ValueError, match="takes no sample_weight"):
        model.fit(pictures(3), random_scene(1), sample_weight=np.ones(3), verbose=0)
