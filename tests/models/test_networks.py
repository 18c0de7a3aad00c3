"""Networks for pictures of any height, width and number of channels."""

import numpy as np
import pytest

from yolo_core.models.networks import Head, detector_network, grid_cells

COARSE, FINE = Head(16, np.zeros(14)), Head(8, np.zeros(14))


@pytest.mark.parametrize(
    ("shape", "coarse", "fine"),
    [
        ((96, 96, 1), (6, 6), (12, 12)),
        ((48, 80, 3), (3, 5), (6, 10)),
        ((50, 83, 3), (4, 6), (8, 12)),
        ((1, 17, 1), (1, 2), (2, 4)),
    ],
)
def test_the_cells_cover_the_picture(shape, coarse, fine):
    assert (grid_cells(shape, 16), grid_cells(shape, 8)) == (coarse, fine)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(48, 80, 3), (50, 83, 2), (7, 33, 4)])
def test_a_picture_of_any_shape_gets_that_grid(shape):
    (rows, columns), (more_rows, more_columns) = grid_cells(shape, 16), grid_cells(shape, 8)
    images = np.zeros((2, *shape), np.float32)
    one = detector_network(shape, [COARSE], size="small")
    assert one(images).shape == (2, rows, columns, 14)
    two = detector_network(shape, [COARSE, FINE], size="small", slot_channels=7)
    slots = 2 * (rows * columns + more_rows * more_columns)
    assert two(images).shape == (2, slots, 7)
    assert two.output_shape == (None, slots, 7)


def test_only_a_picture_that_has_no_whole_cells_is_resized():
    def names(shape):
        return [layer.name for layer in detector_network(shape, [COARSE], size="small").layers]

    assert names((50, 83, 1)) == ["image", "whole_cells", *names((48, 80, 1))[1:]]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "medium", "large"])
@pytest.mark.parametrize("strides", [(32,), (32, 16), (32, 16, 8), (8, 16, 32), (32, 8), (8,)])
def test_any_heads_on_pictures_that_are_not_square(size, strides):
    network = detector_network(
        (64, 96, 3), [Head(each, np.zeros(14)) for each in strides], size=size, slot_channels=7
    )
    cells = {32: 2 * 3, 16: 4 * 6, 8: 8 * 12}
    shape = network.output_shape
    slots = 2 * sum(cells[each] for each in strides)
    if len(strides) > 1:
        assert shape == (None, slots, 7)
    else:
        assert shape == (None, 64 // strides[0], 96 // strides[0], 14)


def test_a_head_of_32_on_a_picture_of_other_cells_resizes_it_to_whole_ones():
    assert grid_cells((48, 80, 3), 32, 32) == (2, 3)
    assert grid_cells((48, 80, 3), 8, 32) == (8, 12)
    heads = [Head(32, np.zeros(14)), Head(8, np.zeros(14))]
    network = detector_network((48, 80, 3), heads, size="small", slot_channels=7)
    assert network.output_shape == (None, 2 * (2 * 3 + 8 * 12), 7)


def test_a_head_of_another_stride_is_refused():
    with pytest.raises(ValueError, match=r"A head has stride 32, 16, 8; received \[64\]"):
        detector_network((64, 64, 1), [Head(64, np.zeros(6))])
