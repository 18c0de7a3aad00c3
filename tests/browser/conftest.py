"""A dashboard of one's own and a real browser to look at it with."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from dashboard.data_folders import VARIABLE
from tests.conftest import REPORTS
from tests.dashboard.voc_set import make_voc

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "test-failures"
PATIENCE_MS = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: CI runs as root. The rest keeps Chromium off the network and off a GPU.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serve(
    checkpoints: Path, log: Path, script: str = "dashboard/app.py", data: Path | None = None
) -> Iterator[str]:
    """Runs the dashboard as its users type it, or another script; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"DETECTOR_CHECKPOINTS": str(checkpoints)}
    environment |= {} if data is None else {VARIABLE: str(data)}
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sink, stderr=sink) as server,
    ):
        try:
            address = f"http://localhost:{port}"
            wait_for_health(address, server, log)
            yield address
        finally:
            server.terminate()


def wait_for_health(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"The dashboard did not start: {log.read_text(errors='replace')}")


def end_trainings(checkpoints: Path) -> None:
    """Ends the training processes of this folder: they outlive the dashboard on purpose."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if "yolo_core" in command and str(checkpoints) in command:
                process.kill()
                process.wait(10)


@dataclasses.dataclass(frozen=True)
class Served:
    """A running dashboard: its address, and the folders for runs and for data that it looks at."""

    address: str
    checkpoints: Path
    data: Path


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One dashboard for all tests, as one serves all its users: it loads TensorFlow once."""
    folder = tmp_path_factory.mktemp("served").resolve()
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir()
    data = folder / "data"
    data.mkdir()
    with serve(checkpoints, folder / "dashboard.log", data=data) as address:
        yield Served(address, checkpoints, data)


@pytest.fixture
def pets(served: Served) -> Iterator[None]:
    """Pictures of one's own in the folder that the dashboard was started with."""
    folder = make_voc(served.data / "pets")
    yield
    shutil.rmtree(folder)


@pytest.fixture
def checkpoints(served: Served) -> Iterator[Path]:
    """An empty folder for runs; whatever trains in it is ended with the test."""
    yield served.checkpoints
    end_trainings(served.checkpoints)
    for run in served.checkpoints.iterdir():
        # Moved first: a page that still reads it would make SQLite's side files anew meanwhile.
        gone = run.rename(served.checkpoints.parent / "gone")
        shutil.rmtree(gone)


# Not longer than this folder's tests: Playwright's event loop would disturb others in the process.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api")
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(
    browser: Browser,
    served: Served,
    checkpoints: Path,  # noqa: ARG001, the runs are there for as long as the tab
    request: pytest.FixtureRequest,
) -> Iterator[Page]:
    """A browser tab at the dashboard. When the test fails, its picture and words are kept."""
    context = browser.new_context(
        base_url=served.address,
        viewport={"width": 1400, "height": 1000},
        # Fewer pictures to paint: a fifth of what a page costs.
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    # A page that breaks may end up white: only these say why.
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"{error.name}: {error.message}"))
    page.on("crash", lambda _: complaints.append("the tab has crashed"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type == "error" else None,
    )
    yield page
    report = request.node.stash[REPORTS].get("call")
    if report is None or report.failed:
        PICTURES.mkdir(exist_ok=True)
        picture = PICTURES / f"{request.node.name}.png"
        page.screenshot(path=picture, full_page=True)
        print(f"\n{page.url}, pictured in {picture}, says:\n{page.inner_text('body')}")
        print("The browser complained:", *complaints or ["of nothing"], sep="\n")
    context.close()
