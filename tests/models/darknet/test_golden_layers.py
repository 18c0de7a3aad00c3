"""Every layer as Darknet's CPU build computed it, and its files byte for byte."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.models.darknet.golden_cases import CASES, arrays, cfg, facts, loaded, run, weights
from yolo_core.models.darknet.build import build, get_weights, load_darknet, set_weights
from yolo_core.models.darknet.weights import expected_floats, write_weights

TOLERANCE = 1e-4


@pytest.mark.parametrize("case", CASES)
def test_every_layer_is_what_darknet_computed(case: str) -> None:
    golden = arrays(case)
    outputs = run(loaded(case)[2], golden["input"])
    compared = 0
    for number, got in enumerate(outputs):
        want = golden.get(f"layer_{number:02d}_output")
        if want is not None:
            assert got.shape == want.shape, number
            np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE, err_msg=f"{number}")
            compared += 1
    assert compared >= 2
    assert f"layer_{len(outputs) - 1:02d}_output" in golden


@pytest.mark.parametrize("case", CASES)
def test_weights_go_through_keras_and_back_byte_for_byte(case: str, tmp_path: Path) -> None:
    network, found, built = loaded(case)
    assert expected_floats(network) == facts(case)["weight_floats"]
    assert found.header.seen == facts(case)["seen"]
    model = built.model(built.outputs)
    write_weights(tmp_path / "again.weights", network, get_weights(model, network, found.header))
    assert (tmp_path / "again.weights").read_bytes() == weights(case).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["ops_mini", "odd_region", "odd_yolo"])
def test_a_saved_model_computes_the_same(case: str, tmp_path: Path) -> None:
    _, _, built = loaded(case)
    model = built.model(built.outputs)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")  # in safe mode: no code in it
    picture = arrays(case)["input"].transpose(1, 2, 0)[None]
    for before, after in zip(model(picture), again(picture), strict=True):
        np.testing.assert_array_equal(before, after)


def test_two_files_are_a_keras_model() -> None:
    case = "yolov3_mini"
    model = load_darknet(cfg(case), weights(case))
    raw = model(arrays(case)["input"].transpose(1, 2, 0)[None])
    numbers = [each.number for each in loaded(case)[0].heads]
    outputs = run(loaded(case)[2], arrays(case)["input"])
    for head, number in zip(raw, numbers, strict=True):
        np.testing.assert_allclose(head[0], outputs[number - 1].transpose(1, 2, 0), atol=1e-6)


def test_heads_are_exact_under_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        built = build(loaded("yolov3_mini")[0])
    finally:
        keras.config.set_dtype_policy("float32")
    assert [each.dtype for each in (*built.raw_heads, *built.heads)] == ["float32"] * 4
    assert built.outputs[0].dtype == "float16"


def test_a_gpu_has_another_batch_norm() -> None:
    # Its variances are 1e-6 to 1e-3, where sqrt(v + 1e-5) and sqrt(v) + 1e-6 are far apart.
    network, found, _ = loaded("bn_eps_probe")
    golden = arrays("bn_eps_probe")
    built = build(network, as_on_gpu=True)
    model = built.model(built.outputs)
    set_weights(model, network, found)
    error = np.abs(run(built, golden["input"])[1] - golden["layer_01_output"]).max()
    assert 1.2 < error < 1.3
    norm = model.get_layer("norm_0")
    assert norm.epsilon == pytest.approx(1e-5)
