"""What came of overfitting the pinned batch: a verdict a term and an object."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain


def show_overfitted(found: dict[str, Any]) -> None:
    """The verdicts; those that are stuck first.

    Args:
        found: As `read_overfit` gives it.
    """
    learned = found["learned"]["objects"]
    text = (
        f"**Overfitting one batch**: {plain(found['end'])} after {found['steps']:,} steps; "
        f"{sum(learned)} of {len(learned)} objects learned. {plain(found['note'])}"
    )
    is_learned = found["end"] == "learned" and all(learned)
    with st.expander(text, icon=":material/center_focus_strong:", expanded=not is_learned):
        terms, objects = st.columns([2, 3])
        with terms:
            _table(found, "terms", ["name", "verdict"])
        with objects:
            _table(found, "objects", ["sample", "object", "verdict"])
        st.caption(
            "Fresh weights were trained on the pinned samples alone. What twelve pictures do not "
            "teach, more of them will not: a term that is stuck is trained towards something "
            "that cannot be said, an object that is stuck has no slot of its own, or too little "
            "pulls it."
        )


def _table(found: dict[str, Any], part: str, columns: list[str]) -> None:
    learned = found["learned"][part]
    order = sorted(range(len(learned)), key=lambda at: learned[at])
    rows = [{name: found[part][at][name] for name in columns} for at in order]
    st.dataframe(
        pd.DataFrame(rows, columns=columns),
        hide_index=True,
        placeholder="–",
        height=min(35 * len(rows) + 38, 320),
    )
