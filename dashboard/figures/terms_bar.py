"""The terms of several losses as one chart of bars, in the colours of the terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colors import color_of
from dashboard.figures.frame import GRID

WEIGHTED, UNWEIGHTED, SHARE = "weighted", "unweighted", "share"
MEASURES = (WEIGHTED, UNWEIGHTED, SHARE)
_AXIS = {
    WEIGHTED: "λ × term",
    UNWEIGHTED: "term, before its λ",
    SHARE: "share of the loss, %",
}


@dataclass(frozen=True)
class Bar:
    """One loss.

    Attributes:
        label: What it is called beside its bar.
        terms: {term: value}, unweighted.
        lambdas: {term: effective weight}.
    """

    label: str
    terms: Mapping[str, float]
    lambdas: Mapping[str, float]

    @property
    def total(self) -> float:
        """The sum of lambda x term."""
        return sum(self.lambdas[name] * value for name, value in self.terms.items())


def terms_figure(bars: Sequence[Bar], *, measure: str = WEIGHTED) -> go.Figure:
    """Draws one bar a loss, put together from its terms; the first loss is on top.

    A term below zero goes to the left of it. A term that is not a finite number has no length;
    the number at the end of its bar says so.

    Args:
        bars: The losses.
        measure: One of `MEASURES`: lambda x term; the term alone; or lambda x term in percent of
            the sum of all their sizes, which lets losses of very different totals be compared.
    """
    labels = [bar.label for bar in bars]
    figure = go.Figure()
    names = dict.fromkeys(name for bar in bars for name in bar.terms)
    lengths = {name: [_length(bar, name, measure) for bar in bars] for name in names}
    for name in names:
        figure.add_bar(
            x=[value if np.isfinite(value) else 0.0 for value in lengths[name]],
            y=labels,
            orientation="h",
            name=name,
            uid=name,
            marker={"color": color_of(name), "line": {"width": 0}},
            text=[_inside(value, measure) for value in lengths[name]],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "#ffffff"},
            customdata=[_words(bar, name) for bar in bars],
            hovertemplate="%{y}<br>%{customdata}<extra></extra>",
        )
    figure.add_scatter(
        x=[_end(lengths, k) for k in range(len(bars))],
        y=labels,
        mode="text",
        text=[f"  <b>{_total_text(bar, measure)}</b>" for bar in bars],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )
    figure.update_layout(
        barmode="relative",
        bargap=0.35,
        height=90 + 46 * len(bars),
        margin={"l": 8, "r": 90, "t": 8, "b": 8},
        uniformtext={"mode": "hide", "minsize": 10},
        legend={
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
        uirevision=f"{measure} {labels}",
        xaxis={"title": {"text": _AXIS[measure], "standoff": 4}, "gridcolor": GRID},
        yaxis={"autorange": "reversed", "automargin": True, "ticksuffix": "  "},
    )
    return figure


def _length(bar: Bar, name: str, measure: str) -> float:
    """How long a term's piece is; zero where the loss has no such term."""
    if name not in bar.terms:
        return 0.0
    if measure == UNWEIGHTED:
        return float(bar.terms[name])
    weighted = float(bar.lambdas[name] * bar.terms[name])
    if measure == WEIGHTED:
        return weighted
    size = sum(abs(bar.lambdas[each] * value) for each, value in bar.terms.items())
    return 100 * weighted / size if size else 0.0


def _inside(value: float, measure: str) -> str:
    if not np.isfinite(value) or value == 0:
        return ""
    return f"{value:.0f} %" if measure == SHARE else f"{value:.3g}"


def _words(bar: Bar, name: str) -> str:
    if name not in bar.terms:
        return f"{name}: not in this loss"
    weight, value = bar.lambdas[name], bar.terms[name]
    return f"{name}: {weight:.4g} × {value:.4g} = {weight * value:.4g}"


def _end(lengths: Mapping[str, Sequence[float]], at: int) -> float:
    """Where the right end of a bar is."""
    return sum(max(values[at], 0.0) for values in lengths.values() if np.isfinite(values[at]))


def _total_text(bar: Bar, measure: str) -> str:
    if measure == UNWEIGHTED:
        bad = [name for name, value in bar.terms.items() if not np.isfinite(value)]
        return f"{bad[0]} is no number" if bad else ""
    return f"{bar.total:.4g}" if np.isfinite(bar.total) else "not a finite number"
