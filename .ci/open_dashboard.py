"""Opens the installed dashboard as somebody would who has no checkout, and trains with it.

Usage: python open_dashboard.py /path/of/detector-debugger EMPTY_FOLDER
"""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

PATIENCE_S = 240


def main() -> None:
    """Raises where something does not come up."""
    program, folder = sys.argv[1], Path(sys.argv[2])
    said = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    if not said.startswith("usage: detector-debugger"):
        raise RuntimeError(f"--help says {said!r}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [program, "--headless", "--port", str(port)]
    with subprocess.Popen(serve, cwd=folder) as server:
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            look_around(f"http://localhost:{port}")
            subprocess.run([program, "command", "first", "stop"], cwd=folder, check=True)
        finally:
            server.terminate()
    runs = [path.name for path in (folder / "checkpoints").iterdir() if path.is_dir()]
    if runs != ["first"]:
        raise RuntimeError(f"The current folder's checkpoints hold {runs}, not the run.")


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Returns when the server answers."""
    deadline = time.monotonic() + PATIENCE_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer.")


def look_around(address: str) -> None:
    """Opens every page, and starts a training."""
    browsers = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, browsers)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.goto(address)
        page.get_by_label("Run name").fill("first")
        page.get_by_label("Run name").press("Tab")
        # More steps than pass while every page opens: it is stopped from the command line after.
        page.get_by_label("Steps", exact=True).fill("100000")
        page.get_by_label("Steps", exact=True).press("Tab")
        page.get_by_role("button", name="Start training").click()
        page.get_by_text(re.compile("images a second")).wait_for()
        for name in ("Inspect", "Sandbox", "Survey", "Compare", "Train"):
            page.get_by_role("link", name=name).first.click()
            place = "" if name == "Train" else name.lower()
            page.wait_for_url(re.compile(rf"/{place}\?(.*&)?run=first"))
            page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
            if page.get_by_test_id("stException").count():
                raise RuntimeError(f"{name}: {page.get_by_test_id('stException').inner_text()}")
        browser.close()


if __name__ == "__main__":
    main()
