"""Boxes resized, drawn and thrown out by mouse in the Sandbox, and the class of a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboard.components.sandbox import edits as sandbox_edits
from dashboard.components.sandbox.edits import DRAWING_KEY, NEW_CLASS, shapes_changed
from dashboard.components.sandbox.state import begin_edits, edits_now
from tests.dashboard.compare_page import add_run
from tests.dashboard.page import assert_sound, opener, plots
from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.sandbox.changes import AFTER
from yolo_core.sandbox.edits import EditedObject, objects_of
from yolo_core.views import SampleView

open_page = opener("sandbox")


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> SampleView:
    """A sample of five objects, ready to be edited."""
    monkeypatch.setattr(sandbox_edits.st, "session_state", {})
    monkeypatch.setattr(sandbox_edits.st, "query_params", {})
    view = make_snapshot(make_loss("yolov2"), 20).sample("val/0")
    begin_edits("made-up", view)
    return view


def places(view: SampleView) -> list[list[Any]]:
    """What the picture reports while nothing was touched."""
    return [
        [str(place), x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        for place, (x, y, w, h) in enumerate(each.box for each in objects_of(view))
    ]


def test_a_box_that_was_not_touched_keeps_its_very_numbers(view: SampleView) -> None:
    shapes_changed(view, places(view))
    assert edits_now().objects == objects_of(view)


def test_a_resized_box_stays_the_same_object(view: SampleView) -> None:
    shapes = places(view)
    shapes[1][1:] = [10.0, 20.0, 34.0, 60.0]
    shapes_changed(view, shapes)
    was = objects_of(view)[1]
    assert edits_now().objects[1] == EditedObject(
        was.row, was.class_index, (22.0, 40.0, 24.0, 40.0)
    )


def test_a_drawn_box_gets_the_chosen_class(view: SampleView) -> None:
    sandbox_edits.st.session_state[NEW_CLASS.key] = "7"
    # Drawn from the lower right to the upper left.
    shapes_changed(view, [*places(view), [None, 30.0, 40.0, 10.0, 10.0]])
    assert edits_now().objects == (
        *objects_of(view),
        EditedObject(None, 7, (20.0, 25.0, 20.0, 30.0)),
    )


def test_a_box_dragged_out_of_the_picture_is_deleted(view: SampleView) -> None:
    height, width = view.image.shape[:2]
    shapes = places(view)
    shapes[0][1:] = [-20.0, 10.0, 0.0, 30.0]
    shapes[2][1:] = [width - 1.0, height - 1.0, width + 19.0, height + 19.0]
    shapes_changed(view, shapes)
    left = edits_now().objects
    assert [each.row for each in left] == [each.row for each in objects_of(view)[1:]]
    # A corner of it is still there: that is how "outside" is tried.
    assert left[1].box == (width + 9.0, height + 9.0, 20.0, 20.0)


def test_what_is_no_box_is_left_out(view: SampleView) -> None:
    shapes_changed(view, [*places(view), [None, None, None, None, None], ["9", 1, 1, 5, 5]])
    assert edits_now().objects == objects_of(view)


def test_the_class_of_a_new_box_comes_from_the_link(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", new_class="3")
    assert_sound(page)
    assert page.selectbox(key=NEW_CLASS.key).value == "3"


def test_a_class_that_the_run_does_not_have_is_not_chosen(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0", new_class="zebra")
    assert_sound(page)
    assert page.selectbox(key=NEW_CLASS.key).value == "0"


def test_the_switch_makes_a_drag_draw(checkpoints: Path) -> None:
    add_run(checkpoints, "made-up")
    page = open_page(run="made-up", sample="val/0")

    def layout() -> dict:
        found = plots(page).items()
        return next(figure["layout"] for key, figure in found if key.endswith(AFTER))

    before = layout()
    assert before["dragmode"] is False
    page.toggle(key=DRAWING_KEY).set_value(True).run()
    assert_sound(page)
    assert layout()["dragmode"] == "drawrect"
    # Where the objects are the same, what was zoomed or drawn by hand stays.
    assert layout()["editrevision"] == before["editrevision"]
