"""What came of the forks of a run: their curves over its own, a table, and keep or discard."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import show_job
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_curves import (
    METRICS,
    TOTAL,
    curves_of,
    one_curve,
    relative,
    series_names,
)
from dashboard.components.shared.run_picker import RUN
from dashboard.components.train.what_if.surveys import show_both_surveys
from dashboard.figures.colors import RUN_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker, curve_figure
from dashboard.state import checkpoints_folder
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.training.answers import Answer, answer_of
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
        "Series",
        _series(folder, shown),
        key=f"fork/{folder.name}/series",
        width=220,
    )

    def draw() -> None:
        answers = _answers(shown)
        _curves(folder, shown, series, answers)
        _table(answers)

    poll(draw, every=2.0, goes_on=lambda: tuple(f.name for f in forks if read_status(f).is_live))
    for fork in shown:
        _buttons(fork)
    names = [("runs", each.name) for each in (folder, *shown[:4])]
    st.link_button(
        "Their predictions side by side",
        f"compare?{urlencode([('compare', 'trained runs'), *names])}",
        icon=":material/compare:",
        help="Of the run and the newest forks, on one picture, on the Compare page.",
    )
    show_both_surveys(folder, shown)


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


def _answers(forks: list[RunFolder]) -> list[Answer]:
    """What came of each; a damaged one is left out, and said to be so."""
    found = []
    for each in forks:
        try:
            found.append(answer_of(each))
        except ValueError as error:
            say(error)
    return found


def _series(folder: RunFolder, forks: list[RunFolder]) -> list[str]:
    """Terms first, unweighted. Totals under other lambdas are sums of other things."""
    runs = list(curves_of([folder, *forks], points=POINTS).values())
    names = series_names(runs)
    terms = [name for name in names if any(f"term/{name}" in run.curves.mean for run in runs)]
    rest = [name for name in names if name not in (*terms, TOTAL)]
    return [*terms, *rest, *(name for name in names if name == TOTAL)]


def _curves(folder: RunFolder, forks: list[RunFolder], series: str, answers: list[Answer]) -> None:
    # From a little before the first fork begins: of a long run it would be its last pixels.
    begins = {each.fork: each.begin for each in answers}
    longest = max((each.steps - each.begin for each in answers), default=0)
    first = max(min(begins.values(), default=0) - longest, 0)
    runs = curves_of([folder, *forks], points=POINTS, first=first)
    colors = {folder.name: TOTAL_COLOR}
    colors |= dict(zip((each.name for each in forks), RUN_COLORS, strict=False))
    curves, marks = [], []
    for name, run in runs.items():
        curve = one_curve(run, series)
        if curve is None or not len(curve.step):
            continue
        # Up to where it begins a fork is the run itself.
        later = curve.step >= begins.get(name, first)
        parts = {
            part: None if getattr(curve, part) is None else getattr(curve, part)[later]
            for part in ("step", "value", "low", "high")
        }
        if name in begins:
            marks.append(Marker(begins[name], f"{name} begins", colors[name]))
        curves.append(dataclasses.replace(curve, name=name, color=colors[name], **parts))
    figure = curve_figure(
        curves,
        y_title=series,
        markers=marks,
        smoothing=0.6,
        log_y=not any(curve.points for curve in curves),
        height=300,
        revision=f"{folder.name} {series} {first}",
    )
    plot_and_say(
        figure,
        f"{plain(series)} of the run and of its forks, on the same batches. The total of a fork "
        "with other lambdas is the sum of other things: hold terms and mAP against each other. "
        "Wrong: a fork that changes nothing and leaves the run's own line.",
        key=f"fork/{folder.name}/curves",
    )


def _table(answers: list[Answer]) -> None:
    rows = []
    for each in answers:
        row = {
            "fork": each.fork,
            "differs": ", ".join(each.differs) or "nothing",
            "state": str(each.state),
            "step": f"{each.step:,} of {each.steps:,}",
        }
        if "map50" in each.metrics:
            of_run, of_fork = each.metrics["map50"]
            row["mAP50"] = f"{of_fork:.3f}" + f" (run {of_run:.3f})" * math.isfinite(of_run)
        row |= {term: _change(*pair) for term, pair in each.terms.items()}
        rows.append(row)
    st.dataframe(pd.DataFrame(rows).fillna(""), hide_index=True, width="stretch")
    st.caption(
        "Each term, unweighted, as the mean of the last tenth of a fork, held against the run at "
        "the same steps: the same batches. Wrong: a term that got worse by more than others got "
        "better."
    )


def _change(of_run: float, of_fork: float) -> str:
    """Such as "-12 %"; the value itself where the run has none."""
    if math.isfinite(of_run) and of_run > 0:
        return f"{of_fork / of_run - 1:+.0%}"
    return f"{of_fork:.3g}"


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
