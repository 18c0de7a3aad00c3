"""Pictures into a network and boxes back, as Darknet does it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.darknet.golden_cases import arrays
from yolo_core.models.darknet.letterbox import inner_size, letterboxed, to_picture

NETS = {2: (96, 64), 5: (64, 64)}
sides = st.integers(1, 700)


@pytest.mark.parametrize("case", NETS)
def test_a_picture_is_letterboxed_as_darknet_does(case: int) -> None:
    golden = arrays("letterbox")
    got = letterboxed(golden[f"image_{case}"].transpose(1, 2, 0), NETS[case])
    np.testing.assert_allclose(got.transpose(2, 0, 1), golden[f"letterbox_{case}"], atol=1e-6)


def test_by_hand() -> None:
    # Two columns 0 and 1 on four: corners on corners; a row of grey above and below... of four.
    picture = np.array([[0.0, 0.9], [0.0, 0.9]])[..., None]
    got = letterboxed(picture, (4, 6))[..., 0]
    np.testing.assert_allclose(got[0], 0.5)
    np.testing.assert_allclose(got[1], [0, 0.3, 0.6, 0.9], rtol=1e-6)
    np.testing.assert_allclose(got[-1], 0.5)


def test_whole_pixels_are_cut_not_rounded() -> None:
    assert inner_size((97, 61), (64, 64)) == (64, 40)  # 61 * 64 / 97 = 40.2
    assert inner_size((50, 120), (96, 64)) == (26, 64)  # 50 * 64 / 120 = 26.7
    assert inner_size((30, 20), (96, 64)) == (96, 64)


@given(sides, sides, st.integers(1, 64), st.integers(1, 64))
def test_any_size_fits_and_its_middle_stays(
    width: int, height: int, across: int, down: int
) -> None:
    size, net = (width, height), (across, down)
    inner = inner_size(size, net)
    assert 1 <= inner[0] <= across
    assert 1 <= inner[1] <= down
    assert across in inner[:1] or down in inner[1:]
    boxed = letterboxed(np.zeros((height, width, 1)), net)
    assert (boxed == 0).sum() == inner[0] * inner[1]
    middle = to_picture(np.array([[0.5, 0.5, *(np.array(inner) / net)]]), size, net)
    np.testing.assert_allclose(middle, [[0.5, 0.5, 1, 1]], atol=1e-6)
