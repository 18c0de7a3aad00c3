"""Pictures that the data have twice, across splits first."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.data.opened import Opened
from dashboard.components.data.picture_pane import show_gallery, show_picture
from dashboard.components.data.rows import pick_row
from dashboard.components.data.search import search
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.screen import screen
from yolo_core.before.folder import DUPLICATES
from yolo_core.before.jobs import read_groups
from yolo_core.data.duplicates import Group, across_splits
from yolo_core.data.pictures import several
from yolo_core.training.config import RunConfig

MOST_PICTURES = 12


def show_duplicates(opened: Opened) -> None:
    """The button that looks, then the groups and the pictures of the chosen one."""
    groups = search(
        DUPLICATES,
        RunConfig(data=opened.config),
        opened,
        read_groups,
        label="Look for duplicates",
        what="a look at every picture",
    )
    if groups is None:
        st.caption(
            "Looks at the pixels of every picture: which are the same, and which nearly the same "
            "(a smaller copy, one that was compressed again, one that is a little brighter or "
            "cut). A picture that is both trained on and tested with makes every number about the "
            "test too good."
        )
        return
    overview = opened.overview
    if not groups:
        st.success(
            f"None of the {len(overview.data.files):,} pictures looks like another.",
            icon=":material/check:",
        )
        return
    groups = sorted(groups, key=lambda group: not across_splits(group, overview.splits_of))
    across = sum(across_splits(group, overview.splits_of) for group in groups)
    left, right = screen(7, 6)
    with left:
        title, button = st.columns([9, 1], vertical_alignment="bottom")
        title.markdown(f"**Duplicates: {several(len(groups), 'group')}, {across:,} across splits**")
        table = _table(opened, groups)
        with button:
            csv_button(lambda: table, file="duplicates", key="data csv duplicates")
        row = pick_row(table, key="data duplicates")
        st.caption(
            "Alike: the correlation of small grey copies; 1 where all pixels are the same. **Click "
            "a row to see its pictures.** Wrong: any that are across splits. Put all of a group "
            "into one split, or leave out all but one."
        )
    group = groups[row]
    with right:
        pictures = list(group.pictures[:MOST_PICTURES])
        if len(pictures) == 2:
            for index in pictures:
                show_picture(
                    opened,
                    index,
                    key=f"data twin {pictures.index(index)}",
                    table=False,
                    below=(16, 0.42 if index == pictures[0] else 0),
                )
        else:
            show_gallery(
                opened,
                pictures,
                key="data twins",
                columns=3,
                chosen=None,
                on_click=lambda _index: None,
            )


def _table(opened: Opened, groups: list[Group]) -> pd.DataFrame:
    overview = opened.overview
    files = overview.data.files
    return pd.DataFrame(
        [
            {
                "across splits": across_splits(group, overview.splits_of),
                "pictures": len(group.pictures),
                "which": ", ".join(files[k] for k in group.pictures[:20]),
                "splits": ", ".join(
                    dict.fromkeys(s for k in group.pictures[:200] for s in overview.splits_of(k))
                ),
                "same pixels": group.exact,
                "alike": round(group.alike, 3),
            }
            for group in groups
        ]
    )
