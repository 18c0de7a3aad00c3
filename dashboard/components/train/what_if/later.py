"""A value for a later step, or a schedule: asked for beside its dial, and drawn beforehand."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.run_commands import send
from dashboard.figures.colors import color_of
from dashboard.figures.curves import Curve, curve_figure
from yolo_core.runs.layout import RunFolder
from yolo_core.training.schedule import DialSchedule

AT_ONCE, SHAPES = "set", ("linear", "cosine", "steps", "warm-up")
LATER = 500


class Dialled(Protocol):
    """What is asked about: a dial of a live run, see `dials.Dial`."""

    name: str
    value: float
    now: float
    next_step: int

    @property
    def event_name(self) -> str:
        """What commands call it."""
        ...

    def arguments(self, value: float) -> tuple[str, dict[str, Any]]:
        """The command that sets it, and the command's arguments."""
        ...


def ask_later(folder: RunFolder, dial: Dialled, key: str) -> None:
    """A button beside a dial that opens the question.

    What is in it is made when it is opened, not with every look at the run: a dial has one each.

    Args:
        folder: The run.
        dial: What it is about.
        key: Beginning of the keys.
    """
    # It is closed by another one in its place: closed by its state, it would be opened again by
    # what a look at the run that was under way has brought along.
    closed = st.session_state.get(f"{key}/applied", 0)
    place = st.popover(
        "Later",
        icon=":material/schedule:",
        type="tertiary",
        key=f"{key}/later/{closed}",
        on_change="rerun",
        help="A value from a step on, or a schedule.",
    )
    if place.open:
        with place:
            _ask(folder, dial, key, closed)


def _ask(folder: RunFolder, dial: Dialled, key: str, closed: int) -> None:
    shape = st.segmented_control(
        "How", (AT_ONCE, *SHAPES), default=AT_ONCE, required=True, key=f"{key}/shape"
    )
    # No lower end that follows the run: the field would lose what is typed into it.
    step = st.number_input(
        "At step" if shape == AT_ONCE else "Until step",
        1,
        value=dial.next_step + LATER,
        step=50,
        key=f"{key}/step",
    )
    to = st.number_input("To", 0.0, value=dial.value, format="%g", key=f"{key}/to")
    passed = step < dial.next_step
    if passed:
        say(f"Step {step:,} is made already; the next one is step {dial.next_step:,}.")
    elif shape != AT_ONCE:
        start = 0.0 if shape == "warm-up" else dial.now
        draw_plan(
            dial.name,
            DialSchedule(shape=shape, first=dial.next_step, last=int(step), start=start, stop=to),
            key,
        )
    st.button(
        "Apply",
        key=f"{key}/apply",
        type="primary",
        disabled=passed,
        on_click=_apply,
        args=(folder, dial, key, closed),
    )


def _apply(folder: RunFolder, dial: Dialled, key: str, closed: int) -> None:
    """Sends what the fields hold at the press, which may not have been drawn yet; a press once."""
    if st.session_state.get(f"{key}/applied", 0) != closed:
        return
    shape, step, to = (st.session_state[f"{key}/{each}"] for each in ("shape", "step", "to"))
    if shape == AT_ONCE:
        name, arguments = dial.arguments(to)
        send(folder, name, {**arguments, "at_step": int(step)})
    else:
        plan = {"name": dial.event_name, "shape": shape, "last": int(step), "stop": to}
        send(folder, "schedule", plan)
    st.session_state[f"{key}/applied"] = closed + 1


def draw_plan(name: str, plan: DialSchedule, key: str) -> None:
    """What a dial will be at each step."""
    steps = np.unique(np.linspace(plan.first, plan.last * 1.05, 80).astype(np.int64))
    values = np.array([plan.at(int(each)) for each in steps])
    plot_and_say(
        curve_figure([Curve(name, steps, values, color_of(name))], y_title=name, height=180),
        "What it will be at each step, once it is applied. A value set by hand ends it.",
        key=f"{key}/plan",
    )
