"""Where a picture lies in what enters the network: its boxes go with it exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from yolo_core.data.resize import Placement, as_fractions, cut, fitted, fitted_boxes

SIDES = st.integers(1, 700)
SIZES = st.tuples(SIDES, SIDES)
PLACES = st.builds(
    Placement, st.integers(-300, 300), st.integers(-300, 300), SIDES, SIDES, st.booleans()
)


def test_stretching_fills_it_and_a_letterbox_keeps_the_shape() -> None:
    sizes = np.array([[640, 480], [480, 640], [100, 100], [1000, 1]])
    assert fitted(sizes, (416, 416), "stretch").tolist() == [[0, 0, 416, 416]] * 4
    assert fitted(sizes, (416, 416), "letterbox").tolist() == [
        [0, 52, 416, 312],
        [52, 0, 312, 416],
        [0, 0, 416, 416],
        [0, 207, 416, 1],  # 0.416 pixels high, and one at least
    ]
    assert fitted(sizes[:1], (320, 256), "letterbox").tolist() == [[0, 8, 320, 240]]


def test_boxes_are_moved_with_the_picture() -> None:
    # A box of 64 x 48 at the left edge, half way down a picture of 640 x 480.
    edges = np.array([[0, 240, 64, 288]], np.float32)
    size = np.array([[640, 480]])
    np.testing.assert_array_equal(
        fitted_boxes(edges, size, (416, 416), "stretch"), np.float32([[0.05, 0.55, 0.1, 0.1]])
    )
    # 41.6 x 31.2 pixels in the letterbox, 208 to 239.2 from the top.
    np.testing.assert_allclose(
        fitted_boxes(edges, size, (416, 416), "letterbox"),
        [[0.05, 223.6 / 416, 0.1, 31.2 / 416]],
        rtol=1e-6,
    )
    moved = Placement(0, 52, 416, 312).move(edges, (640, 480))
    np.testing.assert_allclose(moved, [[0, 208, 41.6, 239.2]])
    mirrored = Placement(0, 52, 416, 312, mirrored=True).move(edges, (640, 480))
    np.testing.assert_allclose(mirrored, [[374.4, 208, 416, 239.2]])


@given(place=PLACES, size=SIZES, corners=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_there_and_back_is_where_it_was(place, size, corners) -> None:
    x, y = sorted(corners[:2]), sorted(corners[2:])
    edges = np.array([[x[0], y[0], x[1], y[1]]]) * np.tile(size, 2)
    back = place.back(place.move(edges, size), size)
    np.testing.assert_allclose(back, edges, atol=1e-8 * max(size) * 300)


@given(size=SIZES)
def test_mirroring_twice_is_nothing(size) -> None:
    edges = np.array([[0.1, 0.2, 0.5, 0.9]]) * np.tile(size, 2)
    once = Placement(0, 0, *size, mirrored=True).move(edges, size)
    np.testing.assert_allclose(Placement(0, 0, *size, mirrored=True).move(once, size), edges)


@given(
    sizes=st.lists(SIZES, min_size=1, max_size=5),
    size=SIZES,
    fit=st.sampled_from(["stretch", "letterbox"]),
)
def test_many_pictures_are_fitted_as_each_by_itself(sizes, size, fit) -> None:
    edges = np.array([[0.25, 0.5, 0.5, 0.75]] * len(sizes)) * np.tile(sizes, 2)
    places = fitted(np.array(sizes), size, fit)
    assert (places[:, :2] >= 0).all()
    assert (places[:, 2:] >= 1).all()
    assert (places[:, :2] + places[:, 2:] <= size).all()
    one_by_one = [
        as_fractions(Placement(*place).move(edges[at : at + 1], sizes[at]), size)[0]
        for at, place in enumerate(places.tolist())
    ]
    np.testing.assert_allclose(
        fitted_boxes(edges, np.array(sizes), size, fit), one_by_one, rtol=1e-5, atol=1e-6
    )


def test_an_object_is_kept_while_two_fifths_of_it_are_seen() -> None:
    edges = np.array(
        [
            [10, 10, 20, 20],  # whole
            [-6, 0, 4, 10],  # 40 % seen
            [-6.1, 0, 3.9, 10],  # 39 %
            [90, 90, 110, 110],  # 25 %
            [-5, -5, 105, 105],  # 83 % of one larger than the picture
            [120, 0, 130, 10],  # outside
        ]
    )
    seen, kept = cut(edges, (100, 100))
    assert kept.tolist() == [True, True, False, False, True, False]
    assert seen[[0, 1, 4]].tolist() == [[10, 10, 20, 20], [0, 0, 4, 10], [0, 0, 100, 100]]


def drawn(place: Placement, picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return place.framed(place.part(Image.fromarray(picture), size), size)


def test_a_picture_that_fits_is_not_touched() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    np.testing.assert_array_equal(drawn(Placement(0, 0, 60, 40), picture, (60, 40)), picture)
    np.testing.assert_array_equal(
        drawn(Placement(0, 0, 60, 40, mirrored=True), picture, (60, 40)), picture[:, ::-1]
    )
    # Shifted by whole pixels: the same pixels, and grey where no picture is.
    shifted = drawn(Placement(5, -7, 60, 40), picture, (60, 40))
    np.testing.assert_array_equal(shifted[:33, 5:], picture[7:, :55])
    assert (shifted[33:] == 128).all()
    assert (shifted[:, :5] == 128).all()


@pytest.mark.parametrize("place", [Placement(90, 0, 10, 10), Placement(-20, 0, 10, 10)])
def test_a_picture_outside_leaves_padding_alone(place: Placement) -> None:
    assert (drawn(place, np.zeros((10, 10, 3), np.uint8), (80, 48)) == 128).all()


@given(place=PLACES, picture=st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_what_is_drawn_has_the_size_of_what_enters(place, picture) -> None:
    image = drawn(place, np.zeros((*picture, 3), np.uint8), (96, 64))
    assert (image.shape, image.dtype) == ((64, 96, 3), np.uint8)
    left, top, right, bottom = place.seen((96, 64))
    inside = np.zeros((64, 96), bool)
    if left < right and top < bottom:
        inside[top:bottom, left:right] = True
    np.testing.assert_array_equal((image == 0).all(-1), inside)
