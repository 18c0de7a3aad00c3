"""Anchors for the data: how many, how well they fit, and on to a training with them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dashboard.components.data.opened import Opened
from dashboard.components.data.settings import ANCHORS, ask_size
from dashboard.components.data.views import LOST, VIEW
from dashboard.components.shared.background import made
from dashboard.components.shared.carried import TRAIN, carry
from dashboard.components.shared.errors import say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.screen import screen
from dashboard.components.shared.show_table import show_table
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.data_numbers import mean_iou_figure, sizes_figure
from yolo_core.data.anchor_study import RECALL_AT, AnchorStudy, iou_by_count, study_anchors

MOST = 12
STRIDES = {
    "one head, 16 px a cell": (16,),
    "one head, 32 px a cell": (32,),
    "two heads, 16 and 8": (16, 8),
    "three heads, 32, 16 and 8": (32, 16, 8),
}
UNITS = ("pixels", "cells", "fractions")
PIXELS, CELLS, FRACTIONS = UNITS


def show_anchors(opened: Opened) -> None:
    """Asks for the number of anchors; then their fit, and buttons that take them along."""
    count_place, size, heads, unit_place = st.columns([2, 5, 4, 4], vertical_alignment="bottom")
    with count_place:
        count = st.number_input("Anchors (k)", 1, MOST, 5, key="data k")
    with size:
        sized = ask_size(opened)
    with heads:
        strides = STRIDES[st.selectbox("Heads", list(STRIDES), key="data strides")]
    with unit_place:
        unit = st.segmented_control(
            "Sizes in", UNITS, default=PIXELS, key="data unit", required=True
        )
    if sized is None:
        return
    key = (opened.number, str(sized.config.image_size), sized.config.fit)
    study = made(
        ("anchors", *key, count, strides),
        lambda _: study_anchors(sized.source, count, strides=strides),
    )
    curve = made(("anchor curve", *key), lambda _: iou_by_count(sized.source, MOST))
    if not (study.is_done and curve.is_done):
        poll(
            lambda: st.info("Fitting anchors …", icon=":material/hourglass_top:"),
            every=0.5,
            goes_on=lambda: not (study.is_done and curve.is_done),
        )
        return
    if study.error or curve.error:
        say(study.error or curve.error or "")
        return
    _show(sized, study.result, curve.result, unit)


def _show(opened: Opened, study: AnchorStudy, curve: list[tuple[int, float]], unit: str) -> None:
    height, width = study.image_shape[:2]
    recall = study.best_possible_recall(0.5)
    st.markdown(
        f"{len(study.sizes):,} training objects at {width} × {height} px: mean IoU with the best "
        f"of {len(study.anchors)} anchors **{study.mean_iou:.3f}**, best possible recall at IoU "
        f"0.5 **{recall:.1%}**."
        + (f" {study.left_out:,} without an area are left out." if study.left_out else "")
    )
    left, middle, right = screen(1, 1, 1)
    with left:
        _scatter(study, unit)
    with middle:
        plot_and_say(
            mean_iou_figure(curve, len(study.anchors)),
            "Mean IoU of the objects with their best anchor, by the number of anchors. Each anchor "
            "more is a slot more in every cell. Take the number after which the line flattens.",
            key="data mean iou",
        )
    with right:
        bars = [
            Bar(
                f"anchor {k}",
                {"objects": 100 * share},
                {"objects": f"{share:.1%} of the objects"},
                f"{share:.1%}",
            )
            for k, share in enumerate(study.share.tolist())
        ]
        plot_and_say(
            bars_figure(bars, unit="share of the objects, %", revision="share"),
            "The share of the objects that each anchor fits best. Wrong: one with next to none, "
            "which costs slots and learns only to be silent.",
            key="data anchor share",
        )
    with left:
        columns = (study.pixels, study.cells, study.anchors, study.share, study.stride_of)
        show_table(
            [
                {
                    "anchor": k,
                    "pixels": f"{p[0]:.1f} × {p[1]:.1f}",
                    "cells": f"{c[0]:.2f} × {c[1]:.2f}",
                    "fractions": f"{f[0]:.4f} × {f[1]:.4f}",
                    "objects": f"{share:.1%}",
                    "head": f"{stride} px a cell",
                }
                for k, (p, c, f, share, stride) in enumerate(zip(*columns, strict=True))
            ]
        )
    with middle:
        recalls = " · ".join(f"{study.best_possible_recall(at):.1%} from {at}" for at in RECALL_AT)
        st.caption(
            "Best possible recall, the share of the objects with an anchor of that IoU: "
            f"{recalls}. The largest anchors are on the coarsest head, as in a training."
        )
        pixels = " ".join(f"{w:.2f},{h:.2f}" for w, h in study.pixels.tolist())
    with right:
        with st.container(horizontal=True, gap="small"):
            if st.button("Look what is lost with these", icon=":material/search:", width="stretch"):
                _look(pixels)
                st.rerun()
            fractions = [f"{w:.4f},{h:.4f}" for w, h in study.anchors.tolist()]
            if st.button(
                "Train with these",
                type="primary",
                icon=":material/play_circle:",
                width="stretch",
                help="Takes data, image size, fit and anchors to the form of the Train page; "
                "choose a loss with anchors there.",
            ):
                config = opened.config
                size = {"image-size": [str(config.image_size)], "fit": [config.fit]}
                carry({"data": [config.source], **size, "anchors": fractions})
                st.switch_page(TRAIN)
        st.code(f"--anchors {' '.join(fractions)}", language="sh", wrap_lines=True)


def _look(pixels: str) -> None:
    st.session_state[ANCHORS] = st.session_state[f"{ANCHORS} kept"] = pixels
    VIEW.then(LOST)


def _scatter(study: AnchorStudy, unit: str) -> None:
    pixels = np.asarray(study.image_shape[1::-1], np.float64)
    scale = {
        FRACTIONS: np.ones(2),
        PIXELS: pixels,
        CELLS: pixels / study.stride_of[study.best][:, None],
    }[unit]
    anchors = {FRACTIONS: study.anchors, PIXELS: study.pixels, CELLS: study.cells}[unit]
    plot_and_say(
        sizes_figure(
            study.sizes * scale,
            study.best,
            [f"best: {k}" for k in range(len(study.anchors))],
            unit={PIXELS: "px", CELLS: "cells", FRACTIONS: "of the picture"}[unit],
            anchors=anchors,
        ),
        "Width and height of each training object, coloured by the anchor that fits it best, and "
        "the anchors as crosses"
        + (", in cells of that anchor's head" if unit == CELLS else "")
        + ". Wrong: a cloud of points without a cross in it.",
        key="data anchors scatter",
    )
