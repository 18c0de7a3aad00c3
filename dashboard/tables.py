"""The tables of the Inspect page: a sample in, words and numbers as a data frame out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dashboard.figures.places import object_label, slot_score
from dashboard.figures.tiles import PART_NAMES, slot_parts
from yolo_core.explain import Report, totals_agree
from yolo_core.reasons import cell_name, slot_word, trained_objects
from yolo_core.runs.snapshots import SampleView

NOTHING = "–"
_CLASSES_SHOWN = 12


def number(value: float, digits: int = 4) -> str:
    """A number with a few significant digits; a dash for NaN."""
    return NOTHING if np.isnan(value) else f"{float(value):.{digits}g}"


def role_table(view: SampleView, slots: np.ndarray) -> pd.DataFrame:
    """What each slot of a cell is there for, a column a slot.

    Args:
        view: The sample.
        slots: (A,) the slots of the cell.
    """
    height, width = view.image.shape[:2]
    parts = slot_parts(view)
    trained = [[object_label(view, n) for n in trained_objects(view, int(s))] for s in slots]
    rows = {
        "mask": [PART_NAMES[parts[slot]] for slot in slots],
        "trained for": [" and ".join(labels) or NOTHING for labels in trained],
    }
    if view.layout.has_priors:
        sizes = view.layout.prior[slots, 2:] * [width, height]
        rows["anchor, px"] = [f"{w:.1f} × {h:.1f}" for w, h in sizes]
    for index in view.objects:
        rows[f"IoU, {object_label(view, int(index))}"] = [
            f"{view.targets['overlap'][slot, index]:.2f}" for slot in slots
        ]
    score, label = slot_score(view)
    rows["detection"] = [
        f"{view.class_names[label[slot]]} at {score[slot]:.2f}"
        + (", kept" if view.keep[slot] else ", not kept")
        for slot in slots
    ]
    return _by_slot(view, slots, rows)


def loss_table(view: SampleView, slots: np.ndarray) -> pd.DataFrame:
    """What each slot of a cell adds to each term, unweighted and weighted, a column a slot."""
    rows: dict[str, list[str]] = {}
    weighted = np.zeros(len(slots))
    for name, values in view.maps.items():
        factor = float(view.lambdas[name])
        rows[name] = [number(values[slot]) for slot in slots]
        rows[f"{number(factor)} × {name}"] = [number(factor * values[slot]) for slot in slots]
        weighted = weighted + factor * values[slots].astype(np.float64)
    rows["together"] = [number(value) for value in weighted]
    share = weighted / view.total if view.total else np.full(len(slots), np.nan)
    rows["share of the picture's loss"] = [
        NOTHING if not np.isfinite(value) else f"{100 * value:.1f} %" for value in share
    ]
    return _by_slot(view, slots, rows)


def prediction_table(view: SampleView, slots: np.ndarray) -> pd.DataFrame:
    """Target, raw and decoded value of every channel, three columns a slot.

    x, y, w and h are in the units that the loss compares; below them the box in pixels.
    """
    columns = {}
    for slot in slots:
        title = f"{slot_word(view.layout)} {view.layout.anchor[slot]}"
        rows = _channels(view, int(slot))
        for k, part in enumerate(("target", "raw", "decoded")):
            columns[title, part] = {name: values[k] for name, values in rows.items()}
    return pd.DataFrame(columns)


def _channels(view: SampleView, slot: int) -> dict[str, tuple[str, str, str]]:
    """{row: (target, raw, decoded)} of one slot."""
    channels = {name: k for k, name in enumerate(view.channels)}
    targets, predictions = view.targets, view.predictions

    def raw(name: str) -> str:
        return number(view.y_pred[slot, channels[name]]) if name in channels else NOTHING

    rows = {}
    for name, group, k in (("x", "xy", 0), ("y", "xy", 1), ("w", "wh", 0), ("h", "wh", 1)):
        if group in targets:
            rows[name] = (
                number(targets[group][slot, k]),
                raw(name),
                number(predictions[group][slot, k]),
            )
    rows["objectness"] = (
        number(targets["objectness"][slot]) if "objectness" in targets else NOTHING,
        raw("objectness"),
        number(predictions["objectness"][slot]),
    )
    for name in channels:  # such as SSD's background
        if name not in ("x", "y", "w", "h", "objectness") and not name.startswith("class "):
            rows[name] = (NOTHING, raw(name), NOTHING)
    height, width = view.image.shape[:2]
    index = int(view.assignment.matched_object[slot])
    wanted = view.y_true[index, 1:5] if index >= 0 else np.full(4, np.nan)
    scale = np.array([width, height, width, height])
    for name, target, decoded in zip(
        ("centre x, px", "centre y, px", "width, px", "height, px"),
        wanted * scale,
        predictions["boxes"][slot] * scale,
        strict=True,
    ):
        rows[name] = (number(target), NOTHING, number(decoded))
    target_class = int(targets["class"][slot]) if "class" in targets else -1
    for k in _shown_classes(view):
        rows[f"class {view.class_names[k]}"] = (
            NOTHING if target_class < 0 else str(int(k == target_class)),
            raw(f"class {k}"),
            number(predictions["class_probabilities"][slot, k]),
        )
    return rows


def _shown_classes(view: SampleView) -> Sequence[int]:
    """All classes if they are few, else those of the objects and the likeliest others."""
    count = len(view.class_names)
    if count <= _CLASSES_SHOWN:
        return range(count)
    present = np.flatnonzero((view.y_true[view.objects, 5:] > 0).any(axis=0))
    likely = np.argsort(-view.predictions["class_probabilities"].max(axis=0), kind="stable")
    chosen = dict.fromkeys([*present.tolist(), *likely.tolist()])
    return sorted(list(chosen)[: max(_CLASSES_SHOWN, len(present))])


def ledger_table(view: SampleView, report: Report) -> pd.DataFrame:
    """One row an object: what became of it, where, and why."""
    word = slot_word(view.layout)
    rows = []
    for each in report.objects:
        places = [
            f"{cell_name(view.layout, view.layout.index(s.head, s.row, s.column, s.anchor))}, "
            f"{word} {s.anchor}"
            for s in each.slots
        ]
        rows.append(
            {
                "object": object_label(view, each.index),
                "status": each.status.name.replace("_", " ").lower(),
                "trains": "; ".join(places) or "nothing",
                "IoU now": f"{each.slots[0].iou:.2f}" if each.slots else NOTHING,
                "why": each.reason,
            }
        )
    return pd.DataFrame(rows, columns=["object", "status", "trains", "IoU now", "why"])


def term_table(
    terms: Mapping[str, float], lambdas: Mapping[str, float], recorded: Mapping[str, float]
) -> pd.DataFrame:
    """One row a term: the sum of its map beside what the training process recorded, and its weight.

    Args:
        terms: {name: sum of the map}.
        lambdas: {name: effective weight}.
        recorded: {name: recorded term}; a name may be missing.
    """
    total = sum(lambdas[name] * value for name, value in terms.items())
    rows = []
    for name, value in terms.items():
        there = recorded.get(name, float("nan"))
        agrees = "" if np.isnan(there) else " ✓" if totals_agree(value, there) else " ✗"
        weighted = lambdas[name] * value
        rows.append(
            {
                "term": name,
                "Σ map": number(value, 6),
                "recorded": number(there, 6) + agrees,
                "λ": number(lambdas[name]),
                "λ × Σ map": number(weighted, 6),
                "share": f"{100 * weighted / total:.1f} %" if total else NOTHING,
            }
        )
    return pd.DataFrame(rows)


def _by_slot(view: SampleView, slots: np.ndarray, rows: Mapping[str, list[str]]) -> pd.DataFrame:
    titles = [f"{slot_word(view.layout)} {view.layout.anchor[slot]}" for slot in slots]
    return pd.DataFrame.from_dict(rows, orient="index", columns=titles)
