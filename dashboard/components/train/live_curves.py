"""The curves of a run, drawn again while rows come in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.open_sample import ask_for, rerun_if_asked
from dashboard.components.shared.plot import plot
from dashboard.components.shared.run_curves import (
    RunCurves,
    curves_of,
    markers,
    metric_curves,
    relative,
    run_curves,
    term_curves,
)
from dashboard.components.train.open_inspect import spot
from dashboard.figures.colors import TOTAL_COLOR
from dashboard.figures.curves import Curve, curve_figure
from dashboard.figures.places import short
from dashboard.state import checkpoints_folder
from yolo_core.jobs.status import LIVE_STATES
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.status import read_status

# A run of the default length is drawn as it was recorded, a longer one from buckets.
POINTS = 1500
CLICK = "A click opens Inspect at the snapshot that is nearest to that step."
WINDOW = 0.36
"""What the charts take of the window's height."""
LOG, RELATIVE, LINEAR = "log", "to its start", "linear"
WINDOWS = {"all": None, "last 1,000": 1000, "last 100": 100}


def live_curves(folder: RunFolder, beside: Mapping[str, str]) -> None:
    """Shows every term unweighted and weighted, the total, and the validation metrics by step.

    Args:
        folder: The run.
        beside: {name: plotly's line style} of other runs that are drawn beside it.
    """
    rerun_if_asked()
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
        "meta": {"window": WINDOW, "linked": f"{folder.name} {window}"},
        "revision": f"{folder.name} {scale} {window}",
    }
    others = [find_run(checkpoints_folder(), name) for name in beside]
    drawn = _Drawn(
        folder.name,
        scale,
        shared,
        beside,
        curves_of(others, points=POINTS, first=run.first),
        live=(again, *beside) if state in LIVE_STATES else None,
    )
    with st.container(key="curves"):
        left, middle, right = st.columns(3, gap="small")
    with left:
        drawn.chart(
            "Unweighted: the terms",
            "The terms before their lambdas: what the network still gets wrong. Wrong: a term that "
            "rises after its lambda was left alone, or one that is zero from the first step on.",
            lambda each: term_curves(each.curves, weighted=False),
            run,
            y_title=_title("term", scale),
            key="curves/terms",
        )
    with middle:
        words = (
            "Every term times the lambda that it has now, and the grey total that would have been."
            if again
            else "What the optimizer sees: every term times its lambda, and the grey total, their "
            "sum. Where a lambda was changed, the total on both sides of it is the sum of other "
            "things."
        )
        drawn.chart(
            "Weighted: λ × term, and the total",
            f"{words} Wrong: one term far above the others, which then hardly count, or a total "
            "that rises.",
            lambda each: term_curves(each.curves, weighted=True, now=again),
            run,
            y_title=_title("λ × term", scale),
            key="curves/weighted",
        )
    with right:
        drawn.chart(
            "Validation",
            "Average precision and recall on validation samples (points), and the recall of the "
            "training batches (lines); 1 is perfect. Wrong: mAP that falls while the loss falls, "
            "or that stays at 0 after some hundred steps.",
            _metrics,
            run,
            y_title="share",
            y_range=(0.0, 1.02),
            log_y=False,
            key="curves/metrics",
        )


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """What the three charts have in common.

    Attributes:
        name: The run.
        scale: Of the terms.
        settings: What `curve_figure` is told in each.
        beside: {name: line style} of the other runs.
        others: {name: curves} of those that can be read.
        live: Of a run that goes on, what else was chosen.
    """

    name: str
    scale: str
    settings: dict[str, Any]
    beside: Mapping[str, str]
    others: Mapping[str, RunCurves]
    live: tuple[object, ...] | None

    def chart(
        self,
        title: str,
        sentence: str,
        of: Callable[[RunCurves], list[Curve]],
        run: RunCurves,
        *,
        key: str,
        **how: Any,
    ) -> None:
        """A title that says more when asked, and the curves of all runs."""
        share = self.scale == RELATIVE and "y_range" not in how
        curves = [relative(each) if share else each for each in of(run)]
        for name, other in self.others.items():
            dash = self.beside[name]
            # What is dashed already could not be told from what is so because it is another run's.
            for each in of(other):
                if each.dash == "solid":
                    each = relative(each) if share else each
                    curves.append(
                        dataclasses.replace(
                            each, name=f"{each.name}, {short(name)}", dash=dash, beside=each.name
                        )
                    )
            # In the legend alone.
            curves.append(
                Curve(
                    short(name), other.curves.step[:1], np.array([np.nan]), TOTAL_COLOR, dash=dash
                )
            )
        st.markdown(f"**{title}**", help=f"{sentence} {CLICK}")
        plot(
            curve_figure(curves, **self.settings | how),
            key=key,
            alt=sentence,
            on_click=lambda step: ask_for(spot(self.name, step=step)),
            live=self.live and (*self.live, self.settings, sorted(how.items())),
        )


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


def _metrics(run: RunCurves) -> list[Curve]:
    """The validation metrics, on an axis of their own from 0 to 1."""
    evaluations = run.evaluations
    if run.first is not None and evaluations:
        kept = evaluations["step"] >= run.first
        evaluations = {name: values[kept] for name, values in evaluations.items()}
    return metric_curves(evaluations, run.curves)
