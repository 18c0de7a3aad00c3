"""The loss components of one sample by step."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.errors import plain, say
from dashboard.components.live_curves import term_curves
from dashboard.components.plot import plot
from dashboard.components.sample_picker import Choice
from dashboard.figures.colors import TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView
from yolo_core.runs.store import RunStore


def sample_curves(folder: RunFolder, choice: Choice, view: SampleView) -> None:
    """Shows every term by step, weighted and unweighted, with a mark at the shown step.

    A picture of a training batch was trained on once, so there it is the curves of the training.
    """
    st.markdown("**Loss components by step**")
    log_y = st.toggle("Log axis", key="log", bind="query-params")
    left, right = st.columns(2)
    sentences = {
        True: "Every term times its lambda, and the grey total, their sum",
        False: "The terms before their lambdas",
    }
    for place, weighted in ((left, True), (right, False)):
        if view.kind == "pinned":
            curves = history_curves(choice.history, weighted=weighted)
            whose = f"of {view.name}, one point a snapshot"
            wrong = "a term that stays up while the others fall"
        else:
            curves = _training_curves(folder, weighted=weighted)
            whose = "of the training batches, since this picture was trained on only once"
            wrong = "a marked step that stands out: look at its pictures"
        figure = curve_figure(
            curves,
            y_title="loss" if weighted else "term",
            markers=[Marker(view.step, f"shown: step {view.step:,}")],
            log_y=log_y,
            revision=f"{folder.name} {view.kind} {log_y}",
        )
        with place:
            plot(figure, key=f"sample curves {weighted}", alt=f"{sentences[weighted]} {whose}.")
            st.caption(
                f"{sentences[weighted]}, {plain(whose)}; the dotted line is the shown step. "
                f"Wrong: {wrong}."
            )


def history_curves(history: list[SnapshotRecord], *, weighted: bool) -> list[Curve]:
    """A curve a term, from the snapshot records of one sample; with the total where weighted."""
    step = np.array([record.step for record in history], np.int64)
    found = []
    if weighted:
        total = np.array([record.total for record in history])
        found.append(Curve("total", step, total, TOTAL_COLOR, points=True))
    for term in history[-1].terms:
        value = np.array(
            [
                record.terms.get(term, np.nan)
                * (record.lambdas.get(term, np.nan) if weighted else 1.0)
                for record in history
            ]
        )
        name = f"λ × {term}" if weighted else term
        found.append(Curve(name, step, value, color_of(term), points=True))
    return found


def _training_curves(folder: RunFolder, *, weighted: bool) -> list[Curve]:
    try:
        with RunStore.open(folder) as store:
            return term_curves(store.curves(), weighted=weighted)
    except ValueError as error:
        say(error)
        return []
