"""One small map an anchor: the parts that the slots fall in, and what each adds to the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures.picture import add_picture, box_lines, grid_lines, thumbnail_uri
from dashboard.figures.places import Cell, cell_boxes
from dashboard.figures.scene import CELL_COLOR, GRID_COLOR, OBJECT_COLOR
from yolo_core.reasons import slot_word
from yolo_core.runs.snapshots import SampleView

NO_OBJECT, IGNORED, OBJECT = 0, 1, 2
PART_NAMES = ("no object", "ignored", "object")
# Grey, blue and orange: apart for every kind of colour vision, and by lightness.
PART_COLORS = ("#5f6368", "#3399ee", "#ffb000")
_SCALE = "Inferno"


def mask_figure(view: SampleView, *, cell: Cell) -> go.Figure:
    """Draws which slots are object, no object or ignored; rows are heads, columns anchors.

    A clicked slot carries [head, row, column].

    Args:
        view: The sample.
        cell: The selected cell, outlined in every tile of its head.
    """
    parts = slot_parts(view)
    scale = [(edge / 3, color) for k, color in enumerate(PART_COLORS) for edge in (k, k + 1)]
    overlap = view.targets["overlap"][:, view.objects].max(axis=1, initial=0.0)
    words = np.asarray(
        [
            f"{PART_NAMES[part]}, best IoU with an object {iou:.2f}"
            for part, iou in zip(parts, overlap, strict=True)
        ]
    )
    figure = _tiles(view, parts.astype(np.float32), cell, _part_titles(view, parts), words)
    figure.update_traces(
        selector={"type": "heatmap"},
        zmin=-0.5,
        zmax=2.5,
        colorscale=scale,
        showscale=False,
        opacity=0.75,
    )
    for name, color in zip(PART_NAMES, PART_COLORS, strict=True):
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 12, "color": color},
            name=name,
        )
    figure.update_layout(showlegend=True, legend=_LEGEND)
    return figure


def loss_figure(view: SampleView, values: np.ndarray, *, name: str, cell: Cell) -> go.Figure:
    """Draws what every slot adds to a term or to the total; rows are heads, columns anchors.

    A clicked slot carries [head, row, column].

    Args:
        view: The sample.
        values: (P,) float32, one number a slot.
        name: What they are, for the colour bar.
        cell: The selected cell, outlined in every tile of its head.
    """
    values = np.asarray(values, np.float32)
    finite = values[np.isfinite(values)]
    top = float(finite.max(initial=0.0))
    words = np.asarray([f"{value:.4g}" for value in values])
    figure = _tiles(view, values, cell, _sum_titles(view, values), words)
    figure.update_traces(
        selector={"type": "heatmap"},
        coloraxis="coloraxis",
        opacity=0.8,
    )
    figure.update_layout(
        showlegend=False,
        coloraxis={
            "colorscale": _SCALE,
            "cmin": min(0.0, float(finite.min(initial=0.0))),
            "cmax": top if top > 0 else 1.0,
            "colorbar": {"title": {"text": name, "side": "right"}, "thickness": 12},
        },
    )
    return figure


def slot_parts(view: SampleView) -> np.ndarray:
    """(P,) int64: `NO_OBJECT`, `IGNORED` or `OBJECT`."""
    assignment = view.assignment
    return np.select([assignment.object_mask, assignment.ignore_mask], [OBJECT, IGNORED], NO_OBJECT)


_LEGEND = {"orientation": "h", "y": -0.01, "yanchor": "top", "x": 0.5, "xanchor": "center"}


def _tiles(
    view: SampleView, values: np.ndarray, cell: Cell, titles: list[str], words: np.ndarray
) -> go.Figure:
    """Lays one heatmap an anchor over the picture; `words` (P,) are what each slot says."""
    grids = view.layout.grids
    columns = max(count for _, _, count in grids)
    figure = make_subplots(
        rows=len(grids),
        cols=columns,
        subplot_titles=titles,
        horizontal_spacing=0.012,
        vertical_spacing=0.1 / len(grids),
    )
    height, width = view.image.shape[:2]
    uri = thumbnail_uri(view.image)
    boxes = view.y_true[view.objects, 1:5]
    object_x, object_y = box_lines(boxes[np.isfinite(boxes).all(axis=1)], (height, width))
    cell_x, cell_y = box_lines(cell_boxes(view, [cell]), (height, width))
    for head, (rows, cols, count) in enumerate(grids):
        grid = view.layout.on_grid(head, values)
        text = view.layout.on_grid(head, words)
        row, column = np.indices((rows, cols))
        place = np.stack([np.full_like(row, head), row, column], axis=-1)
        for anchor in range(columns):
            at = {"row": head + 1, "col": anchor + 1}
            tile = head * columns + anchor + 1
            if anchor >= count:
                figure.update_xaxes(visible=False, **at)
                figure.update_yaxes(visible=False, **at)
                continue
            figure.add_heatmap(
                z=grid[:, :, anchor],
                x0=width / cols / 2,
                dx=width / cols,
                y0=height / rows / 2,
                dy=height / rows,
                customdata=place,
                text=text[:, :, anchor].tolist(),
                hovertemplate="row %{customdata[1]}, column %{customdata[2]}: %{text}"
                "<extra></extra>",
                **at,
            )
            grid_x, grid_y = grid_lines(rows, cols, (height, width))
            lines = [
                (grid_x, grid_y, GRID_COLOR, 1),
                (object_x, object_y, OBJECT_COLOR, 1.5),
            ]
            if head == cell.head:
                lines.append((cell_x, cell_y, CELL_COLOR, 2.5))
            for x, y, color, thickness in lines:
                figure.add_scatter(
                    x=x,
                    y=y,
                    mode="lines",
                    line={"color": color, "width": thickness},
                    hoverinfo="skip",
                    showlegend=False,
                    **at,
                )
            add_picture(figure, uri, (height, width), tile=tile)
    figure.update_annotations(font={"size": 13})
    figure.update_layout(
        height=(310 if columns <= 3 else 240) * len(grids) + 52,
        margin={"l": 0, "r": 0, "t": 28, "b": 24},
        hovermode="closest",
        uirevision=f"{grids} {width} {height}",
    )
    return figure


def _part_titles(view: SampleView, parts: np.ndarray) -> list[str]:
    def count(tile: np.ndarray) -> str:
        numbers = [f"{int((tile == part).sum())} {PART_NAMES[part]}" for part in (2, 0, 1)]
        return ", ".join(numbers)

    return _titles(view, parts, count)


def _sum_titles(view: SampleView, values: np.ndarray) -> list[str]:
    return _titles(view, values, lambda tile: f"Σ {np.sum(tile, dtype=np.float64):.4g}")


def _titles(
    view: SampleView, values: np.ndarray, describe: Callable[[np.ndarray], str]
) -> list[str]:
    layout = view.layout
    columns = max(count for _, _, count in layout.grids)
    titles = []
    for head, (_, _, count) in enumerate(layout.grids):
        grid = layout.on_grid(head, values)
        first = f"head {head}, " if len(layout.grids) > 1 else ""
        for anchor in range(columns):
            name = f"{first}{slot_word(layout)} {anchor}: "
            titles.append(name + describe(grid[:, :, anchor]) if anchor < count else "")
    return titles
