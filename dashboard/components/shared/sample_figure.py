"""The picture of a sample beside a list that it was chosen in."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.components.shared.legend import legend
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.marks import cell_in_picture
from dashboard.figures.places import Cell
from dashboard.figures.scene import CELLS, GRID, MATCHED, OBJECTS, PREDICTIONS, scene_figure
from yolo_core.evaluation.misses import SCORE
from yolo_core.views import SampleView

_LAYERS = (GRID, OBJECTS, CELLS, MATCHED, PREDICTIONS)


def show_sample(
    view: SampleView, slot: int, *, key: str, below: Sequence[float], cut: float = SCORE
) -> None:
    """Objects, owning cells, matched slots, predictions, and the cell of one slot.

    Args:
        view: The sample.
        slot: The slot that is meant.
        key: Stable name of the figure on its page.
        below: What is to stay below the picture in the window, see `plot`.
        cut: Lowest score of a prediction.
    """
    cell = Cell(*(int(getattr(view.layout, axis)[slot]) for axis in ("head", "row", "column")))
    with st.container(key="seen", gap="xxsmall"):
        plot(
            kept(
                view,
                (key, cell.head, cut),
                lambda: scene_figure(
                    view,
                    layers=_LAYERS,
                    head=cell.head,
                    score_cut=cut,
                    legend=False,
                    room=below,
                ),
            ),
            key=key,
            alt=f"The picture of {view.name}: objects, owning cells, matched slots, predictions.",
            marks=cell_in_picture(view, cell),
        )
        legend(view, _LAYERS, parts=False)
