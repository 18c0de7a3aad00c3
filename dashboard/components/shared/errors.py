"""How an error looks: one sentence beside the thing that caused it."""

from __future__ import annotations

import re

import streamlit as st

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+|~$<>:&])")
# What Streamlit looks for in text that markdown has been taken out of, so that no backslash helps:
# addresses, icons and emoji, arrows; and what only counts at the beginning of a line.
_DRAWN = re.compile(
    r"(?<=:)(?=//|material/|[\w+-]+:)|(?<=www)(?=\.)|(?<=@)(?=[\w-])"
    r"|(?<=(?<!\S)[-<>~])(?=[-=>]{1,2}(?!\S))"
    r"|^(?=(?: {4}|\t| *(?:-+(?!\S)|=+ *$|\d+[.)](?!\S))))",
    re.IGNORECASE,
)
_NOTHING = "\u2060"  # a "word joiner": takes no room, and makes two words of one


def plain(text: str) -> str:
    """Text that markdown shows as it is, in one line, whatever a file has put in it."""
    text = re.sub(r"\s*[\r\n]\s*", " ", text)
    return _SIGNS.sub(r"\\\1", _DRAWN.sub(_NOTHING, text))


def say(error: Exception | str) -> None:
    """Shows what is wrong, in the sentence that the error carries, never a traceback.

    Call it next to the widget or the figure that the error belongs to.
    """
    st.error(plain(str(error)) or "Something went wrong.", icon=":material/error:")
