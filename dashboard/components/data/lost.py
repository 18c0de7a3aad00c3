"""Objects that a loss would lose before any training, each with its picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.data.opened import Opened
from dashboard.components.data.picture_pane import FADED, say_title
from dashboard.components.data.rows import pick_row
from dashboard.components.data.search import search
from dashboard.components.data.settings import ask_anchors, ask_size
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.errors import say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.screen import screen
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.data_numbers import collisions_figure
from dashboard.figures.data_pictures import Outline, annotated_figure, class_color
from dashboard.figures.places import short
from dashboard.figures.scene import BOTTOM_LEFT, BOTTOM_RIGHT
from yolo_core.before.folder import LOST
from yolo_core.before.lost_table import (
    LEAST_FIT,
    LEAST_PIXELS,
    POOR_FIT,
    TOO_SMALL,
    LostTable,
    read_table,
)
from yolo_core.data.resize import Placement, fitted
from yolo_core.losses.families import DEFAULT_FAMILY, all_families
from yolo_core.training.config import LossConfig, RunConfig

SHOWN = 2000
MEANT, RIVAL, ANCHOR = "#ff8800", "#56c1ff", "#ff8ad4"
_ALL = "all"
WORDS = {
    "overwritten": "a later object took the slot",
    "shared": "trains the same slot as another",
    "outside": "the centre is outside",
    "zero area": "no width or no height",
    "below threshold": "no anchor takes it",
    "invalid": "no class, or no number",
    TOO_SMALL: "too small after resizing",
    POOR_FIT: "hardly any anchor fits",
}


def show_lost(opened: Opened) -> None:
    """Asks for loss, size and anchors; then what is lost with them."""
    loss, size, anchors_place, limits = st.columns([3, 5, 4, 4], vertical_alignment="bottom")
    families = {each.name: each.label for each in all_families()}
    with loss:
        st.session_state.setdefault(
            "data loss", st.session_state.get("data loss kept", DEFAULT_FAMILY)
        )
        name = st.selectbox("Loss", list(families), format_func=families.get, key="data loss")
        st.session_state["data loss kept"] = name
    with size:
        sized = ask_size(opened)
    try:
        with anchors_place:
            anchors = ask_anchors(sized or opened)
    except ValueError as error:
        say(error)
        return
    if sized is None:
        return
    config = RunConfig(data=sized.config, loss=LossConfig(name=name, anchors=anchors))
    table = search(
        LOST,
        config,
        sized,
        read_table,
        label="Look for lost objects",
        what="the loss on all labels",
    )
    if table is None:
        st.caption(
            "Asks the loss itself, as it trains, which slot each object of the data gets: which "
            "ones collide in one cell and anchor, which no anchor takes, and which are outside or "
            "too small. No network and no TensorFlow are needed for that."
        )
    else:
        _show(sized, table, limits)


def _show(opened: Opened, table: LostTable, limits: DeltaGenerator) -> None:
    place, fit_place = limits.columns(2, vertical_alignment="bottom")
    with place:
        least = st.number_input("Too small, px", 0.0, None, LEAST_PIXELS, 1.0, key="data least")
    least_fit = LEAST_FIT
    if not table.by_prediction:
        with fit_place:
            least_fit = st.number_input(
                "Poor fit, IoU",
                0.0,
                1.0,
                LEAST_FIT,
                0.05,
                key="data fits",
                help=f"Objects whose best anchor has a {table.measure} below that.",
            )
    reasons = table.reasons(least, least_fit)
    count, lost = len(table.object), int(table.lost.sum())
    if not count:
        st.info("These data hold no objects that are trained on.")
        return
    grids = " and ".join(f"{r} × {c} cells of {a} slots" for r, c, a in table.grids)
    height, width = table.image_shape
    st.markdown(
        f"At {width} × {height} px and {grids}, **{lost:,} of {count:,} objects "
        f"({lost / count:.2%}) are lost** before any training."
    )
    if table.by_prediction:
        st.info(
            "This loss gives an object the slot of its cell that predicts it best, which changes "
            "as it learns. Counted here is what happens while all slots of a cell predict the "
            "same: at most so many collide.",
            icon=":material/info:",
        )
    left, right = screen(7, 5)
    with left:
        reason_key = "data reason"
        if st.session_state.get(reason_key) not in (
            _ALL,
            *(k for k, m in reasons.items() if m.any()),
        ):
            st.session_state[reason_key] = next((k for k, m in reasons.items() if m.any()), _ALL)
        anywhere = np.any(list(reasons.values()), axis=0)
        masks = {name: mask for name, mask in reasons.items() if mask.any()} | {_ALL: anywhere}
        _bars(opened, table, reasons)
        reason = st.pills(
            "Objects",
            list(masks),
            format_func=lambda each: f"{WORDS.get(each, each)} ({int(masks[each].sum()):,})",
            key=reason_key,
            required=True,
        )
        rows = np.flatnonzero(masks[reason])
        cell = _collisions(table, rows)
        if cell is not None:
            rows = rows[_in_cell(table, rows, cell)]
        if not len(rows):
            st.success("No object.", icon=":material/check:")
            return
        listed = lost_rows(opened, table, rows, reasons)
        row = pick_row(listed[:SHOWN], key="data lost")
        more = (
            f" The first {SHOWN:,} of {len(rows):,}; the file has all." if len(rows) > SHOWN else ""
        )
        say_rows, button = st.columns([9, 1])
        say_rows.caption(
            f"{table.measure}: of the object with the best slot that it could get.{more} **Click "
            "a row to see the object, its cell and what it collides with.** Wrong: more than a few "
            "in a hundred. A finer grid, a larger image size or other anchors part them."
        )
        with button:
            csv_button(lambda: listed, file="lost", key="data csv lost")
    with right:
        _picture(opened, table, int(rows[row]))


def _bars(opened: Opened, table: LostTable, reasons: dict[str, np.ndarray]) -> None:
    data = opened.overview.data
    labels = data.box_class[table.object]
    top = np.argsort(-np.bincount(labels, minlength=len(data.classes)), kind="stable")[:12]
    bars = []
    for reason, mask in reasons.items():
        pieces = {data.classes[k]: float((mask & (labels == k)).sum()) for k in top.tolist()}
        bars.append(
            Bar(
                WORDS.get(reason, reason),
                pieces,
                words={name: f"{name}: {int(value):,}" for name, value in pieces.items()},
                end=f"{int(mask.sum()):,} ({mask.mean():.1%})",
            )
        )
    colors = {data.classes[k]: class_color(k) for k in top.tolist()}
    plot_and_say(
        bars_figure(bars, unit="objects", revision=data.name, colors=colors),
        "What happens to objects, by class; one object may be in several rows. Lost are those "
        "whose slot was taken, that no anchor takes, and that are outside or without an area.",
        key="data lost bars",
    )


def _collisions(table: LostTable, rows: np.ndarray) -> tuple[int, int, int] | None:
    """Where the objects want their slots: which cells and anchors; the cell that was clicked."""
    slots = table.slot[rows, table.best[rows]]
    wanted = slots[slots >= 0]
    if not len(wanted):
        return None
    with st.expander("By cell and anchor"):
        layout = table.layout
        heads = np.unique(layout.head[wanted]).tolist()
        head = heads[0]
        if len(heads) > 1:
            head = st.segmented_control(
                "Head", heads, default=heads[0], key="data head", required=True
            )
        rows_, columns, anchors = table.grids[head]
        mine = wanted[layout.head[wanted] == head]
        counts = np.zeros((rows_, columns), int)
        np.add.at(counts, (layout.row[mine], layout.column[mine]), 1)
        left, right = st.columns(2)
        with left:
            plot_and_say(
                collisions_figure(counts),
                "Objects of the list by the cell that owns them, over all pictures. **Click a cell "
                "to list only its objects.**",
                key="data cells",
                on_click=lambda place: st.session_state.__setitem__(
                    "data cell", (head, *map(int, place))
                ),
            )
        with right:
            use = np.bincount(layout.anchor[mine], minlength=anchors)
            bars = [
                Bar(f"slot {k}", {"objects": float(n)}, {"objects": f"{n:,}"}, f"{n:,}")
                for k, n in enumerate(use.tolist())
            ]
            plot_and_say(
                bars_figure(bars, unit="objects", revision=f"{head}"),
                "The same by anchor, the slot of the cell. Wrong: one anchor that nearly all want.",
                key="data slots",
            )
    cell = st.session_state.get("data cell")
    if cell is None or cell[0] != head or not _in_cell(table, rows, cell).any():
        return None
    st.button(
        f"Only row {cell[1]}, column {cell[2]}: show all cells again",
        icon=":material/close:",
        on_click=lambda: st.session_state.pop("data cell", None),
    )
    return cell


def _in_cell(table: LostTable, rows: np.ndarray, cell: tuple[int, int, int]) -> np.ndarray:
    layout, slots = table.layout, table.slot[rows, table.best[rows]]
    here = (layout.head == cell[0]) & (layout.row == cell[1]) & (layout.column == cell[2])
    return (slots >= 0) & here[np.maximum(slots, 0)]


def lost_rows(
    opened: Opened, table: LostTable, rows: np.ndarray, reasons: dict[str, np.ndarray]
) -> pd.DataFrame:
    """One row an object: picture, class, why, where it belongs, and what it collides with."""
    data, layout = opened.overview.data, table.layout
    objects = table.object[rows]
    pictures = data.box_picture[objects]
    first = np.searchsorted(data.box_picture, pictures)
    best = table.best[rows]
    slots, rivals = table.slot[rows, best], table.rival[rows, best]
    found = pd.DataFrame(
        {
            "picture": np.array(data.files, object)[pictures],
            "object": objects - first + 1,
            "class": np.array(data.classes, object)[data.box_class[objects]],
            "why": [
                ", ".join(WORDS.get(k, k) for k, mask in reasons.items() if mask[row])
                for row in rows.tolist()
            ],
        }
    )
    found["against"] = pd.array(
        np.where(rivals >= 0, table.object[np.maximum(rivals, 0)] - first + 1, 0), "Int64"
    )
    found.loc[rivals < 0, "against"] = pd.NA
    for name in ("head", "row", "column", "anchor"):
        values = getattr(layout, name)[np.maximum(slots, 0)]
        found[name] = pd.array(values, "Int64")
        found.loc[slots < 0, name] = pd.NA
    if len(table.grids) == 1:
        found = found.drop(columns="head")
    found["shorter side, px"] = np.round(table.pixels[rows], 1)
    found[table.measure] = np.round(table.score[rows].max(axis=1), 3)
    return found


def _picture(opened: Opened, table: LostTable, at: int) -> None:
    """What enters the network, with the object, its cell, its anchor and its rival."""
    data, layout = opened.overview.data, table.layout
    row = int(table.object[at])
    index = int(data.box_picture[row])
    first = data.objects_of(index).start
    height, width = table.image_shape
    splits = ", ".join(opened.overview.splits_of(index))
    say_title(data.files[index], f"as it enters the network, {width} × {height} px, {splits}")
    try:
        picture = Image.fromarray(data.read_picture(index))
    except ValueError as error:
        say(error)
        return
    place = Placement(*fitted(data.sizes[[index]], (width, height), opened.config.fit)[0].tolist())
    image = place.framed(place.part(picture, (width, height)), (width, height))
    head_row = int(table.best[at])
    slot, rival = int(table.slot[at, head_row]), int(table.rival[at, head_row])
    others = np.flatnonzero(data.box_picture[table.object] == index)
    others = others[(others != at) & (others != rival)]
    outlines = [Outline("others", table.box[others], FADED, width=1.2, rim=False)]
    grid, cells, words = None, None, "It belongs to no cell."
    if slot >= 0:
        grid = table.grids[int(layout.head[slot])][:2]
        step = layout.stride[slot]
        cell_row, column = int(layout.row[slot]), int(layout.column[slot])
        cells = np.array([[*((np.array([column, cell_row]) + 0.5) * step), *step]])
        words = (
            f"Its centre is in row {cell_row}, column {column}"
            + (f" of head {layout.head[slot]}" if len(table.grids) > 1 else "")
            + f"; it wants slot {layout.anchor[slot]} of that cell"
            + f", {table.measure} {table.score[at, head_row]:.2f}."
        )
        if np.isfinite(layout.prior[slot]).all():
            outlines.append(
                Outline(
                    *("anchor", layout.prior[[slot]], ANCHOR, ["its anchor"]),
                    dash="dash",
                    corner=BOTTOM_LEFT,
                )
            )
    if rival >= 0:
        other = int(table.object[rival])
        label = f"<b>{other - first + 1}: {short(data.classes[data.box_class[other]])}</b>"
        outlines.append(
            Outline("rival", table.box[[rival]], RIVAL, [label], width=2.5, corner=BOTTOM_RIGHT)
        )
        words += f" Object {other - first + 1} (blue) has the same slot."
    label = f"<b>{row - first + 1}: {short(data.classes[data.box_class[row]])}</b>"
    outlines.append(Outline("object", table.box[[at]], MEANT, [label], width=2.5))
    plot_and_say(
        annotated_figure(image, outlines, grid=grid, cells=cells, below=(90, 0)),
        f"Object {row - first + 1} in orange, the cell of its centre in yellow, the other objects "
        f"in grey. {words}",
        key="data lost picture",
    )
