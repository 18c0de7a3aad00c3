"""The curves of a run, drawn again while rows come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dashboard.components.errors import say
from dashboard.components.plot import plot
from dashboard.figures.colors import TERM_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure
from yolo_core.runs.curves import Curves
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.status import LIVE_STATES, RunState, read_status
from yolo_core.runs.store import RunStore

# A run of the default length is drawn as it was recorded, a longer one from buckets.
POINTS = 1500
WINDOWS = {"all": None, "last 1,000": 1000, "last 100": 100}
METRICS = {
    "map50": ("mAP50", "#0f8f7f", "solid"),
    "map50_95": ("mAP50-95", "#0f8f7f", "dash"),
    "recall": ("recall", "#998811", "solid"),
    "recall_current": ("recall of the batch", "#998811", "dot"),
    "recall_average": ("recall of the batch, averaged", "#998811", "dash"),
}


def live_curves(folder: RunFolder, *, polling: bool) -> None:
    """Shows every term unweighted and weighted, the total, and the validation metrics by step.

    Args:
        folder: The run.
        polling: Whether to look for new rows every two seconds.
    """
    st.fragment(_live_curves, run_every=2.0 if polling else None)(folder)


def markers(events: Sequence[Event]) -> list[Marker]:
    """What is marked on the curves: changes of lambdas and learning rate, resumptions, failures."""
    found = []
    for event in events:
        detail = event.detail
        if event.kind in ("set-lambda", "set-learning-rate"):
            lambda_name = detail.get("name")
            name = f"λ {lambda_name}" if lambda_name else "learning rate"
            text = f"{name} {_number(detail.get('before'))} → {_number(detail.get('value'))}"
            color = color_of(lambda_name) if lambda_name in TERM_COLORS else TOTAL_COLOR
        elif event.kind in ("resumed", "failed"):
            text, color = event.kind, TOTAL_COLOR
        else:
            continue
        found.append(Marker(event.step, f"step {event.step:,}: {text}", color))
    return found


def term_curves(curves: Curves, *, weighted: bool) -> list[Curve]:
    """A curve a loss term, and the total where they are weighted.

    Args:
        curves: What the run recorded, with columns "term/...", "lambda/..." and "total".
        weighted: Multiply every term with its lambda. Where a point stands for several steps, the
            mean lambda is taken: exact unless the lambda was changed within them.
    """
    found = []
    if weighted and "total" in curves.mean:
        found.append(_curve(curves, "total", "total", TOTAL_COLOR, 1.0))
    for column in curves.mean:
        if column.startswith("term/"):
            term = column.removeprefix("term/")
            factor = curves.mean.get(f"lambda/{term}", 1.0) if weighted else 1.0
            found.append(_curve(curves, column, term, color_of(term), factor))
    return found


def metric_curves(evaluations: Mapping[str, np.ndarray], curves: Curves) -> list[Curve]:
    """Validation metrics as points with lines, and the recall of the training batches."""
    found = []
    for metric, (name, color, dash) in METRICS.items():
        if metric in evaluations:
            values = evaluations[metric]
            found.append(Curve(name, evaluations["step"], values, color, dash=dash, points=True))
        elif metric in curves.mean:
            found.append(Curve(name, curves.step, curves.mean[metric], color, dash=dash))
    return found


def _curve(curves: Curves, column: str, name: str, color: str, factor: np.ndarray | float) -> Curve:
    band = {}
    if curves.bucket > 1:
        band = {"low": curves.low[column] * factor, "high": curves.high[column] * factor}
    return Curve(name, curves.step, curves.mean[column] * factor, color, **band)


def _live_curves(folder: RunFolder) -> None:
    smoothing, log_y, window = _settings()
    state = read_status(folder).state
    try:
        with RunStore.open(folder) as store:
            last = store.last_step()
            first = None if last is None or window is None else int(last["step"]) - window + 1
            curves = store.curves(first=first, points=POINTS)
            evaluations, events = store.evaluations(), store.events()
    except ValueError as error:
        # The database of a run that is starting is not there at once.
        if state is not RunState.STARTING:
            say(error)
            return
        last = None
    if last is None:
        live = "No steps yet: the curves begin with the first one."
        st.info(live if state in LIVE_STATES else "This run has no steps.")
        return
    # A resumed training has changes on record that it has yet to reach again.
    marked = [m for m in markers(events) if (first or 0) <= m.step <= last["step"] + 1]
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
        _show(
            figure,
            "curves/weighted",
            "What the optimizer sees: every term times its lambda, and the grey total, their sum. "
            "Wrong: one term far above the others, which then hardly count, or a total that rises.",
        )
    with right:
        st.markdown("**Unweighted: the terms**")
        figure = curve_figure(term_curves(curves, weighted=False), y_title="term", **shared)
        _show(
            figure,
            "curves/terms",
            "The terms before their lambdas: what the network still gets wrong. Wrong: a term that "
            "rises after its lambda was left alone, or one that is zero from the first step on.",
        )
    _metrics(evaluations, curves, shared, first)


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


def _metrics(
    evaluations: Mapping[str, np.ndarray], curves: Curves, shared: dict, first: int | None
) -> None:
    """The validation metrics, on an axis of their own from 0 to 1."""
    if first is not None and evaluations:
        kept = evaluations["step"] >= first
        evaluations = {name: values[kept] for name, values in evaluations.items()}
    st.markdown("**Validation**")
    settings = shared | {"log_y": False}
    found = metric_curves(evaluations, curves)
    _show(
        curve_figure(found, y_title="share", y_range=(0.0, 1.02), height=260, **settings),
        "curves/metrics",
        "Average precision and recall on validation scenes (points), and the recall of the "
        "training batches (lines); 1 is perfect. Wrong: mAP that falls while the loss falls, or "
        "that stays at 0 after some hundred steps.",
    )


def _show(figure: go.Figure, key: str, sentence: str) -> None:
    """A figure, and under it what it shows and what would be wrong with it."""
    plot(figure, key=key, alt=sentence)
    st.caption(sentence)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else "?"
