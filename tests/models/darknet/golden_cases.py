"""What Darknet itself computed: `tests/golden/darknet/README.md`."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np

from yolo_core.models.darknet.build import Built, build, set_weights
from yolo_core.models.darknet.plan import Network, read_network
from yolo_core.models.darknet.weights import Weights, read_weights

GOLDEN = Path(__file__).parents[2] / "golden" / "darknet"
LETTERBOXED = ("yolov2_mini_96x64", "yolov2_tiny_mini", "yolov3_mini")
DETECTORS = (*LETTERBOXED, "odd_region", "odd_yolo")
CASES = ("bn_eps_probe", "ops_mini", *DETECTORS)


def cfg(case: str) -> Path:
    return GOLDEN / f"{case}.cfg"


def weights(case: str) -> Path:
    return GOLDEN / f"{case}.weights"


def arrays(case: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{case}.npz") as file:
        return {key: file[key] for key in file.files}


def facts(case: str) -> dict:
    return json.loads((GOLDEN / f"{case}.json").read_text())


@functools.cache
def loaded(case: str) -> tuple[Network, Weights, Built]:
    """A case's network with its weights in it."""
    network = read_network(cfg(case))
    found = read_weights(weights(case), network)
    built = build(network)
    set_weights(built.model(built.outputs), network, found)
    return network, found, built


def run(built: Built, picture: np.ndarray) -> list[np.ndarray]:
    """Every layer's output, channels first, of one picture, channels first."""
    outputs = built.values(picture.transpose(1, 2, 0), built.outputs)
    return [each.transpose(2, 0, 1) if each.ndim == 3 else each for each in outputs]
