"""200 classes, names of 100 letters, pictures of 4,000 pixels: nothing overlaps or is cut."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import Served
from tests.browser.test_screens import assert_inside, at_every_size, figures, look
from tests.dashboard import sample_run
from tests.dashboard.sample_run import make_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from yolo_core.runs.snapshots import Snapshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = tuple(f"class-{k:03d}-{'abcdefghij' * 9}" for k in range(200))
LARGE = 42  # times 96 pixels


@pytest.fixture
def hard(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of 200 classes with long names, on pictures of 4,032 x 2,016 pixels; its name."""
    made = sample_run._made

    def large(*what: object) -> Snapshot:
        snapshot = made(*what)
        images = snapshot.images.repeat(LARGE // 2, axis=1).repeat(LARGE, axis=2)
        return dataclasses.replace(snapshot, images=images, class_names=NAMES)

    monkeypatch.setattr(sample_run, "CLASSES", len(NAMES))
    monkeypatch.setattr(sample_run, "_made", large)
    name = "r" * 64  # as long as it may be
    make_run(checkpoints, name, pinned_steps=(40,), batch_steps=())
    make_run(checkpoints, "other", loss_name="yolov3", pinned_steps=(40,), batch_steps=())
    return name


def test_inspect(page: Page, hard: str) -> None:
    for seen, width, height in at_every_size(page, f"/inspect?run={hard}&sample=val/0&score=0.05"):
        for box in figures(seen, "The picture", "Parts of"):
            assert_inside(box, width, height, "figure")
    for pane in ("Values", "Objects", "Terms"):
        page.goto(f"/inspect?run={hard}&sample=val/0&card={pane}")
        seen = look(page)
        assert seen["width"] == page.viewport_size["width"]
        for box in seen["tables"]:
            assert box["right"] <= seen["width"]


def test_compare(page: Page, hard: str) -> None:
    address = f"/compare?compare=trained+runs&runs={hard}&runs=other&sample=val/0&predictions=true"
    for seen, width, height in at_every_size(page, address):
        for box in figures(seen, "The picture", "Parts of", "Terms of each"):
            assert_inside(box, width, height, "figure")


def test_the_first_page_is_found_by_its_name(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "one", pinned_steps=(40,), batch_steps=())
    page.goto("/train?run=one")
    page.get_by_text("finished", exact=True).first.wait_for()
    assert page.get_by_text("Page not found").count() == 0
    assert page.get_by_role("link", name="Train").count() == 1


def test_several_heads_on_a_small_picture(page: Page, checkpoints: Path) -> None:
    make_run(checkpoints, "small", loss_name="yolov3")
    for seen, width, height in at_every_size(page, "/inspect?run=small&sample=val/1&head=1"):
        for box in figures(seen, "The picture", "Parts of"):
            assert_inside(box, width, height, "figure")


@pytest.fixture
def hard_data(served: Served) -> Iterator[Path]:
    folder = served.data / "hard"
    make_hard_voc(folder)
    yield folder
    shutil.rmtree(folder)


def test_data(page: Page, hard_data: Path) -> None:
    address = f"/data?data=voc:{hard_data}"
    for view in ("Pictures", "Numbers"):
        for seen, width, height in at_every_size(page, f"{address}&view={view}"):
            for box in seen["columns"]:
                assert box["bottom"] <= height
            for name, box in seen["figures"]:
                assert box["left"] >= 0, name
                assert box["right"] <= width, name
                if view == "Pictures":
                    assert_inside(box, width, height, name)


def make_hard_voc(folder: Path) -> None:
    """Eight pictures, the first of 4,000 x 3,000 pixels, with 25 objects each."""
    random = np.random.default_rng(0)
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    names = [f"p{k}_{'n' * 96}" for k in range(8)]
    for k, name in enumerate(names):
        width, height = (4000, 3000) if k == 0 else (640, 480)
        Image.linear_gradient("L").resize((width, height)).save(folder / f"JPEGImages/{name}.jpg")
        objects = ""
        for label in NAMES[25 * k : 25 * k + 25]:
            w, h = random.uniform(0.05, 0.3, 2) * (width, height)
            x, y = random.uniform(0, 0.7, 2) * (width, height)
            objects += (
                f"<object><name>{label}</name><bndbox><xmin>{x:.0f}</xmin><ymin>{y:.0f}</ymin>"
                f"<xmax>{x + w:.0f}</xmax><ymax>{y + h:.0f}</ymax></bndbox></object>"
            )
        (folder / f"Annotations/{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename>{objects}</annotation>"
        )
    for split, members in (("train", names[:6]), ("val", names[6:])):
        (folder / f"ImageSets/Main/{split}.txt").write_text("\n".join(members) + "\n")
