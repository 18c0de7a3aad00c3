"""What is to be evaluated, the button that starts it, which one is shown, and how it goes."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.empty import no_checkpoint, no_network
from dashboard.components.shared.errors import say
from dashboard.components.shared.jobs import ask_for, is_asked_for, pick_shown, show_job
from yolo_core.evaluation.job.folder import EvaluationFolder, list_evaluations
from yolo_core.evaluation.job.launcher import start_evaluation
from yolo_core.runs.checkpoints import BEST, LAST, best_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.split_folder import SPLITS
from yolo_core.runs.store import RunStore

# Not bound: which evaluations there are differs from run to run.
SHOWN = UrlChoice("evaluation", bound=False)
NOT_STARTED = "evaluation not started"


def start_form(run: RunFolder) -> int | str | None:
    """Asks for split and checkpoint; says why nothing can be started where it cannot.

    Returns:
        The weights that are chosen, as `find_checkpoint` takes them; None where there are none.
    """
    if no_network(run):
        return None
    try:
        with RunStore.open(run) as store:
            steps = [each.step for each in store.checkpoints()]
            best = best_checkpoint(store)
    except ValueError as error:
        say(error)
        return None
    if not steps:
        no_checkpoint(run, "samples", "at its start, and then every few hundred steps.")
        return None
    split_place, step_place, button_place = st.columns([2, 3, 3], vertical_alignment="bottom")
    with split_place:
        # A script's run keeps samples to be looked at, which are its "val".
        default = "val" if run.is_recorded else "test"
        split_key = f"evaluate split {default}"
        st.segmented_control("Samples of", SPLITS, default=default, key=split_key, required=True)
    names = {} if best is None else {BEST: f"best by validation mAP50: step {best.step:,}"}
    names |= {LAST: "last"} | {str(step): f"step {step:,}" for step in reversed(steps)}
    step_key = f"evaluate {run.name}"
    with step_place:
        step = st.selectbox("Weights of", list(names), format_func=names.__getitem__, key=step_key)
    with button_place:
        st.button(
            "Start evaluation",
            icon=":material/fact_check:",
            type="primary",
            on_click=_ask,
            args=(run, split_key, step_key),
            disabled=is_asked_for(),
            help="Looks at every sample of the split in inference mode. A process of its own does "
            "it: the page can be closed, and a training goes on meanwhile.",
        )
    return _weights(step)


def pick_evaluation(run: RunFolder) -> EvaluationFolder | None:
    """The evaluation that is shown, chosen among those that there are; None without one."""
    return pick_shown(SHOWN, list_evaluations(run))


def show_progress(folder: EvaluationFolder) -> None:
    """How far an evaluation is, or how it ended."""
    show_job(
        folder.status,
        unit="samples",
        stop_help="Ends it; nothing of it is kept, and an earlier one of this step stays.",
    )


def _weights(step: str) -> int | str:
    return step if step in (BEST, LAST) else int(step)


def _ask(run: RunFolder, split_key: str, step_key: str) -> None:
    """Asks for what the fields hold at the press, which may not have been drawn yet."""
    split = st.session_state[split_key]
    start = functools.partial(_start, run, split, _weights(st.session_state[step_key]))
    ask_for(f"the evaluation of {split}", start, say_under=NOT_STARTED)


def _start(run: RunFolder, split: str, step: int | str) -> None:
    started = start_evaluation(run, split=split, step=step)
    if started is not None:
        SHOWN.then(started.name)
