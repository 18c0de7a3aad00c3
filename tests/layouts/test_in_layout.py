"""A loss on another program's raw predictions is the loss itself on ours."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layouts.test_raw_layouts import CLASSES, GRIDS, F, one_head, raw_shapes, ssd, two_heads
from yolo_core.data.sample import label_rows
from yolo_core.layouts import in_layout, raw_layout
from yolo_core.layouts.by_name import PATTERNS
from yolo_core.losses import YoloV3Loss

Y_TRUE = np.stack(
    [
        label_rows(
            [[0.4, 0.6, 0.3, 0.5], [0.8, 0.1, 0.1, 0.2]], [0, 1], num_classes=CLASSES, max_objects=3
        ),
        label_rows([[0.5, 0.5, 0.5, 0.4]], [1], num_classes=CLASSES, max_objects=3),
    ]
)


def drawn(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("name", PATTERNS)
def test_it_is_the_loss_on_the_same_numbers(name):
    loss, raw = two_heads(), drawn(raw_shapes(name))
    foreign = in_layout(loss, name)
    ours = raw_layout(name, loss).ours(raw)
    mine, theirs = (
        each.to_numpy() for each in (loss.breakdown(Y_TRUE, ours), foreign.breakdown(Y_TRUE, raw))
    )
    assert float(foreign(Y_TRUE, raw)) == float(mine.total) == float(theirs.total)
    for term in loss.term_names:
        np.testing.assert_array_equal(mine.maps[term], theirs.maps[term])
    assert foreign.slots(raw_shapes(name)).grids == ((2, 3, 2), (4, 6, 2))
    np.testing.assert_array_equal(foreign.slot_predictions(raw), loss.slot_predictions(ours))


def test_a_pair_of_ssd():
    loss, (loc, conf) = ssd(), drawn([(2, 6, 4), (2, 6, 1 + CLASSES)])
    foreign = in_layout(loss, "ssd_pytorch")
    assert float(foreign(Y_TRUE, (loc, conf))) == float(
        loss(Y_TRUE, np.concatenate([loc, conf], -1))
    )
    assert foreign.slots([loc.shape, conf.shape]).count == 6


def test_it_is_the_same_loss_to_whoever_sets_it():
    loss = one_head(lambdas={"coord": 5.0})
    foreign = in_layout(loss, "darknet")
    assert isinstance(foreign, type(loss))
    assert type(foreign).__name__ == "YoloV2Loss"
    foreign.set_lambda("xy", 2.5)
    assert float(loss.lambdas["xy"].numpy()) == 2.5
    foreign.step.assign(7)
    assert int(loss.step.numpy()) == 7
    foreign.reduce_count = lambda count: 2 * count
    assert loss.reduce_count(3) == 6
    assert foreign.get_config() == loss.get_config()


def test_the_way_back_is_the_other_program_s():
    loss = two_heads()
    foreign, raw = in_layout(loss, "pytorch_yolov3"), drawn(raw_shapes("pytorch_yolov3"))
    back = foreign.to_output(np.asarray(foreign.slot_predictions(raw)))
    for one, other in zip(back, raw, strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_gradient_lands_on_the_slots_as_the_numbers_do():
    foreign = in_layout(two_heads(), "pytorch_yolov3")
    raw = [tf.Variable(each) for each in drawn(raw_shapes("pytorch_yolov3"))]
    with tf.GradientTape() as tape:
        total = foreign(Y_TRUE, [each.value() for each in raw])
    theirs = tape.gradient(total, raw)
    slots = tf.Variable(np.asarray(foreign.slot_predictions(raw)))
    with tf.GradientTape() as tape:
        total = two_heads()(Y_TRUE, slots.value())
    np.testing.assert_allclose(
        foreign.slot_predictions(theirs), tape.gradient(total, slots), rtol=1e-5, atol=1e-7
    )


@pytest.mark.slow
def test_a_keras_model_is_compiled_with_it():
    keras.utils.set_random_seed(0)
    anchors = [[[0.5, 0.4]]]
    image = keras.Input((2, 3, 3))
    out = keras.layers.Reshape((2, 3, 1, F))(keras.layers.Dense(F)(image))
    model = keras.Model(image, out)
    model.compile("sgd", loss=in_layout(YoloV3Loss(anchors, CLASSES), "keras_yolo2"))
    history = model.fit(np.ones((2, 2, 3, 3)), Y_TRUE, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_predictions_that_do_not_fit_name_the_shape_that_would():
    with pytest.raises(ValueError, match=r"must be \(batch, 14, 2, 3\); received \(2, 13, 2, 3\)"):
        in_layout(two_heads(), "darknet").slots([(2, 13, *GRIDS[0]), (2, 14, *GRIDS[1])])
