"""No page draws what stands in a file: markdown in names and messages is shown as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from dashboard.components.shared.errors import plain
from tests.dashboard.hostile_run import EVIL, make_hostile_run
from tests.dashboard.page import labels, opener
from tests.dashboard.sample_run import SHAPES

pytestmark = pytest.mark.slow

# What Streamlit shows as it is, or not at all: figures, tables of numbers, code, lists to choose
# from (those of pills and radio buttons are messages, and are looked into), and HTML of the pages'
# own, in which words are escaped.
AS_IT_IS = ("bidi_component", "arrow_data_frame", "code", "html")
HIDDEN = (
    "id",
    "options",
    "raw_value",
    "raw_values",
    "url",
    "file_name",
    "query_param_key",
    "default",
    "value",
    "columns",
)


def texts(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) of all texts of a part of a page."""
    for field, value in message.ListFields():
        place = f"{path}.{field.name}"
        values = value if isinstance(value, (list, tuple)) or hasattr(value, "add") else [value]
        if field.type == field.TYPE_MESSAGE:
            if not (field.message_type.GetOptions().map_entry):
                for each in values:
                    yield from texts(each, place)
        elif field.type == field.TYPE_STRING and field.name not in HIDDEN:
            yield from (
                (place, str(each)) for each in ([value] if isinstance(value, str) else value)
            )


def markdown_of(page: AppTest) -> Iterator[tuple[str, str]]:
    """(place, markdown) of everything on a page that Streamlit reads as markdown."""
    for part in page._tree:
        kind, proto = getattr(part, "type", ""), getattr(part, "proto", None)
        if proto is None or kind in AS_IT_IS:
            continue
        if kind in ("arrow_table", "table"):
            table: pd.DataFrame = part.value
            words: list[Any] = [*table.index, *table.columns, *table.to_numpy().ravel()]
            yield from ((kind, str(each)) for each in words)
        else:
            yield from ((f"{kind}{place}", text) for place, text in texts(proto))


def drawn(page: AppTest) -> list[tuple[str, str]]:
    """Where text of a file reaches a page as markdown."""
    assert not page.exception
    found = list(markdown_of(page))
    escaped = plain(EVIL).lower()
    assert any(escaped in text.lower() for _, text in found)  # it is there, and that is seen
    # In a formula the letters of a name stand by themselves, without any sign.
    wrong = {
        place: ("[qzx", "$qzx") if place.startswith("latex") else ("qzx",) for place, _ in found
    }
    return [
        (place, text)
        for place, text in found
        if any(sign in text.lower().replace(escaped, "") for sign in wrong[place])
    ]


@pytest.fixture(params=["yolov2", "mnist_yolo", "yolov3/tf2"])
def run(request: pytest.FixtureRequest, checkpoints: Path) -> str:
    make_hostile_run(checkpoints, "received", request.param, loss={"name": request.param})
    return "received"


@pytest.mark.parametrize("kind", ["pinned", "batch", "survey"])
@pytest.mark.parametrize("sample", ["val/1", EVIL])
def test_inspect(run: str, kind: str, sample: str) -> None:
    assert drawn(opener("inspect")(run=run, kind=kind, sample=sample)) == []


def test_train(run: str) -> None:
    assert drawn(opener("train")(run=run)) == []


def test_survey(run: str) -> None:
    for pane in ("Objects", "Where the loss is", "Anchors"):
        assert drawn(opener("survey")(run=run, found=pane)) == []
    page = opener("survey")(run=run, found="Anchors")
    page.session_state["survey order"] = f"xy {EVIL}"
    page.session_state["survey iou"] = "match"
    assert drawn(page.run()) == []
    assert page.session_state["survey order"] == f"xy {EVIL}"


@pytest.mark.parametrize("kind", ["pinned", "batch"])
def test_sandbox(checkpoints: Path, kind: str) -> None:
    loss = {"name": "yolov2", "anchors": (SHAPES / 6).tolist()}
    make_hostile_run(checkpoints, "received", "yolov2", evil_terms=False, loss=loss)
    page = opener("sandbox")(
        run="received", kind=kind, sample="val/1", edits='{"lambdas":{"xy":3}}'
    )
    assert "Take the last edit back" in labels(page)
    assert drawn(page) == []


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("mode", ["one prediction", "trained runs", "your own"])
def test_compare(mode: str, checkpoints: Path) -> None:
    make_hostile_run(checkpoints, "other", "yolov2", loss={"name": f"/a/{EVIL}.py:Mine"})
    for pane in ("Cell", "Objects", "Slots", "Formulas"):
        page = opener("compare")(compare=mode, run="other", runs=["received", "other"], told=pane)
        assert drawn(page) == []


def test_a_line_of_a_table_can_end_in_a_long_word() -> None:
    def page() -> None:
        from dashboard.components.shared.show_table import show_table

        show_table([{"run": "r" * 64, "class": "cat"}])

    (table,) = AppTest.from_function(page).run().table
    assert table.value["run"].iloc[0] == "r" * 32 + "\u200b" + "r" * 32
    assert table.value["class"].iloc[0] == "cat"
