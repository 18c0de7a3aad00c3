"""How a layer's numbers lie in a file, on numbers that can be counted along."""

from __future__ import annotations

import numpy as np

from yolo_core.models.darknet.numbers import (
    connected_parts,
    convolution_parts,
    count,
    joined,
    split,
)


def names(parts: tuple) -> list[str]:
    return [part.name for part in parts]


def test_a_convolution_has_its_bias_first_and_its_kernel_last() -> None:
    assert names(convolution_parts(2, 1, 2, batch_normalize=False)) == ["bias", "kernel"]
    parts = convolution_parts(2, 1, 2, batch_normalize=True)
    assert names(parts) == ["bias", "scale", "mean", "variance", "kernel"]
    assert count(parts) == 4 * 2 + 2 * 1 * 2 * 2


def test_a_kernel_lies_filter_by_filter_then_channel_row_column() -> None:
    # 2 filters, 3 channels, 2 x 2: number 12 * filter + 4 * channel + 2 * row + column.
    kernel = split(np.arange(26.0), convolution_parts(2, 3, 2, batch_normalize=False))["kernel"] - 2
    assert kernel.shape == (2, 2, 3, 2)  # rows, columns, channels, filters
    assert kernel[1, 0, 2, 1] == 12 + 4 * 2 + 2 * 1
    assert kernel[0, 1, 0, 0] == 1


def test_a_flipped_kernel_lies_filter_last() -> None:
    parts = convolution_parts(2, 3, 2, batch_normalize=False, flipped=True)
    kernel = split(np.arange(26.0), parts)["kernel"] - 2
    assert kernel[1, 0, 2, 1] == 2 * (4 * 2 + 2 * 1) + 1


def test_a_connected_layer_has_its_kernel_before_the_normalisation() -> None:
    parts = connected_parts(2, 3, batch_normalize=True)
    assert names(parts) == ["bias", "kernel", "scale", "mean", "variance"]
    found = split(np.arange(14.0), parts)
    np.testing.assert_array_equal(found["kernel"].T, [[2, 3, 4], [5, 6, 7]])
    np.testing.assert_array_equal(found["scale"], [8, 9])


def test_an_old_files_connected_kernel_lies_as_in_keras() -> None:
    parts = connected_parts(2, 3, batch_normalize=False, transposed=True)
    kernel = split(np.arange(8.0), parts)["kernel"]
    np.testing.assert_array_equal(kernel, [[2, 3], [4, 5], [6, 7]])


def test_splitting_and_joining_are_inverses() -> None:
    for parts in (
        convolution_parts(4, 3, 3, batch_normalize=True),
        convolution_parts(4, 3, 3, batch_normalize=False, flipped=True),
        connected_parts(5, 7, batch_normalize=True),
        connected_parts(5, 7, batch_normalize=True, transposed=True),
    ):
        numbers = np.arange(count(parts), dtype=np.float32)
        np.testing.assert_array_equal(joined(split(numbers, parts), parts), numbers)
