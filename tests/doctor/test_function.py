"""A plain loss function is asked what its total alone can say; the rest is said to be unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yolo_core.__main__ import main

SLIPPED = Path(__file__).parents[1] / "compare/own/slipped"
V1 = (f"{SLIPPED}/loss_v1.py:yolo_loss", "--against", "yolov1", "--image-size", "96")
V2 = (f"{SLIPPED}/loss_v2.py:custom_loss", "--labels", "grid")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slip", "asked", "wrong"),
    [
        # As people write them: exp(100) is no float32, and int(1.0 * 6) no cell of 6.
        ("", V2, {"saturation"}),
        ("", V1, {"edge"}),
        ("v2_anchors_pixels", V2, {"saturation", "oracle", "pull", "descent"}),
        ("v2_class_plus_one", V2, {"saturation", "oracle", "descent"}),
    ],
)
def test_a_function_is_named_by_its_total(monkeypatch, capsys, slip, asked, wrong):
    monkeypatch.setenv("SLIP", slip)
    assert main(["doctor", *asked, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert {each["check"] for each in said["findings"]} == wrong
    assert "order" in said["passed"]
    assert "hold it against a published loss with compare" in said["not_tried"]["targets"]


@pytest.mark.slow
def test_without_its_anchors_nothing_is_said_of_its_boxes(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(
        "import tensorflow as tf\n"
        "def loss(y_true, y_pred):\n"
        "    return tf.reduce_mean(y_pred**2) / len(y_pred)\n",
        encoding="utf-8",
    )
    assert main(["doctor", f"{file}:loss", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    # A mean of the batch, divided by the batch: 4 pictures cost a quarter of one.
    (finding,) = said["findings"]
    assert (finding["check"], finding["cause"]) == ("scaling", "twice")
    for check in ("oracle", "pull", "descent"):
        assert "which anchors it decodes with" in said["not_tried"][check]


def test_what_is_no_number_of_classes(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text("def loss(y_true, y_pred): return 0.0", encoding="utf-8")
    assert main(["doctor", f"{file}:loss", "--classes", "cat"]) == 2
    assert "Of a function --classes takes their number" in capsys.readouterr().err
