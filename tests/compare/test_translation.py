"""One prediction for several losses: the same boxes, objectness and class probabilities."""

from __future__ import annotations

import re

import numpy as np
import pytest

from yolo_core.compare.differences import COMMON_FAMILY
from yolo_core.compare.raw_shape import network_output
from yolo_core.compare.setup import share_prediction
from yolo_core.losses import FAMILY_NAMES


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_slots_and_back(scene, family):
    loss = scene.loss(family)
    slots = scene.slots(loss)
    output = network_output(loss, slots)
    np.testing.assert_array_equal(np.asarray(loss.slot_predictions(output)), slots)
    # One picture without its batch axis, and what is a network's output already.
    np.testing.assert_array_equal(network_output(loss, slots[0]), output)
    np.testing.assert_array_equal(network_output(loss, output), output)


def test_slots_that_make_no_grid(scene):
    loss = scene.loss("yolov2")
    with pytest.raises(ValueError, match="received 107 slots for 6 x 6 x 3"):
        network_output(loss, np.zeros((107, 15)))


# Has no objectness of its own: what it says of a class is the product.
NO_OBJECTNESS = "retinanet"


@pytest.mark.slow
def test_all_that_have_an_objectness_on_one_prediction(scene, on_one_grid):
    families = [family for family in FAMILY_NAMES if family != NO_OBJECTNESS]
    losses = {family: on_one_grid(family) for family in families}
    source = losses[COMMON_FAMILY]
    slots = scene.slots(source)
    slots[..., 2:4] = np.minimum(slots[..., 2:4], 0.0)  # at most four times any anchor
    shared = share_prediction(losses, slots, source, source_name=COMMON_FAMILY)
    raw = []
    for family in families:
        compared = scene.compare({name: losses[name] for name in (COMMON_FAMILY, family)}, shared)
        assert compared.notes == ()
        first, other = compared.losses[0].view.predictions, compared.losses[-1]
        raw.append(other.view.y_pred)
        for key in ("boxes", "objectness", "class_probabilities"):
            np.testing.assert_allclose(other.view.predictions[key], first[key], atol=2e-5)
    # The raw numbers are each loss's own.
    assert not np.allclose(raw[0], raw[1])


def test_without_an_objectness_the_product_with_the_classes_is_the_same(scene, on_one_grid):
    losses = {family: on_one_grid(family) for family in (COMMON_FAMILY, NO_OBJECTNESS)}
    source = losses[COMMON_FAMILY]
    shared = share_prediction(losses, scene.slots(source), source, source_name=COMMON_FAMILY)
    one, other = (each.view.predictions for each in scene.compare(losses, shared).losses)
    np.testing.assert_allclose(one["boxes"], other["boxes"], atol=2e-5)
    scores = [each["objectness"][:, None] * each["class_probabilities"] for each in (one, other)]
    np.testing.assert_allclose(*scores, atol=2e-5)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("mnist_yolo", "yolov2", "89 of 108 predicted boxes have theirs elsewhere"),
        ("yolov3", "yolov2", "its class probabilities sum to 1 in every slot, and these stand"),
        ("yolov2", "mnist_yolo", "its width or height is a sigmoid, so from 0 to 1"),
        ("yolov2", "yolov1", "of the picture"),
        ("ssd", "yolov1", "its centre in the slot's own cell"),
        ("yolov1", "yolov5", "a slot's box has at most 4 times its anchor's sides"),
    ],
)
def test_what_another_loss_cannot_say_is_refused(scene, on_one_grid, source, target, why):
    one, other = on_one_grid(source), on_one_grid(target)
    name = f"{target} cannot be shown on the prediction of {source}: "
    with pytest.raises(ValueError, match=re.escape(name)) as caught:
        share_prediction({target: other}, scene.slots(one), one, source_name=source)
    assert why in str(caught.value)


def test_classes_that_differ_in_a_cell_are_not_for_yolov1(scene, on_one_grid):
    source = on_one_grid("yolov2")
    slots = scene.slots(source)
    slots[..., 2:4] = -1.0  # small enough for any loss
    with pytest.raises(ValueError, match="one set of class probabilities a cell, and 72 of 108"):
        share_prediction({"v1": on_one_grid("yolov1")}, slots, source, source_name="yolov2")


def test_other_slots_are_refused(scene):
    source = scene.loss("yolov2")
    with pytest.raises(ValueError, match=r"cannot be shown on .* other slots"):
        share_prediction(
            {"yolov3": scene.loss("yolov3")}, scene.slots(source), source, source_name="run-1"
        )


def test_variants_of_a_family_share_raw_numbers(scene):
    source = scene.loss("mnist_yolo")
    slots = scene.slots(source)
    shared = share_prediction(
        {"documented": scene.loss("mnist_yolo/documented")}, slots, source, source_name="mnist_yolo"
    )
    np.testing.assert_array_equal(shared["documented"].reshape(slots.shape), slots)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_made_up_predictions_have_boxes_near_the_objects(scene, family):
    loss = scene.loss(family)
    view = scene.compare({family: loss}, scene.slots(loss)).losses[0].view
    best = view.targets["overlap"][:, view.objects].max(axis=0)
    assert (best > 0.6).all()
    np.testing.assert_array_equal(scene.slots(loss), scene.slots(loss))
    assert not np.array_equal(scene.slots(loss), scene.slots(loss, seed=1))
