"""What a link asked for and is not there, and what is shown in its place."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import plain

_GONE = "what a link asked for and is gone"


def gone(sentence: str) -> None:
    """Remembers a sentence for `say_gone`: where something is chosen there is no room for it."""
    st.session_state.setdefault(_GONE, []).append(sentence)


def say_gone() -> None:
    """Says what was remembered; call it below what can be chosen."""
    for sentence in dict.fromkeys(st.session_state.pop(_GONE, ())):
        st.warning(plain(sentence), icon=":material/link_off:")
