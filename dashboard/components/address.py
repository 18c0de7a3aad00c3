"""What a page shows, in its address, so that a link (and the Back button) brings it back."""

from __future__ import annotations

import contextlib

import streamlit as st
from streamlit.errors import StreamlitAPIException

_WRITTEN = "written to the address"


def asked_for(key: str) -> str | None:
    """What is chosen under a key of a bound widget, or else what the address asks for."""
    value = st.session_state.get(key)
    if value is None:
        value = st.query_params.get(key) or None
    return None if value is None else str(value)


def preset(key: str, value: str | int) -> None:
    """Chooses a value for a widget that is bound to the address; call it before the widget.

    The widget itself should have no preset (`index=None`, `value=None`): Streamlit leaves a value
    that is a widget's own preset out of the address, and presets differ from run to run.
    """
    absent = key not in st.query_params
    # Also where it is that already: what stands there after a change of pages is the value of the
    # other page's widget, and does not reach this one.
    if absent or st.session_state.get(key) != value:
        st.session_state[key] = value
    if absent:
        # Once the widget is bound, Streamlit writes the address itself, and forbids this.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = str(value)


def asked_unbound(key: str) -> str | None:
    """Like `asked_for`, for a widget that cannot be bound: the address wins if it was changed."""
    address = st.query_params.get(key)
    if address is not None and address != st.session_state.get(f"{_WRITTEN} {key}"):
        return address
    return st.session_state.get(key) or st.session_state.get(f"{_WRITTEN} {key}")


def write_unbound(key: str, value: str) -> None:
    """Puts the value of a widget that is not bound into the address, and remembers it."""
    st.session_state[f"{_WRITTEN} {key}"] = value
    if st.query_params.get(key) != value:
        st.query_params[key] = value
