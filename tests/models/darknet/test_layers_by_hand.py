"""Layers on numbers that can be counted along. Pictures here are channels, rows, columns."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.models.darknet.golden_cases import arrays
from yolo_core.models.darknet.activations import FUNCTIONS
from yolo_core.models.darknet.build import build
from yolo_core.models.darknet.plan import parse_network
from yolo_core.models.darknet.specs import ACTIVATIONS


def last(
    picture: np.ndarray, *sections: str, as_on_gpu: bool = False, ones: bool = False
) -> np.ndarray:
    """What the last of some sections makes of a picture, with kernels of 0 or 1."""
    channels, height, width = picture.shape
    net = f"[net]\nwidth={width}\nheight={height}\nchannels={channels}\n"
    built = build(parse_network(net + "\n".join(sections)), as_on_gpu=as_on_gpu)
    model = built.model(built.outputs[-1:])
    for variable in model.weights if ones else ():
        variable.assign(keras.ops.ones_like(variable) if "kernel" in variable.path else variable)
    out = np.asarray(model(picture.transpose(1, 2, 0)[None].astype(np.float32)))[0]
    return out.transpose(2, 0, 1) if out.ndim == 3 else out


def counted(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("name", "values"),
    [  # at -5, -1, 0, 0.5, 3, 4.5
        ("leaky", [-0.5, -0.1, 0, 0.5, 3, 4.5]),
        ("relu", [0, 0, 0, 0.5, 3, 4.5]),
        ("relie", [-0.05, -0.01, 0, 0.5, 3, 4.5]),
        ("ramp", [-0.5, -0.1, 0, 0.55, 3.3, 4.95]),
        ("plse", [-0.01, 0.375, 0.5, 0.5625, 0.875, 1.005]),
        ("stair", [-3, -1, 0, 0, 1, 2]),
        ("hardtan", [-1, -1, 0, 0.5, 1, 1]),
        ("lhtan", [-0.005, -0.001, 0, 0.5, 1.002, 1.0035]),
        ("logistic", [0.006693, 0.268941, 0.5, 0.622459, 0.952574, 0.989013]),
        ("loggy", [-0.986614, -0.462117, 0, 0.244919, 0.905148, 0.978026]),
        ("tanh", [-0.999909, -0.761594, 0, 0.462117, 0.995055, 0.999753]),
        ("elu", [-0.993262, -0.632121, 0, 0.5, 3, 4.5]),
        ("selu", [-1.746186, -1.111279, 0, 0.52535, 3.1521, 4.72815]),
        ("swish", [-0.033464, -0.268941, 0, 0.31123, 2.857722, 4.450559]),
        ("mish", [-0.033576, -0.303401, 0, 0.375245, 2.986535, 4.498912]),
    ],
)
def test_activations(name: str, values: list[float]) -> None:
    x = np.array([-5, -1, 0, 0.5, 3, 4.5], np.float32)
    np.testing.assert_allclose(FUNCTIONS[name](keras.ops.convert_to_tensor(x)), values, atol=1e-5)


def test_every_activation_that_can_be_named_is_there() -> None:
    assert {"linear", *FUNCTIONS} == set(ACTIVATIONS)


def test_stair_is_flat_from_even_numbers_and_rises_from_odd_ones() -> None:
    x = keras.ops.convert_to_tensor(np.array([2.0, 2.9, 3.0, 3.25, 3.75, 4.0], np.float32))
    np.testing.assert_allclose(FUNCTIONS["stair"](x), [1, 1, 1, 1.25, 1.75, 2])


@pytest.mark.parametrize("case", ["a", "b"])
def test_reorg_is_darknets(case: str) -> None:
    golden = arrays("reorg_tiny")
    got = last(golden[f"input_{case}"], "[reorg]\nstride=2")
    np.testing.assert_array_equal(got, golden[f"output_{case}"])


def test_reorg_is_not_space_to_depth() -> None:
    # Of channels of 16 numbers the first goes 0 2 / 4 6; TensorFlow's would be 0 2 / 8 10.
    planes = last(counted(4, 4, 4), "[reorg]\nstride=2").reshape(16, 4)
    np.testing.assert_array_equal(
        planes[[0, 1, 4, 8]], [[0, 2, 4, 6], [16, 18, 20, 22], [1, 3, 5, 7], [8, 10, 12, 14]]
    )


def test_reverse_reorg_is_depth_to_space() -> None:
    golden = arrays("reorg_tiny")
    back = last(golden["input_b"], "[reorg]\nstride=2\nreverse=1")
    np.testing.assert_array_equal(back, golden["reverse_output_b"])
    np.testing.assert_array_equal(
        last(counted(4, 1, 2), "[reorg]\nstride=2\nreverse=1")[0], [[0, 2, 1, 3], [4, 6, 5, 7]]
    )


def test_flatten_puts_channels_behind_places() -> None:
    got = last(counted(2, 2, 2), "[reorg]\nflatten=1")
    np.testing.assert_array_equal(got.reshape(-1), [0, 4, 1, 5, 2, 6, 3, 7])
    back = last(counted(2, 2, 2), "[reorg]\nflatten=1", "[reorg]\nflatten=1\nreverse=1")
    np.testing.assert_array_equal(back, counted(2, 2, 2))


def test_a_max_pool_of_3_by_2_begins_one_row_outside() -> None:
    got = last(counted(1, 4, 4), "[maxpool]\nsize=3\nstride=2")
    np.testing.assert_array_equal(got[0], [[5, 7], [13, 15]])


def test_beyond_the_edge_nothing_is_greater() -> None:
    got = last(-1 - counted(1, 2, 2), "[maxpool]\nsize=2\nstride=1")
    np.testing.assert_array_equal(got[0], [[-1, -2], [-3, -4]])


def test_a_shortcut_changes_only_what_it_reaches() -> None:
    # 2 channels, and of them the first alone doubled and added to.
    picture = counted(2, 2, 2)
    got = last(
        picture,
        "[activation]\nactivation=linear",
        "[conv]\nfilters=1\nactivation=linear",
        "[route]\nlayers=0",
        "[shortcut]\nfrom=1\nalpha=2\nbeta=10",
        ones=True,
    )
    np.testing.assert_array_equal(got[0], 2 * picture[0] + 10 * (picture[0] + picture[1]))
    np.testing.assert_array_equal(got[1], picture[1])


def test_a_larger_shortcut_is_sampled_and_a_smaller_one_spread() -> None:
    linear, pool = "[activation]\nactivation=linear", "[maxpool]\nsize=1\nstride=2"
    got = last(counted(1, 4, 4), linear, pool, "[shortcut]\nfrom=0\nbeta=100")
    np.testing.assert_array_equal(got[0], np.array([[0, 2], [8, 10]]) * 101)
    got = last(counted(1, 4, 4), linear, pool, "[route]\nlayers=0", "[shortcut]\nfrom=1\nbeta=100")
    want = counted(4, 4)
    want[::2, ::2] *= 101
    np.testing.assert_array_equal(got[0], want)


def test_upsampling_repeats_and_a_negative_stride_adds_up() -> None:
    got = last(counted(1, 1, 2), "[upsample]\nstride=2\nscale=0.5")
    np.testing.assert_array_equal(got[0], [[0, 0, 0.5, 0.5]] * 2)
    got = last(counted(1, 2, 4), "[upsample]\nstride=-2\nscale=10")
    np.testing.assert_array_equal(got[0], [[100, 180]])


def test_softmax_runs_over_groups_of_numbers_in_memorys_order() -> None:
    logits = np.log(np.array([1, 3, 4, 16], np.float32)).reshape(2, 1, 2)
    np.testing.assert_allclose(
        last(logits, "[softmax]\ngroups=2"), [0.25, 0.75, 0.2, 0.8], rtol=1e-5
    )
    hot = last(logits, "[softmax]\ngroups=2\ntemperature=0.5")
    np.testing.assert_allclose(hot, [0.1, 0.9, 1 / 17, 16 / 17], rtol=1e-5)


def test_a_route_takes_one_group_of_each_and_lays_unequal_ones_end_to_end() -> None:
    linear = "[activation]\nactivation=linear"
    got = last(counted(4, 1, 1), linear, "[route]\nlayers=0,-1\ngroups=2\ngroup_id=1")
    np.testing.assert_array_equal(got.reshape(-1), [2, 3, 2, 3])
    got = last(counted(2, 2, 1), linear, "[maxpool]\nsize=2\nstride=2", "[route]\nlayers=1,0")
    np.testing.assert_array_equal(got, [1, 3, 0, 1, 2, 3])


def test_size_1_with_a_stride_reads_other_pixels_on_a_cpu_than_on_a_gpu() -> None:
    section = "[conv]\nstride=2\nactivation=linear"
    picture = counted(2, 2, 4)  # memory 0 1 2 3 4 5 6 7 | 8 ...; the output is 1 x 2
    on_cpu = last(picture, section, ones=True)
    np.testing.assert_array_equal(on_cpu[0], [[0 + 2, 1 + 3]])
    on_gpu = last(picture, section, as_on_gpu=True, ones=True)
    np.testing.assert_array_equal(on_gpu[0], [[0 + 8, 2 + 10]])


def test_without_labels_cost_is_0() -> None:
    np.testing.assert_array_equal(last(counted(1, 1, 3), "[cost]"), [0, 0, 0])


def test_a_region_with_background_shares_one_softmax_with_it() -> None:
    picture = np.log(np.arange(1, 8, dtype=np.float32)).reshape(7, 1, 1)
    got = last(picture, "[region]\nclasses=2\nsoftmax=1\nbackground=1").reshape(-1)
    np.testing.assert_allclose(got[:2], [1 / 2, 2 / 3], rtol=1e-5)
    np.testing.assert_allclose(got[2:4], np.log([3, 4]), rtol=1e-5)
    np.testing.assert_allclose(got[4:], [5 / 18, 6 / 18, 7 / 18], rtol=1e-5)


def test_a_mask_of_a_region_stays_as_it_is() -> None:
    picture = np.full((8, 1, 1), 2.0, np.float32)
    got = last(picture, "[region]\nclasses=1\ncoords=6").reshape(-1)
    np.testing.assert_allclose(got, [0.880797, 0.880797, 2, 2, 2, 2, 0.880797, 0.880797], rtol=1e-5)
