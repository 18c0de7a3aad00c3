"""Horizontal bars put together from pieces: terms of losses, parts of a loss, found and missed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from dashboard.figures.colors import FOUND, MISSED, color_of
from dashboard.figures.frame import MARGIN, axis, figure_of
from dashboard.figures.places import short

WEIGHTED, UNWEIGHTED, SHARE = "weighted", "unweighted", "share"
MEASURES = {
    WEIGHTED: "λ × term",
    UNWEIGHTED: "term, before its λ",
    SHARE: "share of the loss, %",
}
"""How the terms of a loss are measured: what the axis is called."""
COLORS = {"found": FOUND, "missed": MISSED}


# From the edge of the figure, where the words of most losses fit into one line; there is room for
# two.
_TOP = 42
_LETTERS = 32  # of the name of a bar
_LEGEND = {
    **{"orientation": "h", "traceorder": "normal", "xref": "container", "yref": "container"},
    **{"x": 0, "xanchor": "left", "y": 1, "yanchor": "top"},
}


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: What it is called, on its left.
        pieces: {name: length}; one below zero goes to the left of it, and one that is not finite
            has no length.
        words: {name: what is said of its piece}.
        end: What stands at its right end.
        inside: {name: what stands in its piece}.
        clicks: {name: what a click on its piece gives}; None for one that opens nothing.
    """

    label: str
    pieces: Mapping[str, float]
    words: Mapping[str, str]
    end: str
    inside: Mapping[str, str] = field(default_factory=dict)
    clicks: Mapping[str, str | None] = field(default_factory=dict)


def terms_bar(
    label: str, terms: Mapping[str, float], lambdas: Mapping[str, float], measure: str = WEIGHTED
) -> Bar:
    """The bar of a loss.

    Args:
        label: What the loss is called.
        terms: {term: value}, unweighted.
        lambdas: {term: effective weight}.
        measure: One of `MEASURES`: lambda x term; the term alone; or lambda x term in percent of
            the sum of all their sizes, which lets losses of very different totals be compared.
    """
    weighted = {name: lambdas[name] * value for name, value in terms.items()}
    size = sum(map(abs, weighted.values())) / 100
    shares = {name: value / size if size else 0.0 for name, value in weighted.items()}
    pieces = {WEIGHTED: weighted, UNWEIGHTED: terms, SHARE: shares}[measure]
    total = sum(weighted.values())
    end = f"{total:.4g}" if math.isfinite(total) else "not a finite number"
    if measure == UNWEIGHTED:
        bad = [name for name, value in terms.items() if not math.isfinite(value)]
        end = f"{bad[0]} is no number" if bad else ""
    return Bar(
        label,
        pieces,
        words={
            name: f"{name}: {lambdas[name]:.4g} × {terms[name]:.4g} = {value:.4g}"
            for name, value in weighted.items()
        },
        end=f"<b>{end}</b>",
        inside={
            name: f"{value:.0f}%" if measure == SHARE else f"{value:.3g}"
            for name, value in pieces.items()
            if math.isfinite(value) and value
        },
    )


def bars_figure(
    bars: Sequence[Bar],
    *,
    unit: str,
    revision: str,
    thick: bool = False,
    colors: Mapping[str, str] = COLORS,
) -> go.Figure:
    """Draws the bars, the first on top; pieces of one name have one colour.

    Args:
        bars: At least one.
        unit: What the axis measures.
        revision: Zoom is kept as long as this stays.
        thick: Whether there are few of them, with words inside.
        colors: {name: colour} of pieces; others have those of terms.
    """
    labels = [bar.label for bar in bars]
    data = []
    for name in dict.fromkeys(name for bar in bars for name in bar.pieces):
        lengths = [bar.pieces.get(name, 0.0) for bar in bars]
        data.append(
            {
                "type": "bar",
                "x": [value if math.isfinite(value) else 0.0 for value in lengths],
                "y": labels,
                "orientation": "h",
                "name": name,
                "uid": name,
                "marker": {"color": colors.get(name) or color_of(name), "line": {"width": 0}},
                "text": [bar.inside.get(name, "") for bar in bars],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "textfont": {"color": "#ffffff"},
                "customdata": [bar.clicks.get(name) for bar in bars],
                "hovertext": [bar.words.get(name, f"{name}: not in this loss") for bar in bars],
                "hovertemplate": "<b>%{y}</b><br>%{hovertext}<extra></extra>",
            }
        )
    ends = {
        "type": "scatter",
        "x": [sum(max(piece["x"][at], 0) for piece in data) for at in range(len(bars))],
        "y": labels,
        "mode": "text",
        "text": [f"  {bar.end}" for bar in bars],
        "textposition": "middle right",
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }
    alone = len(data) == 1  # it needs no name
    layout = {
        "barmode": "relative",
        "bargap": 0.35 if thick else 0.25,
        "height": (92 + 34 * len(bars)) if thick else (96 + 24 * len(bars)) - alone * _TOP,
        "margin": {**MARGIN, "r": 92, "t": MARGIN["t"] if alone else _TOP},
        "showlegend": not alone,
        "uniformtext": {"mode": "hide", "minsize": 10},
        # In the margin: above the bars its buttons would lie on words of the legend.
        "modebar": {"orientation": "v"},
        "legend": _LEGEND,
        "uirevision": revision,
        "xaxis": axis(unit),
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "ticksuffix": "  ",
            # Class names such as "0" are names.
            "type": "category",
            "tickvals": labels,
            "ticktext": [short(label, _LETTERS) for label in labels],
        },
    }
    return figure_of([*data, ends], layout)
