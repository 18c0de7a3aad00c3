"""What the cells of the picture can be filled with: a number or a part of one slot of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.figures.colors import HEAT_COLOR, PART_COLORS
from dashboard.figures.picture import cell_places
from yolo_core.compare.differences import slot_parts
from yolo_core.views import SampleView

NONE, PARTS_OF_SLOTS, WEIGHTED_TOTAL, GRADIENT = "none", "parts", "weighted total", "gradient"


def map_names(view: SampleView) -> list[str]:
    """What there is a number of for every slot: the loss, its terms, the pulls on record."""
    own = [own_map_name(view)] if view.own is not None else []
    return [WEIGHTED_TOTAL, *view.maps, *([GRADIENT] if view.gradients else []), *own]


def own_map_name(view: SampleView) -> str:
    """What the map of the gradient of somebody's own loss is called; "" without one."""
    return f"gradient of {view.own.name}" if view.own is not None else ""


def map_values(view: SampleView, name: str) -> np.ndarray:
    """(P,) the numbers of one of `map_names`; of a gradient its length over all channels."""
    if name in view.maps:
        return view.maps[name]
    if name == GRADIENT and view.gradients:
        return _length(sum(view.lambdas[term] * each for term, each in view.gradients.items()))
    if view.own is not None and name == own_map_name(view):
        return _length(view.own.gradient)
    return view.weighted_map


def fill_trace(view: SampleView, name: str, head: int, anchor: int) -> dict[str, Any] | None:
    """A map over the picture, of one slot of every cell of a head; None for none.

    Args:
        view: The sample.
        name: `PARTS_OF_SLOTS` or one of `map_names`; anything else is none.
        head: The head.
        anchor: Which slot of each cell.
    """
    parts = name == PARTS_OF_SLOTS
    if not parts and name not in map_names(view):
        return None
    rows, columns, _ = view.layout.grids[head]
    values = slot_parts(view).astype(np.float32) if parts else map_values(view, name)
    top = float(np.nanmax(np.where(np.isfinite(values), values, np.nan), initial=0.0))
    scale = [(edge / 3, color) for k, color in enumerate(PART_COLORS) for edge in (k, k + 1)]
    look = (
        {"zmin": -0.5, "zmax": 2.5, "colorscale": scale, "opacity": 0.5}
        if parts
        else {
            "zmin": 0,
            "zmax": top or 1.0,
            "colorscale": [(0, _faint(0.0)), (0.02, _faint(0.15)), (1, _faint(0.85))],
        }
    )
    return {
        "type": "heatmap",
        "z": view.layout.on_grid(head, np.asarray(values, np.float32))[:, :, anchor],
        **cell_places(rows, columns, view.image.shape[:2]),
        "name": "fill",
        "showscale": False,
        "showlegend": False,
        "hoverinfo": "skip",
        **look,
    }


def _length(gradient: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(gradient.astype(np.float64)).sum(axis=-1))


def _faint(alpha: float) -> str:
    red, green, blue = (int(HEAT_COLOR[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
