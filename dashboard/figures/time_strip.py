"""Strips of time: a row an object or slot, a column a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colors import FALSE_ALARM, FOUND, LEFT, MISSED, SHOWN_COLOR
from dashboard.figures.curves import Marker
from dashboard.figures.frame import ABOVE, MARGIN, figure_of
from yolo_core.explain.history import DETECTED_IOU, SlotState, first_true

_FAINT, _GREY = "rgba(128, 128, 128, 0.14)", "rgba(128, 128, 128, 0.62)"
# Detected is green in the lightness that grey does not have, on a light and on a dark page.
_IOU_SCALE = [
    (0.0, _FAINT),
    (DETECTED_IOU, _GREY),
    (DETECTED_IOU, LEFT),
    (1.0, FOUND),
]
STATE_COLORS = {
    SlotState.QUIET: _FAINT,
    SlotState.FINDS: FOUND,
    SlotState.FALSE_ALARM: FALSE_ALARM,
    SlotState.MISSES: MISSED,
    SlotState.LEFT: LEFT,
}
STATE_WORDS = {
    SlotState.QUIET: "right: no object, no detection",
    SlotState.FINDS: "right: finds an object",
    SlotState.FALSE_ALARM: "wrong: a detection of no object",
    SlotState.MISSES: "wrong: it misses its object",
    SlotState.LEFT: "right: another slot finds its object",
}
_TOP = -0.55  # of the rows, 0.5 above the middle of the first
_ROW, _COLOR_BAR, _MOST_TICKS = 26, 100, 12  # pixels, pixels, ticks
_GAPS = 8  # rows at the foot of a page between which there is room for gaps
_FOOT = 32  # pixels of such a strip that its steps and changes take
_LEAST_ROW = 11  # pixels that a name needs, of which its letters are most


@dataclass(frozen=True)
class Strip:
    """A row an object or slot, a column a snapshot; a clicked column carries its step.

    Attributes:
        steps: (S,) the snapshots' steps.
        values: (n, S) what each is at each step.
        names: (n,) what the rows are called.
        shown: Index of the step that the page shows, which is framed.
        left: Pixels for the names, the same for strips whose steps shall stand below each other.
        revision: While this stays the same, the browser keeps the zoom of its user.
        marks: What happened between the snapshots: at the top of the figure, where the browser
            says what.
        height: Pixels, for a strip that stands at the foot of a page without a legend; None for as
            many as it takes.
    """

    steps: Sequence[int]
    values: np.ndarray
    names: Sequence[str]
    shown: int
    left: int
    revision: str
    marks: Sequence[Marker] = ()
    height: int | None = None


def iou_strip(strip: Strip) -> go.Figure:
    """Draws how well each object is found at each step: `yolo_core.explain.history.best_iou`."""
    bar = {
        "thickness": 10,
        "title": {"text": "IoU", "side": "right"},
        "tickvals": [0, DETECTED_IOU, 1],
        "lenmode": "pixels",
        "len": max(80, _ROW * len(strip.names) + 20),
    }
    first = [(first_true(row >= DETECTED_IOU), k) for k, row in enumerate(strip.values)]
    first = [(column, k) for column, k in first if column is not None]
    stars = {
        "type": "scatter",
        "x": [column for column, _ in first],
        "y": [k for _, k in first],
        "customdata": [strip.steps[column] for column, _ in first],
        "uid": "first",
        "name": "first detected",
        "mode": "markers",
        "marker": {"symbol": "star", "color": "#ffffff"}
        | {"size": 11 if strip.height is None or len(strip.names) <= _GAPS else 6}
        | {"line": {"color": "#000000", "width": 1}},
        "hovertemplate": "first detected at step %{customdata:,}<extra></extra>",
    }
    look = {"zmin": 0, "zmax": 1, "colorscale": _IOU_SCALE, "colorbar": bar}
    look["showscale"] = strip.height is None
    return _figure(strip, "best IoU %{z:.2f}", look, [stars])


def state_strip(strip: Strip) -> go.Figure:
    """Draws whether slots were right or wrong: `yolo_core.explain.history.slot_states`."""
    count = len(SlotState)
    look = {
        "text": [[STATE_WORDS[SlotState(each)] for each in row] for row in strip.values.tolist()],
        "zmin": -0.5,
        "zmax": count - 0.5,
        "colorscale": [
            (edge / count, STATE_COLORS[state])
            for state in SlotState
            for edge in (state, state + 1)
        ],
        "showscale": False,
    }
    legend = [
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "uid": state.name,
            "name": STATE_WORDS[state],
            "mode": "markers",
            "marker": {"symbol": "square", "size": 11, "color": STATE_COLORS[state]}
            | {"line": {"color": _GREY, "width": 1}},
        }
        for state in SlotState
    ]
    return _figure(strip, "%{text}", look, legend)


def _figure(
    strip: Strip, says: str, look: dict[str, Any], more: Sequence[dict[str, Any]]
) -> go.Figure:
    rows, columns = strip.values.shape
    heatmap = {
        "type": "heatmap",
        "z": np.asarray(strip.values, np.float32),
        "x0": 0,
        "y0": 0,
        "customdata": [list(map(int, strip.steps))] * rows,
        "uid": "strip",
        # Gaps between columns that can be told apart.
        "xgap": 1 if columns <= 150 else 0,
        "ygap": 2 if strip.height is None or rows <= _GAPS else 0,
        "hovertemplate": f"step %{{customdata:,}}, %{{y}}: {says}<extra></extra>",
        **look,
    }
    low, high = strip.shown - 0.5, strip.shown + 0.5
    frame = {
        "type": "scatter",
        "x": [low, high, high, low, low],
        "y": [-0.5, -0.5, rows - 0.5, rows - 0.5, -0.5],
        "uid": "shown",
        "name": "shown step",
        "mode": "lines",
        "line": {"color": SHOWN_COLOR, "width": 2.5},
        "hoverinfo": "skip",
    }
    ticks = list(range(0, columns, -(-columns // _MOST_TICKS)))
    bare = {"showgrid": False, "zeroline": False}
    layout = {
        "height": _ROW * rows + 96,
        "margin": {**MARGIN, "l": strip.left, "r": _COLOR_BAR},
        "hovermode": "closest",
        "uirevision": strip.revision,
        "showlegend": True,
        "legend": ABOVE,
        "xaxis": {
            "tickvals": ticks,
            "ticktext": [f"{strip.steps[at]:,}" for at in ticks],
            "title": {"text": "step, a column a snapshot", "standoff": 4},
            **bare,
        },
        "yaxis": {
            "tickvals": list(range(rows)),
            "ticktext": list(strip.names),
            "range": [rows - 0.45, _TOP],
            "automargin": False,
            "fixedrange": True,
            **bare,
        },
    }
    data = [heatmap, frame, *more, *_changes(strip)]
    if strip.height is not None:
        layout |= {"height": strip.height, "showlegend": False}
        layout["margin"] |= {"t": 12, "b": _FOOT - 12, "r": 8}
        size = min(12, 0.72 * (strip.height - _FOOT) / rows)
        layout["yaxis"]["tickfont"] = {"size": size}
        layout["margin"]["l"] = round(strip.left * (size + 1) / 12)
        layout["xaxis"] |= {"title": {"text": ""}, "automargin": False}
        # Names where a row has room for one; the browser says the others.
        if rows * _LEAST_ROW > strip.height - _FOOT:
            layout["yaxis"] |= {"showticklabels": False, "ticks": ""}
            layout["margin"]["l"] = 8
    return figure_of(data, layout)


def _changes(strip: Strip) -> list[dict[str, Any]]:
    """A triangle for everything that happened, at its place between the snapshots."""
    if not strip.marks or len(strip.steps) < 2:
        return []
    steps = [mark.step for mark in strip.marks]
    at = np.interp(steps, strip.steps, np.arange(len(strip.steps)))
    return [
        {
            "type": "scatter",
            "x": at,
            # On the edge: plotly.js hides what lies beyond it.
            "y": np.full(len(at), _TOP),
            "uid": "changes",
            "name": "changes",
            "mode": "markers",
            "cliponaxis": False,
            "marker": {"symbol": "triangle-down", "size": 10}
            | {"color": [mark.color for mark in strip.marks]}
            | {"line": {"color": _GREY, "width": 1}},
            "text": [mark.text for mark in strip.marks],
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]
