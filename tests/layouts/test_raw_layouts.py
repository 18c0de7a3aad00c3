"""Where each raw number of other programs lands, and that every way back is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.layouts import LAYOUT_NAMES, fitting_layouts, raw_layout
from yolo_core.layouts.by_name import PATTERNS, PRIORS, what_would_fit
from yolo_core.losses import MnistYoloLoss, SSDLoss, YoloV1Loss, YoloV2Loss, YoloV3Loss

CLASSES = 2
F = 5 + CLASSES
GRIDS = [(2, 3), (4, 6)]
ANCHORS = [[[0.5, 0.4], [0.3, 0.6]], [[0.1, 0.2], [0.2, 0.1]]]


def two_heads(**options) -> YoloV3Loss:
    return YoloV3Loss(ANCHORS, CLASSES, grids=GRIDS, **options)


def one_head(**options) -> YoloV2Loss:
    return YoloV2Loss([[1.0, 2.0], [2.0, 1.0], [0.5, 0.5]], CLASSES, **options)


def ssd() -> SSDLoss:
    centres = np.linspace(0.2, 0.8, 6)
    priors = np.stack([centres, centres, np.full(6, 0.3), np.full(6, 0.4)], axis=-1)
    return SSDLoss(priors, CLASSES)


def counted(*shape: int) -> np.ndarray:
    """0, 1, 2, ...: every number says where it was."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def raw_shapes(name: str, batch: int = 2) -> list[tuple[int, ...]]:
    """The heads that `two_heads` has in each layout, as its program writes them."""
    return [
        {
            "darknet": (batch, 2 * F, rows, columns),
            "darknet_flat": (batch, 2 * F * rows * columns),
            "pytorch_yolov3": (batch, 2 * F, rows, columns),
            "pytorch_yolov3_permuted": (batch, 2, rows, columns, F),
            "keras_yolo3": (batch, rows, columns, 2 * F),
            "keras_yolo2": (batch, rows, columns, 2, F),
        }[name]
        for rows, columns in GRIDS
    ]


def entry(heads, name, head, picture, row, column, anchor, channel) -> float:
    """One number, looked up by each program's own rule."""
    rows, columns = GRIDS[head]
    plane = anchor * F + channel
    place = {
        # entry_index: batch, then n * w * h * (coords + classes + 1) + entry * w * h + location.
        "darknet_flat": (
            picture,
            anchor * rows * columns * F + channel * rows * columns + row * columns + column,
        ),
        "darknet": (picture, plane, row, column),
        "pytorch_yolov3": (picture, plane, row, column),
        "pytorch_yolov3_permuted": (picture, anchor, row, column, channel),
        "keras_yolo3": (picture, row, column, plane),
        "keras_yolo2": (picture, row, column, anchor, channel),
    }[name]
    return float(heads[head][place])


@pytest.mark.parametrize("name", PATTERNS)
def test_every_number_lands_in_its_slot(name):
    loss, layout = two_heads(), raw_layout(name, two_heads())
    heads = [counted(*shape) + 10_000 * head for head, shape in enumerate(raw_shapes(name))]
    slots = np.asarray(loss.slot_predictions(layout.ours(heads)))
    where = loss.slots(slots.shape)
    for slot in range(where.count):
        place = (where.head[slot], 1, where.row[slot], where.column[slot], where.anchor[slot])
        for channel in range(F):
            assert slots[1, slot, channel] == entry(heads, name, *place, channel)
    assert np.array_equal(layout.slots(heads), slots)


def test_a_pytorch_head_by_hand():
    """A 1 x 2 grid, one anchor, one class: six planes of two cells become two slots of six."""
    loss = YoloV3Loss([[[0.5, 0.5]]], 1)
    head = np.array([[[[0, 1]], [[10, 11]], [[20, 21]], [[30, 31]], [[40, 41]], [[50, 51]]]])
    assert raw_layout("pytorch_yolov3", loss).ours([head])[0].tolist() == [
        [[0, 10, 20, 30, 40, 50], [1, 11, 21, 31, 41, 51]]
    ]


@given(
    name=st.sampled_from(sorted(PATTERNS)),
    batch=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    heads=st.permutations([0, 1]),
    anchor_order=st.tuples(st.permutations([0, 1]), st.permutations([0, 1])),
)
def test_the_way_back_is_exact_bit_by_bit(name, batch, seed, dtype, heads, anchor_order):
    layout = raw_layout(name, two_heads(), heads=heads, anchor_order=anchor_order)
    # Head i of the loss is their head heads[i].
    shapes = [raw_shapes(name, batch)[place] for place in np.argsort(heads)]
    draw = np.random.default_rng(seed)
    bits = f"u{np.dtype(dtype).itemsize}"
    raw = [
        draw.integers(0, np.iinfo(bits).max, shape, bits, endpoint=True).view(dtype)
        for shape in shapes
    ]  # every pattern of bits, NaN and infinity among them
    back = layout.theirs(layout.ours(raw))
    assert [each.tobytes() for each in back] == [each.tobytes() for each in raw]
    assert [each.dtype for each in back] == [dtype, dtype]


@pytest.mark.parametrize("name", PATTERNS)
def test_slots_go_back_too(name):
    layout = raw_layout(name, two_heads())
    raw = [counted(*shape) for shape in raw_shapes(name)]
    for head, back in zip(raw, layout.theirs(layout.slots(raw)), strict=True):
        assert np.array_equal(head, back)


def test_heads_and_anchors_in_another_order():
    """A fork that goes from fine to coarse, and has its anchors the other way round."""
    layout = raw_layout("keras_yolo3", two_heads(), heads=[1, 0], anchor_order=[[1, 0], [0, 1]])
    fine, coarse = counted(1, 4, 6, 2 * F), counted(1, 2, 3, 2 * F)
    ours = layout.ours([fine, coarse])
    assert np.array_equal(ours[1], fine)
    # Anchor 0 of the loss's coarse head is their anchor 1.
    assert ours[0][0, 0, 0].tolist() == [*range(F, 2 * F), *range(F)]


def test_channels_in_the_order_of_the_loss():
    """The notebook's MNIST loss has objectness in front, all other programs behind the box."""
    loss = MnistYoloLoss(num_classes=CLASSES)
    layout = raw_layout("pytorch_yolov3", loss)
    ours = layout.ours(counted(1, F, 1, 1))
    assert loss.channel_names[:5] == ("objectness", "x", "y", "w", "h")
    assert ours.tolist() == [[[[4, 0, 1, 2, 3, 5, 6]]]]
    assert np.array_equal(layout.theirs(ours), counted(1, F, 1, 1))


def test_one_head_is_an_array_or_a_list_of_one():
    layout = raw_layout("darknet", one_head())
    raw = counted(2, 3 * F, 4, 5)
    assert np.array_equal(layout.ours(raw), layout.ours([raw]))
    assert layout.ours(raw).shape == (2, 4, 5, 3 * F)


def test_a_tensor_of_keras_stays_one_and_lets_gradients_through():
    import tensorflow as tf

    layout = raw_layout("pytorch_yolov3", one_head())
    raw = tf.Variable(counted(1, 3 * F, 2, 2))
    with tf.GradientTape() as tape:
        ours = layout.ours(raw)
        value = tf.reduce_sum(ours[0, 1, 0, F:] * tf.range(1.0, 1 + 2 * F))
    gradient = tape.gradient(value, raw).numpy()
    # Channels of anchors 1 and 2 of the cell in row 1, column 0, one after the other.
    assert gradient[0, F:, 1, 0].tolist() == list(range(1, 1 + 2 * F))
    assert np.count_nonzero(gradient) == 2 * F


class TestPriors:
    LOC, CONF = counted(2, 6, 4), -counted(2, 6, 1 + CLASSES)

    @pytest.mark.parametrize("name", PRIORS)
    def test_box_then_background_then_classes(self, name):
        layout = raw_layout(name, ssd())
        raw = {
            "ssd_pytorch": (self.LOC, self.CONF),
            "ssd_keras_loc_first": np.concatenate([self.LOC, self.CONF], -1),
            "ssd_keras_conf_first": np.concatenate([self.CONF, self.LOC], -1),
        }[name]
        ours = layout.ours(raw)
        assert ours[1, 2].tolist() == [*self.LOC[1, 2], *self.CONF[1, 2]]
        assert ssd().channel_names[4] == "background"
        back = layout.theirs(ours)
        assert [e.tobytes() for e in back] == [e.tobytes() for e in raw]

    def test_constants_that_keras_ssds_join_on(self):
        layout = raw_layout("ssd_keras_conf_first", ssd())
        constants = counted(2, 6, 8)
        raw = np.concatenate([self.CONF, self.LOC, constants], -1)
        assert layout.ours(raw).shape == (2, 6, 7)
        assert np.array_equal(layout.theirs(layout.ours(raw), constants), raw)

    @pytest.mark.slow
    @given(order=st.permutations(range(6)))
    def test_priors_in_another_order(self, order):
        layout = raw_layout("ssd_pytorch", ssd(), prior_order=order)
        ours = layout.ours((self.LOC, self.CONF))
        assert [row[0] for row in ours[0].tolist()] == [4 * place for place in order]
        loc, conf = layout.theirs(ours)
        assert np.array_equal(loc, self.LOC)
        assert np.array_equal(conf, self.CONF)


class TestWhatDoesNotFit:
    def test_names_the_shape_that_would(self):
        layout = raw_layout("pytorch_yolov3", one_head())
        with pytest.raises(ValueError, match=r"must be \(batch, 21, rows, columns\); received .*2"):
            layout.ours(counted(2, 20, 4, 4))

    def test_channels_last_where_first_are_expected(self):
        raw = counted(2, 4, 5, 3 * F)
        assert fitting_layouts(one_head(), raw) == ("keras_yolo3",)
        assert "'keras_yolo3'" in what_would_fit(one_head(), raw)

    def test_the_number_of_classes_that_would_fit(self):
        heads = [counted(1, 2 * 25, 2, 3), counted(1, 2 * 25, 4, 6)]
        said = what_would_fit(two_heads(), heads)
        assert "(batch, 14, 2, 3) as darknet and pytorch_yolov3" in said
        assert said.endswith("With 20 (channels first) classes these predictions would fit.")

    def test_another_number_of_heads(self):
        with pytest.raises(ValueError, match="has 2 heads, and so must darknet"):
            raw_layout("darknet", two_heads()).ours([counted(1, 2 * F, 2, 3)])

    def test_a_flat_row_needs_grids(self):
        with pytest.raises(ValueError, match="give grids="):
            raw_layout("darknet_flat", one_head())
        layout = raw_layout("darknet_flat", one_head(), grids=[(2, 3)])
        assert layout.ours(counted(1, 3 * F * 6)).shape == (1, 2, 3, 3 * F)

    @pytest.mark.parametrize("name", LAYOUT_NAMES)
    def test_classes_of_a_cell(self, name):
        with pytest.raises(ValueError, match=r"YoloV1Loss, whose slots .* classes of their cell"):
            raw_layout(name, YoloV1Loss(CLASSES))

    def test_priors_are_no_heads(self):
        with pytest.raises(ValueError, match="is of heads of anchors"):
            raw_layout("darknet", ssd())
        with pytest.raises(ValueError, match="is of priors"):
            raw_layout("ssd_pytorch", one_head())

    def test_orders_that_are_none(self):
        with pytest.raises(ValueError, match="heads must hold each of 0 to 1 once"):
            raw_layout("darknet", two_heads(), heads=[0, 0])
        with pytest.raises(ValueError, match="each of the 6 priors"):
            raw_layout("ssd_pytorch", ssd(), prior_order=[0, 1])

    def test_no_such_layout(self):
        with pytest.raises(ValueError, match="There is no layout 'yolov9'; there are darknet"):
            raw_layout("yolov9", one_head())
