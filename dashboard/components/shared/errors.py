"""How an error looks: one sentence beside the thing that caused it."""

from __future__ import annotations

import re

import streamlit as st

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+|~$<>:])")


def plain(text: str) -> str:
    """Text that markdown shows as it is: file names and numbers keep their signs."""
    return _MARKDOWN.sub(r"\\\1", text)


def say(error: Exception | str) -> None:
    """Shows what is wrong, in the sentence that the error carries, never a traceback.

    Call it next to the widget or the figure that the error belongs to.
    """
    st.error(plain(str(error)) or "Something went wrong.", icon=":material/error:")
