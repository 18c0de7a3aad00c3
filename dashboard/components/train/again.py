"""A training like one that there is: its configuration, from which the form is filled in."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.shared.carried import AGAIN, open_form
from dashboard.components.shared.errors import plain, say
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import find_run
from yolo_core.training.config import RunConfig, RunOption, check_restarts, read_config
from yolo_core.training.own_loss import is_own_loss

_FILLED = "form is filled in from"


class Again:
    """The run that the address asks to train again ("again"), read anew with each look.

    Args:
        options: The options of a run, see `run_options`.

    Attributes:
        name: Its name.
        file: Its configuration, which the training process begins with.
        config: What that holds.
    """

    def __init__(self, options: dict[str, RunOption], name: str) -> None:
        folder = find_run(checkpoints_folder(), name)
        self.name, self.file = folder.name, Path(folder.config).resolve()
        self.config: RunConfig = read_config(self.file)
        self._options = options
        check_restarts(self.config, f"Run {name!r}")
        if is_own_loss(self.config.loss.name):
            raise ValueError(
                f"Run {name!r} trains a loss of one's own, whose file can be named on the command "
                f"line alone: python -m yolo_core train --config {self.file} --loss "
                f"{self.config.loss.name}"
            )

    def value(self, option: str) -> Any:
        """What the run has for an option such as "steps"."""
        place = self._options[f"--{option}"].place
        return functools.reduce(getattr, place.split("."), self.config)

    def lambdas(self, loss: str) -> dict[str, float]:
        """The lambdas that the run was given; another loss takes none of them."""
        return self.config.loss.lambdas if loss == self.config.loss.name else {}


def asked_again(options: dict[str, RunOption]) -> Again | None:
    """The run that the address asks for; None without one, and where it is none, which is said."""
    name = st.query_params.get(AGAIN)
    if not name:
        st.session_state.pop(_FILLED, None)
        return None
    try:
        return Again(options, name)
    except ValueError as error:
        say(error)
        return None


def is_to_fill(again: Again) -> bool:
    """Whether the form has yet to be filled in: once, or it would undo what is typed."""
    return st.session_state.get(_FILLED) != again.name


def say_again(again: Again) -> None:
    """What the form was filled in from, and a way out."""
    st.session_state[_FILLED] = again.name
    st.caption(
        f"As **{plain(again.name)}**, with your changes. What is not asked for here stays as in "
        "its configuration."
    )
    st.button("Not like that run", icon=":material/undo:", type="tertiary", on_click=_leave)


def _leave() -> None:
    st.query_params.pop(AGAIN, None)
    open_form()  # that alone is left
