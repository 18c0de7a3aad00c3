"""Anchors as the command line takes them: a file, or pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.foreign_files import read_json

FITTED = "fitted"
EXPECTED = (
    "--anchors takes pairs W,H in pixels, or all of them 1 or less as fractions of the "
    f"picture; a JSON file of what `anchors --json` prints; or {FITTED}"
)


def read_anchors(
    given: Sequence[str], image_shape: Callable[[], Sequence[int]]
) -> list[list[float]]:
    """Widths and heights as fractions of the picture.

    Args:
        given: What `--anchors` was given: "W,H" each, or one file.
        image_shape: Gives (height, width, ...) of the pictures as a network gets them; asked for
            where the anchors are in pixels.

    Raises:
        ValueError: They are neither, or not above zero.
    """
    found: Any = [pair.split(",") for pair in given]
    if len(given) == 1 and given[0].endswith(".json"):
        found = read_json(Path(given[0])).get("anchors")
    try:
        sizes: Any = np.asarray(
            [each["fractions"] if isinstance(each, dict) else each for each in found], np.float64
        )
    except (TypeError, KeyError, ValueError):
        sizes = np.zeros((0, 0))
    if sizes.ndim != 2 or sizes.shape[1] != 2 or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError(f"{EXPECTED}, all above zero; received {' '.join(given)}.")
    if sizes.max(initial=0) > 1:
        sizes = sizes / np.asarray(image_shape()[1::-1])
    return sizes.tolist()
