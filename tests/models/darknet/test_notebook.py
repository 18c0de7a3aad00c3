"""The Keras notebook's network and its reader, against what its own code made of small files."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from yolo_core.losses import YoloV2Loss
from yolo_core.models.darknet.notebook import (
    SpaceToDepth,
    darknet19_yolov2,
    load_notebook_weights,
)

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = ("k1", "tiny", "tiny3")
FILTERS = [32, 64, 128, 64, 128, 256, 128, 256, 512, 256, 512, 256, 512, 1024, 512, 1024, 512]
FILTERS += [1024, 1024, 1024, 64, 1024, 14]
ONE_BY_ONE = (4, 7, 10, 12, 15, 17, 21, 23)
"""Of the table that the notebook prints."""


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return darknet19_yolov2((64, 96, 3), anchors=2, classes=2)


def golden(case: str) -> tuple[dict[str, np.ndarray], dict]:
    with np.load(GOLDEN / f"darknetweights_{case}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    facts = json.loads((GOLDEN / f"darknetweights_{case}.json").read_text())
    return arrays, facts["settings"]


def small_network(settings: dict) -> keras.Model:
    x = image = keras.Input((4, 4, settings["channels"][0]))
    for i, kernel in enumerate(settings["kernels"], start=1):
        filters = settings["channels"][i]
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=f"conv_{i}")(x)
        x = layers.LeakyReLU(0.1)(layers.BatchNormalization(name=f"norm_{i}")(x))
    last = len(settings["kernels"]) + 1
    return keras.Model(image, layers.Conv2D(settings["head_filters"], 1, name=f"conv_{last}")(x))


def written(folder: Path, arrays: dict[str, np.ndarray], more: bytes = b"") -> Path:
    file = folder / "small.weights"
    header = arrays["header_int32"].astype("<i4").tobytes()
    file.write_bytes(header + arrays["file_floats_after_header"].astype("<f4").tobytes() + more)
    return file


def loaded_values(model: keras.Model) -> dict[str, np.ndarray]:
    return {
        f"{layer.name}__{each.name}": np.asarray(each)
        for layer in model.layers
        for each in layer.variables
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["correct", "printed"])
def test_every_layer_gets_what_the_notebooks_reader_gave_it(case, kind, tmp_path) -> None:
    arrays, settings = golden(case)
    model = small_network(settings)
    last = len(settings["kernels"]) + 1
    if kind == "printed":  # the head is not loaded; start from what it was
        for name in ("kernel", "bias"):
            getattr(model.get_layer(f"conv_{last}"), name).assign(
                arrays[f"printed__conv_{last}__{name}"]
            )
        taken = load_notebook_weights(
            model, written(tmp_path, arrays), convolutions=last - 1, as_printed=True
        )
    else:
        taken = load_notebook_weights(model, written(tmp_path, arrays))
    assert taken + 4 == arrays[f"{kind}__floats_consumed_incl_header"]
    for name, value in loaded_values(model).items():
        if f"{kind}__{name}" in arrays:
            np.testing.assert_array_equal(value, arrays[f"{kind}__{name}"], err_msg=name)
    np.testing.assert_allclose(
        model(arrays["input"]), arrays[f"{kind}__output"], rtol=1e-5, atol=1e-5
    )


def test_the_slip_changes_the_last_kernel_and_leaves_its_normalisation(tmp_path) -> None:
    arrays, settings = golden("tiny3")
    file = written(tmp_path, arrays)
    sound, printed = small_network(settings), small_network(settings)
    load_notebook_weights(sound, file, convolutions=3)
    load_notebook_weights(printed, file, convolutions=3, as_printed=True)
    one, other = loaded_values(sound), loaded_values(printed)
    same = {name for name in one if np.array_equal(one[name], other[name])}
    assert {"conv_1__kernel", "norm_2__gamma", "conv_2__kernel"} <= same
    assert not {"conv_3__kernel", "norm_3__gamma", "norm_3__moving_mean"} & same
    np.testing.assert_array_equal(other["norm_3__gamma"], np.ones(6))
    # 3 input channels, 6 filters: 4 * 6 numbers of the normalisation come before the kernel, and
    # the printed loop takes them for the kernel's first 18.
    start = 4 + 4 * 4 + 2 * 4 * 9 - 4 + 4 * 3 + 4 * 3 * 9
    floats = arrays["file_floats_after_header"]
    np.testing.assert_array_equal(
        other["conv_3__kernel"].reshape(3, 6).T.ravel(), floats[start : start + 18]
    )


def test_a_header_of_20_bytes_is_known_by_the_length_of_the_file(tmp_path) -> None:
    arrays, settings = golden("tiny")
    file = tmp_path / "new.weights"
    head = np.array([0, 2, 0, 5, 0], "<i4").tobytes()
    file.write_bytes(head + arrays["file_floats_after_header"].astype("<f4").tobytes())
    model = small_network(settings)
    load_notebook_weights(model, file)
    kernel = loaded_values(model)["conv_3__kernel"]
    np.testing.assert_array_equal(kernel, arrays["correct__conv_3__kernel"])


@pytest.mark.parametrize(
    ("case", "keep", "more", "message"),
    [
        ("tiny", 60, b"", r"holds 60 floats; .* needs 207: it ends within conv_1"),
        ("tiny", 206, b"", r"holds 206 floats; .* needs 207: it ends within conv_3"),
        ("tiny", 207, b"\0\0\0\0", r"holds 208 floats; .* after its last layer the file goes on"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(case, keep, more, message, tmp_path) -> None:
    arrays, settings = golden(case)
    arrays["header_int32"] = np.array([0, 1, 0, 0])  # 16 bytes by its version, too
    arrays["file_floats_after_header"] = arrays["file_floats_after_header"][:keep]
    model = small_network(settings)
    before = loaded_values(model)
    with pytest.raises(ValueError, match=message):
        load_notebook_weights(model, written(tmp_path, arrays, more))
    for name, value in loaded_values(model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_what_is_no_weights_file_and_what_is_no_such_network(tmp_path) -> None:
    model = small_network(golden("tiny")[1])
    with pytest.raises(ValueError, match="cannot be read"):
        load_notebook_weights(model, tmp_path / "none.weights")
    (tmp_path / "short.weights").write_bytes(b"abc")
    with pytest.raises(ValueError, match="a header has 16 or 20 bytes; received 3"):
        load_notebook_weights(model, tmp_path / "short.weights")
    with pytest.raises(ValueError, match="conv_1 to conv_3; asked for 4 of them"):
        load_notebook_weights(model, tmp_path / "short.weights", convolutions=4)
    other = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1, 1)], name="other")
    with pytest.raises(ValueError, match="other has no layer conv_1"):
        load_notebook_weights(other, tmp_path / "short.weights")


@pytest.mark.slow
def test_the_published_layers_in_their_order(network) -> None:
    convolutions = [each for each in network.layers if isinstance(each, layers.Conv2D)]
    # Keras orders by depth, so the passthrough's conv_21 may stand anywhere before conv_22.
    by_number = sorted(convolutions, key=lambda each: int(each.name.removeprefix("conv_")))
    assert [each.name for each in by_number] == [f"conv_{i}" for i in range(1, 24)]
    assert [each.filters for each in by_number] == FILTERS
    small = [int(each.name[5:]) for each in by_number if each.kernel_size == (1, 1)]
    assert small == list(ONE_BY_ONE)
    assert [each.use_bias for each in by_number] == [False] * 22 + [True]
    norms = {each.name for each in network.layers if isinstance(each, layers.BatchNormalization)}
    assert norms == {f"norm_{i}" for i in range(1, 23)}
    pools = [each.name for each in network.layers if isinstance(each, layers.MaxPooling2D)]
    assert pools == [f"maxpool1_{416 >> i}to{208 >> i}" for i in range(5)]
    # Input, 23 + 22 + 22 leaky, 5 pools, passthrough, concatenation.
    assert len(network.layers) == 1 + 23 + 22 + 22 + 5 + 2
    leaky = [each.negative_slope for each in network.layers if isinstance(each, layers.LeakyReLU)]
    assert leaky == pytest.approx([0.1] * 22)


def test_it_ends_in_what_the_loss_takes(network) -> None:
    assert network.output_shape == (None, 2, 3, 14)
    loss = YoloV2Loss([[1, 1], [2, 2]], num_classes=2)
    assert loss.slots(network.output_shape).grids == ((2, 3, 2),)


@pytest.mark.slow
def test_coco_has_the_published_number_of_parameters() -> None:
    assert darknet19_yolov2().count_params() == 50_983_561


@pytest.mark.slow
def test_with_the_notebooks_second_input_and_frozen() -> None:
    made = darknet19_yolov2((64, 64, 3), anchors=4, classes=2, trainable=False, true_box_buffer=50)
    assert [each.name for each in made.inputs] == ["input_image", "input_hack"]
    assert made.output_shape == (None, 2, 2, 4, 7)
    assert [each.path for each in made.trainable_variables] == ["conv_23/kernel", "conv_23/bias"]


@pytest.mark.parametrize("case", CASES)
def test_the_passthrough_is_tensorflows_space_to_depth(case) -> None:
    arrays, _ = golden(case)
    np.testing.assert_array_equal(SpaceToDepth()(arrays["s2d_input"]), arrays["s2d_tf_block2"])
