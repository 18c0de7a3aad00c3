"""Random words and exact resizing: what makes a scene the same everywhere."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.data.digits.resampling import WEIGHT_SUM, resampling
from yolo_core.data.random_words import below, permutation, random_words


def test_the_words_are_these_for_ever() -> None:
    assert random_words(0, "train", 0, 2).tolist() == [213000021201967259, 4455796210202625458]
    assert random_words(5, "val", 3, 2).tolist() == [2357151461770723148, 14370715132553828280]


def test_each_seed_stream_and_index_has_words_of_its_own() -> None:
    drawn = [
        random_words(seed, stream, index, 100).tolist()
        for seed in (0, 1)
        for stream in ("train", "val", "epoch")
        for index in (0, 1, 2**63 - 1)
    ]
    assert len(set(map(tuple, drawn))) == 18
    assert len({word for words in drawn for word in words}) == 1800


def test_more_words_begin_with_the_same_ones() -> None:
    np.testing.assert_array_equal(random_words(0, "val", 1, 9)[:4], random_words(0, "val", 1, 4))


def test_below_divides_the_range_of_words_evenly() -> None:
    quarter = 2**62
    assert [below(4, word) for word in (0, quarter - 1, quarter, 2**64 - 1)] == [0, 0, 1, 3]


def test_permutation_holds_every_number_once() -> None:
    order = permutation(random_words(0, "split", 0, 50))
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))


def test_resizing_by_hand() -> None:
    # Twice as many pixels: the new centres lie a quarter of a pixel beside the old ones. Keys's
    # cubic is 111/128 at distance 1/4, 29/128 at 3/4, -9/128 at 5/4 and -3/128 at 7/4.
    assert resampling(8, 16)[5, 1:5].tolist() == [-9 * 8, 111 * 8, 29 * 8, -3 * 8]
    assert resampling(1, 3).tolist() == [[WEIGHT_SUM]] * 3
    assert resampling(3, 3).tolist() == (np.eye(3) * WEIGHT_SUM).tolist()


@given(old=st.integers(1, 60), new=st.integers(1, 200))
def test_resizing_keeps_an_even_picture_even(old: int, new: int) -> None:
    matrix = resampling(old, new)
    assert matrix.shape == (new, old)
    assert (matrix == np.rint(matrix)).all()
    # Each of the weights is rounded by at most a half.
    assert (np.abs(matrix.sum(-1) - WEIGHT_SUM) <= old / 2).all()
    np.testing.assert_array_equal(matrix, matrix[::-1, ::-1])
