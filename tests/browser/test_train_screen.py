"""The Train page fits a window in every state; its charts are pointed at and zoomed together."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import still
from tests.browser.tables import click_in_table, rows_of_table
from tests.browser.test_one_screen import SIZES, overlap
from tests.dashboard.sample_run import make_loss, make_run, write_kind
from tests.training.fake_worker import COLUMNS, LAMBDAS, FakeWorker
from tests.training.own_script import recorded_run
from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = 600
ROW = 28  # pixels of a row of the table
CHANGES = {100: 50.0, 110: 1000.0, 120: 5.0, 500: 0.5}
CHARTS = ("The terms before", "What the optimizer", "Average precision")
LOOK = """starts => {
  const main = document.querySelector("[data-testid='stMain']");
  const box = (found) => {
    const { left, top, right, bottom } = found.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const all = (selector) => [...document.querySelectorAll(selector)].map(box);
  const figure = (start) => [...document.querySelectorAll("[role='figure']")].find((each) =>
    each.getAttribute("aria-label").startsWith(start));
  return {
    height: main.scrollHeight,
    width: main.scrollWidth,
    table: box(document.querySelector("[data-testid='stDataFrame']")),
    buttons: all(".st-key-controls button").filter((each) => each.right > 0),
    dials: all(".st-key-dials [data-testid='stColumn']"),
    charts: starts.map((start) => box(figure(start).querySelector(".nsewdrag"))),
    labels: starts.map((start) => [...figure(start).querySelectorAll(".annotation-text")]
      .map((each) => [each.textContent, box(each)])),
  };
}"""
TEXTS = [f"no_object {a:,g} → {b:,g}" for a, b in pairwise([0.5, *CHANGES.values()])]


@pytest.fixture
def worker(checkpoints: Path) -> Iterator[FakeWorker]:
    """A live run with pictures, and with changes that lie close to each other."""
    make_run(checkpoints, "older")
    folder = create_run(checkpoints, "live")
    config = {"training": {"steps": 2 * STEPS, "learning_rate": 4e-3}}
    folder.config.write_text(parse_config(config).to_json(), encoding="utf-8")
    with RunStore.create(folder, COLUMNS) as store:
        found = FakeWorker(store, steps=2 * STEPS, rate=4e-3, batch=32)
        store.set_status(state=RunState.RUNNING, steps=2 * STEPS)
        for kind, step in (("pinned", 0), ("pinned", 40)):
            write_kind(store, make_loss("yolov2"), step, kind)
        for step in range(1, STEPS + 1):
            if step in CHANGES:
                found.step = step - 1
                store.send("set-lambda", {"name": "no_object", "value": CHANGES[step]})
                found.obey(store.pending_commands()[0])
            found.step = step
            store.record_step(step, found.row(step))
        found.evaluate()
        store.record_checkpoint(STEPS, "step-00000600.npz")
        store.set_status(seconds=12.0, images_per_second=160.0)
        yield found


@pytest.mark.usefixtures("worker")
def test_a_live_run_is_one_screen_in_a_window_of_any_size(page: Page) -> None:
    for number, (width, height) in enumerate(SIZES):
        page.set_viewport_size({"width": width, "height": height})
        if number == 0:
            page.goto("/?run=live&ticked=older")
        page.get_by_role("figure", name=re.compile("^The parts of its slots")).wait_for()
        assert_one_screen(look(page), width, height)


def assert_one_screen(seen: dict, width: int, height: int) -> None:
    assert seen["height"] <= 1.2 * height
    assert seen["width"] == width
    assert len(seen["buttons"]) == 3
    assert len(seen["dials"]) == 6
    for each in (seen["table"], *seen["buttons"], *seen["dials"], *seen["charts"]):
        assert each["left"] >= 0
        assert each["right"] <= width
        assert each["bottom"] <= height
    assert len({each["top"] for each in seen["dials"]}) == 1
    assert all(each["bottom"] - each["top"] <= 75 for each in seen["dials"])
    assert all(each["bottom"] - each["top"] >= 100 for each in seen["charts"])
    for labels in seen["labels"]:
        assert [text for text, _ in labels] == TEXTS
        for (one, first), (other, second) in combinations(labels, 2):
            assert not overlap(first, second), (one, other)


def test_an_ended_a_lost_and_a_recorded_run_have_no_controls_that_cannot_work(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "ended")
    make_run(checkpoints, "lost", state=RunState.STOPPED)
    database = checkpoints / "lost" / "run.db"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE status SET state = 'running', pid = 4194305")
    shutil.copytree(recorded_run().path, checkpoints / "recorded")
    page.set_viewport_size({"width": 1280, "height": 720})
    for name, buttons in {"ended": 0, "lost": 1, "recorded": 0}.items():
        page.goto(f"/?run={name}&pane=Curves")
        seen = look(page)
        assert seen["height"] <= 1.2 * 720, name
        assert seen["width"] == 1280, name
        assert len(seen["buttons"]) == buttons, name
        assert seen["dials"] == [], name
        assert all(each["bottom"] <= 720 for each in seen["charts"]), name
    for pane in ("What pulls", "Changes", "What if from here", "Log"):
        page.goto(f"/?run=lost&pane={pane}")
        page.locator(".st-key-other-pane").wait_for()
        high = still(page, "document.querySelector(\"[data-testid='stMain']\").scrollHeight")
        assert high <= 1.2 * 720, pane


@pytest.mark.usefixtures("worker")
def test_nothing_is_cut_in_a_narrow_window(page: Page) -> None:
    page.set_viewport_size({"width": 768, "height": 1000})
    page.goto("/?run=live")
    seen = look(page)
    assert seen["width"] == 768
    for each in (*seen["buttons"], *seen["dials"], *seen["charts"]):
        assert each["left"] >= 0
        assert each["right"] <= 768
    for labels in seen["labels"]:
        for (one, first), (other, second) in combinations(labels, 2):
            assert not overlap(first, second), (one, other)


def test_charts_are_pointed_at_and_zoomed_together_and_a_click_opens_the_step(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "one")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/?run=one")
    look(page)
    first, *others = (chart(page, start) for start in CHARTS[:2])
    place = first.locator(".nsewdrag").bounding_box()
    assert place is not None
    left, top = place["x"], place["y"] + place["height"] / 2
    page.mouse.move(left + place["width"] * 0.5, top)
    for each in others:
        each.locator(".hoverlayer").get_by_text(re.compile(r"^step \d+$")).wait_for()

    whole = page_range(first)
    page.mouse.down()
    page.mouse.move(left + place["width"] * 0.9, top, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    near = page_range(first)
    assert near[1] - near[0] < 0.6 * (whole[1] - whole[0])
    assert all(page_range(each) == pytest.approx(near) for each in others)
    page.mouse.dblclick(left + place["width"] * 0.5, top)
    page.wait_for_timeout(1000)
    assert page_range(first) == pytest.approx(whole)
    assert all(page_range(each) == pytest.approx(whole) for each in others)
    assert "inspect" not in page.url, "two clicks give the whole back"

    page.mouse.move(left + place["width"] * 0.98, top)
    page.mouse.click(left + place["width"] * 0.98, top)
    page.wait_for_url(re.compile(r"inspect\?.*run=one"))
    page.get_by_text(re.compile("after 40 updates")).wait_for()


@pytest.mark.usefixtures("worker")
def test_a_click_on_a_row_shows_that_run_and_a_tick_lays_its_curves_over(page: Page) -> None:
    page.goto("/?run=live")
    own = list(LAMBDAS)
    wait_for_curves(page, own)
    click_in_table(page, "older", x=16, row_height=ROW)
    page.wait_for_url(re.compile(r"run=live.*ticked=older"))
    wait_for_curves(page, [*own, *(f"{name}, older" for name in own), "older"])
    assert [row["selected"] for row in rows_of_table(page)] == ["false", "true"]

    click_in_table(page, "older", x=130, row_height=ROW)
    page.wait_for_url(re.compile(r"run=older.*ticked=older"))
    wait_for_curves(page, own)  # not laid over itself
    assert [row["cells"][0] for row in rows_of_table(page)] == ["", "▶"]

    click_in_table(page, "live", x=130, row_height=ROW)
    page.wait_for_url(re.compile(r"run=live.*ticked=older"))
    wait_for_curves(page, [*own, *(f"{name}, older" for name in own), "older"])
    click_in_table(page, "older", x=16, row_height=ROW)
    page.wait_for_url(lambda address: "ticked" not in address)
    wait_for_curves(page, own)


def test_what_changes_is_spoken(page: Page, worker: FakeWorker) -> None:
    """Answers, states, how far it is: in a live region, for those who do not see the page."""
    page.goto("/?run=live")
    page.locator(SPOKEN).wait_for(state="attached")
    page.evaluate(LISTEN, SPOKEN)
    hear(page, "running")
    page.get_by_role("button", name="Pause").click()
    hear(page, "pause: waiting for the training process")
    worker.obey(worker.store.pending_commands()[0])
    worker.store.set_status(state=RunState.PAUSED)
    hear(page, f"pause: took effect at step {STEPS + 1}")
    hear(page, "paused")
    for step in range(STEPS + 1, STEPS + STEPS // 2 + 1):
        worker.store.record_step(step, worker.row(step))
    worker.store.set_status(state=RunState.RUNNING)
    hear(page, "step 900 of 1,200")  # three quarters
    page.goto("/?run=gone")
    page.get_by_role("alert").get_by_text("There is no run 'gone'").wait_for()


# All that was said aloud; what is said by now is replaced by what is new.
SPOKEN = "[role='status'][aria-live='polite']"
LISTEN = """region => {
  const spoken = document.querySelector(region);
  window.heard = [spoken.textContent];
  new MutationObserver(() => window.heard.push(spoken.textContent)).observe(
    spoken, { childList: true, characterData: true, subtree: true });
}"""


def hear(page: Page, words: str) -> None:
    """Until these words were said."""
    page.wait_for_function("words => window.heard.some((all) => all.includes(words))", arg=words)


def wait_for_curves(page: Page, names: list[str]) -> None:
    """Until the first chart has curves of these names; what is smoothed lies behind, unnamed."""
    page.wait_for_function(
        """([start, names]) => {
          const host = document.querySelector(`[role='figure'][aria-label^='${start}']`);
          return String(host?.data?.map(({ name }) => name).filter(Boolean)) === String(names);
        }""",
        arg=[CHARTS[0], names],
    )


def look(page: Page) -> dict:
    """Where things are, once the charts are drawn."""
    for start in CHARTS:
        chart(page, start).locator(".main-svg").first.wait_for()
    return still(page, LOOK, list(CHARTS))


def chart(page: Page, start: str) -> Locator:
    return page.get_by_role("figure", name=re.compile(f"^{start}"))


def page_range(found: Locator) -> list[float]:
    return found.evaluate("host => host._fullLayout.xaxis.range")
