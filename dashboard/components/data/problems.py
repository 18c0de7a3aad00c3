"""What was wrong with the data, each with its picture."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.data.opened import Opened
from dashboard.components.data.picture_pane import show_picture
from dashboard.components.data.rows import pick_row
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.screen import screen
from yolo_core.data.overview import Overview

SHOWN = 2000
_ALL = "all"


def show_problems(opened: Opened) -> None:
    """The problems, those of one effect if asked, and the picture of the chosen one."""
    problems = opened.overview.data.problems
    if not problems:
        st.success("Nothing was found to be wrong with these data.", icon=":material/check:")
        return
    effects = {_ALL: len(problems)}
    for each in problems:
        effects[each.effect] = effects.get(each.effect, 0) + 1
    left, right = screen(7, 6)
    with left:
        place, text_place, button = st.columns([5, 3, 1], vertical_alignment="bottom")
        with place:
            effect = st.segmented_control(
                "What was done",
                list(effects),
                format_func=lambda name: f"{name} ({effects[name]:,})",
                default=_ALL,
                key=f"data effect {opened.overview.data.name}",
                required=True,
            )
        with text_place:
            text = st.text_input("Words", key="data problem words").strip().casefold()
        table = problem_table(opened.overview)
        with button:
            csv_button(lambda: table, file="problems", key="data csv problems")
        if effect != _ALL:
            table = table[table["what was done"] == effect]
        if text:
            has = table.apply(lambda row: text in " ".join(map(str, row)).casefold(), axis=1)
            table = table[has]
        if not len(table):
            st.info("No problem has these words.")
            return
        row = pick_row(table[:SHOWN], key="data problems")
        more = (
            f" The first {SHOWN:,} of {len(table):,}; the file has all."
            if len(table) > SHOWN
            else ""
        )
        st.caption(
            "Each fault costs itself and never the rest: what is set aside is neither trained on "
            f"nor evaluated, a note says what was read otherwise.{more} **Click a row to see its "
            "picture.** Wrong: many of one kind, which is a fault of whatever wrote the files."
        )
    number = int(table.index[row])
    picture = int(opened.overview.problem_picture[number])
    with right:
        if picture < 0:
            st.info(
                "This problem is of no picture that can be shown: the whole file, or a picture "
                "that was set aside.",
                icon=":material/image_not_supported:",
            )
        else:
            show_picture(opened, picture, key="data problem picture")


def problem_table(overview: Overview) -> pd.DataFrame:
    """One row a problem."""
    return pd.DataFrame(
        [
            {
                "file": each.file,
                "where": each.where,
                "what is wrong": each.about,
                "what was done": each.effect,
            }
            for each in overview.data.problems
        ]
    )
