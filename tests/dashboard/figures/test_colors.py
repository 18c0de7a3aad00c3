"""One colour, one meaning: no two share one, whoever looks, on a light and on a dark page."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dashboard.figures import colors
from dashboard.figures.colors import RUN_COLORS, TERM_COLORS, TOTAL_COLOR

PARTS = dict(zip(("object", "no object", "ignored"), colors.PART_COLORS, strict=True))
STATUSES = {
    "found": colors.FOUND,
    "left": colors.LEFT,
    "false alarm": colors.FALSE_ALARM,
    "missed": colors.MISSED,
}
BOXES = {
    "label": colors.OBJECT_COLOR,
    "matched": colors.MATCHED_COLOR,
    "prediction": colors.PREDICTION_COLOR,
    "anchors": colors.ANCHOR_COLOR,
    "selected": colors.CELL_COLOR,
}
TERMS = {color: color for color in {*TERM_COLORS.values(), TOTAL_COLOR}}
OTHERS = {"heat": colors.HEAT_COLOR, "shown": colors.SHOWN_COLOR}
# Streamlit's two backgrounds, the dark one as the pages had it first and as it is.
PAGES = ("#ffffff", "#171614", "#0e1117")
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color: str) -> np.ndarray:
    channel = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Of WCAG 2."""
    low, high = sorted(linear(each) @ [0.2126, 0.7152, 0.0722] for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def distance(one: str, other: str, vision: str) -> float:
    """In OKLab, as seen with that vision; 0.02 is just noticeable side by side."""

    def oklab(color: str) -> np.ndarray:
        cone = np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ) @ np.clip(np.asarray(VISION[vision]) @ linear(color), 0, 1)
        return np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ) @ np.cbrt(cone)

    return float(np.linalg.norm(oklab(one) - oklab(other)))


@pytest.mark.parametrize(
    "color",
    sorted({*TERMS, *RUN_COLORS, *STATUSES.values(), PARTS["object"], PARTS["ignored"]}),
)
def test_colours_stand_out_on_a_light_and_a_dark_page(color: str) -> None:
    """Contrast of 3:1, as graphics need."""
    assert min(contrast(color, page) for page in PAGES) >= 3


@pytest.mark.parametrize("color", BOXES.values())
def test_boxes_and_their_labels_stand_out_on_their_dark_rim(color: str) -> None:
    assert contrast(color, "#000000") >= 9


def test_all_meanings_differ() -> None:
    all_of_them = [*TERMS, *PARTS.values(), *STATUSES.values(), *BOXES.values(), *OTHERS.values()]
    assert min(distance(*pair, "normal") for pair in combinations(all_of_them, 2)) > 0.08


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "together",
    [
        TERMS.values(),
        RUN_COLORS,
        STATUSES.values(),
        [*PARTS.values(), *BOXES.values(), colors.HEAT_COLOR],
    ],
    ids=["terms", "runs", "statuses", "picture"],
)
def test_what_is_seen_together_differs_for_everybody(vision: str, together) -> None:
    assert min(distance(*pair, vision) for pair in combinations(together, 2)) > 0.08
