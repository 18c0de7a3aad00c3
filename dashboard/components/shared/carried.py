"""Settings that one page hands to the form of the Train page, such as anchors that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.components.shared.errors import plain

_CARRIED = "carried to the Train page"
TRAIN = "app_pages/train.py"


def carry(options: Mapping[str, Sequence[str]]) -> None:
    """Takes options along, instead of those that were taken along before.

    Args:
        options: {option of `train` without its dashes: its values}.
    """
    st.session_state[_CARRIED] = {name: list(values) for name, values in options.items()}


def carried() -> dict[str, list[str]]:
    """What was taken along: the next training has it."""
    return st.session_state.get(_CARRIED, {})


def show_carried() -> None:
    """Says what was taken along, with a button that drops it."""
    words = [
        f"{name} {values[0] if len(values) == 1 else f'{len(values)} pairs'}"
        for name, values in carried().items()
    ]
    st.info(f"From the Data page: {plain(', '.join(words))}.", icon=":material/photo_library:")
    st.button(
        "Without these",
        icon=":material/close:",
        on_click=lambda: st.session_state.pop(_CARRIED, None),
        width="stretch",
    )
