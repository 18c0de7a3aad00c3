"""The ledger of a sample: every object accounted for."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.show_table import show_table
from dashboard.tables import ledger_table
from yolo_core.explain.report import Report
from yolo_core.views import SampleView


def show_objects(view: SampleView, report: Report) -> None:
    """The ledger: every object accounted for."""
    if not report.objects:
        st.info("This picture holds no objects: every slot is trained to say so.")
        return
    show_table(ledger_table(view, report))
    st.caption(
        "Every object with the slot that it trains, or the reason why there is none; **Object**, "
        "above, selects one. Wrong: any status but matched means that something in the labels, "
        "the anchors or the grid loses it; matched elsewhere, that the loss looks for it in a "
        "cell that does not hold its centre."
    )
