"""Every slot of a sample as one row, with all that is known of it: what the CSV file holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures.places import slot_score
from dashboard.figures.tiles import PART_NAMES, slot_parts
from yolo_core.runs.views import SampleView


def slot_table(view: SampleView) -> pd.DataFrame:
    """(P rows) place, part, object, every term, the decoded box and the raw channels.

    Boxes are x_center, y_center, width, height in pixels of the picture; terms are unweighted but
    for "weighted total".
    """
    height, width = view.image.shape[:2]
    layout, masks = view.layout, view.assignment
    score, label = slot_score(view)
    columns: dict[str, Any] = {
        "head": layout.head,
        "row": layout.row,
        "column": layout.column,
        "anchor": layout.anchor,
        "part": np.asarray(PART_NAMES)[slot_parts(view)],
        "object": [int(each) if each >= 0 else None for each in masks.matched_object],
        "weighted total": view.weighted_map,
        **{f"term {name}": values for name, values in view.maps.items()},
        "score": score,
        "class": np.asarray(view.class_names)[label],
        "kept": np.asarray(view.keep, bool),
    }
    boxes = view.predictions["boxes"] * np.array([width, height, width, height])
    for k, name in enumerate(("x", "y", "width", "height")):
        columns[f"box {name}, px"] = boxes[:, k]
    columns |= {f"raw {name}": view.y_pred[:, k] for k, name in enumerate(view.channels)}
    return pd.DataFrame(columns).astype({"object": "Int64"})
