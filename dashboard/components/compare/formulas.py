"""Losses as they are written, with the numbers of one sample in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.components.shared.comparison import in_rows
from dashboard.components.shared.errors import plain, say
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
