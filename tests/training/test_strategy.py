"""Two replicas under MirroredStrategy train as one device does."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.tiny import ANCHORS, CLASSES, tiny_batches, tiny_network
from tests.training.train_replicas import IMAGES, NON_FINITE, STEPS, cases
from yolo_core.losses import YoloV2Loss
from yolo_core.training.detector import Detector

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = [name for name, _, _ in cases()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What one device and two replicas came to."""
    folder = tmp_path_factory.mktemp("replicas")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    paths = [folder / f"{count}.npz" for count in (1, 2)]
    command = [sys.executable, "-m", "tests.training.train_replicas", *paths]
    subprocess.run(command, env=environment, check=True, timeout=1500)
    values = []
    for path in paths:
        with np.load(path) as file:
            values.append(dict(file))
    return values


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_logs_are_those_of_one_device(name, trained):
    one, two = ({k: v for k, v in each.items() if k.startswith(f"{name}/")} for each in trained)
    assert set(one) <= set(two)
    assert any(key.endswith("kernel/1") for key in two)
    for key, value in two.items():
        expected = one[key.removesuffix("/1") + "/0" if key.endswith("/1") else key]
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_that_is_not_finite_on_one_replica_changes_none(name, trained):
    for values in trained:
        finite = [values[f"{name}/{step}/finite"] for step in range(1, STEPS + 1)]
        assert finite == [step != NON_FINITE for step in range(1, STEPS + 1)]
        before, after = (f"{name}/{step}/variable" for step in (NON_FINITE - 1, NON_FINITE))
        compared = [key for key in values if key.startswith(before)]
        assert any("moving_mean" in key for key in compared)
        for key in compared:
            np.testing.assert_array_equal(values[key.replace(before, after)], values[key], key)
        assert values[f"{name}/{STEPS}/variable {steps_variable(values, name)}/0"] == STEPS - 1


def steps_variable(values, name):
    start = f"{name}/{STEPS}/variable "
    found = [key for key in values if key.startswith(start) and "loss_step" in key]
    return found[0].removeprefix(start).removesuffix("/0")


@pytest.mark.parametrize("name", NAMES)
def test_the_breakdown_of_a_step_is_of_the_whole_batch(name, trained):
    _, two = trained
    assert two[f"{name}/1/batch/images/"].shape[0] == IMAGES
    # One replica has three pictures of the last batch, the other two; and fewer label rows.
    assert two[f"{name}/{STEPS}/batch/images/"].shape[0] == IMAGES - 1
    gradients = [key for key in two if key.startswith(f"{name}/1/batch/gradients/")]
    assert gradients
    assert all(two[key].shape[0] == IMAGES for key in gradients)
    terms = [key for key in two if key.startswith(f"{name}/1/batch/terms/")]
    for key in terms:
        of_map = two[key.replace("/terms/", "/maps/")].sum(dtype=np.float64)
        np.testing.assert_allclose(of_map, two[key], rtol=1e-5, atol=1e-6, err_msg=key)
        assert two[key] == two[f"{name}/1/term/{key.rpartition('/')[2]}"]


def test_an_optimizer_that_scales_the_loss_need_not_be_built_before():
    network, loss = tiny_network(), YoloV2Loss(ANCHORS, CLASSES)
    detector = Detector(network, loss)
    detector.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2)))
    assert detector.train_on_batch(*tiny_batches(1), return_dict=True)["finite"] == 1
