"""`python -m yolo_core darknet`: what check.py of the golden networks calls, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.models.darknet.golden_cases import arrays, cfg, facts, weights
from yolo_core.__main__ import main

CASE = "yolov2_tiny_mini"
FILES = (str(cfg(CASE)), str(weights(CASE)))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("picture") / "x.npy"
    np.save(path, arrays(CASE)["input"])
    return str(path)


def test_layers_are_written_channels_first(picture: str, tmp_path: Path) -> None:
    out = tmp_path / "layers.npz"
    assert main(["darknet", "layers", *FILES, "--input", picture, "--output", str(out)]) == 0
    with np.load(out) as found:
        assert found.files == [f"layer_{number:02d}" for number in range(14)]
        assert found["layer_00"].shape == (6, 64, 64)
        np.testing.assert_allclose(
            found["layer_13"], arrays(CASE)["layer_13_output"], rtol=0, atol=1e-4
        )


def test_detections_are_suppressed_unless_told_otherwise(picture: str, tmp_path: Path) -> None:
    golden, counts = arrays(CASE), {}
    threshold = str(facts(CASE)["thresholds"]["t1"])
    for nms, key in (("0.45", "post"), ("0", "pre")):
        out = tmp_path / f"{key}.npz"
        options = ["--input", picture, "--threshold", threshold, "--nms", nms, "--output", str(out)]
        assert main(["darknet", "detect", *FILES, *options]) == 0
        with np.load(out) as found:
            assert found["boxes"].shape == (80, 4)
            counts[key] = np.count_nonzero(found["probs"])
        assert counts[key] == np.count_nonzero(golden[f"dets_t1_{key}_probs"])
    assert counts["post"] < counts["pre"]


def test_a_picture_is_letterboxed_and_drawn_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, names = tmp_path / "photo.png", tmp_path / "some.names"
    noise = np.random.default_rng(0).integers(0, 255, (97, 61, 3), np.uint8)
    Image.fromarray(noise).save(photo)
    names.write_text("cat\ndog\n")
    shown = ["--input", str(photo), "--threshold", "0.2", "--names", str(names)]
    drawn = ["--draw", str(tmp_path / "drawn.png")]
    assert main(["darknet", "detect", *FILES, *shown, *drawn]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{photo}: {len(lines)} found"
    scores = [float(line.split("  ")[2]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert {line.split("  ")[1] for line in lines} <= {"cat", "dog", "class 2", "class 3"}
    for line in lines:
        left, top, right, bottom = map(float, line.split("  ")[3].split())
        assert 0 <= left < right <= 61
        assert 0 <= top < bottom <= 97
    with Image.open(tmp_path / "drawn.png") as picture:
        assert picture.size == (61, 97)
        assert (np.asarray(picture) != noise).any()


def test_saving_gives_the_same_bytes(tmp_path: Path) -> None:
    assert main(["darknet", "save", *FILES, str(tmp_path / "again.weights")]) == 0
    assert (tmp_path / "again.weights").read_bytes() == weights(CASE).read_bytes()


def test_a_known_network_is_shown_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["darknet", "show", "yolov3-tiny"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "8,858,734 floats"
    assert shown[15].split() == ["15", "convolutional", "255", "x", "13", "x", "13", "130815"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layers", FILES[0], "none.weights"], "There is no file none.weights"),
        (["layers", "none.cfg", FILES[1]], "none.cfg cannot be read"),
        (["layers", FILES[0], FILES[0]], "floats"),
        (["layers", str(cfg("ops_mini")), FILES[1]], "ops_mini.cfg needs 35,652"),
        (["detect", *FILES, "--draw", "a.png"], "--draw takes a picture as --input, and no"),
        (["detect", *FILES, "--names", "none.names"], "none.names cannot be read"),
        (["detect", *FILES, "--threshold", "2"], "--threshold is from 0 to 1; received 2"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, picture: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    output = ["--output", str(tmp_path / "out.npz")]
    assert main(["darknet", *arguments, "--input", picture, *output]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert said in error
    assert not list(tmp_path.iterdir())


def test_the_input_has_the_networks_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((64, 64, 3)))
    options = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "out.npz")]
    assert main(["darknet", "layers", *FILES, *options]) == 2
    assert "(3, 64, 64)" in capsys.readouterr().err
    (tmp_path / "x.npy").write_bytes(b"nothing")
    assert main(["darknet", "layers", *FILES, *options]) == 2
    assert "no array of numbers" in capsys.readouterr().err
