"""The latest validation picture of a run with its parts, small; it leads to the Inspect page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard.cache import cached_snapshot, kept_as_written
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.errors import plain
from dashboard.components.shared.legend import legend
from dashboard.components.shared.open_sample import ask_for, rerun_if_asked
from dashboard.components.shared.plot import kept, plot
from dashboard.components.train.open_inspect import spot
from dashboard.figures.fills import PARTS_OF_SLOTS
from dashboard.figures.places import short
from dashboard.figures.scene import OBJECTS, PREDICTIONS, scene_figure
from dashboard.figures.tiles import mask_figure
from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.explain.history import DETECTED_IOU, best_iou, sighting
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore
from yolo_core.views import SampleView

SCORE = 0.3
LAYERS = (OBJECTS, PREDICTIONS)
WINDOW = 0.15
"""What the pictures take of the window's height."""
_SIDE = 170  # pixels of the widest window's height


def latest_picture(folder: RunFolder) -> None:
    """Shows a pinned sample at its latest snapshot; nothing before there is one."""
    rerun_if_asked()
    try:
        with RunStore.open(folder) as store:
            record = store.last_snapshot("pinned")
        if record is None:
            return
        snapshot = cached_snapshot(record.file)
    except ValueError:  # Inspect says what is wrong with it
        return
    # Validation pictures first.
    names = sorted(snapshot.samples, key=lambda name: not name.startswith("val"))
    with st.container(
        key="latest-picture", horizontal=True, vertical_alignment="center", gap="small"
    ):
        place = st.container(horizontal=True, gap="xsmall", width="content")
        words = st.container(key="latest-words", gap="xxsmall")
    with words:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = st.selectbox(
                "Sample",
                names,
                key=f"{folder.name}/picture",
                label_visibility="collapsed",
                width=130,
            )
            view = _view(record.file, name)
            st.button(
                "Inspect",
                icon=":material/search:",
                key=f"{folder.name}/inspect",
                on_click=ask_for,
                args=(spot(folder.name, step=view.step, sample=name),),
            )
        _say(view)
    trained = np.bincount(view.layout.head[view.assignment.object_mask], minlength=1)
    head = int(trained.argmax())

    def clicked(at: list[int]) -> None:
        keys = PLACE_KEYS[len(view.layout.grids) == 1 :]
        chosen = at[len(view.layout.grids) == 1 :]
        ask_for(
            spot(
                folder.name,
                step=view.step,
                sample=name,
                **dict(zip(keys, [*chosen, 0][: len(keys)], strict=True)),
            )
        )

    height, width = view.image.shape[:2]
    side = round(_SIDE * width / height)
    with place:
        with st.container(width=side):
            plot(
                kept(view, "latest picture", lambda: _small(_picture(view, head))),
                key="latest picture",
                alt=f"{plain(name)} at step {view.step:,}, with the boxes of its objects and of "
                "the predictions. A click opens the cell on the Inspect page.",
                on_click=clicked,
            )
        with st.container(width=side * view.layout.grids[head][2]):
            plot(
                kept(view, "latest parts", lambda: _small(mask_figure(view, only=head))),
                key="latest parts",
                alt="The parts of its slots, one map for each. A click opens the slot.",
                on_click=clicked,
            )


def shown_of(folder: RunFolder) -> object:
    """Which snapshot is shown; None once the run has ended. For `poll_changes`."""
    if not read_status(folder).is_live:
        return None
    try:
        with RunStore.open(folder) as store:
            return store.last_snapshot("pinned") or "none yet"
    except ValueError as error:
        return str(error)


@kept_as_written(8)
def _view(file: Path, name: str) -> SampleView:
    """The same object at each look, whose figures are kept."""
    return cached_snapshot(file).sample(name)


def _say(view: SampleView) -> None:
    found = best_iou([sighting(view)], SCORE)
    heads = len(view.layout.grids)
    counts = np.bincount(slot_parts(view), minlength=len(PARTS))
    st.caption(
        plain(
            f"{short(view.name)} at step {view.step:,}: "
            f"{int((found >= DETECTED_IOU).sum())} of {len(found)} objects detected; slots: "
            + ", ".join(f"{int(n):,} {part}" for n, part in zip(counts, PARTS, strict=True))
            + ("; the head with most of them that train" if heads > 1 else "")
            + "."
        )
    )
    legend(view, LAYERS, PARTS_OF_SLOTS, cell=False)


def _picture(view: SampleView, head: int) -> go.Figure:
    figure = scene_figure(view, layers=LAYERS, head=head, score_cut=SCORE, legend=False)
    # There is no room for words.
    figure.data = [each for each in figure.data if getattr(each, "mode", "") != "text"]
    return figure


def _small(figure: go.Figure) -> Any:
    meta = dict(figure.layout.meta)
    figure.layout.meta = {"aspect": meta["aspect"], "most": WINDOW}
    # As high as the counts over the parts.
    figure.layout.margin.update(r=0, t=18)
    return figure
