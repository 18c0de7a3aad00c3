"""What figures have in common: how they are put together, their axes, their legends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

GRID = "rgba(128, 128, 128, 0.22)"
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}
ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
"""A legend above the figure, from the left."""
BELOW = {"orientation": "h", "y": -0.01, "yanchor": "top", "x": 0.5, "xanchor": "center"}
"""A legend below the figure, in the middle."""


def figure_of(data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> go.Figure:
    """A figure of plain dictionaries, which plotly takes as they are.

    Having each piece checked takes plotly ten times as long, with every look of a live page and
    with every click. The tests have them checked.
    """
    return go.Figure({"data": data, "layout": layout}, _validate=False)


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a title close to it, and faint lines; what is None is left to plotly."""
    more = {name: value for name, value in more.items() if value is not None}
    return {"title": {"text": title, "standoff": 4}, "gridcolor": GRID, **more}
