"""Strips of time: a row an object or slot, a column a snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colors import AZURE
from yolo_core.explain.history import DETECTED_IOU, SlotState, first_true

_FAINT, _GREY = "rgba(128, 128, 128, 0.14)", "rgba(128, 128, 128, 0.62)"
# Detected is green in the lightness that grey does not have, on a light and on a dark page.
_GREENS = ("#56b4a3", "#0b7a69")
_IOU_SCALE = [
    (0.0, _FAINT),
    (DETECTED_IOU, _GREY),
    (DETECTED_IOU, _GREENS[0]),
    (1.0, _GREENS[1]),
]
STATE_COLORS = {
    SlotState.QUIET: _FAINT,
    SlotState.FINDS: _GREENS[1],
    SlotState.FALSE_ALARM: "#e07b00",
    SlotState.MISSES: "#aa3377",
}
STATE_WORDS = {
    SlotState.QUIET: "right: no object, no detection",
    SlotState.FINDS: "right: finds an object",
    SlotState.FALSE_ALARM: "wrong: a detection of no object",
    SlotState.MISSES: "wrong: its object is not detected by it",
}
_ROW, _COLOR_BAR, _MOST_TICKS = 26, 100, 12  # pixels, pixels, ticks


def iou_strip(
    steps: Sequence[int],
    iou: np.ndarray,
    names: Sequence[str],
    *,
    shown: int,
    left: int,
    revision: str,
) -> go.Figure:
    """Draws how well each object is found at each step; a clicked column carries its step.

    Args:
        steps: (S,) the snapshots' steps.
        iou: (n, S), see `yolo_core.explain.history.best_iou`.
        names: (n,) what the objects are called.
        shown: Index of the step that the page shows, which is framed.
        left: Pixels for the names, the same for strips whose steps shall stand below each other.
        revision: While this stays the same, the browser keeps the zoom of its user.
    """
    figure = _strip(
        steps, iou, names, "best IoU %{z:.2f}", shown=shown, left=left, revision=revision
    )
    bar = {
        "thickness": 10,
        "title": {"text": "IoU", "side": "right"},
        "tickvals": [0, DETECTED_IOU, 1],
        "lenmode": "pixels",
        "len": max(80, _ROW * len(names) + 20),
    }
    figure.update_traces(
        selector={"type": "heatmap"}, zmin=0, zmax=1, colorscale=_IOU_SCALE, colorbar=bar
    )
    first = [(first_true(row >= DETECTED_IOU), k) for k, row in enumerate(iou)]
    first = [(column, k) for column, k in first if column is not None]
    figure.add_scatter(
        x=[column for column, _ in first],
        y=[k for _, k in first],
        customdata=[steps[column] for column, _ in first],
        uid="first",
        name="first detected",
        mode="markers",
        marker={"symbol": "star", "size": 11, "color": "#ffffff"}
        | {"line": {"color": "#000000", "width": 1}},
        hovertemplate="first detected at step %{customdata:,}<extra></extra>",
    )
    return figure


def state_strip(
    steps: Sequence[int],
    states: np.ndarray,
    names: Sequence[str],
    *,
    shown: int,
    left: int,
    revision: str,
) -> go.Figure:
    """Draws whether slots were right or wrong at each step; a clicked column carries its step.

    Args:
        steps: (S,) the snapshots' steps.
        states: (s, S), see `yolo_core.explain.history.slot_states`.
        names: (s,) what the slots are called.
        shown: Index of the step that the page shows, which is framed.
        left: Pixels for the names, the same for strips whose steps shall stand below each other.
        revision: While this stays the same, the browser keeps the zoom of its user.
    """
    words = [[STATE_WORDS[SlotState(value)] for value in row] for row in states.tolist()]
    figure = _strip(steps, states, names, "%{text}", shown=shown, left=left, revision=revision)
    count = len(SlotState)
    scale = [
        (edge / count, STATE_COLORS[state]) for state in SlotState for edge in (state, state + 1)
    ]
    figure.update_traces(
        selector={"type": "heatmap"},
        text=words,
        zmin=-0.5,
        zmax=count - 0.5,
        colorscale=scale,
        showscale=False,
    )
    for state in SlotState:
        figure.add_scatter(
            x=[None],
            y=[None],
            uid=state.name,
            name=STATE_WORDS[state],
            mode="markers",
            marker={"symbol": "square", "size": 11, "color": STATE_COLORS[state]}
            | {"line": {"color": _GREY, "width": 1}},
        )
    return figure


def _strip(
    steps: Sequence[int],
    values: np.ndarray,
    names: Sequence[str],
    says: str,
    *,
    shown: int,
    left: int,
    revision: str,
) -> go.Figure:
    rows, columns = values.shape
    figure = go.Figure()
    figure.add_heatmap(
        z=np.asarray(values, np.float32),
        x0=0,
        y0=0,
        customdata=[list(map(int, steps))] * rows,
        uid="strip",
        # Gaps between columns that can be told apart.
        xgap=1 if columns <= 150 else 0,
        ygap=2,
        hovertemplate=f"step %{{customdata:,}}, %{{y}}: {says}<extra></extra>",
    )
    low, high = shown - 0.5, shown + 0.5
    figure.add_scatter(
        x=[low, high, high, low, low],
        y=[-0.5, -0.5, rows - 0.5, rows - 0.5, -0.5],
        uid="shown",
        name="shown step",
        mode="lines",
        line={"color": AZURE, "width": 2.5},
        hoverinfo="skip",
    )
    every = -(-columns // _MOST_TICKS)
    ticks = list(range(0, columns, every))
    figure.update_layout(
        height=_ROW * rows + 96,
        margin={"l": left, "r": _COLOR_BAR, "t": 8, "b": 8},
        hovermode="closest",
        uirevision=revision,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={
            "tickvals": ticks,
            "ticktext": [f"{steps[at]:,}" for at in ticks],
            "title": {"text": "step, a column a snapshot", "standoff": 4},
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "tickvals": list(range(rows)),
            "ticktext": list(names),
            "autorange": "reversed",
            "automargin": False,
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure
