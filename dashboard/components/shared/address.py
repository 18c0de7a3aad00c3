"""What a page shows, in its address, so that a link (and the Back button) brings it back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping

import streamlit as st
from streamlit.errors import StreamlitAPIException

_WRITTEN = "written to the address"
_CHOSEN = "chosen for widgets"
HOLD_SECONDS = 1.2
"""How long the browser may send what was there before it heard of a change."""


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


def choose(values: Mapping[str, object]) -> None:
    """Chooses values for widgets, such as in a callback, for good: see `hold_choices`."""
    before = {key: st.session_state.get(key) for key in values if key in st.session_state}
    older = [each for each in st.session_state.get(_CHOSEN, ()) if not each[1].keys() & values]
    until = time.monotonic() + HOLD_SECONDS
    st.session_state[_CHOSEN] = [*older, (until, before, dict(values))]
    for key, value in values.items():
        st.session_state[key] = value


def hold_choices(*keys: str) -> bool:
    """Puts back what was chosen a moment ago for widgets of these keys; call it before them.

    A page that looks for news every second sends what its widgets show. Where that crosses a choice
    on its way to the browser, they all still show what was there before (one click in ten).

    Returns:
        Whether anything was put back: a callback of such a widget was then called for nothing.
    """
    late = False
    for until, before, values in st.session_state.get(_CHOSEN, ()):
        changed = {key: was for key, was in before.items() if was != values[key]}
        if time.monotonic() > until or not changed or not values.keys() <= set(keys):
            continue
        if all(st.session_state.get(key) == was for key, was in changed.items()):
            for key, value in values.items():
                st.session_state[key] = value
            late = True
    return late


def asked_unbound(key: str) -> str | None:
    """Like `asked_for`, for a widget that cannot be bound: the address wins if it was changed."""
    address = st.query_params.get(key)
    _, written = _written(key)
    if address is not None and address != written:
        return address
    return st.session_state.get(key) or written


def preset_unbound(key: str, value: str) -> None:
    """Chooses a value for a widget that is not bound; call it before the widget."""
    page, _ = _written(key)
    # What stands there after a change of pages is the value of the other page's widget, and does
    # not reach this one.
    if key not in st.query_params or page != page_address() or st.session_state.get(key) != value:
        st.session_state[key] = value


def write_unbound(key: str, value: str) -> None:
    """Puts the value of a widget that is not bound into the address, and remembers it."""
    st.session_state[f"{_WRITTEN} {key}"] = (page_address(), value)
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def _written(key: str) -> tuple[str | None, str | None]:
    """On which page the address was last written, and what."""
    return st.session_state.get(f"{_WRITTEN} {key}", (None, None))


def page_address() -> str:
    """The address of the page that is shown, without what is asked of it."""
    return (st.context.url or "").split("?")[0]
