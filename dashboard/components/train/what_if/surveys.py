"""Both surveys side by side: the same samples by the weights of a run and of its fork."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import ask_for, is_asked_for, show_job
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.survey_files import cached_table
from dashboard.components.train.what_if.ask import NOT_FORKED
from dashboard.figures.pairs import pairs_figure
from yolo_core.evaluation.misses import MISS_WORDS
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder, list_surveys
from yolo_core.survey.launcher import start_survey
from yolo_core.survey.pairs import SurveyPair, pair_of
from yolo_core.survey.worker import MOST_SAMPLES
from yolo_core.training.config import read_config

SPLIT = "val"
LISTED = 8


def show_both_surveys(run: RunFolder, forks: Sequence[RunFolder]) -> None:
    """Asks for a fork, has both surveyed, and shows what differs.

    Args:
        run: The run.
        forks: Its forks, at least one.
    """
    st.markdown("**Both surveys side by side**")
    there = {each.name: each for each in forks}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Fork", list(there), key=f"fork/{run.name}/surveyed", width=260)
        fork = there[name]
        try:
            steps = _steps(run, fork)
        except ValueError as error:
            say(error)
            return
        missing = [pair for pair in zip((run, fork), steps, strict=True) if not _survey(*pair)]
        if missing:
            st.button(
                "Survey both",
                icon=":material/travel_explore:",
                key=f"fork/{run.name}/survey",
                on_click=_ask,
                args=(missing,),
                disabled=is_asked_for(),
                help=f"Looks at the validation samples by the weights of step {steps[0]:,} of the "
                f"run and of step {steps[1]:,} of the fork: processes of their own.",
            )
    found = [_survey(*pair) for pair in zip((run, fork), steps, strict=True)]
    one, other = found
    if one is None or other is None:
        st.caption(
            f"Not surveyed yet: step {steps[0]:,} of the run, step {steps[1]:,} of the fork, which "
            "are the nearest with weights."
        )
        return
    live = functools.partial(_live, (one, other))
    poll(_show, one, other, every=2.0, goes_on=live)


def _show(one: SurveyFolder, other: SurveyFolder) -> None:
    for each in (one, other):
        if _live((each,)):
            show_job(each.status, unit=f"samples of {plain(each.run.name)}")
    if _live((one, other)):
        return
    try:
        pair = pair_of(cached_table(one), cached_table(other))
    except ValueError as error:
        say(error)
        return
    left, right = st.columns(2, gap="medium")
    names = (f"{one.run.name}, step {one.step:,}", f"{other.run.name}, step {other.step:,}")
    with left:
        st.dataframe(_counts(pair, names), width="stretch", hide_index=True)
        st.caption(
            f"Of the same {len(pair.samples):,} {one.split} samples; terms are means, unweighted. "
            "Wrong: a term that fell while fewer objects are found."
        )
    with right:
        plot_and_say(
            pairs_figure(pair.samples, pair.loss, np.diff(pair.missed, axis=1)[:, 0], names),
            "A point a sample: its loss by the run and by the fork, both under the lambdas of the "
            "run. Below the line the fork is better. Green: it finds more of its objects; pink: "
            "fewer. Wrong: pink points above the line.",
            key=f"pairs/{other.run.name}",
        )
    st.dataframe(
        _changed(pair, (one, other)),
        hide_index=True,
        width="stretch",
        column_config={
            name: st.column_config.LinkColumn(name, display_text="Inspect")
            for name in ("by the run", "by the fork")
        },
    )
    st.caption("The samples that changed most: by objects missed, then by loss.")


def _counts(pair: SurveyPair, names: tuple[str, str]) -> pd.DataFrame:
    rows: list[tuple[str, str, str]] = [
        ("objects found", *(f"{each:,} of {pair.objects:,}" for each in pair.found)),
        *((MISS_WORDS[miss], *(f"{n:,}" for n in both)) for miss, both in pair.misses.items()),
        ("false detections", *(f"{each:,}" for each in pair.false_detections)),
        *((term, *(f"{each:.4g}" for each in both)) for term, both in pair.terms.items()),
    ]
    return pd.DataFrame(rows, columns=["", *names])


def _changed(pair: SurveyPair, folders: tuple[SurveyFolder, SurveyFolder]) -> pd.DataFrame:
    rows = []
    for at in pair.most_changed(LISTED).tolist():
        sample = str(pair.samples[at])
        links = [
            "inspect?"
            + urlencode(
                {"run": each.run.name, "kind": "survey", "sample": sample, "step": each.step}
            )
            for each in folders
        ]
        missed, loss = pair.missed[at], pair.loss[at]
        rows.append(
            {
                "sample": sample,
                "missed": f"{missed[0]} → {missed[1]}",
                "loss": f"{loss[0]:.4g} → {loss[1]:.4g}",
                "by the run": links[0],
                "by the fork": links[1],
            }
        )
    return pd.DataFrame(rows)


def _steps(run: RunFolder, fork: RunFolder) -> tuple[int, int]:
    """The last step of the fork that can be surveyed, and the step of the run nearest to it.

    Raises:
        ValueError: One of them has no weights, or cannot be read.
    """
    there = []
    for each in (run, fork):
        with RunStore.open(each) as store:
            steps = {record.step for record in store.checkpoints()}
        steps |= {survey.step for survey in list_surveys(each) if survey.split == SPLIT}
        if not steps:
            raise ValueError(f"Run {each.name!r} has no checkpoint, so it cannot be surveyed.")
        there.append(steps)
    last = max(there[1])
    return min(there[0], key=lambda step: (abs(step - last), step)), last


def _survey(run: RunFolder, step: int) -> SurveyFolder | None:
    return next((s for s in list_surveys(run) if (s.split, s.step) == (SPLIT, step)), None)


def _live(surveys: Sequence[SurveyFolder]) -> tuple[str, ...]:
    return tuple(each.run.name for each in surveys if read_job(each.status).is_live)


def _ask(missing: Sequence[tuple[RunFolder, int]]) -> None:
    def start() -> None:
        for run, step in missing:
            count = min(read_config(run.config).data.validation_scenes, MOST_SAMPLES)
            start_survey(run, split=SPLIT, count=count, step=step)

    ask_for("both surveys", start, say_under=NOT_FORKED)
