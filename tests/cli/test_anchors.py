"""`anchors`: what it prints, and that a training takes it."""

import json
import re
import shlex

import pytest

from tests.cli.test_train import config_of
from tests.dashboard.voc_set import make_voc
from yolo_core.__main__ import main
from yolo_core.cli.given_anchors import read_anchors


@pytest.fixture
def anchors(capsys):
    """anchors("digits", "--k", "2"): the exit code, and what was printed on both streams."""

    def run(*arguments):
        code = main(["anchors", *arguments])
        return code, *capsys.readouterr()

    return run


def test_what_it_prints_is_what_a_training_takes(anchors, tmp_path):
    code, out, _ = anchors("digits", "--k", "2", "--most", "2", "--strides", "16,8", "--json")
    printed = json.loads(out)
    assert code == 0
    assert printed["image_size"] == [96, 96]
    first, second = printed["anchors"]
    assert first["fractions"] == pytest.approx([0.1318, 0.2098], abs=1e-3)
    assert first["pixels"] == pytest.approx([96 * each for each in first["fractions"]], abs=0.01)
    assert first["cells"] == pytest.approx([each / 8 for each in first["pixels"]], abs=0.01)
    assert printed["heads"] == [{"stride": 16, "anchors": [1]}, {"stride": 8, "anchors": [0]}]
    assert printed["mean_iou_by_count"][1] == [2, pytest.approx(printed["mean_iou"], abs=1e-4)]
    file = tmp_path / "anchors.json"
    file.write_text(out)
    wanted = [tuple(each["fractions"]) for each in (first, second)]
    assert config_of("--anchors", str(file)).loss.anchors == wanted


def test_in_words(anchors):
    _, said, _ = anchors("digits", "--k", "1", "--most", "1", "--image-size", "192")
    assert "digits at 192 x 192 px: " in said
    assert "100.0%" in said
    assert "Mean IoU by k: 1: 0.6" in said
    command = said.splitlines()[-1]
    assert command.startswith("python -m yolo_core train --data digits --image-size 192 --anchors ")


def test_what_to_type_next_holds_from_every_folder(anchors, tmp_path, monkeypatch):
    folder = make_voc(tmp_path / "my pets")
    monkeypatch.chdir(tmp_path)
    options = ("--k", "1", "--most", "1", "--classes", "dog", "--fit", "letterbox")
    _, said, _ = anchors("voc:my pets", *options, "--strides", "32")
    words = shlex.split(said.splitlines()[-1])
    assert words[:4] == ["python", "-m", "yolo_core", "train"]
    config = config_of(*words[4:])
    assert config.data.source == f"voc:{folder}"
    assert (config.data.classes, config.data.fit) == (("dog",), "letterbox")
    assert (config.network.strides, len(config.loss.anchors)) == ((32,), 1)


def test_pixels_are_those_of_the_picture_that_the_network_gets():
    assert config_of("--anchors", "24,48", "0.5,12").loss.anchors == [
        (0.25, 0.5),
        (0.5 / 96, 0.125),
    ]
    assert config_of("--anchors", "0.5,1").loss.anchors == [(0.5, 1)]
    assert read_anchors(["10,20"], lambda: (100, 200, 3)) == [[0.05, 0.2]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["10"], "takes pairs W,H in pixels, .*; received 10"),
        (["10,0"], "all above zero; received 10,0"),
        (["10,20", "30"], "received 10,20 30"),
        (["a,b"], "received a,b"),
        (["nan,1"], "received nan,1"),
        (["nosuch.json"], "nosuch.json"),
    ],
)
def test_anchors_that_are_none_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        read_anchors(given, lambda: (96, 96, 1))


@pytest.mark.parametrize(
    "text",
    ['{"anchors": [[1, 2], [3]]}', '{"anchors": [{"pixels": [1, 2]}]}', "{}", '{"anchors": 3}'],
)
def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "anchors.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="--anchors takes pairs"):
        read_anchors([str(file)], lambda: (96, 96, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits", "--k", "0"), "--k and --most must be 1 or more; received 0 and 9"),
        (("digits", "--strides", "16,16"), "--strides takes some of 32,16,8, each once"),
        (("digits", "--image-size", "50"), r"In the options: data\.image_size: "),
        (("digits", "--seed", "-1"), "--seed must be 0 to 4294967295"),
        (("nosuch",), "The data must be digits, mnist"),
    ],
)
def test_bad_input(anchors, arguments, message):
    code, out, error = anchors(*arguments)
    assert (code, out) == (2, "")
    assert re.search(f"^error: {message}", error)
