"""What came of the forks of a run: their curves over its own, a table, and keep or discard."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.cache import cached_overview
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import show_job
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_curves import (
    METRICS,
    curves_of,
    one_curve,
    relative,
    series_names,
)
from dashboard.components.shared.run_picker import RUN
from dashboard.figures.colors import RUN_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure
from dashboard.state import checkpoints_folder
from yolo_core.jobs.status import read_job
from yolo_core.runs.changes import DIALS, changes_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config
from yolo_core.training.forks import discard_fork, forks_of, keep_fork
from yolo_core.training.sweep import list_sweeps, outcomes, read_plan

POINTS = 600
_NOT_DONE, _DONE = "fork not kept", "fork kept"


def show_forks(folder: RunFolder) -> None:
    """Everything about the forks of a run; drawn again while one of them trains."""
    if said := st.session_state.pop(_DONE, None):
        st.success(plain(said), icon=":material/check:")
    if problem := st.session_state.pop(_NOT_DONE, None):
        say(problem)
    forks = forks_of(checkpoints_folder(), folder.name)
    if not forks:
        st.caption("This run has no forks yet.")
        return
    shown = forks[: len(RUN_COLORS)]
    series = st.selectbox(
        "Series", _series(folder, shown), key=f"fork/{folder.name}/series", width=220
    )

    def draw() -> None:
        _curves(folder, shown, series)
        _table(shown)

    poll(draw, every=2.0, goes_on=lambda: any(read_status(each).is_live for each in forks))
    for fork in shown:
        _buttons(fork)
    names = [("runs", each.name) for each in (folder, *shown[:4])]
    st.link_button(
        "Their predictions side by side",
        f"compare?{urlencode([('compare', 'trained runs'), *names])}",
        icon=":material/compare:",
        help="Of the run and the newest forks, on one picture, on the Compare page.",
    )


def show_sweeps(folder: RunFolder) -> None:
    """What each value of the last sweep came to, as a picture and a table."""
    sweeps = list_sweeps(folder)
    if not sweeps:
        return
    last = sweeps[0]
    try:
        plan = read_plan(last)
    except ValueError as error:
        say(error)
        return
    st.markdown(
        f"**{plain(f'Sweep of {plan.name} from step {plan.step:,}, {plan.steps:,} steps each')}**"
    )

    def draw() -> None:
        show_job(last.status, unit="values", stop_help="Ends the fork that trains, and the sweep.")
        found = sorted(outcomes(last), key=lambda each: each.value)
        values = np.array([each.value for each in found])
        scores = [each.metrics.get("map50", np.nan) for each in found]
        name, color, _ = METRICS["map50"]
        curves = [Curve(name, values, np.array(scores), color, points=True)]
        for term in next((each.terms for each in found if each.terms), ()):
            means = np.array([each.terms.get(term, np.nan) for each in found])
            curve = Curve(term, values, means, color_of(term), dash="dot", points=True)
            curves.append(relative(curve))
        figure = curve_figure(
            curves,
            y_title="share",
            x_title=f"λ {plan.name}",
            x_hover="%{x:.4~g}",
            log_x=bool((values > 0).all()),
            height=280,
        )
        plot_and_say(
            figure,
            f"What each value of {plan.name} came to: mAP50 of its last evaluation, and each "
            "term, unweighted, as the mean of its last tenth of steps relative to the first value. "
            "Wrong: a term that falls only because its own lambda hides the others.",
            key=f"sweep/{folder.name}",
        )

    poll(draw, every=2.0, goes_on=lambda: read_job(last.status).is_live)


def _series(folder: RunFolder, forks: list[RunFolder]) -> list[str]:
    names = series_names(list(curves_of([folder, *forks], points=POINTS).values()))
    # Totals under other lambdas are sums of other things.
    return [name for name in names if name != "total"] + [n for n in names if n == "total"]


def _curves(folder: RunFolder, forks: list[RunFolder], series: str) -> None:
    runs = curves_of([folder, *forks], points=POINTS)
    colors = {folder.name: TOTAL_COLOR}
    colors |= dict(zip((each.name for each in forks), RUN_COLORS, strict=False))
    curves, marks = [], []
    for name, run in runs.items():
        curve = one_curve(run, series)
        if curve is None or not len(curve.step):
            continue
        started = next((e for e in run.events if e.kind == "forked"), None)
        if started is not None and name != folder.name:
            # Up to there it is the run itself.
            later = curve.step >= started.step
            parts = {
                part: None if getattr(curve, part) is None else getattr(curve, part)[later]
                for part in ("step", "value", "low", "high")
            }
            curve = dataclasses.replace(curve, **parts)
            marks.append(Marker(started.step, f"{name} begins", colors[name]))
        curves.append(dataclasses.replace(curve, name=name, color=colors[name]))
    figure = curve_figure(
        curves,
        y_title=series,
        markers=marks,
        smoothing=0.6,
        log_y=not any(curve.points for curve in curves),
        height=300,
        revision=f"{folder.name} {series}",
    )
    plot_and_say(
        figure,
        f"{plain(series)} of the run and of its forks, on the same batches. The total of a fork "
        "with other lambdas is the sum of other things: hold terms and mAP against each other. "
        "Wrong: a fork that changes nothing and leaves the run's own line.",
        key=f"fork/{folder.name}/curves",
    )


def _table(forks: list[RunFolder]) -> None:
    rows = []
    for each in forks:
        found = cached_overview(each)
        rows.append(
            {
                "fork": each.name,
                "differs": _differs(each) or "nothing",
                "state": str(found.status.state),
                "step": f"{found.status.step:,} of {found.status.steps or 0:,}",
                "mAP50": "" if found.map50 is None else f"{found.map50:.3f}",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _differs(fork: RunFolder) -> str:
    """What a fork changed, such as "no_object 50 to 1,000 at step 2,001"."""
    try:
        with RunStore.open(fork) as store:
            found = [c for c in changes_of(store.events()) if c.by == "fork" and c.kind in DIALS]
        options = read_config(fork.config).loss.options
    except ValueError as error:
        return str(error)
    said = [
        f"{c.dial} {'' if c.old is None else f'{c.old:,g} '}to {c.new:,g}"
        for c in found
        if c.new is not None
    ]
    return ", ".join([*said, *(f"{name}={value}" for name, value in options.items())])


def _buttons(fork: RunFolder) -> None:
    live = read_status(fork).is_live
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(fork.name), width=260)
        st.button(
            "Open", icon=":material/open_in_new:", key=f"open {fork.name}", on_click=RUN.then,
            args=(fork.name,), help="Shows it on this page, like any other run.",
        )  # fmt: skip
        st.button(
            "Keep", icon=":material/check:", key=f"keep {fork.name}", disabled=live,
            on_click=_act, args=(fork.name, _keep),
            help="Takes the place of its run, which is kept under another name; resume goes on.",
        )  # fmt: skip
        st.button(
            "Discard", icon=":material/delete:", key=f"discard {fork.name}", disabled=live,
            on_click=_act, args=(fork.name, _discard),
            help="Deletes the fork. The run stays as it is.",
        )  # fmt: skip


def _keep(name: str) -> str:
    run, before = keep_fork(checkpoints_folder(), name)
    RUN.then(run.name)
    was = f"; as it was before it is {before.name}" if before else ""
    return f"{name} is now {run.name}{was}."


def _discard(name: str) -> str:
    discard_fork(checkpoints_folder(), name)
    return f"{name} is discarded."


def _act(name: str, what: Callable[[str], str]) -> None:
    try:
        st.session_state[_DONE] = what(name)
    except ValueError as error:
        st.session_state[_NOT_DONE] = str(error)
