"""The tables of a sample for other programs: what the CSV files hold, numbers whole and bare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures.places import slot_score
from dashboard.tables import term_rows
from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.explain.report import Report
from yolo_core.views import SampleView


def slot_table(view: SampleView) -> pd.DataFrame:
    """(P rows) place, part, object, every term, the decoded box, the raw channels, the gradients.

    Boxes are x_center, y_center, width, height in pixels of the picture; terms are unweighted but
    for "weighted total", whose gradient on each raw channel the columns after them hold, where the
    snapshot has it. "own gradient" is that of a loss of one's own, of a training with one.
    """
    height, width = view.image.shape[:2]
    layout, masks = view.layout, view.assignment
    score, label = slot_score(view)
    columns: dict[str, Any] = {
        "head": layout.head,
        "row": layout.row,
        "column": layout.column,
        "anchor": layout.anchor,
        "part": np.asarray(PARTS)[slot_parts(view)],
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
    if view.gradients:
        total = sum(view.lambdas[name] * each for name, each in view.gradients.items())
        columns |= {f"gradient {name}": total[:, k] for k, name in enumerate(view.channels)}
    if view.own is not None:
        columns |= {
            f"own gradient {name}": view.own.gradient[:, k] for k, name in enumerate(view.channels)
        }
    return pd.DataFrame(columns).astype({"object": "Int64"})


def object_table(view: SampleView, report: Report) -> pd.DataFrame:
    """One row an object: its label, what became of it, the best slot that it trains, and why.

    Boxes are x_center, y_center, width, height in pixels of the picture.
    """
    height, width = view.image.shape[:2]
    rows = []
    for each in report.objects:
        box = np.asarray(each.box) * [width, height, width, height]
        best = each.slots[0] if each.slots else None
        rows.append(
            {
                "object": each.index,
                "class": each.class_name,
                **dict(zip(("x, px", "y, px", "width, px", "height, px"), box, strict=True)),
                "status": each.status.name.lower(),
                "slots": len(each.slots),
                **{
                    name: None if best is None else getattr(best, name)
                    for name in ("head", "row", "column", "anchor", "iou")
                },
                "why": each.reason,
            }
        )
    whole = dict.fromkeys(("head", "row", "column", "anchor"), "Int64")
    return pd.DataFrame(rows).astype(whole if rows else {})


def loss_table(view: SampleView, report: Report, recorded: Mapping[str, float]) -> pd.DataFrame:
    """One row a term, and the total: sum of the map, what was recorded, lambda, weighted, share.

    Args:
        view: The sample.
        report: Of the sample.
        recorded: {name: recorded term}; a name may be missing.
    """
    table = pd.DataFrame(term_rows(report.terms, view.lambdas, recorded))
    total = table["weighted"].sum()
    table.loc[len(table)] = ["total", np.nan, np.nan, np.nan, total]
    table["share"] = table["weighted"] / total if total else np.nan
    return table
