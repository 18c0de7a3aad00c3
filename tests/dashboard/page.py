"""Opening a page in a test, working it, and reading what it shows."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "dashboard" / "app_pages"


def opener(name: str) -> Callable[..., AppTest]:
    """open_page(sample="val/1"): the page of `app_pages/NAME.py` under that address."""

    def open_page(**query: str | list[str]) -> AppTest:
        page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=120)
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    return open_page


def words(page: AppTest) -> str:
    """Everything the page says outside tables, without markdown's backslashes."""
    parts = [*page.markdown, *page.caption, *page.info, *page.success, *page.warning, *page.error]
    bars = [bar.proto.text for bar in page.get("progress")]
    bars += [html.unescape(each.proto.body) for each in page.get("html")]
    return plain("\n".join([*(part.value for part in parts), *bars]))


def plain(markdown: str) -> str:
    """Text without markdown's backslashes."""
    return re.sub(r"\\(.)", r"\1", markdown)


def plots(page: AppTest) -> dict[str, dict]:
    """{key: figure} of every figure on the page, in its order."""
    found = {}
    for element in page.get("bidi_component"):
        proto = element.proto
        data = json.loads(proto.mixed.json or "{}") if proto.HasField("mixed") else None
        data = data or json.loads(proto.json)
        if "figure" in data:
            found[proto.id] = json.loads(data["figure"])
    return found


def table_with(page: AppTest, *names: str) -> pd.DataFrame:
    """The one table that has columns, or rows, of these names."""
    (found,) = (
        each.value for each in page.table if {*names} <= {*each.value.columns, *each.value.index}
    )
    return found


def button(page: AppTest, label: str):
    return next(button for button in page.button if button.label == label)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def assert_sound(page: AppTest) -> None:
    assert not page.exception
    assert "Traceback" not in words(page)


def loaded_by(name: str, checkpoints: Path, *, shows: str, **query: str | list[str]) -> str:
    """Opens a page in a process of its own, where it must show something and no error.

    Args:
        name: As for `opener`.
        checkpoints: The folder of runs.
        shows: What must be on the page, such as "success".
        **query: The address.

    Returns:
        Which of Keras and TensorFlow that loaded, such as "keras tensorflow".
    """
    code = f"""
import sys
from tests.dashboard.page import opener
page = opener({name!r})(**{query!r})
assert not page.exception and not page.error and page.{shows}, page.main
print(*sorted({{"tensorflow", "keras"}} & {{*sys.modules}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
        cwd=ROOT,
        env=os.environ | {"DETECTOR_CHECKPOINTS": str(checkpoints)},
    )
    return done.stdout.strip()
