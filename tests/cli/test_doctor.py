"""`python -m yolo_core doctor`: what it says, and what it returns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.doctor import injected
from yolo_core.__main__ import main
from yolo_core.doctor.finding import Examination

FILE = injected.__file__


@pytest.mark.slow
def test_a_loss_of_ones_own_is_named_with_what_to_try(capsys):
    assert main(["doctor", f"{FILE}:EdgeDropped"]) == 1
    said = capsys.readouterr().out
    assert "1 thing is wrong" in said
    assert "[ledger:dropped]" in said
    assert "Likely:" in said
    assert "Try:" in said


@pytest.mark.slow
def test_a_loss_that_is_right_as_json(capsys):
    assert main(["doctor", "yolov3", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["findings"] == []
    assert "cells" in said["passed"]
    assert said["not_tried"]["mining"] == "It does not mine its negatives."


@pytest.mark.slow
def test_data_with_anchors_in_another_unit(capsys):
    # Cells of 16 px in place of pixels.
    assert main(["doctor", "digits", "--anchors", "1.5,2.1", "1.1,1.6", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert "anchor-scale" in [each["check"] for each in said["findings"]]


def test_what_it_is_not(capsys):
    assert main(["doctor", "nothing-like-it"]) == 2
    assert "nothing-like-it" in capsys.readouterr().err


def test_a_file_that_is_not_there(capsys, tmp_path: Path):
    assert main(["doctor", f"{tmp_path}/none.py:Loss"]) == 2
    assert "There is no file" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["function", "Kept"])
def test_a_file_is_run_once(what: str, tmp_path: Path, monkeypatch) -> None:
    file, times = tmp_path / "mine.py", tmp_path / "times"
    file.write_text(
        "from yolo_core.losses import YoloV2Loss\n"
        f"open({str(times)!r}, 'a').write('x')\n"
        "class Kept(YoloV2Loss): ...\n"
        "def function(y_true, y_pred): ..."
    )
    looked = []
    monkeypatch.setattr("yolo_core.cli.doctor.examine_function", lambda *a, **_: nothing(a[0]))
    monkeypatch.setattr("yolo_core.doctor.asked.examine", lambda _, bench: nothing(bench.loss))

    def nothing(asked: object) -> Examination:
        looked.append(getattr(asked, "__name__", type(asked).__name__))
        return Examination()

    assert main(["doctor", f"{file}:{what}"]) == 0
    assert (looked, times.read_text()) == ([what], "x")
