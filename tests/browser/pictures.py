"""Takes the pictures of the README: `python -m tests.browser.pictures`, some four minutes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, BROWSERS, ROOT, end_trainings, serve
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore
from yolo_core.training.launcher import start_training

PULLED_AT, PICTURED_AT = 500, 1000
# Of the five objects of val/0 the last is moved and one is made smaller.
MOVED = (
    '{"objects":[[0,4,64,33,20,32],[1,4,51,78,20,32],[2,0,76,74.5,18,25],[3,2,28.5,64.5,7,9],'
    "[4,3,40,30,28,40]]}"
)


def main() -> None:
    """Trains a run, pulls a lambda half-way, and pictures the pages."""
    executable = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        checkpoints = Path(folder).resolve()
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.set_default_timeout(600_000)
        try:
            start_training(["--run", "first"], checkpoints)
            wait_for_step(page, checkpoints, PULLED_AT)
            with RunStore.open(find_run(checkpoints, "first")) as store:
                store.send("set-lambda", {"name": "wh", "value": 6.0})
            wait_for_step(page, checkpoints, PICTURED_AT)
            with serve(checkpoints, checkpoints / "dashboard.log") as address:
                page.goto(f"{address}/?run=first")
                page.get_by_role("figure").nth(4).wait_for()
                page.wait_for_timeout(3000)
                page.screenshot(path=ROOT / "docs" / "train.png")
                page.goto(f"{address}/inspect?run=first&sample=val/0")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.wait_for_timeout(3000)
                page.screenshot(path=ROOT / "docs" / "inspect.png")
                page.set_viewport_size({"width": 1280, "height": 1180})
                page.goto(f"{address}/sandbox?run=first&sample=val/0&edits={quote(MOVED)}")
                page.get_by_text("are not what they were").wait_for()
                page.wait_for_timeout(4000)
                page.screenshot(path=ROOT / "docs" / "sandbox.png")
                survey = [sys.executable, "-m", "yolo_core", "survey", "first"]
                subprocess.run([*survey, "--checkpoints", str(checkpoints)], check=True, cwd=ROOT)
                page.goto(f"{address}/survey?run=first")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.wait_for_timeout(4000)
                page.screenshot(path=ROOT / "docs" / "survey.png")
                evaluate = [sys.executable, "-m", "yolo_core", "evaluate", "first"]
                subprocess.run([*evaluate, "--checkpoints", str(checkpoints)], check=True, cwd=ROOT)
                page.goto(f"{address}/evaluate?run=first")
                page.get_by_text("What each kind of error costs").wait_for()
                page.wait_for_timeout(4000)
                page.screenshot(path=ROOT / "docs" / "evaluate.png")
                page.goto(f"{address}/data")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.wait_for_timeout(4000)
                page.screenshot(path=ROOT / "docs" / "data.png")
                start_training(["--run", "second", "--loss", "yolov3"], checkpoints)
                wait_for_step(page, checkpoints, PULLED_AT, run="second")
                page.goto(f"{address}/runs?ticked=first,second")
                page.locator(".js-plotly-plot .main-svg").first.wait_for()
                page.wait_for_timeout(3000)
                page.screenshot(path=ROOT / "docs" / "runs.png")
                page.set_viewport_size({"width": 1280, "height": 1330})
                losses = "&".join(f"losses={name}" for name in ("mnist_yolo", "yolov3", "ssd"))
                page.goto(f"{address}/compare?run=first&sample=val/0&bars=share&{losses}")
                page.get_by_text("Formulas", exact=True).first.wait_for()
                page.wait_for_timeout(3000)
                page.screenshot(path=ROOT / "docs" / "compare.png")
        finally:
            end_trainings(checkpoints)
    for picture in (ROOT / "docs").glob("*.png"):
        # A third of the bytes. By the median cut, Pillow's own choice, two terms had one colour.
        with Image.open(picture) as whole:
            few = whole.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2)
        few.save(picture, optimize=True)


def wait_for_step(page, checkpoints: Path, step: int, run: str = "first") -> None:
    """Waits until a run has taken that many steps."""
    while True:
        with RunStore.open(find_run(checkpoints, run)) as store:
            row = store.last_step()
        if row is not None and row["step"] >= step:
            return
        page.wait_for_timeout(500)


if __name__ == "__main__":
    main()
