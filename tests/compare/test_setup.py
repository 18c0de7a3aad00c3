"""Losses set up for a comparison."""

import numpy as np


def test_a_warm_up_of_one_batch_has_none(scene):
    without = scene.loss("yolov2", slips=[], situations=["warmup-off-by-one"])
    slipped = scene.loss("yolov2", slips=["warmup-off-by-one"])
    both = scene.compare({"without": without, "with": slipped}, scene.slots(without))
    cold = scene.compare({"never warm": scene.loss("yolov2", slips=[])}, scene.slots(without))
    warm, none = (each.view.terms["wh"] for each in both.losses)
    assert warm > 5 * none
    np.testing.assert_allclose(none, cold.losses[0].view.terms["wh"])
