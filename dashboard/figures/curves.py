"""Curves by step: plain arrays in, one plotly figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.colors import TOTAL_COLOR
from dashboard.figures.frame import ABOVE, MARGIN, axis, figure_of

LABEL_PIXELS, NARROW = 15, 240
"""What a label along a marker takes of the width, and the width of a narrow figure."""


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes:
        name: What the legend calls it.
        step: (n,) step of every point.
        value: (n,) value of every point; a point that is NaN or infinite is a gap.
        color: "#rrggbb".
        low: (n,) smallest value behind a point that stands for several steps, or None.
        high: (n,) largest one, or None.
        dash: plotly's line style: "solid", "dot", "dash".
        points: Whether the points are drawn too, for curves that have few; such a curve is
            never smoothed.
        beside: The curve that it is drawn beside and hidden with, as of another run: thinner, and
            without what a smoothed one keeps behind it; "" for none.
    """

    name: str
    step: np.ndarray
    value: np.ndarray
    color: str
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    dash: str = "solid"
    points: bool = False
    beside: str = ""


@dataclass(frozen=True)
class Marker:
    """Something that happened at a step: a dashed vertical line with a dot at its top.

    Attributes:
        step: Where; on an axis of something else, a place there.
        text: What the dot says when pointed at.
        color: Colour of line and dot, "#rrggbb".
        label: What stands beside the dot, such as "no_object 50 → 1,000"; "" for nothing.
    """

    step: float
    text: str
    color: str = TOTAL_COLOR
    label: str = ""


def smooth(value: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average, started without a bias towards zero.

    Args:
        value: (n,) numbers; those that are NaN or infinite are passed over, and stay gaps.
        weight: Share of the past, 0 (nothing changes) to just under 1.

    Returns:
        (n,) float64.

    Raises:
        ValueError: The weight is not in [0, 1).
    """
    if not 0.0 <= weight < 1.0:
        raise ValueError(f"The smoothing weight must be 0 or more and below 1; received {weight}.")
    clean = np.where(np.isfinite(value), value, np.nan).astype(np.float64)
    if weight == 0.0 or clean.size == 0:
        return clean
    mean = pd.Series(clean).ewm(alpha=1.0 - weight, adjust=True, ignore_na=True).mean()
    return np.where(np.isnan(clean), np.nan, mean.to_numpy())


def curve_figure(
    curves: Sequence[Curve],
    *,
    y_title: str,
    markers: Sequence[Marker] = (),
    smoothing: float = 0.0,
    log_y: bool = False,
    y_range: tuple[float, float] | None = None,
    x_range: tuple[float, float] | None = None,
    height: int = 320,
    meta: Mapping[str, Any] | None = None,
    revision: str = "",
    x_title: str = "step",
    x_hover: str = "step %{x:d}",
    log_x: bool = False,
) -> go.Figure:
    """Draws curves over a common axis, of steps if nothing else is said.

    A smoothed curve keeps what it was made from as a faint line, or, where a point stands for
    several steps, as a faint band from their smallest to their largest value.

    Args:
        curves: The lines, in the order of the legend.
        y_title: What the vertical axis measures, with its unit.
        markers: Vertical lines; those of one colour are one trace, however many there are.
        smoothing: See `smooth`.
        log_y: Logarithmic vertical axis; values of zero or less are left out.
        y_range: Fixed vertical range (of the values, also on a log axis); None fits the curves.
        x_range: Fixed range of steps; None fits the curves.
        height: Pixels.
        meta: What else is said to `plot`, such as how high it is in the window.
        revision: While this stays the same, the browser keeps the zoom of its user.
        x_title: What the horizontal axis measures, with its unit.
        x_hover: What stands over the values of a place that is pointed at, for plotly.
        log_x: Logarithmic horizontal axis; places of zero or less are left out.
    """
    data = [
        trace
        for curve in curves
        # Points far apart are no noise to be smoothed away.
        for trace in _curve(curve, 0.0 if curve.points else smoothing, log_y)
    ]
    data += [_markers(group, color) for color, group in _by_color(markers).items()]
    steps = np.concatenate([np.asarray(c.step, np.float64) for c in curves] or [np.zeros(0)])
    labels = _labels(markers, (steps.min(), steps.max()) if steps.size else (0.0, 0.0))
    if y_range is not None and log_y:
        y_range = tuple(np.log10(np.maximum(y_range, 1e-12)))
    layout = {
        "height": height,
        "margin": MARGIN,
        "legend": {**ABOVE, "itemwidth": 30},
        "hovermode": "x unified",
        "uirevision": revision,
        "showlegend": True,
        "xaxis": axis(
            x_title,
            range=x_range,
            type="log" if log_x else "linear",
            unifiedhovertitle={"text": x_hover},
            rangemode="normal" if log_x else "nonnegative",
        ),
        "yaxis": axis(
            y_title,
            type="log" if log_y else "linear",
            range=y_range,
            automargin=True,
            rangemode="normal" if log_y else "tozero",
            exponentformat="power" if log_y else "SI",
            # With more, plotly writes all digits of a decade, one over another.
            nticks=3 if log_y else None,
        ),
        # Markers live on an axis of their own, from 0 at the bottom to 1 at the top.
        "yaxis2": {"overlaying": "y", "range": [0, 1], "fixedrange": True, "visible": False},
    }
    if meta is not None:
        layout["meta"] = dict(meta)
    if labels:
        layout["annotations"] = labels
    return figure_of(data, layout)


def _curve(curve: Curve, smoothing: float, log_y: bool) -> list[dict[str, Any]]:
    """The line, and behind it the faint one or the band that it sums up."""
    step = np.asarray(curve.step)
    value = _drawable(curve.value, log_y)
    banded = curve.low is not None and curve.high is not None
    if banded:
        low, high = _drawable(curve.low, log_y), _drawable(curve.high, log_y)
        known = np.isfinite(low) & np.isfinite(high)
        banded = bool(np.any(high[known] > low[known]))
    faint = {
        "type": "scatter",
        # The identity by which the browser remembers what its user hid, however many traces come.
        "uid": f"{curve.name} behind",
        "legendgroup": curve.name,
        "showlegend": False,
        "hoverinfo": "skip",
        "mode": "lines",
    }
    behind = []
    if curve.beside:
        pass
    elif banded:
        faint["x"] = np.concatenate([step[known], step[known][::-1]])
        faint["y"] = np.concatenate([high[known], low[known][::-1]])
        color = _faded(curve.color, 0.15)
        behind.append({**faint, "fill": "toself", "fillcolor": color, "line": {"width": 0}})
    elif smoothing > 0.0:
        line = {"color": _faded(curve.color, 0.3), "width": 1}
        behind.append({**faint, "x": step, "y": value, "line": line})
    front = {
        "type": "scatter",
        "x": step,
        "y": _drawable(smooth(curve.value, smoothing), log_y),
        "name": curve.name,
        "uid": curve.name,
        "legendgroup": curve.beside or curve.name,
        "showlegend": not curve.beside,
        # A single point makes no line.
        "mode": "lines+markers" if curve.points or step.size == 1 else "lines",
        "line": {
            "color": curve.color,
            "width": 1.5 if curve.beside else 2,
            "dash": curve.dash,
        },
        "hovertemplate": "%{y:.4~g}",
    }
    return [*behind, front]


def _drawable(value: np.ndarray, log_y: bool) -> np.ndarray:
    """float32 with NaN for what the axis cannot show."""
    value = np.asarray(value, dtype=np.float64)
    shown = np.isfinite(value) & (value > 0 if log_y else True)
    return np.where(shown, value, np.nan).astype(np.float32)


def _by_color(markers: Sequence[Marker]) -> Mapping[str, list[Marker]]:
    """The markers, by their colour; several at one step become one with several lines of text."""
    by_place: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for marker in markers:
        place = by_place.setdefault((marker.color, marker.step), [])
        place.append((marker.text, marker.label))
    grouped: dict[str, list[Marker]] = {}
    for (color, step), texts in by_place.items():
        text, labels = "<br>".join(t for t, _ in texts), [label for _, label in texts if label]
        grouped.setdefault(color, []).append(Marker(step, text, color, ", ".join(labels)))
    return grouped


def _markers(markers: Sequence[Marker], color: str) -> dict[str, Any]:
    """All markers of one colour as a single trace with gaps between the lines."""
    return {
        "type": "scatter",
        "x": np.array([(m.step, m.step, np.nan) for m in markers], dtype=np.float64).ravel(),
        "y": np.tile([0.0, 0.97, np.nan], len(markers)),
        "uid": f"markers {color}",
        "yaxis": "y2",
        "mode": "lines+markers",
        "line": {"color": color, "width": 1, "dash": "dot"},
        "marker": {"size": np.tile([0, 9, 0], len(markers)), "symbol": "triangle-down"},
        "text": [text for m in markers for text in ("", m.text, "")],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


def _labels(markers: Sequence[Marker], across: tuple[float, float]) -> list[dict[str, Any]]:
    """What stands along the lines of markers, moved aside as far as two would lie over each other.

    Of more than there is room for, those that are closest to each other are counted.
    """
    named: dict[int, list[str]] = {}
    for group in _by_color(markers).values():
        for each in group:
            if each.label:
                named.setdefault(each.step, []).append(each.label)
    places = [[step, [", ".join(labels)]] for step, labels in sorted(named.items())]
    while len(places) > NARROW // LABEL_PIXELS:
        close = min(range(1, len(places)), key=lambda k: places[k][0] - places[k - 1][0])
        places[close - 1][1] += places.pop(close)[1]
    first, last = across
    wanted = [(step - first) / (last - first or 1.0) * NARROW for step, _ in places]
    put = [max(at, LABEL_PIXELS) for at in wanted]
    for k in range(1, len(put)):
        put[k] = max(put[k], put[k - 1] + LABEL_PIXELS)
    end = max(NARROW, *wanted) if wanted else 0.0
    for k in range(len(put) - 1, -1, -1):
        put[k] = min(put[k], end - LABEL_PIXELS * (len(put) - 1 - k))
    return [
        {
            "x": step,
            "y": 0.93,
            "yref": "y2",
            "text": labels[0] if len(labels) == 1 else f"{len(labels)} changes",
            "textangle": -90,
            "showarrow": False,
            "xanchor": "right",
            "xshift": round(at - there),
            "yanchor": "top",
            "font": {"size": 11},
        }
        for (step, labels), at, there in zip(places, put, wanted, strict=True)
    ]


def _faded(color: str, alpha: float) -> str:
    """A "#rrggbb" colour with an opacity."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"
