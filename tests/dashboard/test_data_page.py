"""The Data page on a small set of one's own, in each of its views, and on the digits."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.data.views import VIEWS
from dashboard.components.shared import background
from dashboard.data_folders import VARIABLE, data_choices
from tests.dashboard.page import assert_sound, button, loaded_by, opener, plots, words
from tests.dashboard.voc_set import make_voc
from yolo_core.before import folder as before
from yolo_core.before.folder import BeforeFolder, folder_of
from yolo_core.before.jobs import Search
from yolo_core.training.config import RunConfig, parse_config

open_page = opener("data")


@pytest.fixture
def voc(tmp_path: Path, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a set in a folder that the server was started with."""
    del checkpoints
    folder = make_voc(tmp_path / "mine" / "pets")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    background._KEPT.clear()
    return f"voc:{folder}"


@pytest.fixture
def searches_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search is done at once, in this process."""

    def start(folder: BeforeFolder, config: RunConfig) -> None:
        folder.path.mkdir(parents=True, exist_ok=True)
        Search(folder, config).run()

    monkeypatch.setattr(before, "start", start)
    monkeypatch.setattr("dashboard.components.data.search.start", start)


def tables(page: AppTest) -> list:
    return [each.value for each in page.dataframe]


def keys(page: AppTest) -> str:
    return " ".join(plots(page))


def test_own_data_come_first_and_are_told_in_numbers(voc: str) -> None:
    page = open_page()
    assert_sound(page)
    assert page.selectbox[0].value == voc
    said = words(page)
    assert "4 pictures" in said
    assert "2 in train, 1 in val, 1 in test" in said
    assert "5 objects" in said
    assert "1 × box set aside" in said


def test_the_pictures_are_drawn_with_their_boxes_and_one_is_large(voc: str) -> None:
    page = open_page(data=voc, picture="JPEGImages/dog.png")
    assert_sound(page)
    gallery, large = plots(page).values()
    assert len(gallery["layout"]["images"]) == 4
    # By name; a click on a picture gives its place among the files.
    assert gallery["data"][-1]["customdata"] == [[0, 1, 2, 3, None]]
    assert gallery["data"][-1]["text"] == [["dog.png", "empty.png", "pair.png", "twin.png", ""]]
    assert len(large["layout"]["images"]) == 1
    assert "JPEGImages/dog.png" in words(page)
    assert "its width is 0" in words(page)


@pytest.mark.parametrize(
    ("widget", "chosen", "count"),
    [
        ("data only", ["without objects"], 1),
        ("data only", ["with problems"], 1),
        ("data sizes", ["medium"], 2),
        ("data text", "tw", 1),
    ],
)
def test_a_filter_leaves_what_is_asked_for(voc: str, widget: str, chosen, count: int) -> None:
    page = open_page(data=voc)
    kind = page.text_input if widget == "data text" else page.get("button_group")
    (found,) = (each for each in kind if each.key == widget)
    found.set_value(chosen).run()
    assert_sound(page)
    assert f"{count} of 4 pictures" in words(page)


def test_what_no_picture_passes_is_said(voc: str) -> None:
    page = open_page(data=voc)
    (name,) = (each for each in page.text_input if each.key == "data text")
    name.set_value("nothing").run()
    assert_sound(page)
    assert "No picture passes" in words(page)


def test_numbers_by_class_and_split(voc: str) -> None:
    page = open_page(data=voc, view="Numbers")
    assert_sound(page)
    (table,) = tables(page)
    counts = {(row["split"], row["class"]): row["objects"] for _, row in table.iterrows()}
    assert counts == {
        ("train", "cat"): 2,
        ("train", "dog"): 2,
        ("val", "cat"): 0,
        ("val", "dog"): 0,
        ("test", "cat"): 0,
        ("test", "dog"): 1,
    }
    assert len(plots(page)) == 3


def test_a_problem_comes_with_its_picture(voc: str) -> None:
    page = open_page(data=voc, view="Problems")
    assert_sound(page)
    (table,) = tables(page)
    assert table["what was done"].tolist() == ["box set aside"]
    assert "JPEGImages/dog.png" in words(page)
    assert "data problem picture" in keys(page)


@pytest.mark.usefixtures("searches_here")
def test_duplicates_across_splits_are_found_and_shown(voc: str) -> None:
    page = open_page(data=voc, view="Duplicates")
    assert_sound(page)
    assert not tables(page)
    button(page, "Look for duplicates").click().run()
    assert_sound(page)
    (table,) = tables(page)
    assert table[["across splits", "pictures", "same pixels"]].values.tolist() == [[True, 2, True]]
    assert "1 group, 1 across splits" in words(page)
    assert len(plots(page)) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("searches_here")
def test_a_lost_object_is_shown_with_what_took_its_slot(voc: str) -> None:
    page = open_page(data=voc, view="Lost objects")
    assert_sound(page)
    (size,) = (each for each in page.text_input if each.key == "data image size")
    (anchors,) = (each for each in page.text_input if each.key == "data anchors")
    size.set_value("64")
    anchors.set_value("16,16 40,40")  # pressed before that is drawn
    button(page, "Look for lost objects").click().run()
    assert_sound(page)
    assert "1 of 5 objects (20.00%) are lost" in words(page)
    (table,) = tables(page)
    row = table.iloc[0]
    # For objects as small as these a training takes cells of 8 pixels: 24 is in the fourth.
    assert row[["object", "class", "against", "row", "column", "anchor"]].tolist() == [
        *(1, "cat", 2, 3, 3, 0)
    ]
    assert "Object 2 (blue) has the same slot" in words(page)
    assert "data lost picture" in keys(page)


@pytest.mark.slow
@pytest.mark.usefixtures("searches_here")
def test_a_loss_without_anchors_says_that_predictions_decide(voc: str) -> None:
    page = open_page(data=voc, view="Lost objects")
    (loss,) = (each for each in page.selectbox if each.key == "data loss")
    loss.set_value("yolov1").run()
    button(page, "Look for lost objects").click().run()
    assert_sound(page)
    assert "predict the same" in words(page)


@pytest.mark.usefixtures("searches_here")
def test_anchors_that_a_loss_does_not_take_are_refused_in_a_sentence(voc: str) -> None:
    page = open_page(data=voc, view="Lost objects")
    (loss,) = (each for each in page.selectbox if each.key == "data loss")
    (anchors,) = (each for each in page.text_input if each.key == "data anchors")
    loss.set_value("yolov1")
    anchors.set_value("16,16").run()
    button(page, "Look for lost objects").click().run()
    assert_sound(page)
    assert "has no anchors" in words(page)
    anchors.set_value("sixteen").run()
    assert "Anchors are pairs of width,height" in words(page)


def test_a_size_that_no_picture_can_have_is_refused(voc: str) -> None:
    page = open_page(data=voc, view="Lost objects")
    (size,) = (each for each in page.text_input if each.key == "data image size")
    size.set_value("17").run()
    assert_sound(page)
    assert "image_size" in words(page)


def test_anchors_are_fitted_and_taken_to_the_other_views(voc: str) -> None:
    page = open_page(data=voc, view="Anchors")
    (k,) = (each for each in page.number_input if each.key == "data k")
    k.set_value(2).run()
    assert_sound(page)
    assert "4 training objects at 416 × 416 px" in words(page)
    assert len(plots(page)) == 3
    button(page, "Look what is lost with these").click().run()
    assert_sound(page)
    (anchors,) = (each for each in page.text_input if each.key == "data anchors")
    assert len(anchors.value.split()) == 2


def test_more_anchors_than_sizes_are_refused(voc: str) -> None:
    page = open_page(data=voc, view="Anchors")
    assert_sound(page)
    assert "need at least 5 different box sizes" in words(page)


def test_what_is_no_folder_of_the_server_is_not_opened(voc: str, tmp_path: Path) -> None:
    elsewhere = make_voc(tmp_path / "secret")
    page = open_page(data=f"voc:{elsewhere}")
    assert_sound(page)
    assert "is not in a folder that this server was started with" in words(page)
    assert page.selectbox[0].value == voc


def test_data_that_cannot_be_read_say_why(voc: str, tmp_path: Path) -> None:
    file = tmp_path / "mine" / "broken.json"
    file.write_text("{}")
    page = open_page(data=f"coco:{file}")
    assert_sound(page)
    assert page.error
    assert voc in data_choices()


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_the_digits(view: str, checkpoints: Path, monkeypatch) -> None:
    del checkpoints
    monkeypatch.delenv(VARIABLE, raising=False)
    page = open_page(view=view)
    for _ in range(40):
        if "Reading the annotations" not in words(page) and "Fitting anchors" not in words(page):
            break
        page.run()
    assert_sound(page)
    assert "1,500 pictures" in words(page)
    assert "make run DATA=DIR" in words(page)


@pytest.mark.slow
def test_the_page_loads_neither_keras_nor_tensorflow(voc: str, checkpoints: Path) -> None:
    for view in ("Pictures", "Lost objects"):
        assert loaded_by("data", checkpoints, shows="caption", data=voc, view=view) == ""


def test_names_with_signs_of_markdown_and_html_are_words(voc: str) -> None:
    annotation = Path(voc.removeprefix("voc:")) / "Annotations/pair.xml"
    text = annotation.read_text().replace("<name>cat</name>", "<name>**c_a_t** $x$</name>")
    annotation.write_text(text)
    for view in ("Pictures", "Numbers", "Problems", "Anchors"):
        page = open_page(data=voc, view=view)
        assert_sound(page)
        assert "**c_a_t**" not in "".join(m.value for m in page.markdown)


def test_the_question_has_its_folder_beside_the_runs(voc: str, checkpoints: Path) -> None:
    config = parse_config({"data": {"source": voc}})
    assert folder_of(checkpoints, "lost", config).path.parent == checkpoints / ".before"


def test_pictures_are_small_jpegs(voc: str) -> None:
    page = open_page(data=voc)
    gallery = next(iter(plots(page).values()))
    kind, data = gallery["layout"]["images"][0]["source"].split(";base64,")
    assert kind == "data:image/jpeg"
    assert len(base64.b64decode(data)) < 20_000
