"""Counts and sizes by class and split, and where boxes lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.data.filters import ask_filter
from dashboard.components.data.opened import Opened
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.screen import screen
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.data_numbers import MOST_POINTS, places_figure, sizes_figure
from yolo_core.data.pictures import several

MOST_CLASSES = 40
SPLIT_COLORS = ("#3399ee", "#ff8800", "#0f8f7f", "#775599", "#888888")


def show_numbers(opened: Opened) -> None:
    """Bars, places and sizes of the objects that are asked for, and the table of all."""
    overview = opened.overview
    data = overview.data
    wanted = ask_filter(opened, pictures=False)
    mask = overview.chosen_objects(wanted)
    if not mask.any():
        st.info("No object passes this filter.", icon=":material/filter_alt_off:")
        return
    left, right = screen(5, 8)
    with left:
        _counts(opened, mask)
    with right:
        middle, last = st.columns(2, gap="small")
    with middle:
        boxes = overview.fractions[mask]
        plot_and_say(
            places_figure(boxes),
            f"Where the centres of {len(boxes):,} objects lie, all pictures on top of each other. "
            "Wrong: an empty part that the pictures of use will not leave empty, or all objects in "
            "one corner, as coordinates in another unit give.",
            key="data places",
        )
    with last:
        figure = sizes_figure(overview.extents[mask], data.box_class[mask], data.classes, unit="px")
        part = f", {MOST_POINTS:,} of them" if len(boxes) > MOST_POINTS else ""
        plot_and_say(
            figure,
            f"Width and height of each object{part} in its picture as it is. Wrong: points far "
            "from all others, or a line along one axis: boxes that were cut or mistyped.",
            key="data sizes scatter",
        )
    with right:
        table = pd.DataFrame(overview.class_rows())
        with st.container(key="line", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                "**By class and split**",
                help="Objects, the pictures that have one, and their sizes: small up to 32 × 32 "
                "pixels, medium up to 96 × 96. Wrong: a class that is in one split only, or hardly "
                "anywhere.",
            )
            csv_button(lambda: table, file="classes", key="data csv classes")
        number = st.column_config.NumberColumn(format="%.0f")
        st.dataframe(
            table,
            hide_index=True,
            placeholder="–",
            height="stretch",
            column_config={"median width, px": number, "median height, px": number},
        )


def _counts(opened: Opened, mask: np.ndarray) -> None:
    overview = opened.overview
    data = overview.data
    splits = dict(list(overview.members.items())[: len(SPLIT_COLORS)])
    counts = {
        name: np.bincount(
            data.box_class[mask & inside[data.box_picture]], minlength=len(data.classes)
        )
        for name, inside in splits.items()
    }
    total = sum(counts.values())
    order = np.argsort(-total, kind="stable")
    order = order[total[order] > 0]
    bars = [
        Bar(
            data.classes[label],
            pieces={name: float(count[label]) for name, count in counts.items()},
            words={
                name: f"{name}: {several(int(count[label]), 'object')}"
                for name, count in counts.items()
            },
            end=f"{int(total[label]):,}",
        )
        for label in order[:MOST_CLASSES].tolist()
    ]
    colors = dict(zip(splits, SPLIT_COLORS, strict=False))
    more = len(order) - MOST_CLASSES
    plot_and_say(
        bars_figure(bars, unit="objects", revision=data.name, colors=colors),
        "Objects of each class"
        + (f", the {MOST_CLASSES} most frequent of {len(order)}" if more > 0 else "")
        + ", by split. Wrong: a class with a hundredth of the others' objects, which a loss hardly "
        "hears of, or one that is missing where it is tested.",
        key="data counts",
    )
