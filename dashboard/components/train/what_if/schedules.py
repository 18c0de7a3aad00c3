"""Schedules that a new training begins with: asked for in its form, drawn before it starts."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.train.what_if.later import SHAPES, draw_plan
from yolo_core.runs.changes import RATE
from yolo_core.training.schedule import DialSchedule


def ask_schedules(
    key: str, lambdas: Mapping[str, float], rate: float, steps: int
) -> tuple[list[str], bool]:
    """Asks what lambdas and the learning rate follow.

    Args:
        key: Beginning of the keys of the fields.
        lambdas: {term: weight} at the start.
        rate: The learning rate.
        steps: Steps of the training.

    Returns:
        The values of `train --follow`, and whether one of them cannot be followed, which is said.
    """
    found, wrong = [], False
    values = {**lambdas, RATE: rate}
    with st.expander("Schedules"):
        chosen = st.multiselect(
            "Follow a schedule",
            list(values),
            format_func=lambda name: plain(name.replace("_", " ")),
            key=f"{key}follow",
            placeholder="a lambda, or the learning rate",
            help="What follows none stays as it is; the learning rate as its own setting says.",
        )
        for name in chosen:
            try:
                plan = _ask(f"{key}follow/{name}", name, values[name], steps)
            except ValueError as error:
                say(f"{name}: {error}")
                wrong = True
                continue
            draw_plan(name, plan, f"{key}follow/{name}")
            numbers = (plan.first, plan.last, plan.start, plan.stop)
            found.append(f"{name}={plan.shape},{','.join(f'{each!r}' for each in numbers)}")
    return found, wrong


def _ask(key: str, name: str, value: float, steps: int) -> DialSchedule:
    """One schedule.

    Raises:
        ValueError: It ends before it begins.
    """
    shape = st.segmented_control(
        plain(name.replace("_", " ")), SHAPES, default=SHAPES[0], required=True, key=f"{key}/shape"
    )
    places = st.columns(4)
    first = places[0].number_input("First step", 1, value=1, step=50, key=f"{key}/first")
    last = places[1].number_input("Last step", 1, value=steps, step=50, key=f"{key}/last")
    warms_up = shape == "warm-up"
    start = places[2].number_input(
        "From",
        0.0,
        value=0.0 if warms_up else value,
        format="%g",
        key=f"{key}/from/{warms_up}",
        disabled=warms_up,
    )
    stop = places[3].number_input("To", 0.0, value=value, format="%g", key=f"{key}/to")
    if last < first:
        raise ValueError(f"It ends at step {last:,}, before it begins at {first:,}.")
    return DialSchedule(shape=shape, first=first, last=last, start=start, stop=stop)
