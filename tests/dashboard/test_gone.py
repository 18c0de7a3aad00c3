"""A link to what is gone: every page says what it shows instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboard.page import assert_sound, opener, words
from tests.survey.made_up import add_checkpoint
from yolo_core.runs.layout import RunFolder


@pytest.mark.parametrize("page", ["inspect", "survey", "evaluate", "doctor"])
def test_a_run_that_is_gone(add_finished: Callable[[str], Path], page: str) -> None:
    add_checkpoint(RunFolder(add_finished("there")))
    opened = opener(page)(run="gone")
    assert_sound(opened)
    assert "There is no run 'gone' in" in words(opened)
    assert opened.selectbox(key="run").value == "there"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["sandbox", "compare"])
def test_a_run_that_is_gone_where_tensorflow_is_asked(
    add_finished: Callable[[str], Path], page: str
) -> None:
    add_finished("there")
    opened = opener(page)(run="gone", sample="val/99")
    assert_sound(opened)
    assert "There is no run 'gone' in" in words(opened)
    shown = opened.selectbox(key="sample").value
    assert f"There is no sample val/99 here; {shown} is shown." in words(opened)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"sample": "val/77"}, "There is no sample val/77 here; val/1 is shown."),
        ({"sample": "<b>"}, "There is no sample <b> here; val/0 is shown."),
        ({"kind": "survey"}, "There are no survey snapshots here; pinned ones are shown."),
        ({"step": "12"}, "There is no snapshot of step 12 here; step 10 is shown."),
        ({"step": "soon"}, "There is no snapshot of step soon here; latest is shown."),
        (
            {"row": "99", "column": "7"},
            "There is no row 99 and no column 7 here: the nearest cell of this grid of 6 × 6 is",
        ),
        ({"anchor": "9"}, "There is no anchor 9 here; 1 is shown."),
        ({"object": "9"}, "There is no object 9 on this picture."),
    ],
)
def test_a_step_sample_or_slot_that_is_gone(
    add_finished: Callable[[str], Path], query: dict[str, str], said: str
) -> None:
    add_finished("there")
    page = opener("inspect")(run="there", **{"sample": "val/0", **query})
    assert_sound(page)
    assert not page.error
    assert said in words(page)
    page.run()
    assert said not in words(page)  # the address says by now what is shown
