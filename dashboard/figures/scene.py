"""The picture as the network gets it, with everything that can be laid over it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colors import MATCHED_COLOR, OBJECT_COLOR, PREDICTION_COLOR
from dashboard.figures.frame import BELOW, figure_of
from dashboard.figures.picture import (
    box_lines,
    cell_places,
    grid_lines,
    picture_axes,
    picture_uri,
)
from dashboard.figures.places import (
    Cell,
    cell_boxes,
    detections,
    matching_score,
    object_label,
    short,
    slot_boxes,
)
from yolo_core.explain.names import object_name, slot_word
from yolo_core.explain.report import object_status
from yolo_core.runs.snapshots import SampleView

GRID, OBJECTS, CELLS = "grid", "objects", "owning cells"
ANCHORS, MATCHED, PREDICTIONS = "anchors of the cell", "matched anchors", "predictions"
LAYERS = (GRID, OBJECTS, CELLS, ANCHORS, MATCHED, PREDICTIONS)

# Boxes are told apart by dash as well as by hue, with a dark rim for light pictures.
GRID_COLOR = "rgba(170, 170, 170, 0.5)"
PADDING_COLOR = "#e8e8e8"
RIM = "rgba(0, 0, 0, 0.65)"
LABEL_SHADOW = ", ".join(
    f"{side} 1px #000" for side in ("1px 0", "-1px 0", "0 1px", "0 -1px", "0 0")
)
_LABELLED = 20
# Matched slots for each object, of which all are drawn.
_FEW_MATCHED = 3
# Which point of `box_lines` carries the label; each layer has its own, so that none covers another.
TOP_LEFT, BOTTOM_RIGHT, BOTTOM_LEFT = 0, 2, 3
# Room for plotly's buttons above the picture, which would cover cells, and for a legend of up to
# three lines below it. Fixed, so that the picture stays where it is when a line more is needed.
_BUTTONS, _LEGEND = 28, 60
_SILENT = {"hoverinfo": "skip"}  # nothing but the cells may catch the pointer


def scene_figure(
    view: SampleView,
    *,
    layers: Collection[str],
    head: int,
    score_cut: float,
    legend: bool = True,
    fill: Mapping[str, Any] | None = None,
    room: Sequence[float] = (),
    window: Sequence[float] | None = None,
) -> go.Figure:
    """Draws the picture with its layers; every cell of the head can be clicked.

    The selected cell lies over it: `marks.cell_in_picture`.

    Args:
        view: The sample.
        layers: Which of `LAYERS` to draw; `ANCHORS` comes with the selected cell.
        head: The head whose grid is drawn.
        score_cut: Predictions below this score are left out.
        legend: Whether to name the layers below the picture.
        fill: What the cells are filled with, of `fills.fill_trace`.
        room: What is to stay below the picture in the window, see `plot`; then the wheel zooms.
        window: Left, top, right and bottom of what is shown, in pixels; None for the whole.

    Returns:
        A figure in picture pixels. A clicked cell carries [head, row, column].
    """
    shape = view.image.shape[:2]
    draw = {
        GRID: lambda: [_grid(view, head)],
        CELLS: lambda: _owning_cells(view, head),
        MATCHED: lambda: _matched(view, head),
        PREDICTIONS: lambda: _predictions(view, score_cut),
        # Last: where there is no room for the names of all boxes, those of the objects stay.
        OBJECTS: lambda: _objects(view),
    }
    data = [fill] if fill is not None else []
    data += [trace for layer, make in draw.items() if layer in layers for trace in make()]
    data += _edge_of_padding(view)
    data.sort(key=lambda trace: trace.get("mode") == "text")  # no line crosses a word
    picture, x_axis, y_axis = picture_axes(picture_uri(view.image), shape)
    if window is not None:
        left, top, right, bottom = window
        x_axis["range"], y_axis["range"] = [left, right], [bottom, top]
    layout = {
        "images": [picture],
        "xaxis": x_axis,
        "yaxis": y_axis,
        "height": 620,
        "meta": {"aspect": shape[0] / shape[1]},
        "margin": {"l": 0, "r": 0, "t": _BUTTONS, "b": _LEGEND if legend else 0}
        | {"autoexpand": False},
        "showlegend": legend,
        "legend": BELOW,
        "hovermode": "closest",
        "dragmode": "zoom",
        "uirevision": f"{shape} {window}",
    }
    if room:
        layout["meta"] |= {"below": list(room), "zoom": True}
        # Height is dear on a page of one screen: the buttons stand beside the picture.
        layout["margin"] |= {"t": 0, "r": _BUTTONS}
        layout["modebar"] = {"orientation": "v"}
    return figure_of([*data, _click_targets(view, head)], layout)


def box_traces(
    name: str,
    boxes: np.ndarray,
    shape: tuple[int, int],
    *,
    color: str,
    width: float = 2,
    dash: str = "solid",
    labels: Sequence[str] = (),
    corner: int = TOP_LEFT,
    rim: bool = True,
) -> list[dict[str, Any]]:
    """Boxes as one line, on a dark rim, with a label at the corner of each."""
    if not len(boxes):
        return []
    x, y = box_lines(boxes, shape)
    line = {"type": "scatter", "x": x, "y": y, "mode": "lines", "legendgroup": name} | _SILENT
    traces = [line | {"line": {"color": color, "width": width, "dash": dash}, "name": name}]
    if rim:
        dark = {"line": {"color": RIM, "width": width + 2}, "showlegend": False}
        traces.insert(0, line | dark)
    if len(labels):
        at_x, at_y = labels_apart(x[corner::6], y[corner::6], shape)
        # Labels that would leave the picture go inside the box.
        below = at_y <= 0.06 * shape[0] if corner == TOP_LEFT else at_y < 0.95 * shape[0]
        leftwards = at_x > (0.12 if corner == BOTTOM_RIGHT else 0.88) * shape[1]
        sides = [
            f"{'bottom' if low else 'top'} {'left' if left else 'right'}"
            for low, left in zip(below, leftwards, strict=True)
        ]
        text = {"x": at_x, "y": at_y, "mode": "text", "text": list(labels), "textposition": sides}
        font = {"color": color, "size": 13, "shadow": LABEL_SHADOW}
        traces.append(line | text | {"textfont": font, "showlegend": False})
    return traces


def labels_apart(
    x: np.ndarray, y: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Moves labels that would cover an earlier one down by a line of text, into the picture."""
    height, width = shape
    line = 0.035 * height
    x, y = np.clip(x, 0, width), np.clip(y, 0, height).astype(np.float64)
    for k in range(len(x)):
        near = y[:k][np.abs(x[:k] - x[k]) < 0.1 * width]
        while (hidden := near[np.abs(near - y[k]) < 0.99 * line]).size:
            y[k] = hidden.max() + line
    return x, y


def _grid(view: SampleView, head: int) -> dict[str, Any]:
    rows, columns, _ = view.layout.grids[head]
    x, y = grid_lines(rows, columns, view.image.shape[:2])
    line = {"mode": "lines", "line": {"color": GRID_COLOR, "width": 1}}
    return {"type": "scatter", "x": x, "y": y, "name": "grid"} | line | _SILENT


def _edge_of_padding(view: SampleView) -> list[dict[str, Any]]:
    """Where the picture ends within what enters the network."""
    if view.content is None:
        return []
    return box_traces(
        "edge of the padding",
        view.content[None],
        view.image.shape[:2],
        color=PADDING_COLOR,
        width=1.5,
        dash="longdash",
        rim=False,
    )


def _objects(view: SampleView) -> list[dict[str, Any]]:
    boxes = view.y_true[view.objects, 1:5]
    labels = [
        f"<b>{short(object_label(view, index))}"
        f"{'' if object_status(view, index).is_matched else ' ✗'}</b>"
        for index in view.objects.tolist()
    ]
    usable = np.isfinite(boxes).all(axis=1)
    return box_traces(
        "objects",
        boxes[usable],
        view.image.shape[:2],
        color=OBJECT_COLOR,
        width=2.5,
        labels=[label for label, good in zip(labels, usable, strict=True) if good],
    )


def _owning_cells(view: SampleView, head: int) -> list[dict[str, Any]]:
    own = np.unique(view.assignment.object_slot[view.objects])
    own = own[own >= 0]
    own = own[view.layout.head[own] == head]
    places = {(int(view.layout.row[slot]), int(view.layout.column[slot])) for slot in own}
    if not places:
        return []
    boxes = cell_boxes(view, [Cell(head, row, column) for row, column in sorted(places)])
    x, y = box_lines(boxes, view.image.shape[:2])
    green = {"fill": "toself", "fillcolor": "rgba(47, 216, 149, 0.22)"}
    green["line"] = {"color": "rgba(47, 216, 149, 0.5)", "width": 1}
    cells = {"type": "scatter", "x": x, "y": y, "mode": "lines", "name": "owning cells"}
    return [cells | green | _SILENT]


def _matched(view: SampleView, head: int) -> list[dict[str, Any]]:
    slots, best = np.flatnonzero(view.assignment.object_mask), ""
    if len(slots) > _FEW_MATCHED * len(view.objects):
        # Dozens of boxes hide the picture: the best of each object on the head; tiles show all.
        own = np.unique(view.assignment.object_slot[view.objects])
        slots, best = slots[np.isin(slots, own) & (view.layout.head[slots] == head)], "best "
    boxes = slot_boxes(view, slots)
    usable = np.isfinite(boxes).all(axis=1)
    word = slot_word(view.layout)
    labels = [
        f"{word[0]}{view.layout.anchor[slot]} {matching_score(view, int(slot)):.2f}"
        for slot in slots[usable]
    ]
    return box_traces(
        f"{best}matched {word}s, {view.assignment.candidate_measure}",
        boxes[usable],
        view.image.shape[:2],
        color=MATCHED_COLOR,
        width=1.5,
        dash="dashdot",
        # More words than that lie over one another.
        labels=labels if len(labels) <= _LABELLED else (),
        corner=BOTTOM_LEFT,
    )


def _predictions(view: SampleView, score_cut: float) -> list[dict[str, Any]]:
    slots, score, label = detections(view, score_cut)
    # Of very many predictions only the best are labelled.
    names = [
        f"{short(view.class_names[each])} {value:.2f}" if rank < _LABELLED else ""
        for rank, (each, value) in enumerate(zip(label, score, strict=True))
    ]
    return box_traces(
        f"predictions of {score_cut:.2f} and more",
        view.predictions["boxes"][slots],
        view.image.shape[:2],
        color=PREDICTION_COLOR,
        dash="dash",
        rim=False,  # a perfect prediction lies on its object, which must stay visible
        labels=names,
        corner=BOTTOM_RIGHT,
    )


def _click_targets(view: SampleView, head: int) -> dict[str, Any]:
    """An invisible map of the cells: what is hovered and clicked."""
    rows, columns, _ = view.layout.grids[head]
    row, column = np.indices((rows, columns))
    return {
        "type": "heatmap",
        "z": np.zeros((rows, columns), np.float32),
        **cell_places(rows, columns, view.image.shape[:2]),
        "opacity": 0,
        "showscale": False,
        "customdata": np.stack([np.full_like(row, head), row, column], axis=-1).tolist(),
        "text": np.reshape(_cell_texts(view, head), (rows, columns)).tolist(),
        "hovertemplate": "%{text}<extra></extra>",
        "name": "cells",
        "showlegend": False,
    }


def _cell_texts(view: SampleView, head: int) -> list[str]:
    """What each cell says when it is pointed at: its place, its objects, its part of the loss."""
    assignment = view.assignment
    total = view.layout.on_grid(head, view.weighted_map).sum(axis=-1).reshape(-1)
    rows, columns, count = view.layout.grids[head]
    matched = view.layout.on_grid(head, assignment.matched_object).reshape(-1, count)
    ignored = view.layout.on_grid(head, assignment.ignore_mask).reshape(-1, count)
    texts = []
    for index in range(rows * columns):
        parts = [f"row {index // columns}, column {index % columns}"]
        parts += [
            f"{slot_word(view.layout)} {anchor}: {object_name(view, int(matched[index, anchor]))}"
            for anchor in range(count)
            if matched[index, anchor] >= 0
        ]
        if ignored[index].any():
            parts.append(f"{ignored[index].sum()} ignored")
        parts.append(f"adds {total[index]:.4g} to the loss")
        texts.append("<br>".join(parts))
    return texts
