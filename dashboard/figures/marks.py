"""Slots marked in the tiles of a figure that is there already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.picture import box_lines
from dashboard.figures.places import Cell, cell_boxes
from yolo_core.runs.snapshots import SampleView

# Seen on orange, blue and grey slots, and on a light and a dark page.
MARK_COLOR = "#ff4fd8"


# Of all slots: where more are marked, outlines would only hide the colours.
MOST_MARKED = 0.25


def mark_slots(figure: go.Figure, view: SampleView, slots: Sequence[int], *, name: str) -> bool:
    """Outlines slots in a figure of `tiles.py`: rows are heads, columns anchors.

    Args:
        figure: What `mask_figure` or `loss_figure` made of the view.
        view: The sample.
        slots: Indices on the slot axis.
        name: What the legend calls them.

    Returns:
        Whether any are outlined: too many are not.
    """
    layout = view.layout
    if not 0 < len(slots) <= MOST_MARKED * layout.count:
        return False
    columns = max(count for _, _, count in layout.grids)
    chosen = np.asarray(slots, np.int64)
    tiles = layout.head[chosen] * columns + layout.anchor[chosen] + 1
    for k, tile in enumerate(np.unique(tiles).tolist()):
        cells = [
            Cell(*(int(getattr(layout, axis)[slot]) for axis in ("head", "row", "column")))
            for slot in chosen[tiles == tile].tolist()
        ]
        x, y = box_lines(cell_boxes(view, cells), view.image.shape[:2])
        number = "" if tile == 1 else str(tile)
        figure.add_scatter(
            x=x,
            y=y,
            xaxis=f"x{number}",
            yaxis=f"y{number}",
            mode="lines",
            line={"color": MARK_COLOR, "width": 2, "dash": "dot"},
            hoverinfo="skip",
            name=name,
            legendgroup=name,
            showlegend=k == 0,
        )
    return True
