"""One series of several runs, each in its own colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_curves import (
    curves_of,
    markers,
    one_curve,
    relative,
    series_names,
)
from dashboard.figures.curves import curve_figure
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

POINTS = 600
STEPS, MINUTES = "steps", "minutes trained"
SERIES = UrlChoice("series")


def show_curves(shown: Mapping[str, str], folders: Mapping[str, RunFolder]) -> None:
    """The curves, drawn again while one of the runs trains.

    Args:
        shown: {name: colour}.
        folders: {name: folder}.
    """
    runs = [folders[name] for name in shown]
    names = series_names([*curves_of(runs, points=POINTS, tell=False).values()])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        series = SERIES.pick(st.selectbox, "Series", names, width=200)
        across = st.segmented_control(
            "Across",
            (STEPS, MINUTES),
            default=STEPS,
            required=True,
            key="across",
            bind="query-params",
            help="minutes trained: without pauses, and without the time between a stop and its "
            "resumption.",
        )
        by_first = st.toggle(
            "Relative to the first value",
            key="relative",
            bind="query-params",
            help="Losses of different sizes are best compared so.",
        )
        log_y = st.toggle("Log axis", key="log", bind="query-params")
        smoothing = st.slider("Smoothing", 0.0, 0.99, 0.6, 0.01, key="runs/smoothing", width=180)

    def draw() -> None:
        curves, missing, marks = [], [], []
        for name, run in curves_of(runs, points=POINTS).items():
            curve = one_curve(run, series)
            if curve is None or not len(curve.step):
                missing.append(name)
                continue
            curve = relative(curve) if by_first else curve
            changed = markers(run.events)
            if across == MINUTES:
                at = _minutes(folders[name], np.array([mark.step for mark in changed]))
                changed = [
                    dataclasses.replace(mark, step=float(minute))
                    for mark, minute in zip(changed, at, strict=True)
                    if np.isfinite(minute)
                ]
                step = _minutes(folders[name], curve.step)
                curve = dataclasses.replace(curve, step=step)
            curves.append(dataclasses.replace(curve, name=name, color=shown[name]))
            marks += [
                dataclasses.replace(each, color=shown[name], text=f"{name}, {each.text}")
                for each in changed
            ]
        figure = curve_figure(
            curves,
            y_title="relative to the first" if by_first else "value",
            **({} if across == STEPS else {"x_title": across, "x_hover": "%{x:.4~g} min"}),
            markers=marks,
            smoothing=smoothing,
            log_y=log_y,
            height=380,
            revision=f"{series} {across} {by_first} {log_y}",
        )
        none = f" Without it: {', '.join(missing)}." if missing else ""
        plot_and_say(
            figure,
            f"{plain(series)} of each ticked run by {across}. Totals of different losses or "
            "lambdas are sums of different things: hold mAP against mAP then. Wrong: a run that "
            f"differs from another one in the seed alone and ends far from it.{none}",
            key="runs/curves",
        )

    poll(draw, every=3.0, goes_on=lambda: any(read_status(each).is_live for each in runs))


def _minutes(folder: RunFolder, steps: np.ndarray) -> np.ndarray:
    """(n,) minutes that a run had trained for at these steps; NaN where that is not known."""
    try:
        with RunStore.open(folder) as store:
            return store.seconds_at(steps) / 60
    except ValueError as error:
        say(error)
        return np.full(len(steps), np.nan)
