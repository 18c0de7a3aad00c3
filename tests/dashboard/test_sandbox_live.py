"""The Sandbox while the run goes on: the sample that is edited stays, and what it is is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.compare_page import add_run
from tests.dashboard.page import assert_sound, opener, words
from tests.dashboard.sample_run import make_loss, write_kind
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore

pytestmark = pytest.mark.slow

open_page = opener("sandbox")
inspect_page = opener("inspect")


@pytest.fixture
def live(checkpoints: Path) -> RunFolder:
    """A run in progress, at step 20."""
    folder = add_run(checkpoints, "live", batch_steps=(10, 20))
    with RunStore.open(folder, writable=True) as store:
        store.set_status(state=RunState.RUNNING, process=ProcessIdentity.current())
        store.heartbeat()
    return folder


def write_next(folder: RunFolder) -> None:
    """What the training process writes at step 30."""
    with RunStore.open(folder, writable=True) as store:
        for kind in ("pinned", "batch"):
            write_kind(store, make_loss("yolov2"), 30, kind)


def step(page: AppTest) -> str:
    return page.select_slider(key="step").value


@pytest.mark.parametrize("kind", ["pinned", "batch"])
def test_the_next_snapshot_does_not_take_the_place_of_what_is_edited(
    live: RunFolder, kind: str
) -> None:
    page = open_page(run="live", kind=kind, step="latest")
    assert_sound(page)
    assert step(page) == "20"
    write_next(live)
    page.run()
    assert_sound(page)
    assert step(page) == "20"
    assert "30" in page.select_slider(key="step").options


@pytest.mark.usefixtures("live")
def test_from_inspect_it_opens_what_is_shown_not_what_is_latest_then() -> None:
    page = inspect_page(run="live", kind="batch")
    assert_sound(page)
    (link,) = (each.proto.url for each in page.get("link_button"))
    assert "kind=batch" in link
    assert "step=20" in link
    assert "sample=" in link


@pytest.mark.usefixtures("live")
def test_a_batch_sample_is_said_to_be_of_training_mode() -> None:
    text = words(open_page(run="live", kind="batch"))
    assert "the training batch of step 20: in training mode, by the weights before that" in text
    assert "a batch of one, so its numbers are not its share" in text
    assert "in inference mode, a batch of this one picture, after 20 updates" in words(
        open_page(run="live", kind="pinned")
    )
