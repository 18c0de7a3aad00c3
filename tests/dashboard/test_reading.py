"""Reading data beside a page: how far it is, and what stopping it leaves."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from dashboard.components.data import opened
from dashboard.components.shared import background
from dashboard.components.shared.background import StoppedError, Work
from dashboard.data_folders import VARIABLE
from tests.dashboard.page import assert_sound, button, opener, words
from tests.dashboard.voc_set import make_voc
from tests.waiting import wait_for
from yolo_core.data import many_files, opening
from yolo_core.data.index import index_folder
from yolo_core.data.picture_source import open_pictures


def test_time_left_at_the_rate_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(background.time, "monotonic", lambda: now[0])
    seen = []

    def make(progress):
        for done, at in ((0, 100.0), (50, 100.5), (100, 110.0)):
            now[0] = at
            progress(done, 400)
            seen.append(work.seconds_left)
        return "made"

    work = Work(make)
    assert work.seconds_left is None
    work.run()
    # 100 in 10 seconds, 300 to go; after half a second nothing is known.
    assert seen == [None, None, pytest.approx(30)]
    assert (work.result, work.error, work.was_stopped) == ("made", None, False)


def test_it_ends_where_it_next_says_how_far_it_is() -> None:
    said = []

    def make(progress):
        for done in range(10):
            progress(done, 10)
            said.append(done)
            work.stop()

    work = Work(make)
    work.run()
    assert said == [0]
    assert work.was_stopped
    assert work.is_done
    assert work.result is None


@pytest.mark.slow
@pytest.mark.usefixtures("checkpoints")
@pytest.mark.parametrize("fewest", [1, 10**6])
def test_reading_that_is_stopped_leaves_no_index_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fewest: int
) -> None:
    monkeypatch.setattr(many_files, "FEWEST_FILES", fewest)
    monkeypatch.setattr(many_files, "_CHUNK", 1)
    monkeypatch.setattr(many_files.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(opening, "WORTH_KEEPING", 0)
    voc, told = make_voc(tmp_path / "pets"), []
    before = {child.pid for child in psutil.Process().children()}

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        raise StoppedError

    with pytest.raises(StoppedError):
        opening.open_data(f"voc:{voc}", progress=stop)
    assert told[0][1] == 4
    assert {child.pid for child in psutil.Process().children()} == before
    assert not index_folder().exists() or not os.listdir(index_folder())
    assert len(opening.open_data(f"voc:{voc}").files) == 4
    assert len(os.listdir(index_folder())) == 1


@pytest.mark.usefixtures("checkpoints")
def test_the_page_says_how_far_it_is_stops_and_reads_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voc = make_voc(tmp_path / "pets")
    monkeypatch.setenv(VARIABLE, str(voc))
    goes_on = threading.Event()

    def slowly(config, progress):
        while not goes_on.is_set():
            progress(1_000, 20_000)
            time.sleep(0.01)
        return open_pictures(config, progress)

    monkeypatch.setattr(opened, "open_pictures", slowly)
    open_page = opener("data")
    page = open_page(data=f"voc:{voc}")
    assert_sound(page)
    assert "Reading the annotations: 1,000 of 20,000 files" in words(page)
    time.sleep(1.1)
    assert "20,000 files · " in words(page.run())
    assert words(page).rstrip().endswith("left")
    button(page, "Stop").click().run()
    wait_for(lambda: "Reading was stopped; nothing of it is kept" in words(page.run()))
    goes_on.set()
    button(page, "Read them").click().run()
    assert_sound(page)
    assert "**4 pictures**" in words(page)
