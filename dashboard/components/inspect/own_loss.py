"""A training with a loss of somebody's own: its number, and what it pulls at, beside ours."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import plain
from dashboard.components.shared.show_table import show_table
from dashboard.tables import factor_table, number, own_gradient_table
from yolo_core.compare.own.term_factors import term_factors, trained
from yolo_core.explain.trace import push_words
from yolo_core.views import SampleView


def say_own(view: SampleView) -> None:
    """Which loss trains, what it is here, and whose everything else is."""
    if view.own is None:
        return
    of = "this picture" if view.kind == "pinned" else "the batch"
    name, published = plain(view.own.name), plain(view.loss_name)
    st.info(
        f"This run trains **{name}**, a loss of its own: **{_told(float(view.own.total))}** on "
        f"{of}. Its gradient is on record in every slot. Assignment, reasons, terms and maps "
        f"without its name are those of {published}, the published loss beside it, on the same "
        "predictions.",
        icon=":material/person:",
    )


def show_own_pull(view: SampleView, slot: int, title: str) -> None:
    """What it pulls the selected slot towards, and which published terms are in it."""
    if view.own is None:
        return
    name, published = plain(view.own.name), plain(view.loss_name)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**Where {name} itself pushes {title}**")
        show_table(own_gradient_table(view, slot))
        st.caption(
            f"{name} pushes {plain(push_words(view, view.own.gradient[slot]))}: its gradient on "
            f"every raw number, by the framework that trains it, beside that of {published}. "
            "Wrong: an arrow the other way, or nothing where the published loss pulls."
        )
    if not view.gradients:
        return
    with right:
        st.markdown(f"**Which terms of {published} are in {name}**")
        weighted = {
            term: (view.lambdas[term] * each)[None] for term, each in view.gradients.items()
        }
        factors, _ = term_factors(*trained(view.own.gradient[None], weighted))
        show_table(factor_table(factors))
        st.caption(
            f"By what {name} multiplies each weighted term, over all slots of this picture, and "
            "how many numbers of the gradient agree with that. Wrong: –, where no factor makes "
            "the term its own, although it was written after it; ✗."
        )


def _told(value: float) -> str:
    """A number; NaN by its name."""
    return "NaN" if np.isnan(value) else number(value)
