"""Several losses on one sample in numbers: their terms as bars, their formulas."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.components.compare.view import in_rows
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot
from dashboard.figures.terms_bar import MEASURES, UNWEIGHTED, WEIGHTED, Bar, terms_figure
from dashboard.tables import number
from yolo_core.compare.differences import Comparison
from yolo_core.compare.formulas import formula, symbols
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.own_loss import is_own_loss

FORMULAS_A_ROW = 2
# On a page of 1280 pixels two fit side by side.
_SMALLER = (
    "<style>.stMarkdown .katex-display .katex { font-size: 0.95em; } "
    ".stMarkdown p .katex { font-size: 1.05em; }</style>"
)


@dataclasses.dataclass(frozen=True)
class Written:
    """What the formula of a loss is made from.

    Attributes:
        label: What the comparison calls it.
        name: A family or a variant; for a loss of one's own anything with a colon.
        view: The loss on the picture.
        options: Keyword options laid over the variant's own.
    """

    label: str
    name: str
    view: SampleView
    options: Mapping[str, Any]


def show_terms(bars: Sequence[Bar], *, key: str) -> None:
    """The terms as one chart; how they are measured is query parameter "bars"."""
    measure = (
        st.segmented_control(
            "**Terms**",
            MEASURES,
            default=WEIGHTED,
            key="bars",
            bind="query-params",
            required=True,
            help="Losses of very different totals are best compared by share.",
        )
        or WEIGHTED
    )
    show_bars(bars, measure=measure, key=key)


def show_bars(bars: Sequence[Bar], *, measure: str, key: str) -> None:
    """The chart and its sentence."""
    told = "; ".join(f"{bar.label} {number(bar.total)}" for bar in bars)
    plot(
        terms_figure(bars, measure=measure), key=f"{key} terms", alt=f"Terms of each loss: {told}."
    )
    shown = {
        WEIGHTED: "Every term times its lambda, and behind each bar their sum, the loss",
        UNWEIGHTED: "The terms before their lambdas",
    }.get(measure, "What part of each loss every term makes up; behind each bar the loss itself")
    st.caption(
        f"{shown}. Point at a piece for its numbers. Wrong: one term with nearly all of a bar, or "
        "a term that another loss has and this one does not."
    )


def bars_of(comparison: Comparison) -> list[Bar]:
    """One bar a loss."""
    return [Bar(each.label, each.view.terms, each.view.lambdas) for each in comparison.losses]


def show_formulas(losses: Sequence[Written]) -> None:
    """Losses as they are written, with the lambdas and numbers of this picture in them."""
    st.html(_SMALLER)
    for row in in_rows(losses, FORMULAS_A_ROW):
        for place, each in row:
            with place:
                st.markdown(f"**{plain(each.label)}**")
                view = each.view
                try:
                    st.latex(formula(each.name, view.lambdas, view.terms, options=each.options))
                    st.caption(symbols(each.name, options=each.options))
                except ValueError as error:
                    say(error)
    own = ""
    if any(is_own_loss(each.name) for each in losses):
        own = " Of a loss in a file of yours only the names of the terms are known."
    st.caption(
        "Each loss as it is written, its lambdas over their numbers, and under each term what it "
        f"comes to on this picture.{own} Wrong: a sum that is not the loss above."
    )
