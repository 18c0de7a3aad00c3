"""Numbers of a data set: where its boxes lie, how large they are, and anchors beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.data_pictures import class_color
from dashboard.figures.frame import ABOVE, MARGIN, axis, figure_of
from dashboard.figures.places import short

BINS = 24
_MOST_NAMED = 12
MOST_POINTS = 3000
"""Points of a scatter; of more a part is drawn, always the same."""
HEAT = [[0, "#22306e"], [0.25, "#4f4fd0"], [0.5, "#b0429a"], [0.75, "#f0734a"], [1, "#ffe066"]]


def places_figure(boxes: np.ndarray) -> go.Figure:
    """Draws how many of (n, 4) boxes have their centre in each of 24 x 24 parts of the picture."""
    edges = np.linspace(0, 1, BINS + 1)
    inside = np.clip(boxes[:, :2], 0, 1 - 1e-6)
    counts = np.histogram2d(inside[:, 1], inside[:, 0], bins=(edges, edges))[0]
    heat = {
        "type": "heatmap",
        "z": counts,
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": (edges[:-1] + edges[1:]) / 2,
        "colorscale": HEAT,
        "hovertemplate": "%{z:,} centres<extra></extra>",
        "colorbar": {"thickness": 12, "title": {"text": "objects", "side": "right"}},
    }
    layout = {
        "height": 380,
        "margin": MARGIN,
        "xaxis": axis("left to right", range=[0, 1], constrain="domain"),
        "yaxis": axis("top to bottom", range=[1, 0], scaleanchor="x", constrain="domain"),
    }
    return figure_of([heat], layout)


def sizes_figure(
    sizes: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    unit: str,
    anchors: np.ndarray | None = None,
    customdata: Sequence[int] | None = None,
) -> go.Figure:
    """Draws widths against heights, a point an object, on logarithmic axes.

    Args:
        sizes: (n, 2) widths and heights.
        labels: (n,) class indices, or which anchor fits best.
        names: What each of those is called.
        unit: Of the sizes.
        anchors: (k, 2) drawn over them.
        customdata: What a click on each point gives.
    """
    good = np.flatnonzero((sizes > 0).all(axis=1))
    if len(good) > MOST_POINTS:
        good = np.sort(np.random.default_rng(0).permutation(good)[:MOST_POINTS])
    data: list[dict[str, Any]] = []
    for label in np.unique(labels[good]):
        rows = good[labels[good] == label]
        points = {
            "type": "scatter",
            "mode": "markers",
            "x": sizes[rows, 0],
            "y": sizes[rows, 1],
            "name": short(names[int(label)]),
            "marker": {"size": 5, "opacity": 0.55, "color": class_color(int(label))},
            "hovertemplate": f"%{{x:.4g}} x %{{y:.4g}} {unit}<extra>%{{fullData.name}}</extra>",
        }
        if customdata is not None:
            points["customdata"] = np.asarray(customdata)[rows].tolist()
        data.append(points)
    if anchors is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": anchors[:, 0],
                "y": anchors[:, 1],
                "name": "anchors",
                "text": [f"<b>{k}</b>" for k in range(len(anchors))],
                "textposition": "top right",
                "marker": {
                    "size": 13,
                    "symbol": "x",
                    "color": "#e01050",
                    "line": {"color": "#ffffff", "width": 1.5},
                },
                "hovertemplate": f"anchor %{{text}}: %{{x:.4g}} x %{{y:.4g}} {unit}<extra></extra>",
            }
        )
    layout = {
        "height": 380,
        "margin": MARGIN,
        "xaxis": axis(f"width, {unit}", type="log", dtick="D2"),
        "yaxis": axis(f"height, {unit}", type="log", dtick="D2"),
        "legend": {**ABOVE},
        # Of more, pointing at one says which it is.
        "showlegend": len(data) <= _MOST_NAMED,
        "hovermode": "closest",
        "uirevision": unit,
    }
    return figure_of(data, layout)


def mean_iou_figure(curve: Sequence[tuple[int, float]], chosen: int) -> go.Figure:
    """Draws the mean IoU with the best of k anchors against k."""
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [count for count, _ in curve],
        "y": [value for _, value in curve],
        "marker": {"size": [13 if count == chosen else 7 for count, _ in curve]},
        "line": {"color": "#3399ee", "width": 2},
        "hovertemplate": "%{x} anchors: %{y:.3f}<extra></extra>",
    }
    layout = {
        "height": 300,
        "margin": MARGIN,
        "xaxis": axis("anchors", dtick=1),
        "yaxis": axis("mean IoU with the best anchor", range=[0, 1]),
    }
    return figure_of([line], layout)


def collisions_figure(counts: np.ndarray) -> go.Figure:
    """Draws (rows, columns) collisions a cell; a click on one gives [row, column]."""
    rows, columns = counts.shape
    places = [[[row, column] for column in range(columns)] for row in range(rows)]
    heat = {
        "type": "heatmap",
        "z": counts,
        "x": np.arange(columns),
        "y": np.arange(rows),
        "colorscale": HEAT,
        "customdata": places,
        "hovertemplate": "row %{y}, column %{x}: %{z:,}<extra></extra>",
        "colorbar": {"thickness": 12},
    }
    layout = {
        "height": 330,
        "margin": MARGIN,
        "xaxis": axis("column", constrain="domain"),
        "yaxis": axis("row", range=[rows - 0.5, -0.5], scaleanchor="x", constrain="domain"),
    }
    return figure_of([heat], layout)
