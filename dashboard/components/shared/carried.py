"""Settings that one page hands to the form of the Train page, such as anchors that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

_CARRIED, _NEW = "carried to the Train page", "carried and not yet filled in"
TRAIN = "app_pages/train.py"


def carry(options: Mapping[str, Sequence[str]]) -> None:
    """Takes options along, instead of those that were taken along before.

    Args:
        options: {option of `train` without its dashes: its values}.
    """
    st.session_state[_CARRIED] = {name: list(values) for name, values in options.items()}
    st.session_state[_NEW] = True


def carried() -> dict[str, list[str]]:
    """What was taken along."""
    return st.session_state.get(_CARRIED, {})


def has_arrived() -> bool:
    """Whether something was taken along since this was last asked."""
    return st.session_state.pop(_NEW, False)
