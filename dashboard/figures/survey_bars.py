"""Bars of a survey: its loss in parts, the use of the anchors, how well they overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures.colors import color_of
from dashboard.figures.frame import GRID

FOUND_COLOR, MISSED_COLOR = "#0f8f7f", "#998811"
BAR, GAP = 24, 96


@dataclass(frozen=True)
class LossBar:
    """A part of a loss.

    Attributes:
        label: What it is called beside its bar.
        terms: {term: lambda x term}.
        words: {term: what is said of its piece}, such as "121 objects, most of it in val/17".
        clicks: {term: what a click on its piece gives}; None for one that opens nothing.
    """

    label: str
    terms: Mapping[str, float]
    words: Mapping[str, str]
    clicks: Mapping[str, str | None]


def loss_figure(bars: Sequence[LossBar], *, unit: str, revision: str) -> go.Figure:
    """Draws a horizontal bar a part, put together from the terms in their colours.

    Args:
        bars: The parts, the first on top.
        unit: What the axis measures.
        revision: Zoom is kept as long as this stays.
    """
    figure = go.Figure()
    labels = [bar.label for bar in bars]
    for term in dict.fromkeys(term for bar in bars for term in bar.terms):
        values = [bar.terms.get(term, 0.0) for bar in bars]
        figure.add_bar(
            x=[value if math.isfinite(value) else 0.0 for value in values],
            y=labels,
            orientation="h",
            name=term,
            uid=term,
            marker={"color": color_of(term), "line": {"width": 0}},
            customdata=[bar.clicks.get(term) for bar in bars],
            hovertext=[
                f"<b>{bar.label}</b><br>{term}: {value:.4g}<br>{bar.words.get(term, '')}"
                for bar, value in zip(bars, values, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.add_scatter(
        x=[sum(max(v, 0.0) for v in bar.terms.values() if math.isfinite(v)) for bar in bars],
        y=labels,
        mode="text",
        text=[f"  {sum(bar.terms.values()):.3g}" for bar in bars],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    figure.update_layout(barmode="relative", **_layout(len(bars), unit, revision))
    return figure


def use_figure(
    labels: Sequence[str],
    found: Sequence[int],
    missed: Sequence[int],
    samples: Sequence[tuple[str | None, str | None]],
    *,
    revision: str,
) -> go.Figure:
    """Draws how many objects each anchor is responsible for, and how many of them are found.

    Args:
        labels: (G,) names of the anchors.
        found: (G,) objects that the network finds.
        missed: (G,) objects that it does not find.
        samples: (G,) what a click on either part gives.
        revision: Zoom is kept as long as this stays.
    """
    figure = go.Figure()
    for part, name, counts, color in (
        (0, "found", found, FOUND_COLOR),
        (1, "missed", missed, MISSED_COLOR),
    ):
        figure.add_bar(
            x=list(counts),
            y=list(labels),
            orientation="h",
            name=name,
            uid=name,
            marker={"color": color, "line": {"width": 0}},
            customdata=[each[part] for each in samples],
            hovertemplate="%{y}: %{x} " + name + "<extra></extra>",
        )
    totals = [a + b for a, b in zip(found, missed, strict=True)]
    figure.add_scatter(
        x=totals,
        y=list(labels),
        mode="text",
        text=[f"  {count:,}" if count else "  <b>never used</b>" for count in totals],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    figure.update_layout(barmode="stack", **_layout(len(labels), "objects", revision))
    return figure


@dataclass(frozen=True)
class Histogram:
    """The overlaps of one anchor.

    Attributes:
        label: Name of the anchor.
        counts: (bins,) int, from 0 to 1.
        samples: (bins,) what a click on each bar gives.
    """

    label: str
    counts: np.ndarray
    samples: Sequence[str | None]


def iou_figure(histograms: Sequence[Histogram], *, axis: str, revision: str) -> go.Figure:
    """Draws a histogram an anchor, from 0 to 1; each has its own scale of counts.

    Args:
        histograms: The anchors, at least one.
        axis: What is counted, such as "IoU of the prediction".
        revision: Zoom is kept as long as this stays.
    """
    columns = min(len(histograms), 3 if len(histograms) != 4 else 2)
    rows = -(-len(histograms) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        horizontal_spacing=0.07,
        vertical_spacing=min(0.3, 0.5 / rows),
        subplot_titles=[f"{each.label}: {int(each.counts.sum()):,}" for each in histograms],
    )
    for k, each in enumerate(histograms):
        width = 1 / len(each.counts)
        centers = (np.arange(len(each.counts)) + 0.5) * width
        figure.add_bar(
            x=centers,
            y=each.counts,
            width=width * 0.92,
            row=k // columns + 1,
            col=k % columns + 1,
            name=each.label,
            uid=each.label,
            marker={"color": FOUND_COLOR, "line": {"width": 0}},
            customdata=list(each.samples),
            hovertext=[f"{c - width / 2:.2f} to {c + width / 2:.2f}" for c in centers],
            hovertemplate=f"<b>{each.label}</b><br>%{{hovertext}}: %{{y}} objects<extra></extra>",
        )
        # Said and not left to Plotly, which takes 0 to 4 for an anchor without any.
        top = max(int(each.counts.max()), 4) * 1.05
        figure.update_yaxes(range=[0, top], row=k // columns + 1, col=k % columns + 1)
    figure.update_xaxes(range=[0, 1], gridcolor=GRID, dtick=0.25)
    figure.update_xaxes(title={"text": axis, "standoff": 2}, row=rows)
    figure.update_yaxes(gridcolor=GRID, nticks=4)
    figure.update_annotations(font={"size": 12})
    figure.update_layout(
        height=50 + 150 * rows,
        showlegend=False,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        uirevision=revision,
    )
    return figure


def _layout(bars: int, unit: str, revision: str) -> dict:
    return {
        "bargap": 0.25,
        "height": GAP + BAR * bars,
        "margin": {"l": 8, "r": 92, "t": 8, "b": 8},
        # In the margin: above the bars its buttons would lie on words of the legend.
        "modebar": {"orientation": "v"},
        "legend": {
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
        "uirevision": revision,
        "xaxis": {"title": {"text": unit, "standoff": 4}, "gridcolor": GRID},
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "ticksuffix": "  ",
            # Class names such as "0" are names.
            "type": "category",
        },
    }
