"""Which pictures and objects of the data are looked at."""

from __future__ import annotations

import streamlit as st

from dashboard.components.data.opened import Opened
from dashboard.components.shared.errors import plain
from yolo_core.data.overview import SIZES, Filter


def ask_filter(opened: Opened, *, pictures: bool) -> Filter:
    """Asks for classes, sizes and splits, and, for pictures, for what else they must have.

    Args:
        opened: The data.
        pictures: Whether pictures are asked for, not only objects.
    """
    overview = opened.overview
    names, splits = overview.data.classes, list(overview.members)
    with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
        classes = st.multiselect(
            "Classes",
            range(len(names)),
            format_func=names.__getitem__,
            key=f"data classes {overview.data.name}",
            placeholder="all classes",
            width=260,
        )
        sizes = st.pills(
            "Sizes",
            SIZES,
            selection_mode="multi",
            key="data sizes",
            width="content",
            help="Of an object in its picture as it is: small up to 32 × 32 pixels, medium up to "
            "96 × 96, as COCO counts. With classes: one object must be both.",
        )
        chosen = st.pills(
            "Splits",
            splits,
            selection_mode="multi",
            format_func=plain,
            key=f"data splits {overview.data.name}",
            width="content",
        )
        if not pictures:
            return Filter(tuple(classes), tuple(sizes), tuple(chosen))
        more = st.pills(
            "Only",
            ["with problems", "without objects"],
            selection_mode="multi",
            key="data only",
            width="content",
        )
        text = st.text_input("Name has", key="data text", placeholder="name has", width=150)
    return Filter(
        tuple(classes),
        tuple(sizes),
        tuple(chosen),
        problems="with problems" in more,
        empty="without objects" in more,
        text=text.strip(),
    )
