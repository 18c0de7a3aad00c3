"""The loss components of one sample by step, and of the whole run, with the shown step marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot
from dashboard.components.shared.run_curves import (
    markers,
    metric_curves,
    run_curves,
    term_curves,
)
from dashboard.components.shared.sample_picker import Choice, go_to_step
from dashboard.figures.colors import SHOWN_COLOR, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView

# What half a page has pixels for.
POINTS = 600
_CLICK = "The violet line is the shown step; click a point to go to the snapshot nearest to it."


def sample_curves(folder: RunFolder, choice: Choice, view: SampleView) -> None:
    """Shows every term by step, of the sample and of the run, with a mark at the shown step.

    A picture of a training batch was trained on once, so it has no curves of its own.
    """
    pinned = view.kind == "pinned"
    try:
        run = run_curves(folder, points=POINTS)
    except ValueError as error:
        say(error)
        run = None
    st.markdown("**Loss components by step**")
    log_y = st.toggle("Log axis", key="log", bind="query-params")
    places = iter(st.columns(2) * 2)
    shown = Marker(view.step, f"shown: step {view.step:,}", SHOWN_COLOR)

    def show(
        curves: Sequence[Curve], sentence: str, key: str, *, marks: Sequence[Marker] = (), **how
    ) -> None:
        figure = curve_figure(
            curves,
            markers=[*marks, shown],
            **{"log_y": log_y, "revision": f"{folder.name} {view.kind} {log_y}"} | how,
        )
        names = {curve.name for curve in curves}
        # On a line, not on a band behind it: those have no points to click.
        figure.for_each_trace(
            lambda trace: trace.update(customdata=[int(step) for step in trace.x]),
            selector=lambda trace: trace.name in names,
        )
        with next(places):
            plot(figure, key=key, alt=sentence, on_click=go_to_step)
            st.caption(plain(sentence))

    if pinned:
        show(
            history_curves(choice.history, weighted=True),
            f"Every term of {view.name} times its lambda, and the grey total, their sum, one point "
            f"a snapshot. {_CLICK} Wrong: a term that stays up while the others fall.",
            "sample curves True",
            y_title="loss",
        )
        show(
            history_curves(choice.history, weighted=False),
            f"The terms of {view.name} before their lambdas, one point a snapshot. Wrong: a term "
            "that stays up while the others fall.",
            "sample curves False",
            y_title="term",
        )
    if run is None:
        return
    marks = markers(run.events)
    whose = (
        "of the training batches"
        if pinned
        else "of the training batches, since this picture was trained on only once"
    )
    show(
        term_curves(run.curves, weighted=True),
        f"The run: every term times its lambda, and the grey total, their sum, {whose}. {_CLICK} "
        "Wrong: a marked step that stands out: look at its pictures.",
        "run curves True" if pinned else "sample curves True",
        y_title="loss",
        marks=marks,
    )
    if not pinned:
        show(
            term_curves(run.curves, weighted=False),
            f"The terms before their lambdas, {whose}. Wrong: a marked step that stands out: look "
            "at its pictures.",
            "sample curves False",
            y_title="term",
            marks=marks,
        )
    metrics = metric_curves(run.evaluations, run.curves)
    if not metrics:
        return
    show(
        metrics,
        "The run: average precision and recall on validation samples (points), recall of the "
        "training batches (lines); 1 is perfect. Wrong: mAP that falls while the loss falls.",
        "run metrics",
        y_title="share",
        marks=marks,
        log_y=False,
        y_range=(0.0, 1.02),
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
