"""The form of a new training from outside: whether it is open, and what it is given to begin with.

Settings that one page hands to it, such as anchors that were found, are carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

_CARRIED, _NEW = "carried to the Train page", "carried and not yet filled in"
_OPEN, _BEGUN = "the form of a new training is open", "a training was begun with it"
AGAIN = "again"
"""Query parameter: the run whose settings it begins with."""
TRAIN = "app_pages/train.py"


def carry(options: Mapping[str, Sequence[str]]) -> None:
    """Takes options along, instead of those that were taken along before.

    Args:
        options: {option of `train` without its dashes: its values}.
    """
    st.session_state[_CARRIED] = {name: list(values) for name, values in options.items()}
    st.session_state[_NEW] = True
    open_form()


def carried() -> dict[str, list[str]]:
    """What was taken along."""
    return st.session_state.get(_CARRIED, {})


def has_arrived() -> bool:
    """Whether something was taken along since this was last asked."""
    return st.session_state.pop(_NEW, False)


def open_form() -> None:
    """Has the Train page show the form."""
    st.session_state[_OPEN] = True


def close_form() -> None:
    """Has the Train page show it no more."""
    st.session_state[_OPEN] = False
    st.query_params.pop(AGAIN, None)


def is_form_open() -> bool:
    """Whether it is to be shown: somebody asked for it, or the link holds a run to begin with."""
    return st.session_state.get(_OPEN, False) or AGAIN in st.query_params


def form_has_begun() -> None:
    """A training was begun with it, so that it has done its work."""
    close_form()
    st.session_state[_BEGUN] = True


def is_form_anew() -> bool:
    """Whether a training was begun with it since this was last asked."""
    return st.session_state.pop(_BEGUN, False)
