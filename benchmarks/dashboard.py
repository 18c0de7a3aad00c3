"""How long the pages take to answer, in the real browser, while a training runs.

A training on scenes of 208 pixels (13 x 13 cells, 5 anchors) runs beside the dashboard on the same
machine. Timed from the mouse button to the text or figure that answers being on the page:

* click: a click on a cell of the Inspect picture, to the card of that cell (goal: median 400 ms);
* step: the previous step of the time machine, to the caption of that step;
* drag: an object dragged in the Sandbox, to the new sum of the loss (goal: 300 ms once TensorFlow
  is loaded).

With --data voc:DIR or the like it trains on pictures of one's own, 416 x 416 pixels at as many
cells and anchors, and times clicks and steps (goal of a click: 200 ms).

Needs Chromium, as the browser tests do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, BROWSERS, end_trainings, serve
from yolo_core.data.registry import open_source
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore
from yolo_core.training.config import RunConfig, parse_config
from yolo_core.training.launcher import start_training

IMAGE, CELLS, ANCHORS = 208, 13, 5
PICTURE = '[aria-label^="The picture with its grid"]'
SANDBOX = '[aria-label^="The picture (in the sandbox)"]'
FIRST_STEPS = 20
# Notes when the mouse or a key is pressed, and when a text is there.
WATCH = """text => {
  window.acted_at = window.seen_at = undefined;
  const acted = (event) => { window.acted_at ??= event.timeStamp; };
  for (const name of ["mousedown", "keydown"])
    addEventListener(name, acted, { once: true, capture: true });
  // Not innerText: that would lay the page out anew for every look.
  const there = () => [...document.querySelectorAll("p")].some(
    each => each.textContent.includes(text));
  new MutationObserver((_, watch) => {
    if (window.acted_at === undefined || !there()) return;
    window.seen_at = performance.now();
    watch.disconnect();
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


def main() -> None:
    """Prints medians and ninetieth percentiles in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--data", metavar="DATA", help="pictures of one's own, as train takes them")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    measures = {"click": clicks, "step": steps, "drag": drags}
    if arguments.data:
        del measures["drag"]
    with a_training(arguments.data) as checkpoints, sync_playwright() as playwright:
        executable = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.set_default_timeout(60_000)
        with serve(checkpoints, checkpoints / "dashboard.log") as address:
            for name, measure in measures.items():
                took = 1000 * np.asarray(measure(page, address, rounds))
                print(
                    f"{name:6} median {np.median(took):5.0f} ms   "
                    f"90 % {np.percentile(took, 90):5.0f} ms   of {len(took)}"
                )
        with RunStore.open(find_run(checkpoints, "beside")) as store:
            row = store.last_step() or {}
        print(f"The training beside it stood at step {row.get('step', 0):,.0f} in the end.")


@contextmanager
def a_training(data: str | None = None) -> Iterator[Path]:
    """A checkpoints folder with a live run of 13 x 13 x 5 slots, on scenes or pictures."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder).resolve()
        fields = {
            "data": {"image_size": IMAGE, "max_objects": 8},
            "loss": {"name": "yolov2"},
            "training": {"steps": 1_000_000, "schedule": "constant", "learning_rate": 1e-3},
        }
        if data:
            fields["data"] = {"source": data, "image_size": CELLS * 32}
            fields["network"] = {"strides": [32]}
        # Anchors of these scenes, as many as the figure of the goal has.
        fields["loss"]["anchors"] = anchors_of(parse_config(fields))
        file = checkpoints / "config.json"
        file.write_text(json.dumps(fields), encoding="utf-8")
        start_training(["--run", "beside", "--config", str(file)], checkpoints)
        try:
            while True:
                with RunStore.open(find_run(checkpoints, "beside")) as store:
                    row = store.last_step()
                if row is not None and row["step"] >= FIRST_STEPS:
                    break
                time.sleep(0.5)
            yield checkpoints
        finally:
            end_trainings(checkpoints)


def anchors_of(config: RunConfig) -> list[list[float]]:
    """As many anchors as the goal has, from the scenes."""
    from yolo_core.data.source import default_anchors

    return default_anchors(open_source(config.data), ANCHORS).tolist()


def clicks(page: Page, address: str, rounds: int) -> list[float]:
    """Seconds from a click on a cell to its card."""
    page.goto(f"{address}/inspect?run=beside&sample=val/0&step=16")
    box = ready(page, PICTURE)
    order = np.random.default_rng(0)

    def once() -> float:
        row, column = order.integers(0, CELLS, 2).tolist()
        x = box["x"] + (column + 0.5) * box["width"] / CELLS
        y = box["y"] + (row + 0.5) * box["height"] / CELLS
        page.mouse.move(x, y)
        page.wait_for_timeout(300)  # the hand is there before it clicks
        return timed(page, lambda: page.mouse.click(x, y), f"cell (row {row}, column {column})")

    return [once() for _ in range(rounds)]


def steps(page: Page, address: str, rounds: int) -> list[float]:
    """Seconds from a key to the sample at the step before or after."""
    page.goto(f"{address}/inspect?run=beside&sample=val/0&step=16")
    ready(page, PICTURE)
    slider = page.get_by_role("slider", name="Step")
    took = []
    for turn in range(rounds):
        slider.focus()
        key, step = (("ArrowLeft", 8), ("ArrowRight", 16))[turn % 2]
        press = lambda key=key: page.keyboard.press(key)  # noqa: E731
        took.append(timed(page, press, f"after {step} updates"))
        page.wait_for_timeout(500)
    return took


def drags(page: Page, address: str, rounds: int) -> list[float]:
    """Seconds from letting go of an object to the loss that it now gives."""
    page.goto(f"{address}/sandbox?run=beside&sample=val/0&step=16")
    box = ready(page, SANDBOX)
    own = "host => host.layout.shapes.filter(each => each.name !== 'mark').length"
    last = page.locator(SANDBOX).evaluate(own) - 1  # none lies over it
    shape = page.locator(f'{SANDBOX} .shapelayer path[data-index="{last}"]')
    took = []
    for turn in range(rounds):
        page.wait_for_timeout(1500)  # until the pictures stand still
        place = shape.bounding_box()
        if place is None:
            raise RuntimeError("The box that is to be dragged is not on the page.")
        x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
        away = 1 if x < box["x"] + box["width"] / 2 else -1
        said = page.get_by_text("are not what they were").text_content()
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + away * (40 + turn), y, steps=4)
        script = """said => [...document.querySelectorAll('p')].map(each => each.textContent).some(
          text => text.includes('are not what they were') && text !== said)"""
        start = time.perf_counter()
        page.mouse.up()
        page.wait_for_function(script, arg=said)
        took.append(time.perf_counter() - start)
    return took[1:]


def ready(page: Page, picture: str) -> dict[str, float]:
    """Waits for a picture and gives where it is drawn."""
    page.locator(f"{picture} .main-svg").first.wait_for()
    page.wait_for_timeout(4000)
    box = page.locator(f"{picture} .nsewdrag").first.bounding_box()
    if box is None:
        raise RuntimeError(f"The picture {picture} is not on the page.")
    return dict(box)


def timed(page: Page, act: Callable[[], None], text: str) -> float:
    """Seconds until a text is on the page, by the page's own clock."""
    # From outside, what is asked of the page would be part of what is measured.
    page.evaluate(WATCH, text)
    act()
    page.wait_for_function("() => window.seen_at", polling=100)
    return page.evaluate("window.seen_at - window.acted_at") / 1000


if __name__ == "__main__":
    main()
