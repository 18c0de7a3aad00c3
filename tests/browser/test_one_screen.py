"""The Inspect page fits a window: what is looked at together is seen together."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.figures import picture, still
from tests.dashboard.figures.test_colors import contrast
from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = [(1440, 900), (1280, 720), (1920, 1080)]
# Every figure and pane that is to be seen at once; how far the page goes.
LOOK = """() => {
  const main = document.querySelector("[data-testid='stMain']");
  const box = (found) => {
    const { left, top, right, bottom } = found.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const figure = (start) => [...document.querySelectorAll("[role='figure']")].find((each) =>
    each.getAttribute("aria-label").startsWith(start));
  const shown = (each) => getComputedStyle(each).visibility !== "hidden" && each.textContent;
  return {
    height: main.scrollHeight,
    width: main.scrollWidth,
    picture: box(figure("The picture").querySelector(".nsewdrag")),
    masks: [...figure("Parts of").querySelectorAll(".nsewdrag")].map(box),
    strip: box(figure("Best IoU")),
    card: box(document.querySelector(".st-key-slot-card")),
    tabs: box(document.querySelector("[role='tablist']")),
    words: [...figure("The picture").querySelectorAll(".scatterlayer text, .shapelayer text"),
      ...figure("Best IoU").querySelectorAll(".ytick text")]
      .filter(shown).map((each) => [each.textContent, box(each)]),
  };
}"""
# The words of the page that can be read: their colour, and what lies behind them.
TEXTS = """() => {
  const rgb = (value) => value.match(/[\\d.]+/g).map(Number);
  const hex = (value) => "#" + rgb(value).slice(0, 3)
    .map((each) => Math.round(each).toString(16).padStart(2, "0")).join("");
  const behind = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((rgb(color)[3] ?? 1) === 1) return hex(color);
    }
    return "#ffffff";
  };
  return [...document.querySelectorAll("p, td, th, label, button")]
    .filter((each) => each.offsetParent && !each.closest("[data-testid='stSlider']")
      && each.textContent.trim() && !each.disabled
      && ![...each.querySelectorAll("p, td")].length)
    .map((each) => [each.textContent.trim().slice(0, 30), hex(getComputedStyle(each).color),
      behind(each), Number(getComputedStyle(each).opacity)]);
}"""


@pytest.mark.parametrize("loss", ["yolov2", "yolov3"])
def test_it_is_one_screen_in_a_window_of_any_size(page: Page, checkpoints: Path, loss: str) -> None:
    make_run(checkpoints, "one", loss_name=loss)
    for number, (width, height) in enumerate(SIZES):
        page.set_viewport_size({"width": width, "height": height})
        if number == 0:
            page.goto("/inspect?run=one&sample=val/0&step=40&score=0.05")
        assert_one_screen(look(page), width, height)


def assert_one_screen(seen: dict, width: int, height: int) -> None:
    assert seen["height"] <= 1.2 * height
    assert seen["width"] == width
    places = {"picture": seen["picture"], "card": seen["card"], "tabs": seen["tabs"]}
    places |= {f"mask {k}": mask for k, mask in enumerate(seen["masks"])}
    assert len(seen["masks"]) == 3
    for name, place in places.items():
        assert min(place["top"], place["left"]) >= 0, name
        assert place["bottom"] <= height, name
        assert place["right"] <= width, name
    # The masks stand beside the picture, which takes most of the window's height.
    assert seen["picture"]["bottom"] - seen["picture"]["top"] >= 0.42 * height
    assert min(mask["left"] for mask in seen["masks"]) >= seen["picture"]["right"]
    assert seen["strip"]["top"] < height
    assert seen["tabs"]["bottom"] < seen["card"]["bottom"] - 100, "there is room for a pane"
    assert len(seen["words"]) >= 5
    for (one, first), (other, second) in combinations(seen["words"], 2):
        assert not overlap(first, second), (one, other)


def test_nothing_is_cut_in_a_narrow_window_and_words_can_be_read_in_light_and_dark(
    page: Page, checkpoints: Path
) -> None:
    make_run(checkpoints, "one")
    page.set_viewport_size({"width": 768, "height": 1000})
    page.emulate_media(color_scheme="dark")
    page.goto("/inspect?run=one&sample=val/0&step=40")
    seen = look(page)
    assert seen["width"] == 768
    for name in ("picture", "card", "strip"):
        assert seen[name]["left"] >= 0, name
        assert seen[name]["right"] <= 768, name
    for (one, first), (other, second) in combinations(seen["words"], 2):
        assert not overlap(first, second), (one, other)

    page.set_viewport_size({"width": 1400, "height": 1000})
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        look(page)
        texts = page.evaluate(TEXTS)
        assert len(texts) > 40
        weak = [each for each in texts if each[3] == 1 and contrast(each[1], each[2]) < 4.5]
        assert weak == [], weak


def test_keys_walk_over_the_cells_and_the_wheel_zooms(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "one")
    page.goto("/inspect?run=one&sample=val/0&step=40&row=2&column=3")
    host = picture(page)
    look(page)
    host.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    said(page, row=4, column=4)
    look(page)
    page.keyboard.press("2")
    page.get_by_text(re.compile("Anchor 2 of cell .row 4, column 4")).first.wait_for()
    # At the edge of the grid it stays.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    said(page, row=4, column=5)

    whole = host.evaluate("host => host._fullLayout.xaxis.range")
    host.hover()
    page.mouse.wheel(0, -400)
    host.locator(".mini-map").wait_for()
    near = host.evaluate("host => host._fullLayout.xaxis.range")
    assert near[1] - near[0] < whole[1] - whole[0]
    axes = host.locator(".nsewdrag").bounding_box()
    assert axes is not None
    page.mouse.dblclick(axes["x"] + axes["width"] / 2, axes["y"] + axes["height"] / 2)
    host.locator(".mini-map").wait_for(state="detached")
    assert host.evaluate("host => host._fullLayout.xaxis.range") == whole


def look(page: Page) -> dict:
    """Where things are, once the page is complete."""
    page.get_by_text(re.compile(r"snapshot \d+ of \d+")).wait_for()
    for name in ("The picture", "Parts of", "Best IoU"):
        found = page.get_by_role("figure", name=re.compile(f"^{name}"))
        found.locator(".main-svg").first.wait_for()
    return still(page, LOOK)


def said(page: Page, *, row: int, column: int) -> None:
    page.get_by_text(re.compile(f"of cell .row {row}, column {column}.* adds")).first.wait_for()


def overlap(one: dict, other: dict) -> bool:
    """Whether two boxes have more than their edges in common."""
    return (
        min(one["right"], other["right"]) - max(one["left"], other["left"]) > 1
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 1
    )
