"""The figures of an evaluation: what stands in the cells, and whether it can be read."""

from __future__ import annotations

import numpy as np
import pytest
from plotly.colors import sample_colorscale

from dashboard.figures.evaluation import MOST_CLASSES, confusion_figure
from tests.dashboard.figures.test_frame import assert_known

COUNTS = np.array([[90, 0, 10], [30, 60, 10], [5, 1, 0]])


def luminance(red: float, green: float, blue: float) -> float:
    """WCAG 2.1's relative luminance of a colour of 0 to 255."""
    parts = np.array([red, green, blue]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def drawn(counts: np.ndarray) -> tuple[dict, dict]:
    names = [f"class {index}" for index in range(len(counts) - 1)]
    figure = confusion_figure(counts, names, (1, 0), revision="x")
    assert_known(figure)
    cells, numbers = figure.to_plotly_json()["data"]
    return cells, numbers


def test_the_numbers_stand_in_their_cells_and_a_click_on_one_is_one_on_its_cell() -> None:
    cells, numbers = drawn(COUNTS)
    assert dict(
        zip(zip(numbers["y"], numbers["x"], strict=True), numbers["text"], strict=True)
    ) == {
        **{(0, 0): "90", (0, 2): "10"},
        **{(1, 0): "30", (1, 1): "60", (1, 2): "10"},
        **{(2, 0): "5", (2, 1): "1"},
    }
    for x, y, place in zip(numbers["x"], numbers["y"], numbers["customdata"], strict=True):
        assert place == [y, x] == cells["customdata"][y][x]


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7, 0.71, 0.72, 0.8, 1])
def test_a_number_can_be_read_on_its_cell_whatever_the_page_is(share: float) -> None:
    part = round(1000 * share)
    cells, numbers = drawn(np.array([[part, 1000 - part], [0, 0]]))
    for x, y, color in zip(numbers["x"], numbers["y"], numbers["textfont"]["color"], strict=True):
        stops = [list(stop) for stop in cells["colorscale"]]
        (cell,) = sample_colorscale(stops, [cells["z"][y][x]], colortype="tuple")
        below = luminance(*(255 * np.array(cell) if max(cell) <= 1 else np.array(cell)))
        above = luminance(*(int(color[at : at + 2], 16) for at in (1, 3, 5)))
        contrast = (max(below, above) + 0.05) / (min(below, above) + 0.05)
        assert contrast >= 4.5, (cells["z"][y][x], color)


def test_of_very_many_classes_those_with_the_most_errors_are_shown() -> None:
    """200 names lie over one another; numbers and clicks are those of the whole matrix."""
    counts = np.diag(np.full(201, 50))
    counts[150, 7] = 3  # class 150 taken for class 7
    counts[199, 200] = 2  # missed
    cells, numbers = drawn(counts)
    shown = [place[0] for row in cells["customdata"] for place in row[:1]]
    assert shown == [*range(MOST_CLASSES - 2), 150, 199, 200]
    at = [[150, 7], [199, 200]]
    texts = [numbers["text"][numbers["customdata"].index(place)] for place in at]
    assert texts == ["3", "2"]
    assert cells["z"][-3][7] == pytest.approx(3 / 53)
