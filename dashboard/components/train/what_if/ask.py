"""From which checkpoint a fork begins, what differs in it, and the buttons that start one."""

from __future__ import annotations

import functools
import math

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import ask_for
from dashboard.state import checkpoints_folder
from yolo_core.jobs.launch import COMMAND
from yolo_core.runs.layout import RunFolder, new_run_name
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config
from yolo_core.training.forks import DEFAULT_STEPS
from yolo_core.training.launcher import start_training
from yolo_core.training.sweep import MOST_VALUES, start_sweep

NOT_FORKED = "fork not started"


def ask_fork(folder: RunFolder) -> None:
    """The form of a fork: nothing is drawn where the run has no checkpoint to begin with."""
    try:
        training = read_config(folder.config).training
        with RunStore.open(folder) as store:
            steps = [each.step for each in store.checkpoints() if each.step < training.steps]
    except ValueError as error:
        say(error)
        return
    if not steps:
        st.info(
            "A fork begins with a checkpoint before the last step, and there is none yet. "
            "**Checkpoint** above makes one of now.",
            icon=":material/save:",
        )
        return
    key = f"fork/{folder.name}/"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        step = st.selectbox(
            "From step", steps[::-1], format_func="{:,}".format, key=f"{key}step", width=140
        )
        count = st.number_input(
            "Steps",
            1,
            value=_upto_evaluation(step, training.evaluate_every),
            step=50,
            key=f"{key}{step}/steps",
            width=130,
            help="How many the fork makes; not more than the run's own schedule has. As it stands "
            "it ends where the run is evaluated, too.",
        )
    lambdas, rate = _ask_dials(folder, step, key)
    changed = {name: value for name, (was, value) in lambdas.items() if value != was}
    arguments = [option for n, v in changed.items() for option in ("--lambda", f"{n}={v!r}")]
    if rate[1] != rate[0]:
        arguments += ["--learning-rate", repr(rate[1])]
    options = st.text_input(
        "Loss options",
        key=f"{key}options",
        placeholder="ignore_threshold=0.5, a space between two",
        help="NAME=VALUE of the options that the loss takes, where they shall differ.",
    )
    for option in options.split():
        arguments += ["--option", option]
    nothing = "" if arguments else " It then repeats the run to the bit."
    if st.button(
        "Fork",
        icon=":material/call_split:",
        type="primary",
        key=f"{key}start",
        help="Trains it in a process of its own; the run itself stays as it is." + nothing,
    ):
        _start_fork(folder, ["--step", str(step), "--steps", str(count), *arguments])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Sweep", list(lambdas), key=f"{key}sweep", width=180)
        values = st.text_input(
            "over", key=f"{key}values", placeholder="5 50 500", width=220, disabled=not lambdas
        )
        if st.button(
            "Sweep",
            icon=":material/tune:",
            key=f"{key}start sweep",
            disabled=not lambdas,
            help=f"A fork for each value (at most {MOST_VALUES}), one after another.",
        ):
            _start_sweep(folder, name, values, int(step), int(count))


def _upto_evaluation(step: int, every: int) -> int:
    """About `DEFAULT_STEPS` steps, up to a step at which the run was or will be evaluated."""
    if every > 10 * DEFAULT_STEPS:
        return DEFAULT_STEPS
    return max(-(-(step + DEFAULT_STEPS) // every) * every - step, 1)


def _ask_dials(
    folder: RunFolder, step: int, key: str
) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """{term: (weight at that step, weight asked for)}, and the same of the learning rate."""
    with RunStore.open(folder) as store:
        rows = store.steps(first=max(step, 1), last=max(step, 1))
    now = {name: float(values[0]) for name, values in rows.items() if len(values)}
    weights = {
        name.removeprefix("lambda/"): value
        for name, value in now.items()
        if name.startswith("lambda/") and math.isfinite(value)
    }
    rate = now.get("learning_rate", math.nan)
    asked = {}
    places = st.columns(3)
    for at, (name, was) in enumerate(weights.items()):
        # Another checkpoint is another field: it begins with what held there.
        value = places[at % 3].number_input(
            plain(f"λ {name}"), 0.0, value=was, format="%g", key=f"{key}{step}/{name}"
        )
        asked[name] = (was, float(value))
    if not math.isfinite(rate):
        return asked, (0.0, 0.0)
    value = places[len(weights) % 3].number_input(
        "learning rate", 0.0, value=rate, format="%.4g", key=f"{key}{step}/rate"
    )
    return asked, (rate, float(value))


def _start_fork(folder: RunFolder, arguments: list[str]) -> None:
    name = new_run_name(checkpoints_folder(), f"{folder.name}-fork")

    def start() -> None:
        start_training(
            ["--run", name, *arguments],
            checkpoints_folder(),
            command=(*COMMAND, "fork", folder.name),
        )

    ask_for(f"**{plain(name)}**", start, say_under=NOT_FORKED)
    st.rerun()


def _start_sweep(folder: RunFolder, name: str, values: str, step: int, count: int) -> None:
    try:
        numbers = [float(each) for each in values.replace(",", " ").split()]
    except ValueError:
        say(f"A sweep takes numbers with spaces between them; received {values!r}.")
        return
    if not numbers:
        say("A sweep takes at least one value, such as 5 50 500.")
        return
    start = functools.partial(start_sweep, folder, name, numbers, step=step, steps=count)
    ask_for(f"a sweep of **{plain(name)}**", lambda: start() and None, say_under=NOT_FORKED)
    st.rerun()
