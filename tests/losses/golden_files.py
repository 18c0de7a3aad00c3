"""Reading the golden files: `tests/golden/README.md` says where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str) -> tuple[dict[str, np.ndarray], dict, dict]:
    """The arrays, the settings and the scalars of one file."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        arrays = dict(file)
    sidecar = json.loads((GOLDEN / f"{name}.json").read_text())
    return arrays, sidecar["settings"], sidecar["scalars_full_precision"]


def with_gradient(loss, y_true, y_pred, of="total"):
    """The breakdown as numpy, and the gradient of its total (or of a term) by `y_pred`."""
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        breakdown = loss.breakdown(y_true, y_pred)
        target = breakdown.total if of == "total" else breakdown.terms[of]
    return breakdown.to_numpy(), tape.gradient(target, y_pred).numpy()


def assert_gradient(received, expected):
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def rows_of_image(gt_boxes, images, rows, num_classes):
    """[image, cx, cy, w, h, class] rows as (B, N, 5 + C) labels."""
    y_true = np.zeros((images, rows, 5 + num_classes), np.float32)
    taken = [0] * images
    for image, cx, cy, w, h, cls in gt_boxes:
        row = y_true[int(image), taken[int(image)]]
        row[0], row[1:5], row[5 + int(cls)] = 1, (cx, cy, w, h), 1
        taken[int(image)] += 1
    return y_true
