"""Annotated pictures: many small ones, and one large one with what is to be seen on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.frame import figure_of
from dashboard.figures.picture import box_lines, grid_lines, picture_axes, picture_uri
from dashboard.figures.scene import TOP_LEFT, box_traces

CLASS_COLORS = ("#3ddc84", "#56c1ff", "#ffa629", "#ff8ad4", "#ffee58", "#b39dff", "#ff6b5e")
CAPTION = 0.16
"""Room for the name below a tile, in widths of a tile."""
GRID_COLOR = "rgba(200, 200, 200, 0.45)"


def class_color(label: int) -> str:
    """The colour of a class; the eighth has that of the first."""
    return CLASS_COLORS[label % len(CLASS_COLORS)]


@dataclass(frozen=True)
class Tile:
    """One small picture.

    Attributes:
        uri: The picture; None where it cannot be read.
        shape: Its height and width, in any unit.
        boxes: (n, 4) x_center, y_center, width, height as fractions.
        labels: (n,) class indices.
        caption: What stands below.
        index: What a click gives.
    """

    uri: str | None
    shape: tuple[float, float]
    boxes: np.ndarray
    labels: np.ndarray
    caption: str
    index: int


@dataclass(frozen=True)
class Outline:
    """Boxes of one kind over a picture.

    Attributes:
        name: What they are.
        boxes: (n, 4) as fractions of the picture.
        color: Of line and label.
        labels: One each, or none.
        dash: A dash of plotly.
        width: Of the line in pixels.
        rim: Whether it has a dark rim, to be seen on light pictures.
        corner: Where the label is: `TOP_LEFT` or another of `scene`.
    """

    name: str
    boxes: np.ndarray
    color: str
    labels: Sequence[str] = ()
    dash: str = "solid"
    width: float = 2
    rim: bool = True
    corner: int = TOP_LEFT


def gallery_figure(tiles: Sequence[Tile], *, columns: int, chosen: int | None) -> go.Figure:
    """Draws small pictures with their boxes, row after row; a click on one gives its index.

    Args:
        tiles: The pictures.
        columns: Pictures a row.
        chosen: Index of the one with a frame around it.
    """
    # As high as the highest of them, but for those that stand upright.
    tall = max(min(1.0, tile.shape[0] / tile.shape[1]) for tile in tiles)
    pitch = tall + CAPTION
    rows = -(-len(tiles) // columns)
    images, lines, texts = [], {}, {"x": [], "y": [], "text": []}
    shapes = []
    for place, tile in enumerate(tiles):
        left, top = place % columns, place // columns * pitch
        scale = 0.94 * min(1 / tile.shape[1], tall / tile.shape[0])
        height, width = tile.shape[0] * scale, tile.shape[1] * scale
        x0, y0 = left + (1 - width) / 2, top + (tall - height) / 2
        if tile.uri is not None:
            images.append(
                {"source": tile.uri, "xref": "x", "yref": "y", "x": x0, "y": y0}
                | {"sizex": width, "sizey": height, "sizing": "stretch", "layer": "below"}
            )
        for label in np.unique(tile.labels):
            x, y = box_lines(tile.boxes[tile.labels == label], (height, width))
            color = class_color(int(label))
            parts = lines.setdefault(color, ([], []))
            parts[0].append(x + x0)
            parts[1].append(y + y0)
        texts["x"].append(left + 0.5)
        texts["y"].append(top + tall + CAPTION / 2.6)
        texts["text"].append(tile.caption)
        if tile.index == chosen:
            shapes.append(
                {"type": "rect", "x0": left + 0.01, "x1": left + 0.99, "y0": top + 0.01}
                | {
                    "y1": top + tall - 0.01,
                    "line": {"color": "#ff8800", "width": 3},
                    "layer": "above",
                }
            )
    data: list[dict[str, Any]] = [
        {"type": "scatter", "x": np.concatenate(x), "y": np.concatenate(y), "mode": "lines"}
        | {"line": {"color": color, "width": 1.5}, "hoverinfo": "skip"}
        for color, (x, y) in lines.items()
    ]
    data.append(
        {"type": "scatter", "mode": "text", "hoverinfo": "skip", "textfont": {"size": 11}, **texts}
    )
    indices = [tile.index for tile in tiles] + [None] * (rows * columns - len(tiles))
    names = [tile.caption for tile in tiles] + [""] * (rows * columns - len(tiles))
    data.append(
        {
            "type": "heatmap",
            "z": np.zeros((rows, columns), np.float32),
            **{"x0": 0.5, "dx": 1, "y0": pitch / 2, "dy": pitch},
            "opacity": 0,
            "showscale": False,
            "customdata": np.reshape(np.array(indices, object), (rows, columns)).tolist(),
            "text": np.reshape(np.array(names, object), (rows, columns)).tolist(),
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    bare |= {"fixedrange": True}
    layout = {
        "images": images,
        "shapes": shapes,
        "xaxis": {"range": [0, columns], **bare},
        "yaxis": {"range": [rows * pitch, 0], "scaleanchor": "x", "constrain": "domain", **bare},
        "meta": {"aspect": rows * pitch / columns, "below": [8, 0]},
        "height": 600,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
    }
    return figure_of(data, layout)


def annotated_figure(
    image: np.ndarray,
    outlines: Sequence[Outline],
    *,
    grid: tuple[int, int] | None = None,
    cells: np.ndarray | None = None,
    below: Sequence[float] = (),
) -> go.Figure:
    """Draws one picture with boxes over it.

    Args:
        image: (height, width, 3) uint8.
        outlines: What lies over it, the last on top.
        grid: Rows and columns of cells to draw.
        cells: (n, 4) boxes of cells that are filled.
        below: What is to stay below the picture in the window, see `plot`.
    """
    shape = image.shape[:2]
    data: list[dict[str, Any]] = []
    if grid is not None:
        x, y = grid_lines(*grid, shape)
        line = {"mode": "lines", "line": {"color": GRID_COLOR, "width": 1}}
        data.append({"type": "scatter", "x": x, "y": y, "name": "grid", "hoverinfo": "skip"} | line)
    if cells is not None and len(cells):
        x, y = box_lines(cells, shape)
        fill = {"fill": "toself", "fillcolor": "rgba(255, 238, 88, 0.28)", "hoverinfo": "skip"}
        data.append(
            {"type": "scatter", "x": x, "y": y, "mode": "lines", "name": "cell", **fill}
            | {"line": {"color": "#ffee58", "width": 1.5}}
        )
    for each in outlines:
        data += box_traces(
            each.name,
            each.boxes,
            shape,
            color=each.color,
            width=each.width,
            dash=each.dash,
            labels=each.labels,
            rim=each.rim,
            corner=each.corner,
        )
    picture, x_axis, y_axis = picture_axes(picture_uri(image), shape)
    layout = {
        "images": [picture],
        "xaxis": x_axis,
        "yaxis": y_axis,
        "height": 480,
        "meta": {"aspect": shape[0] / shape[1]} | ({"below": list(below)} if below else {}),
        # Plotly's buttons stand beside the picture.
        "margin": {"l": 0, "r": 28, "t": 0, "b": 0},
        "modebar": {"orientation": "v"},
        "showlegend": False,
        "dragmode": "zoom",
        "uirevision": f"{shape}",
    }
    return figure_of(data, layout)
