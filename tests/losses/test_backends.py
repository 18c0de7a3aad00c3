"""Every backend of Keras gives the values, the assignment and the gradients of TensorFlow."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.losses.loss_table import CASES
from tests.losses.loss_values import ASSIGNMENT, loss_values

pytestmark = [pytest.mark.slow, pytest.mark.backend]

SCRIPT = Path(__file__).with_name("loss_values.py")
ROOT = Path(__file__).parents[2]
HOW = {
    "torch": "PyTorch is not installed; its CPU build is enough",
    "jax": "JAX is not installed",
}


@pytest.fixture(scope="module", params=["torch", "jax"])
def other_backend(request, tmp_path_factory):
    """What the backend's own process computed."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(HOW[request.param])
    path = tmp_path_factory.mktemp("backend") / f"{request.param}.npz"
    environment = {**os.environ, "KERAS_BACKEND": request.param, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, SCRIPT, path], env=environment, check=True, timeout=500)
    with np.load(path) as file:
        return dict(file)


def test_tensorflow_is_not_imported(other_backend):
    assert not other_backend["imported_tensorflow"]


@pytest.mark.parametrize("case", CASES)
def test_values_assignment_and_gradient_are_those_of_tensorflow(case, other_backend):
    for name, expected in loss_values(case).items():
        received, what = other_backend[f"{case.title or case.name}/{name}"], name.split("/")[1]
        if what in ASSIGNMENT:
            np.testing.assert_array_equal(received, expected, name)
            continue
        assert np.isfinite(expected).all(), name
        rtol = 1e-4 if what == "gradient" else 1e-5
        atol = 1e-6 * np.abs(expected).max(initial=0.0)
        np.testing.assert_allclose(received, expected, rtol, atol, err_msg=name)
