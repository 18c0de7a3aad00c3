"""What a run says of itself before its first step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.training.runs_by_command import SMALL, train
from yolo_core.data.registry import open_source
from yolo_core.losses import FAMILY_NAMES
from yolo_core.losses.families import family_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_loss
from yolo_core.training.config import parse_config
from yolo_core.training.notes import first_notes
from yolo_core.training.own_loss import load_loss_class

FILE = Path(__file__).parents[1] / "own_losses.py"
RECIPE = "xy 20, wh 8, objectness 50, no_object 50, classification 1"
DEFAULTS = "xy 1, wh 1, objectness 5, no_object 1, classification 1"


def notes(name: str, **loss: object) -> list[tuple[str, str]]:
    config = parse_config({"loss": {"name": name, **loss}})
    data = open_source(config.data)
    own = load_loss_class(name) if ":" in name else None
    made = build_loss(config, data, own=own)
    layout = made.slots((1, *made.output_shape(data.image_shape)))
    return list(first_notes(config.loss, made, layout, data.image_shape))


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_a_loss_with_its_recipe_and_the_data_s_anchors_needs_no_word(name):
    assert notes(name, lambdas=family_of(name).recipe) == []


@pytest.mark.slow
def test_a_loss_of_one_s_own_says_which_lambdas_it_starts_with_and_which_the_named_one():
    assert notes(f"{FILE}:FocalLoss") == [
        (
            "note",
            f"own_losses.py:FocalLoss starts with the lambdas of its class ({DEFAULTS}). Those "
            f"found for these digits, with which --loss yolov2 starts, are {RECIPE}: to hold one "
            "run against the other, give both the same with --lambda NAME=VALUE.",
        )
    ]
    ((_, own),) = notes(f"{FILE}:CornerLoss")
    assert own == "own_losses.py:CornerLoss starts with the lambdas of its class (box 2)."


@pytest.mark.slow
def test_a_published_variant_says_so_too_and_what_was_given_is_not_said():
    ((_, note),) = notes("yolov2")  # from a --config that names no lambdas
    assert note.startswith(f"yolov2 starts with the lambdas of its class ({DEFAULTS}). Those")
    ((_, note),) = notes("yolov2/notebook")
    assert note.startswith("yolov2/notebook starts with the lambdas that it was published with (")
    ((_, note),) = notes(f"{FILE}:FocalLoss", lambdas={"coord": 7.0})
    assert "the lambdas of its class where none was given (xy 7, wh 7, objectness 5," in note
    recipe = {"xy": 20.0, "wh": 8.0, "objectness": 50.0, "no_object": 50.0}
    assert notes(f"{FILE}:FocalLoss", lambdas=recipe) == [], "the fifth is 1 in both"
    given = {"coord": 7.0, "objectness": 1.0, "no_object": 1.0, "class": 1.0}
    assert notes(f"{FILE}:FocalLoss", lambdas=given) == []


def test_anchors_sixteen_times_too_large_are_warned_of():
    ((kind, sentence),) = notes(
        "yolov2", lambdas=family_of("yolov2").recipe, anchors=[(1.85, 2.98), (0.2, 0.3), (0.4, 0.3)]
    )
    assert kind == "warning"
    assert "larger than the picture of 96 x 96 px (anchor 0: 178 x 286 px)" in sentence


@pytest.mark.slow
def test_a_loss_that_trains_towards_other_boxes_is_warned_of_when_it_starts(tmp_path, whole):
    train(
        *("--run", "wrong", "--loss", f"{FILE}:Exchanged", "--steps", "1", *SMALL),
        checkpoints=tmp_path,
    )
    said = {}
    for name, folder in (("wrong", tmp_path / "wrong"), ("sound", whole / "whole")):
        with RunStore.open(RunFolder(folder)) as store:
            said[name] = [e.detail["message"] for e in store.events() if e.kind == "warning"]
    (warning,) = said["wrong"]
    assert re.match(
        r"This loss trains (\d) of the \1 objects of val/0 towards other boxes than their labels, "
        r"as if x and y of the labels were exchanged: object ",
        warning,
    )
    assert said["sound"] == []
