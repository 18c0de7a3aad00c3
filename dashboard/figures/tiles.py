"""One small map an anchor: the parts that the slots fall in, and what each adds to the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from dashboard.figures.colors import OBJECT_COLOR, PART_COLORS
from dashboard.figures.frame import BELOW, figure_of
from dashboard.figures.picture import (
    box_lines,
    cell_places,
    grid_lines,
    picture_axes,
    thumbnail_uri,
    tile_axes,
)
from dashboard.figures.scene import GRID_COLOR
from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.explain.by_label import label_iou
from yolo_core.explain.names import slot_word
from yolo_core.runs.snapshots import SampleView

# Written out: plotly.js does not know their names.
_SCALE, _SIGNED_SCALE = get_colorscale("Inferno"), get_colorscale("RdBu_r")
_GAP = 0.012
_SCALE_ROOM = 116  # pixels right of the tiles
ROW_OF_MASKS = 0.13
"""What a row of small tiles takes of the window's height."""
_BROKEN, _STACKED = 3, 6  # tiles in a row above which a title takes two lines, or three
_FEW = 8  # objects whose boxes leave something to be seen of a small tile
_HIGH = 3  # tiles below one another in a strip
# What a line of a title takes of the height of a strip, as low as that may be; of its width.
_TITLE_SHARE, _TITLE_ASPECT = 0.055, 0.39
_ROOMY = 3  # tiles beside each other; one less where their heads are to be named, too


def mask_figure(
    view: SampleView,
    *,
    narrow: bool = False,
    only: int | None = None,
    window: Any = None,
    beside: float | None = None,
) -> go.Figure:
    """Draws which slots are object, no object or ignored; rows are heads, columns anchors.

    A clicked slot carries [head, row, column, anchor]. The selected cell lies over it:
    `marks.cell_in_tiles`.

    Args:
        view: The sample.
        narrow: Whether it is for a part of the page's width: it grows with it, its titles are
            short.
        only: One head alone, small and without a legend, in a row of the page's window.
        window: As for `scene_figure`.
        beside: Of that head, for a strip beside the picture instead of a row under it: pixels that
            stay below both.
    """
    parts = slot_parts(view)
    overlap = label_iou(view, slice(None), view.objects).max(axis=1, initial=0.0)
    words = [
        f"{PARTS[part]}, best IoU with an object {iou:.2f}"
        for part, iou in zip(parts, overlap, strict=True)
    ]
    look = {
        "zmin": -0.5,
        "zmax": 2.5,
        "colorscale": [(e / 3, color) for k, color in enumerate(PART_COLORS) for e in (k, k + 1)],
        "showscale": False,
        "opacity": 0.75,
    }
    legend = [
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "mode": "markers",
            "marker": {"symbol": "square", "size": 12, "color": color},
            "name": name,
        }
        for name, color in zip(PARTS, PART_COLORS, strict=True)
    ]

    def say(tile: np.ndarray) -> list[str]:
        return [f"{int((tile == k).sum())} {part}" for k, part in enumerate(PARTS)]

    how: dict[str, Any] = {"narrow": narrow, "only": only}
    data, layout = _tiles(view, parts.astype(np.float32), words, say, look, **how)
    if only is not None:
        _small(view, layout, len(data) // 3, window)
        if beside is not None:
            _in_a_strip(view, layout, len(data) // 3, beside)
        return figure_of(data, layout | {"showlegend": False})
    return figure_of([*data, *legend], layout | {"showlegend": True, "legend": BELOW})


def loss_figure(
    view: SampleView, values: np.ndarray, *, name: str, signed: bool = False, narrow: bool = False
) -> go.Figure:
    """Draws what every slot adds to a term or to the total; rows are heads, columns anchors.

    A clicked slot carries [head, row, column, anchor]. The selected cell lies over it:
    `marks.cell_in_tiles`.

    Args:
        view: The sample.
        values: (P,) float32, one number a slot.
        name: What they are, for the colour bar.
        signed: Draws a change: blue below zero, red above, zero in the middle.
        narrow: As for `mask_figure`.
    """
    values = np.asarray(values, np.float32)
    finite = values[np.isfinite(values)]
    top, bottom = float(finite.max(initial=0.0)), min(0.0, float(finite.min(initial=0.0)))
    if signed:
        top = float(np.abs(finite).max(initial=0.0))
        bottom = -top or -1.0

    def say(tile: np.ndarray) -> list[str]:
        return [f"Σ {np.sum(tile, dtype=np.float64):.4g}"]

    words = [f"{value:.4g}" for value in values]
    look = {"coloraxis": "coloraxis", "opacity": 0.8}
    data, layout = _tiles(view, values, words, say, look, narrow=narrow)
    layout["margin"]["r"] = _SCALE_ROOM
    layout["coloraxis"] = {
        "colorscale": _SIGNED_SCALE if signed else _SCALE,
        "cmin": bottom,
        "cmax": top if top > 0 else 1.0,
        "colorbar": {"title": {"text": name, "side": "right"}, "thickness": 12},
    }
    return figure_of(data, layout | {"showlegend": False})


def strip_columns(count: int) -> int:
    """How many of so many small tiles stand beside one another in a strip."""
    return -(-count // _HIGH)


def _in_a_strip(view: SampleView, layout: dict[str, Any], count: int, below: float) -> None:
    """Makes a row of small tiles a strip: three below one another, in columns as needed."""
    height, width = view.image.shape[:2]
    columns, title = strip_columns(count), _TITLE_SHARE * _lines(count)
    layout["meta"] = {
        "aspect": _HIGH * height / (columns * width) + _TITLE_ASPECT * _lines(count),
        "below": [below, 0],
    }
    layout["margin"] |= {"t": 0}
    for tile, text in enumerate(layout["annotations"]):
        number = tile_axes(tile + 1)["xaxis"][1:]
        left, right = _share(tile % columns, columns, 2 * _GAP)
        bottom, top = _share(_HIGH - 1 - tile // columns, _HIGH, 0)
        layout[f"xaxis{number}"]["domain"] = [left, right]
        layout[f"yaxis{number}"]["domain"] = [bottom, top - title]
        text |= {"x": (left + right) / 2, "y": top - title}


def _lines(count: int) -> int:
    """Lines of the title of each of so many small tiles."""
    return 1 + (count > _BROKEN) + (count > _STACKED)


def _small(view: SampleView, layout: dict[str, Any], count: int, window: Any) -> None:
    """Makes so many tiles of one head a row that takes little of the window's height."""
    height, width = view.image.shape[:2]
    layout["meta"] = {"aspect": height / (count * width), "most": ROW_OF_MASKS}
    lines = _lines(count)
    size = 11 if count > _STACKED else 13
    layout["margin"] |= {"t": 4 + round(1.3 * size) * lines, "b": 0}
    for title in layout["annotations"]:
        title["font"] = {"size": size}
    layout["uirevision"] += f" {window}"
    for name in layout if window is not None else ():
        if name.startswith(("xaxis", "yaxis")):
            left, top, right, bottom = window
            layout[name]["range"] = [left, right] if name[0] == "x" else [bottom, top]


def _is_crowded(view: SampleView) -> bool:
    """Whether the tiles have no room for words in half of a page."""
    grids = view.layout.grids
    return max(count for _, _, count in grids) + (len(grids) > 1) > _ROOMY


def _title(view: SampleView, head: int, anchor: int, said: list[str], *, narrow: bool) -> str:
    heads, word = len(view.layout.grids) > 1, slot_word(view.layout)
    if narrow and _is_crowded(view):
        first = f"h{head} " if heads else ""
        return f"{first}{word[0]}{anchor}: {said[0].removesuffix(' object')}"
    first = f"head {head}, " if heads else ""
    return f"{first}{word} {anchor}: {', '.join(said[:1] if narrow else said)}"


def _counts(view: SampleView, anchor: int, tile: np.ndarray, count: int) -> str:
    """The title of a small tile of parts: which anchor, its slots with an object, those ignored."""
    counts = [
        f'<span style="color:{PART_COLORS[part]}">■</span>\u2009{int((tile == part).sum())}'
        for part in (0, 2)
    ]
    name = f"{slot_word(view.layout)[0]}{anchor}"
    between = "<br>" if count > _STACKED else " "
    return name + ("<br>" if count > _BROKEN else " ") + between.join(counts)


def _tiles(
    view: SampleView,
    values: np.ndarray,
    words: Sequence[str],
    say: Callable[[np.ndarray], list[str]],
    look: dict[str, Any],
    *,
    narrow: bool,
    only: int | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One heatmap an anchor over the picture: data and layout of a figure.

    Args:
        view: The sample.
        values: (P,) what is drawn.
        words: (P,) what each slot says.
        say: What the title of a tile says of its values, the most telling first.
        look: Of the heatmaps.
        narrow: As for `mask_figure`.
        only: The one head that is drawn; None for all.
    """
    grids = view.layout.grids
    heads = range(len(grids)) if only is None else [only]
    columns = max(grids[head][2] for head in heads)
    height, width = view.image.shape[:2]
    uri = thumbnail_uri(view.image)
    boxes = view.y_true[view.objects, 1:5]
    object_lines = box_lines(boxes[np.isfinite(boxes).all(axis=1)], (height, width))
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"images": [], "annotations": []}
    for line, head in enumerate(heads):
        rows, cols, count = grids[head]
        grid = view.layout.on_grid(head, values)
        text = view.layout.on_grid(head, np.asarray(words))
        row, column = np.indices((rows, cols))
        place = np.stack([np.full_like(row, head), row, column], axis=-1)
        for anchor in range(count):
            tile = line * columns + anchor
            axes = tile_axes(tile + 1)
            data.append(
                {
                    "type": "heatmap",
                    "z": grid[:, :, anchor],
                    **cell_places(rows, cols, (height, width)),
                    "customdata": np.dstack([place, np.full_like(row, anchor)]),
                    "text": text[:, :, anchor].tolist(),
                    "hovertemplate": "row %{customdata[1]}, column %{customdata[2]}: %{text}"
                    "<extra></extra>",
                    **look,
                    **axes,
                }
            )
            lines = [
                (*grid_lines(rows, cols, (height, width)), GRID_COLOR, 1),
                (*object_lines, OBJECT_COLOR, 1.5 if len(boxes) <= _FEW or only is None else 0.6),
            ]
            data += [
                {
                    "type": "scatter",
                    "x": x,
                    "y": y,
                    "mode": "lines",
                    "line": {"color": color, "width": thickness},
                    "hoverinfo": "skip",
                    "showlegend": False,
                    **axes,
                }
                for x, y, color, thickness in lines
            ]
            left, right = _share(anchor, columns, _GAP)
            bottom, top = _share(len(heads) - 1 - line, len(heads), 0.1 / len(heads))
            picture, x_axis, y_axis = picture_axes(uri, (height, width), tile=tile + 1)
            number = axes["xaxis"][1:]
            layout["images"].append(picture)
            layout[f"xaxis{number}"] = {**x_axis, "anchor": axes["yaxis"], "domain": [left, right]}
            # The tile hangs under its title, however high its place.
            hung = {"anchor": axes["xaxis"], "domain": [bottom, top], "constraintoward": "top"}
            layout[f"yaxis{number}"] = y_axis | hung
            layout["annotations"].append(
                {
                    "text": _counts(view, anchor, grid[:, :, anchor], count)
                    if only is not None
                    else _title(view, head, anchor, say(grid[:, :, anchor]), narrow=narrow),
                    "x": (left + right) / 2,
                    "y": top,
                    "xref": "paper",
                    "yref": "paper",
                    "xanchor": "center",
                    "yanchor": "bottom",
                    "showarrow": False,
                    "font": {"size": 11 if narrow and _is_crowded(view) else 13},
                }
            )
    layout |= {
        "height": (310 if columns <= 3 else 240) * len(heads) + 58,
        # Fixed, so that the tiles stay where they are whatever the numbers beside them.
        "margin": {"l": 0, "r": 0, "t": 28, "b": 30, "autoexpand": False},
        "hovermode": "closest",
        "uirevision": f"{grids} {only} {width} {height}",
    }
    if narrow:
        layout["meta"] = {"aspect": 1.08 * len(grids) * height / (columns * width)}
    return data, layout


def _share(place: int, count: int, gap: float) -> tuple[float, float]:
    """From where to where on the unit line the piece of that number lies, pieces a gap apart."""
    size = (1 - gap * (count - 1)) / count
    return place * (size + gap), place * (size + gap) + size
