"""The worst samples of a survey: a row a picture, which opens it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain
from dashboard.components.shared.open_sample import sample_rows
from dashboard.components.shared.survey_files import small_pictures
from dashboard.components.survey.chosen import choose_spot
from dashboard.components.survey.open import survey_csv
from yolo_core.evaluation.misses import FOUND_MEANS
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.spots import FALSE
from yolo_core.survey.statistics import finite, missed, sample_spots, worst_first
from yolo_core.survey.table import SurveyTable

SHOWN = 50
MISSED = "missed"


def show_worst(folder: SurveyFolder, table: SurveyTable) -> None:
    """The samples in the order that is asked for, the worst first."""
    orders = {"total": "total loss"}
    orders |= {term: f"λ × {term}" for term in table.term_names}
    orders |= {MISSED: "objects missed", FALSE: FALSE}
    asked = st.session_state.get("survey order")
    if asked not in orders:
        st.session_state["survey order"] = "total"
    with st.container(horizontal=True, vertical_alignment="center"):
        # Words of the browser's own, which shows signs as they are.
        by = st.selectbox(
            "Sorted by",
            list(orders),
            format_func=lambda name: f"worst by {orders[name]}",
            key="survey order",
            label_visibility="collapsed",
            width=260,
        )
        order = worst_first(table, by)
        survey_csv(lambda: samples_table(table).iloc[order], name="samples", folder=folder)
    rows = samples_table(table).iloc[order[:SHOWN]].reset_index(drop=True)
    rows.insert(0, "picture", small_pictures(folder, table, order[:SHOWN]))
    numbers = {
        name: st.column_config.NumberColumn(format="%.4g")
        for name in ("total", *(f"λ × {term}" for term in table.term_names))
    }
    sample_rows(
        rows,
        [spot.text() for spot in sample_spots(table, order[:SHOWN], by)],
        key="survey worst",
        columns={"picture": st.column_config.ImageColumn(width=72), **numbers},
        row_height=64,
        height="stretch",
        choose=choose_spot,
    )
    bad = int((~finite(table)).sum())
    no_number = (
        f" {bad:,} samples have a loss that is no number; they come first and are in no bar below."
        if bad
        else ""
    )
    where = {
        "total": "the slot that adds most to the loss",
        MISSED: "the missed object with the most loss",
        FALSE: "the surest false detection",
    }.get(by, f"the slot that adds most to {plain(by)}")
    st.caption(
        f"The {min(SHOWN, len(order)):,} worst of {len(order):,} samples, each with the loss of a "
        "batch of this one picture in inference mode. Missed: an object without "
        f"{FOUND_MEANS}. **Click a row to see the sample, at {where}.** "
        "Wrong: a few samples with most of the loss; look at their labels first." + no_number
    )


def samples_table(table: SurveyTable) -> pd.DataFrame:
    """One row a sample: total, terms, objects, missed objects, false detections."""
    samples = table.samples
    weighted = samples.terms * table.lambdas
    counts = pd.Series(table.objects.sample).value_counts()
    return pd.DataFrame(
        {
            "sample": samples.name,
            "total": samples.total,
            **{f"λ × {term}": weighted[:, k] for k, term in enumerate(table.term_names)},
            "objects": counts.reindex(range(len(samples.name)), fill_value=0).to_numpy(),
            MISSED: missed(table),
            FALSE: samples.false_detections,
        }
    )
