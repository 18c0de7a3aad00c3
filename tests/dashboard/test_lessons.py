"""The gallery of lessons, and a lesson in the Sandbox."""

from __future__ import annotations

import re

import pytest

from tests.dashboard.page import assert_sound, button, opener, words
from yolo_core.losses.lessons import LESSONS
from yolo_core.sandbox.edits import Edits

pytestmark = pytest.mark.usefixtures("checkpoints")


def test_the_gallery_links_to_every_lesson() -> None:
    page = opener("lessons")()
    assert_sound(page)
    html = "".join(each.proto.body for each in page.get("html"))
    assert re.findall(r'href="sandbox\?lesson=([\w-]+)"', html) == list(LESSONS)
    for lesson in LESSONS.values():
        assert lesson.title.replace("'", "&#x27;") in html


@pytest.mark.slow
def test_a_lesson_needs_no_run_and_its_change_stands_in_the_address() -> None:
    page = opener("sandbox")(lesson="overwritten")
    assert_sound(page)
    assert "object 1 is matched, object 0 is overwritten." in words(page)
    assert "0 of 2 objects" in words(page).replace("*", "")
    button(page, "Make the change").click().run()
    assert_sound(page)
    assert "2 of 2 objects" in words(page).replace("*", "")
    text = "".join(page.query_params["edits"])
    assert [each.box[0] for each in Edits.from_json(text).objects or ()] == [37.0, 60.5]
    # The link brings the made state back.
    again = opener("sandbox")(lesson="overwritten", edits=text)
    assert "2 of 2 objects" in words(again).replace("*", "")
    button(again, "Take all edits back").click().run()
    assert "0 of 2 objects" in words(again).replace("*", "")


def test_a_lesson_that_there_is_not_is_said() -> None:
    page = opener("sandbox")(lesson="nosuch")
    assert not page.exception
    assert "There is no lesson 'nosuch'" in words(page)
