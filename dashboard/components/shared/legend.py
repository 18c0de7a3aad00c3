"""What the colours of the picture and the masks mean, in one line."""

from __future__ import annotations

import html

import streamlit as st

from dashboard.figures.colors import (
    ANCHOR_COLOR,
    CELL_COLOR,
    HEAT_COLOR,
    MATCHED_COLOR,
    OBJECT_COLOR,
    PART_COLORS,
    PREDICTION_COLOR,
)
from dashboard.figures.fills import NONE, PARTS_OF_SLOTS
from dashboard.figures.scene import ANCHORS, MATCHED, OBJECTS, PREDICTIONS
from yolo_core.compare.differences import PARTS
from yolo_core.explain.names import slot_word
from yolo_core.views import SampleView


def legend(
    view: SampleView,
    layers: tuple[str, ...],
    fill: str = NONE,
    *,
    cell: bool = True,
    parts: bool = True,
) -> None:
    """Shows it: kinds of box as they are drawn, parts of slots as squares; a selected cell."""
    word = slot_word(view.layout)
    boxes = [
        (OBJECTS, OBJECT_COLOR, "solid", "label"),
        (PREDICTIONS, PREDICTION_COLOR, "dashed", "prediction"),
        (MATCHED, MATCHED_COLOR, "dashed", f"matched {word}"),
        (ANCHORS, ANCHOR_COLOR, "dotted", f"{word}s of the cell"),
    ]
    entries = [_entry(CELL_COLOR, "solid", "selected cell")] * cell
    entries += [_entry(*rest) for layer, *rest in boxes if layer in layers]
    if parts:
        entries += [_entry(c, "square", part) for c, part in zip(PART_COLORS, PARTS, strict=True)]
    if fill not in (NONE, PARTS_OF_SLOTS):
        entries.append(_entry(HEAT_COLOR, "square", fill))
    st.html(f'<div class="legend">{"".join(entries)}</div>')


def _entry(color: str, kind: str, word: str) -> str:
    return f'<span><i class="{kind}" style="color:{color}"></i>{html.escape(word)}</span>'
