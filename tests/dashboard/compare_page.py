"""Opening the Compare page in a test, and reading what it shows."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.dashboard.page import opener, plots
from tests.dashboard.sample_run import SHAPES, make_run
from yolo_core.runs.layout import RunFolder
from yolo_core.training.config import parse_config

open_page = opener("compare")
STEP = 20


def bars(page: AppTest, which: int = 0) -> dict[str, list[float]]:
    """{term: length in each bar} of the page's charts of terms, in their order."""
    charts = [f for f in plots(page).values() if any(t["type"] == "bar" for t in f["data"])]
    return {t["name"]: t["x"] for t in charts[which]["data"] if t["type"] == "bar"}


def bar_labels(page: AppTest, which: int = 0) -> list[str]:
    charts = [f for f in plots(page).values() if any(t["type"] == "bar" for t in f["data"])]
    return charts[which]["data"][0]["y"]


def number(value: float) -> str:
    return f"{value:.4g}"


def add_run(
    checkpoints: Path, name: str, loss_name: str = "yolov2", *, own: str = "", **options: object
) -> RunFolder:
    """A made-up run whose configuration names the anchors that its snapshots were made with.

    Args:
        checkpoints: The folder of runs.
        name: The run.
        loss_name: The loss that its snapshots are made with.
        own: "FILE.py:Class", to have it trained by a loss of one's own.
        **options: As in `make_run`.
    """
    options = {"pinned_steps": (0, STEP), "batch_steps": (), **options}
    folder = make_run(checkpoints, name, loss_name=loss_name, **options)
    anchors = (SHAPES / 6).tolist() if loss_name.startswith("yolov2") else None
    config = parse_config({"loss": {"name": own or loss_name, "anchors": anchors}})
    folder.config.write_text(config.to_json(), encoding="utf-8")
    return folder
