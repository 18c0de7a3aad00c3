"""The form of a new training with pictures of one's own: what it asks, says and passes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.components.shared import starting
from dashboard.data_folders import VARIABLE, is_inside
from tests.dashboard.page import button, words
from tests.dashboard.train_page import field, open_page
from tests.dashboard.voc_set import make_voc
from yolo_core.losses.families import FAMILY_NAMES, family_of
from yolo_core.runs.layout import create_run
from yolo_core.training.config import parse_config

DATA_SIZE = re.compile(r"\d+(x\d+)?")

pytestmark = pytest.mark.usefixtures("checkpoints")


@pytest.fixture
def voc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_voc(tmp_path / "pets")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []

    def record(arguments: list[str], checkpoints: Path) -> str:
        calls.append(arguments)
        name = arguments[arguments.index("--run") + 1]
        create_run(checkpoints, name).config.write_text(parse_config({}).to_json())
        return name

    monkeypatch.setattr(starting, "start_training", record)
    return calls


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_the_pictures_of_the_server_are_chosen_and_one_press_trains_on_them(voc, started) -> None:
    page = open_page()
    assert field(page, "selectbox", "data").value == f"voc:{voc}"
    assert "objects** of" in words(page)
    button(page, "Start training").click().run()
    (arguments,) = started
    assert option(arguments, "--data") == f"voc:{voc}"
    assert option(arguments, "--fit") == "stretch"
    assert option(arguments, "--augment") == "flip,scale,crop,colour"
    assert "--classes" not in arguments
    assert DATA_SIZE.fullmatch(option(arguments, "--image-size"))


@pytest.mark.usefixtures("voc")
def test_what_was_filled_in_is_passed_on(started) -> None:
    page = open_page()
    classes = field(page, "multiselect", "classes").options
    field(page, "text_input", "image-size").set_value("320x256")
    field(page, "multiselect", "classes").set_value(classes[:1])
    page.button_group(key="new/augment").set_value([])
    field(page, "button_group", "fit").set_value("letterbox").run()
    button(page, "Start training").click().run()
    (arguments,) = started
    assert option(arguments, "--image-size") == "320x256"
    assert option(arguments, "--classes") == classes[0]
    assert option(arguments, "--augment") == "off"
    assert option(arguments, "--fit") == "letterbox"


@pytest.mark.usefixtures("voc")
def test_a_wrong_size_is_told_and_starts_nothing() -> None:
    page = open_page()
    field(page, "text_input", "image-size").set_value("99").run()
    assert "multiple of 16" in page.error[0].value
    assert button(page, "Start training").disabled


def test_data_that_cannot_be_read_are_told(tmp_path, monkeypatch) -> None:
    (tmp_path / "data.yaml").write_text("train: [", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    page = open_page()
    assert len(page.error) == 1
    assert button(page, "Start training").disabled


def test_pictures_outside_the_folders_cannot_be_named(tmp_path, monkeypatch) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    (inside / "a.json").write_text('{"images": [], "annotations": []}')
    (inside / "link").symlink_to(outside)
    make_voc(outside / "pets")
    (inside / "pets").symlink_to(outside / "pets")
    monkeypatch.setenv(VARIABLE, str(inside))
    assert is_inside(inside / "a.json")
    for path in (outside, inside / "link", inside / ".." / "outside", Path("/")):
        assert not is_inside(path)
    page = open_page()
    # Neither does a link lead out.
    assert [each for each in field(page, "selectbox", "data").options if "pets" in each] == []
    field(page, "text_input", "pictures").set_value(str(inside / "link")).run()
    assert "is not in a folder that this server was started with" in page.error[0].value
    assert button(page, "Start training").disabled


@pytest.mark.usefixtures("voc")
@pytest.mark.parametrize("loss", FAMILY_NAMES)
def test_what_was_derived_is_said_for_each_loss(loss: str) -> None:
    page = open_page()
    field(page, "selectbox", "loss").set_value(loss).run()
    assert not page.exception
    assert re.search(r"(One head|Heads) of [\d, and]+ px a cell: ", words(page))
    said = re.search(r"Lambdas for .* slots a picture: (.*)", words(page)).group(1)
    for term in family_of(loss).recipe:
        # The number that is said is the one that stands in the field.
        shown = field(page, "number_input", f"{loss}/{term}").placeholder
        assert re.search(rf"\b{term} {re.escape(shown)}\b", said), (term, shown, said)
