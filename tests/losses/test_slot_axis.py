"""Moving values between objects and slots: literal numbers."""

import numpy as np
import pytest
from keras import ops

from yolo_core.losses.slot_axis import best_and_first, gather_slots, gather_slots_and_channel


def test_best_and_first_takes_the_first_of_equal_ones():
    values = ops.convert_to_tensor([[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]])
    best, first = best_and_first(values, empty=0.0, axis=-1)
    np.testing.assert_array_equal(best, [0.5, 0.0])
    np.testing.assert_array_equal(first, [1, 0])
    best, first = best_and_first(values, empty=0.0, axis=0)
    np.testing.assert_array_equal(best, [0.0, 0.5, 0.5])
    np.testing.assert_array_equal(first, [0, 0, 0])


def test_best_of_nothing_is_empty_at_index_zero():
    best, first = best_and_first(ops.zeros((2, 0, 3)), empty=-1.0, axis=1)
    np.testing.assert_array_equal(best, [[-1.0] * 3] * 2)
    np.testing.assert_array_equal(first, [[0] * 3] * 2)


def test_slots_are_gathered_from_their_own_image():
    values = ops.convert_to_tensor(np.arange(12.0).reshape(2, 3, 2))
    rows = gather_slots(values, ops.convert_to_tensor([[2, 0], [1, 1]], dtype="int32"))
    np.testing.assert_array_equal(rows, [[[4, 5], [0, 1]], [[8, 9], [8, 9]]])


@pytest.mark.parametrize("index", [0, 1])
def test_slots_are_gathered_beside_one_channel_of_all(index):
    values = np.arange(12.0).reshape(2, 3, 2)
    slots = ops.convert_to_tensor([[2, 0], [1, 1]], dtype="int32")
    rows, channel = gather_slots_and_channel(ops.convert_to_tensor(values), slots, index)
    np.testing.assert_array_equal(rows, [[[4, 5], [0, 1]], [[8, 9], [8, 9]]])
    np.testing.assert_array_equal(channel, values[..., index])
