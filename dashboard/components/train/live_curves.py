"""The curves of a run, drawn again while rows come in."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.plot import plot
from dashboard.components.shared.run_curves import (
    RunCurves,
    markers,
    metric_curves,
    relative,
    run_curves,
    term_curves,
)
from dashboard.figures.curves import Curve, curve_figure
from yolo_core.jobs.status import LIVE_STATES
from yolo_core.runs.curves import Curves
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status

# A run of the default length is drawn as it was recorded, a longer one from buckets.
POINTS = 1500
WINDOW = 0.36
"""What the charts take of the window's height."""
LOG, RELATIVE, LINEAR = "log", "to its start", "linear"
WINDOWS = {"all": None, "last 1,000": 1000, "last 100": 100}


def live_curves(folder: RunFolder) -> None:
    """Shows every term unweighted and weighted, the total, and the validation metrics by step."""
    smoothing, scale, window, again = _settings()
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
    first, last = run.first or 0, run.last["step"]
    marked = [m for m in markers(run.events) if first <= m.step <= last + 1]
    shared = {
        "markers": marked,
        "smoothing": smoothing,
        "log_y": scale != LINEAR,
        "meta": {"window": WINDOW},
        "revision": f"{folder.name} {scale} {window}",
    }
    with st.container(key="curves"):
        left, middle, right = st.columns(3, gap="small")
    with left:
        _terms(run.curves, scale, shared)
    with middle:
        _weighted(run.curves, scale, shared, again=again)
    with right:
        _metrics(run, shared)


def _chart(title: str, sentence: str, curves: list[Curve], *, key: str, **how: Any) -> None:
    """A title that says more when asked, and the curves."""
    st.markdown(f"**{title}**", help=sentence)
    plot(curve_figure(curves, **how), key=key, alt=sentence)


def _terms(curves: Curves, scale: str, shared: dict[str, Any]) -> None:
    _chart(
        "Unweighted: the terms",
        "The terms before their lambdas: what the network still gets wrong. Wrong: a term that "
        "rises after its lambda was left alone, or one that is zero from the first step on.",
        [_scaled(each, scale) for each in term_curves(curves, weighted=False)],
        y_title=_title("term", scale),
        key="curves/terms",
        **shared,
    )


def _weighted(curves: Curves, scale: str, shared: dict[str, Any], *, again: bool) -> None:
    words = (
        "Every term times the lambda that it has now, and the grey total that would have been."
        if again
        else "What the optimizer sees: every term times its lambda, and the grey total, their sum. "
        "Where a lambda was changed, the total on both sides of it is the sum of other things."
    )
    _chart(
        "Weighted: λ × term, and the total",
        f"{words} Wrong: one term far above the others, which then hardly count, or a total that "
        "rises.",
        [_scaled(each, scale) for each in term_curves(curves, weighted=True, now=again)],
        y_title=_title("λ × term", scale),
        key="curves/weighted",
        **shared,
    )


def _scaled(curve: Curve, scale: str) -> Curve:
    return relative(curve) if scale == RELATIVE else curve


def _title(of: str, scale: str) -> str:
    return f"{of}, share of its start" if scale == RELATIVE else of


def _settings() -> tuple[float, str, int | None, bool]:
    """Asks how the curves are drawn.

    Returns:
        Smoothing weight, scale, how many steps back, whether the lambdas of now weight all steps.
    """
    with st.container(
        key="curve-settings", horizontal=True, vertical_alignment="center", gap="small"
    ):
        again = st.toggle(
            "Lambdas of now",
            key="curves/now",
            help="Weights all of the history with the lambdas of the last step, so that the total "
            "before and after a change is the sum of the same things.",
        )
        scale = st.segmented_control(
            "Scale",
            (LOG, RELATIVE, LINEAR),
            default=LOG,
            required=True,
            key="curves/scale",
            help="log shows every term however small; to its start, each begins at 1.",
        )
        window = st.segmented_control("Steps", list(WINDOWS), default="all", key="curves/window")
        smoothing = st.slider(
            "Smoothing",
            0.0,
            0.99,
            0.6,
            0.01,
            key="curves/smoothing",
            format="smoothing %.2f",
            width=130,
        )
    return smoothing, scale or LOG, WINDOWS[window or "all"], again


def _metrics(run: RunCurves, shared: dict[str, Any]) -> None:
    """The validation metrics, on an axis of their own from 0 to 1."""
    evaluations = run.evaluations
    if run.first is not None and evaluations:
        kept = evaluations["step"] >= run.first
        evaluations = {name: values[kept] for name, values in evaluations.items()}
    _chart(
        "Validation",
        "Average precision and recall on validation samples (points), and the recall of the "
        "training batches (lines); 1 is perfect. Wrong: mAP that falls while the loss falls, or "
        "that stays at 0 after some hundred steps.",
        metric_curves(evaluations, run.curves),
        y_title="share",
        y_range=(0.0, 1.02),
        key="curves/metrics",
        **shared | {"log_y": False},
    )
