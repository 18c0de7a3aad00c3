"""Pages of one screen: what is looked at together is seen together, and no word lies on another."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.figures import still
from tests.browser.test_one_screen import SIZES, TEXTS, overlap
from tests.dashboard.compare_page import add_run
from tests.dashboard.figures.test_colors import contrast
from tests.survey.made_up import Looker, make_surveyable
from tests.training.runs_by_command import evaluated_run
from yolo_core.survey import worker

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOADING_MS = 180_000
# How far the page goes; where its figures, the words in them, its tables and its tabs are.
LOOK = """() => {
  const main = document.querySelector("[data-testid='stMain']");
  const box = (found) => {
    const { left, top, right, bottom } = found.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const shown = (each) => getComputedStyle(each).visibility !== "hidden" && each.textContent;
  const there = (each) => each.offsetParent;
  const figures = [...document.querySelectorAll("[role='figure']")].filter(there);
  return {
    height: main.scrollHeight,
    width: main.scrollWidth,
    figures: figures.map((each) => [each.getAttribute("aria-label"), box(each)]),
    words: figures.map((each) => [...each.querySelectorAll(
      "text:is(.scatterlayer *, .shapelayer *, .legend *, .annotation *, .ytick *)"
    )].filter(shown).map((word) => [word.textContent, box(word)])),
    tables: [...document.querySelectorAll("[data-testid='stDataFrame'], table")].filter(there)
      .map(box),
    tabs: [...document.querySelectorAll("[role='tablist']")].map(box),
    columns: [...document.querySelectorAll(".st-key-screen [data-testid='stColumn']")].map(box),
  };
}"""


def look(page: Page) -> dict[str, Any]:
    """Where things are, once the page is complete."""
    page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=LOADING_MS)
    figures = page.get_by_role("figure")
    figures.first.locator(".main-svg").first.wait_for()
    return still(page, LOOK)


def at_every_size(page: Page, address: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    """What is seen at an address in a window that takes three sizes; the page is whole in each."""
    for number, (width, height) in enumerate(SIZES):
        page.set_viewport_size({"width": width, "height": height})
        if number == 0:
            page.goto(address)
        seen = look(page)
        assert seen["height"] <= 1.2 * height, (width, height)
        assert seen["width"] == width
        assert page.get_by_test_id("stException").count() == 0
        for words in seen["words"]:
            for (one, first), (other, second) in combinations(words, 2):
                assert not overlap(first, second), (one, other)
        yield seen, width, height


def assert_inside(box: dict[str, float], width: int, height: int, what: str) -> None:
    assert min(box["top"], box["left"]) >= 0, what
    assert box["bottom"] <= height, what
    assert box["right"] <= width, what


def figures(seen: dict[str, Any], *starts: str) -> list[dict[str, float]]:
    """The boxes of the figures whose names begin so; at least one for each."""
    found = []
    for start in starts:
        boxes = [box for name, box in seen["figures"] if name.startswith(start)]
        assert boxes, f"no figure is called {start}"
        found += boxes
    return found


def test_sandbox(page: Page, checkpoints: Path) -> None:
    add_run(checkpoints, "one")
    for seen, width, height in at_every_size(page, "/sandbox?run=one&sample=val/0&step=20"):
        for box in figures(seen, "The picture", "Parts of the slots", "Terms of each"):
            assert_inside(box, width, height, "figure")
        (picture,) = figures(seen, "The picture")
        assert picture["bottom"] - picture["top"] >= height / 3
        edit, outcome = seen["tabs"]
        assert_inside(edit, width, height, "what is edited")
        assert outcome["bottom"] < height - 150, "there is room for a pane"
        assert_inside(seen["tables"][0], width, height, "the objects")


@pytest.mark.parametrize("loss", ["yolov2", "yolov3"])
def test_compare(page: Page, checkpoints: Path, loss: str) -> None:
    add_run(checkpoints, "one")
    add_run(checkpoints, "two", loss)
    address = "/compare?compare=trained+runs&runs=one&runs=two&sample=val/0&predictions=true"
    for seen, width, height in at_every_size(page, address):
        pictures, masks = figures(seen, "The picture"), figures(seen, "Parts of")
        assert len(pictures) == len(masks) == 2
        assert pictures[0]["top"] == pictures[1]["top"]
        for box in (*pictures, *masks, *figures(seen, "Terms of each")):
            assert_inside(box, width, height, "figure")
        (tabs,) = seen["tabs"]
        assert tabs["bottom"] < height - 100, "there is room for a pane"


def test_compare_one_prediction_under_three_losses(page: Page, checkpoints: Path) -> None:
    add_run(checkpoints, "one")
    losses = "losses=yolov2/formula&losses=yolov3&losses=ssd"
    for seen, width, height in at_every_size(page, f"/compare?run=one&sample=val/0&{losses}"):
        pictures, masks = figures(seen, "The picture"), figures(seen, "Parts of")
        assert len(pictures) == len(masks) == 4
        for box in (*pictures, *masks, *figures(seen, "Terms of each")):
            assert_inside(box, width, height, "figure")


def test_survey(page: Page, checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_survey(checkpoints, monkeypatch)
    for seen, width, height in at_every_size(page, "/survey?run=one"):
        (picture,) = figures(seen, "The picture")
        assert_inside(picture, width, height, "picture")
        assert picture["bottom"] - picture["top"] >= height / 4
        worst, ledger = (box for box in seen["tables"] if box["right"] > box["left"])
        assert worst["top"] < height / 2
        assert_inside(worst, width, height, "table")
        assert ledger["top"] < height - 50, "some of the ledger is seen"
        assert page.get_by_test_id("stMetric").count() == 5
    # A row is a click away from its picture, and that from the Inspect page.
    table = page.get_by_test_id("stDataFrame").first
    table.click(position={"x": 140, "y": 36 + 64 + 30})
    page.wait_for_url(re.compile("spot="))
    page.get_by_role("button", name="Inspect").click()
    page.wait_for_url(re.compile(r"/inspect\?.*kind=survey"))


def test_evaluate(page: Page, checkpoints: Path) -> None:
    shutil.copytree(evaluated_run(), checkpoints / "one")
    for seen, width, height in at_every_size(page, "/evaluate?run=one&threshold=0.00"):
        for box in figures(seen, "From a score", "mAP50 is", "The picture"):
            assert_inside(box, width, height, "figure")
        assert len(figures(seen, "From a score")) == 2  # the curve and the matrix
        assert page.get_by_test_id("stMetric").count() == 4
        (listed,) = (box for box in seen["tables"] if box["left"] > width / 2)
        assert_inside(listed, width, height, "errors")
    # In the matrix every number can be read, whatever the colour of its cell.
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        look(page)
        matrix = page.get_by_role("figure", name=re.compile("^From a score")).last
        pairs = matrix.evaluate(NUMBERS)
        assert pairs
        weak = [pair for pair in pairs if contrast(*pair) < 4.5]
        assert weak == []


# Colours of the numbers of a heatmap, and of the cells that they lie on.
NUMBERS = """host => {
  const [map, words] = host._fullData;
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const scale = host.data[0].colorscale.map(([at, color]) => [at, rgb(color)]);
  const hex = (rgb) => "#" + rgb.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("");
  const color = (share) => {
    const k = Math.max(1, scale.findIndex(([at]) => at >= share - 1e-9));
    const [[from, a], [to, b]] = [scale[k - 1], scale[k]];
    return hex(a.map((value, i) => value + (b[i] - value) * (share - from) / (to - from)));
  };
  return words.x.map((x, k) => [words.textfont.color[k], color(host.data[0].z[words.y[k]][x])]);
}"""


@pytest.mark.usefixtures("pets")
def test_data(page: Page) -> None:
    of_digits = "&data=digits"  # the pets are too few to fit anchors to
    for view in ("Pictures", "Problems", "Numbers", f"Anchors{of_digits}"):
        for seen, width, height in at_every_size(page, f"/data?view={view}"):
            for name, box in seen["figures"]:
                assert_inside(box, width, height, name)
            for box in seen["columns"]:
                assert box["bottom"] <= height


def make_survey(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_surveyable(checkpoints, "one")
    monkeypatch.setattr(worker, "_looker", Looker())
    worker.Survey(run, count=20).run()


ADDRESSES = {
    "sandbox": "/sandbox?run=one&sample=val/0&step=20",
    "compare": "/compare?compare=trained+runs&runs=one&runs=two&sample=val/0",
    "survey": "/survey?run=one",
    "data": "/data",
}


def make_runs(checkpoints: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "survey":
        make_survey(checkpoints, monkeypatch)
    else:
        add_run(checkpoints, "one")
        add_run(checkpoints, "two", "yolov3")


@pytest.mark.usefixtures("pets")
@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_is_cut_in_a_narrow_window_and_words_can_be_read_in_light_and_dark(
    page: Page, checkpoints: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_runs(checkpoints, name, monkeypatch)
    page.set_viewport_size({"width": 768, "height": 1000})
    page.emulate_media(color_scheme="dark")
    page.goto(ADDRESSES[name])
    seen = look(page)
    assert seen["width"] == 768
    for label, box in seen["figures"]:
        assert box["left"] >= 0, label
        assert box["right"] <= 768, label
    for words in seen["words"]:
        for (one, first), (other, second) in combinations(words, 2):
            assert not overlap(first, second), (one, other)

    page.set_viewport_size({"width": 1400, "height": 1000})
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        look(page)
        texts = page.evaluate(TEXTS)
        assert len(texts) > 20
        weak = [each for each in texts if each[3] == 1 and contrast(each[1], each[2]) < 4.5]
        assert weak == [], weak
