"""How live the dials of a training are, and what a dashboard that is open on it costs.

A training, a dashboard and a browser, all of them on the cores of this machine.

* From letting go of a dial to the beginning of the step that uses it; goal: at most one step and
  300 ms. The browser says when the key was let go, the run when its steps were made.
* The training beside an open Train page and without one, in turns; goal: at most 5 % slower. On a
  machine that does other things that says little; what the dashboard's and the browser's processes
  were busy meanwhile says more, as a share of the two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, BROWSERS, ROOT, serve
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

RUN, TERM = "live", "no.?_object"
ALLOWED, SETTLE, PATIENCE = 0.3, 3.0, 60.0
LISTEN = """
window.letGo = 0;
for (const kind of ["pointerup", "keyup"])
  window.addEventListener(kind, () => { window.letGo = Date.now() / 1000; }, true);
"""


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=10, help="of the dial")
    parser.add_argument("--turns", type=int, default=6, help="without the page and with it, each")
    parser.add_argument("--seconds", type=float, default=15.0, help="a turn")
    parser.add_argument("--batch-size", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        with (
            a_training(folder, given.batch_size) as run,
            serve(folder, folder / "dashboard.log") as address,
            a_browser() as page,
        ):
            address = f"{address}/?run={RUN}"
            if given.moves:
                print_waits(moves(page, address, run, given.moves))
            if given.turns:
                print_turns(turns(page, address, run, given.turns, given.seconds))


def print_waits(found: list[tuple[float, float]]) -> None:
    """A line about the waits."""
    waits, steps = np.array(found).T
    beyond = 1000 * (waits - steps)
    print(
        f"from letting go to the step that uses it, {len(waits)} times: median "
        f"{1000 * np.median(waits):.0f} ms, longest {1000 * waits.max():.0f} ms (a step: "
        f"{1000 * np.median(steps):.0f} ms); beyond a step: median {np.median(beyond):.0f} ms, "
        f"longest {beyond.max():.0f} ms; {int((beyond > 1000 * ALLOWED).sum())} above "
        f"{1000 * ALLOWED:.0f} ms"
    )


def print_turns(found: np.ndarray) -> None:
    """A line a pair of turns, and one about all of them."""
    for without, with_it in found:
        print(
            f"{without[0]:.2f} steps a second without, {with_it[0]:.2f} with the page: "
            f"x {without[0] / with_it[0]:.3f}; dashboard {with_it[1]:.1%}, browser "
            f"{with_it[2]:.1%} of the machine"
        )
    (without, *_), (with_it, dashboard, browser) = found.mean(axis=0)
    print(
        f"all turns: slower x {without / with_it:.4f}; dashboard {dashboard:.2%}, browser "
        f"{browser:.2%} of {psutil.cpu_count()} cores"
    )


@contextlib.contextmanager
def a_training(checkpoints: Path, batch_size: int) -> Iterator[RunFolder]:
    """A training that goes on as long as this is open."""
    command: list[Any] = [sys.executable, "-m", "yolo_core", "train", "--run", RUN]
    command += ["--steps", 10**6, "--batch-size", batch_size, "--checkpoints", checkpoints]
    command += ["--evaluate-every", 10**6, "--checkpoint-every", 10**6]
    with subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            run = RunFolder(checkpoints / RUN)
            # The steps that are pictured densely are over by then.
            wait_for(lambda: run.is_run and read_status(run).step > 150, "the training", 300)
            yield run
        finally:
            process.terminate()


@contextlib.contextmanager
def a_browser() -> Iterator[Page]:
    """A tab of a browser."""
    executable = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(LISTEN)
        yield page
        browser.close()


def moves(page: Page, address: str, run: RunFolder, count: int) -> list[tuple[float, float]]:
    """Seconds from letting go to the step that uses it, and that step's own, of each move."""
    page.goto(address)
    found = []
    with RunStore.open(run) as store:
        for turn in range(count):
            slider = page.get_by_role("slider", name=re.compile(TERM)).first
            slider.wait_for()
            page.wait_for_timeout(1000 * SETTLE)
            before = newest(store)
            slider.press("ArrowLeft" if turn % 2 else "ArrowRight")
            wait_for(lambda known=before: newest(store) > known, "a command")
            (command,) = store.commands(1)
            step = store.wait_for_answer(command.id, PATIENCE).step or 0
            wait_for(lambda step=step: (store.last_step() or {})["step"] >= step, "the step")
            begin, end = store.steps(step - 1, step, [])["time"]
            found.append((begin - page.evaluate("window.letGo"), end - begin))
    return found


def turns(page: Page, address: str, run: RunFolder, count: int, seconds: float) -> np.ndarray:
    """(count, 2, 3) without the page and with it: steps a second, and how busy dashboard and
    browser were, as shares of all cores.
    """
    found = np.empty((count, 2, 3))
    order = np.random.default_rng(0)
    for turn in range(count):
        for opened in order.permutation(2):
            page.goto(address if opened else "about:blank")
            page.wait_for_timeout(1000 * SETTLE)
            found[turn, opened] = one_turn(page, run, seconds)
    return found


def one_turn(page: Page, run: RunFolder, seconds: float) -> tuple[float, float, float]:
    """Steps a second, and how busy the other two were."""
    before, start = busy(), time.time()
    page.wait_for_timeout(1000 * seconds)
    after, end = busy(), time.time()
    with RunStore.open(run) as store:
        last = int((store.last_step() or {})["step"])
        at = store.steps(max(last - 20_000, 1), last, [])["time"]
    at = at[(at >= start) & (at <= end)]
    cores = (psutil.cpu_count() or 1) * (end - start)
    shares = [(after[who] - before[who]) / cores for who in ("streamlit", "chrom")]
    return (len(at) - 1) / (at[-1] - at[0]), *shares


def busy() -> dict[str, float]:
    """{"streamlit": CPU seconds, "chrom": ...} of what this process started, so far."""
    found = dict.fromkeys(("streamlit", "chrom"), 0.0)
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words, times = " ".join(process.cmdline()), process.cpu_times()
            for who in found:
                found[who] += (times.user + times.system) * (who in words)
    return found


def newest(store: RunStore) -> int:
    """Id of the newest command."""
    return max((command.id for command in store.commands(1)), default=0)


def wait_for(there: Any, what: str, seconds: float = PATIENCE) -> None:
    """Until something is there.

    Raises:
        TimeoutError: It does not come.
    """
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.005)


if __name__ == "__main__":
    main()
