"""The one axis of slots: head after head, row by row, cell by cell, anchor by anchor."""

import numpy as np
import pytest

from yolo_core.slots import SlotLayout


def test_a_small_layout_by_hand():
    layout = SlotLayout.from_grids([(2, 3, 2)])
    assert layout.count == 12
    assert layout.row.tolist() == [0] * 6 + [1] * 6
    assert layout.column.tolist() == [0, 0, 1, 1, 2, 2] * 2
    assert layout.anchor.tolist() == [0, 1] * 6
    assert layout.head.tolist() == [0] * 12
    np.testing.assert_allclose(layout.stride, [[1 / 3, 1 / 2]] * 12)
    assert np.isnan(layout.prior).all()
    assert not layout.has_priors


def test_the_order_is_that_of_a_reshaped_prediction():
    # What GridLoss.slot_predictions does: (H, W, A * F) to (H * W * A, F).
    height, width, anchors = 3, 4, 2
    places = np.stack(
        np.meshgrid(range(height), range(width), range(anchors), indexing="ij"), axis=-1
    )
    flat = places.reshape(height, width, anchors * 3).reshape(height * width * anchors, 3)
    layout = SlotLayout.from_grids([(height, width, anchors)])
    np.testing.assert_array_equal(
        flat, np.stack([layout.row, layout.column, layout.anchor], axis=-1)
    )


def test_priors_sit_in_the_middle_of_their_cells():
    layout = SlotLayout.from_grids([(2, 4, 2)], [np.asarray([[0.1, 0.2], [0.5, 0.6]])])
    assert layout.has_priors
    slot = layout.index(0, 1, 2, 1)
    np.testing.assert_allclose(layout.prior[slot], [2.5 / 4, 1.5 / 2, 0.5, 0.6], rtol=1e-6)
    assert layout.prior.dtype == np.float32


def test_several_heads_follow_each_other():
    layout = SlotLayout.from_grids([(1, 2, 3), (2, 4, 1)], [np.ones((3, 2)), np.ones((1, 2))])
    assert layout.grids == ((1, 2, 3), (2, 4, 1))
    assert layout.count == 6 + 8
    assert layout.head.tolist() == [0] * 6 + [1] * 8
    assert layout.index(1, 0, 0, 0) == 6
    assert layout.index(1, 1, 3, 0) == 13
    assert layout.cell_slots(0, 0, 1).tolist() == [3, 4, 5]
    assert layout.cell_slots(1, 1, 0).tolist() == [10]
    np.testing.assert_allclose(layout.stride[6], [1 / 4, 1 / 2])


def test_a_head_without_priors_beside_one_with():
    layout = SlotLayout.from_grids([(1, 1, 1), (1, 1, 1)], [np.ones((1, 2)), None])
    assert not layout.has_priors
    assert np.isnan(layout.prior[1]).all()


def test_index_is_the_inverse_of_the_columns():
    layout = SlotLayout.from_grids([(2, 3, 2), (3, 1, 4)])
    for slot in range(layout.count):
        place = (layout.head[slot], layout.row[slot], layout.column[slot], layout.anchor[slot])
        assert layout.index(*map(int, place)) == slot


def test_folding_values_back_on_the_grid():
    layout = SlotLayout.from_grids([(1, 2, 1), (2, 2, 3)])
    values = np.arange(2 * layout.count).reshape(2, layout.count)
    folded = layout.on_grid(1, values)
    assert folded.shape == (2, 2, 2, 3)
    assert folded[1, 1, 0, 2] == values[1, layout.index(1, 1, 0, 2)]
    assert layout.on_grid(0, values)[0].tolist() == [[[0], [1]]]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((2, 0, 0, 0), "head must be 0 to 1; received 2."),
        ((-1, 0, 0, 0), "head must be 0 to 1; received -1."),
        ((0, 1, 0, 0), "row must be 0 to 0 on head 0; received 1."),
        ((1, 0, 4, 0), "column must be 0 to 3 on head 1; received 4."),
        ((1, 0, 0, -1), "anchor must be 0 to 0 on head 1; received -1."),
    ],
)
def test_places_that_do_not_exist(place, sentence):
    layout = SlotLayout.from_grids([(1, 2, 3), (2, 4, 1)])
    with pytest.raises(ValueError, match=sentence):
        layout.index(*place)


def test_anchors_of_another_head_are_refused():
    with pytest.raises(ValueError, match=r"Head 0 has 3 anchors a cell.*received shape \(2, 2\)"):
        SlotLayout.from_grids([(1, 1, 3)], [np.ones((2, 2))])
