"""Marks over a figure that stays as it is: the selected cell, and slots that are to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboard.figures.colors import ANCHOR_COLOR, CELL_COLOR
from dashboard.figures.picture import tile_axes
from dashboard.figures.places import Cell, cell_boxes, slot_boxes
from dashboard.figures.scene import LABEL_SHADOW, RIM, labels_apart
from yolo_core.explain.names import slot_word
from yolo_core.views import SampleView

Marks = list[dict[str, Any]]
"""Shapes of a plotly layout, the last on top."""

# Seen on the slots of every part, and on a light and a dark page.
MARK_COLOR = "#ff4fd8"

# Of more anchors the dark rims alone would hide what is in the cell.
MOST_RIMMED = 5

# Of all slots: where more are marked, outlines would only hide the colours.
MOST_MARKED = 0.25


def cell_in_picture(view: SampleView, cell: Cell, *, anchors: bool = False) -> Marks:
    """The selected cell in a figure of `scene.py`.

    Args:
        view: The sample.
        cell: The selected cell.
        anchors: Whether its prior boxes are drawn and named, too; where the loss has none, the
            boxes that its slots predict.
    """
    outline = _outlines(view, cell_boxes(view, [cell]), color=CELL_COLOR, width=3)
    if not anchors:
        return outline
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    boxes = slot_boxes(view, slots)
    usable = np.isfinite(boxes).all(axis=1)
    boxes, slots = boxes[usable], slots[usable]
    left, _, _, bottom = _corners(view, boxes).T
    at_x, at_y = labels_apart(left, bottom, view.image.shape[:2])
    word = slot_word(view.layout)
    few = len(boxes) <= MOST_RIMMED
    dotted = _outlines(view, boxes, color=ANCHOR_COLOR, width=1.5, dash="dot", rim=few)
    # Words as labels of shapes without a size: annotations would have all of the figure redrawn.
    names = [
        {
            "type": "rect",
            **{"x0": x, "x1": x, "y0": y, "y1": y},
            "line": {"width": 0},
            "label": {
                "text": f"{word[0]}{view.layout.anchor[slot]}",
                **{"textposition": "bottom left", "xanchor": "left", "yanchor": "top"},
                "font": {"color": ANCHOR_COLOR, "size": 13, "shadow": LABEL_SHADOW},
            },
        }
        for slot, x, y in zip(slots.tolist(), at_x.tolist(), at_y.tolist(), strict=True)
    ]
    return [*dotted, *names, *outline]


def under_lines(marks: Marks) -> Marks:
    """The same marks under the lines of the figure, where no mouse can take hold of them."""
    return [{**shape, "layer": "between"} for shape in marks]


def cell_in_tiles(view: SampleView, cell: Cell, *, only: bool = False) -> Marks:
    """The selected cell in every tile of its head, in a figure of `tiles.py`.

    Args:
        view: The sample.
        cell: The selected cell.
        only: Whether its head is the only one there.
    """
    columns = max(count for _, _, count in view.layout.grids)
    box = cell_boxes(view, [cell])
    first = 1 if only else cell.head * columns + 1
    return [
        shape
        for tile in range(first, first + view.layout.grids[cell.head][2])
        for shape in _outlines(view, box, color=CELL_COLOR, width=2.5, rim=False, tile=tile)
    ]


def slots_in_tiles(view: SampleView, slots: Sequence[int], *, only: int | None = None) -> Marks:
    """Slots outlined in a figure of `tiles.py`; nothing at all where they are too many to see.

    Args:
        view: The sample.
        slots: Indices on the slot axis.
        only: The head that alone is there, if it is.
    """
    layout = view.layout
    if not 0 < len(slots) <= MOST_MARKED * layout.count:
        return []
    columns = 0 if only is not None else max(count for _, _, count in layout.grids)
    chosen = np.asarray(slots, np.int64)
    if only is not None:
        chosen = chosen[layout.head[chosen] == only]
    tiles = layout.head[chosen] * columns + layout.anchor[chosen] + 1
    shapes = []
    for tile in np.unique(tiles).tolist():
        cells = [
            Cell(*(int(getattr(layout, axis)[slot]) for axis in ("head", "row", "column")))
            for slot in chosen[tiles == tile].tolist()
        ]
        # One path for all slots of a tile: a shape each would be slow to draw.
        path = " ".join(
            f"M{left:g},{top:g}H{right:g}V{bottom:g}H{left:g}Z"
            for left, top, right, bottom in _corners(view, cell_boxes(view, cells)).tolist()
        )
        line = {"color": MARK_COLOR, "width": 2, "dash": "dot"}
        shapes.append({"type": "path", "path": path, "line": line, **_axes(tile)})
    return shapes


def outlined_words(count: int, which: str, *, marked: bool) -> str:
    """What `slots_in_tiles` outlines, to follow "teal ones are left alone".

    Args:
        count: How many slots there are to outline.
        which: What they have in common, such as "changed".
        marked: Whether they are outlined.
    """
    if marked:
        return f"; dotted pink ones {which}"
    return f"; the {count:,} that {which} are too many to be outlined" if count else ""


def _outlines(
    view: SampleView,
    boxes: np.ndarray,
    *,
    color: str,
    width: float,
    dash: str = "solid",
    rim: bool = True,
    tile: int = 1,
) -> list[dict[str, Any]]:
    """A rectangle a box, on a dark rim."""
    lines = [{"color": color, "width": width, "dash": dash}]
    if rim:
        lines.insert(0, {"color": RIM, "width": width + 2})
    return [
        {"type": "rect", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line, **_axes(tile)}
        for line in lines
        for x0, y0, x1, y1 in _corners(view, boxes).tolist()
    ]


def _corners(view: SampleView, boxes: np.ndarray) -> np.ndarray:
    """(n, 4) left, top, right and bottom in pixels of (n, 4) boxes as image fractions."""
    height, width = view.image.shape[:2]
    center, size = np.hsplit(boxes, 2)
    return np.hstack([center - size / 2, center + size / 2]) * [width, height, width, height]


def _axes(tile: int) -> dict[str, str]:
    axes = tile_axes(tile)
    return {"xref": axes["xaxis"], "yref": axes["yaxis"]}
