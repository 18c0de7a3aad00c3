"""The curves of a run, drawn again while rows come in."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.run_curves import (
    RunCurves,
    markers,
    metric_curves,
    run_curves,
    term_curves,
)
from dashboard.figures.curves import curve_figure
from yolo_core.jobs.status import LIVE_STATES
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status

# A run of the default length is drawn as it was recorded, a longer one from buckets.
POINTS = 1500
WINDOWS = {"all": None, "last 1,000": 1000, "last 100": 100}


def live_curves(folder: RunFolder) -> None:
    """Shows every term unweighted and weighted, the total, and the validation metrics by step."""
    smoothing, log_y, window = _settings()
    state = read_status(folder).state
    try:
        run = run_curves(folder, points=POINTS, window=window)
    except ValueError as error:
        say(error)
        return
    if run.last is None:
        live = "No steps yet: the curves begin with the first one."
        st.info(live if state in LIVE_STATES else "This run has no steps.")
        return
    # A resumed training has changes on record that it has yet to reach again.
    first, last, curves = run.first or 0, run.last["step"], run.curves
    marked = [m for m in markers(run.events) if first <= m.step <= last + 1]
    shared = {
        "markers": marked,
        "smoothing": smoothing,
        "log_y": log_y,
        "revision": f"{folder.name} {log_y} {window}",
    }
    left, right = st.columns(2)
    with left:
        st.markdown("**Weighted: λ × term, and the total**")
        figure = curve_figure(term_curves(curves, weighted=True), y_title="λ × term", **shared)
        plot_and_say(
            figure,
            "What the optimizer sees: every term times its lambda, and the grey total, their sum. "
            "Wrong: one term far above the others, which then hardly count, or a total that rises.",
            key="curves/weighted",
        )
    with right:
        st.markdown("**Unweighted: the terms**")
        figure = curve_figure(term_curves(curves, weighted=False), y_title="term", **shared)
        plot_and_say(
            figure,
            "The terms before their lambdas: what the network still gets wrong. Wrong: a term that "
            "rises after its lambda was left alone, or one that is zero from the first step on.",
            key="curves/terms",
        )
    _metrics(run, shared)


def _settings() -> tuple[float, bool, int | None]:
    """Asks how the curves are drawn: smoothing weight, log axis, and how many steps back."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.99,
            0.6,
            0.01,
            key="curves/smoothing",
            width=260,
            help="Weight of the past in a moving average; 0 draws the steps as they are.",
        )
        window = st.segmented_control("Steps", list(WINDOWS), default="all", key="curves/window")
        log_y = st.toggle("Log axis", key="curves/log")
    return smoothing, log_y, WINDOWS[window or "all"]


def _metrics(run: RunCurves, shared: dict) -> None:
    """The validation metrics, on an axis of their own from 0 to 1."""
    evaluations = run.evaluations
    if run.first is not None and evaluations:
        kept = evaluations["step"] >= run.first
        evaluations = {name: values[kept] for name, values in evaluations.items()}
    st.markdown("**Validation**")
    settings = shared | {"log_y": False}
    found = metric_curves(evaluations, run.curves)
    plot_and_say(
        curve_figure(found, y_title="share", y_range=(0.0, 1.02), height=260, **settings),
        "Average precision and recall on validation samples (points), and the recall of the "
        "training batches (lines); 1 is perfect. Wrong: mAP that falls while the loss falls, or "
        "that stays at 0 after some hundred steps.",
        key="curves/metrics",
    )
