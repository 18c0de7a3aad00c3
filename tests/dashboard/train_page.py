"""What the tests of the Train page do to it and read off it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.dashboard.page import opener
from tests.training.fake_worker import FakeWorker

open_page = opener("train")


def dial(page: AppTest, name: str):
    """Number field and slider of a dial."""
    (number,) = [field for field in page.number_input if field.label == name]
    (slider,) = [slider for slider in page.select_slider if slider.label == name]
    return number, slider


def charts(page: AppTest) -> int:
    return len(page.get("bidi_component"))


def field(page: AppTest, kind: str, name: str):
    return getattr(page, kind)(key=f"new/{name}")


def obey(worker: FakeWorker) -> None:
    """What the training process does between two steps."""
    for command in worker.store.pending_commands():
        worker.obey(command)
