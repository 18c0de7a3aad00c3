"""What the tests of the Train page do to it and read off it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "dashboard" / "app_pages" / "train.py"


def open_page(**query: str) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def words(page: AppTest) -> str:
    """Everything the page says, without markdown's backslashes."""
    parts = [*page.markdown, *page.caption, *page.info, *page.error]
    text = "\n".join([*(part.value for part in parts), *(bar.text for bar in page.get("progress"))])
    return re.sub(r"\\(.)", r"\1", text)


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def button(page: AppTest, label: str):
    return next(button for button in page.button if button.label == label)


def dial(page: AppTest, name: str):
    """Number field and slider of a dial."""
    (number,) = [field for field in page.number_input if field.label == name]
    (slider,) = [slider for slider in page.slider if slider.label == name]
    return number, slider


def charts(page: AppTest) -> int:
    return len(page.get("bidi_component"))


def field(page: AppTest, kind: str, name: str):
    return getattr(page, kind)(key=f"new/{name}")


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
