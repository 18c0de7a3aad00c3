"""A page of hostile texts, in every place where Streamlit draws markdown; see `test_plain.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dashboard.components.shared.errors import plain
from dashboard.components.shared.show_table import show_table

TEXTS = (
    "![i](http://localhost:1/i.png) [a](http://localhost:1/) <b>b</b> <http://localhost:1/>",
    "$x^2$ and `code` and **bold** and _low_ and ~~gone~~",
    "see http://localhost:1/a, https://x.test/b?c=d&e=f, www.x.test, HTTP://X.TEST and me@x.test",
    ":material/home: :material_home: :streamlit: :dog: :+1: :red[red] :red-background[x] a::b:c",
    "a -> b <- c <-> d -- e >= f <= g ~= h, a->b --resume x",
    "&lt; &amp; &#33; AT&T",
    "# head",
    "- item",
    "+ item",
    "12. item",
    "3) item",
    "--- ",
    "===",
    "> quote",
    "    indented",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "one\n\n# two\n- three\n===\n1. four",
    "\\ back\\slash \\* \\( C:\\names",
    "[^1] [x]: http://localhost:1/ [ ] [x]",
    "tab\tin 100% of -0.5 px (val/3: 7)",
)

KINDS = ("Markdown", "CaptionContainer", "Alert", "Checkbox", "Button", "ButtonGroup", "Table")
"""What Streamlit's test ids call the places, after "st"."""

if __name__ == "__main__":
    for k, text in enumerate(TEXTS):
        with st.container(key=f"text-{k}"):
            st.markdown(plain(text))
            st.caption(plain(text))
            st.info(plain(text))
            st.toggle(plain(text), key=f"toggle {k}")
            st.button(plain(text), key=f"button {k}")
            st.pills(
                "pills",
                [0],
                label_visibility="collapsed",
                format_func=lambda _, text=text: plain(text),
                key=f"pills {k}",
            )
            show_table([{"cell": text}])
