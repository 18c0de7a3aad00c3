"""The tables of the Inspect page: a sample in, words and numbers as a data frame out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dashboard.figures.places import object_label, slot_score
from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.compare.own.term_factors import TermFactor
from yolo_core.explain.by_label import differs, given_elsewhere, label_iou
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.explain.reasons import trained_objects
from yolo_core.explain.report import Report, totals_agree
from yolo_core.explain.trace import (
    MATCH,
    candidates,
    channel_label,
    comparisons,
    push_words,
    weighted_gradients,
)
from yolo_core.runs.snapshots import SampleView

NOTHING = "–"
_CLASSES_SHOWN, _SLOTS_SHOWN = 12, 3


def number(value: float, digits: int = 4) -> str:
    """A number with a few significant digits; a dash for NaN."""
    return NOTHING if np.isnan(value) else f"{float(value):.{digits}g}"


def cell_table(view: SampleView, slots: np.ndarray, chosen: int) -> pd.DataFrame:
    """The slots of a cell side by side, in short: a column a slot.

    Args:
        view: The sample.
        slots: (A,) the slots of the cell.
        chosen: The selected one, which is pointed out.
    """
    height, width = view.image.shape[:2]
    parts = slot_parts(view)
    trained = [[object_label(view, n) for n in trained_objects(view, int(s))] for s in slots]
    rows = {
        "part": [PARTS[parts[slot]] for slot in slots],
        "trained for": [" and ".join(labels) or NOTHING for labels in trained],
    }
    if view.layout.has_priors:
        sizes = view.layout.prior[slots, 2:] * [width, height]
        rows["anchor, px"] = [f"{w:.1f} × {h:.1f}" for w, h in sizes]
    score, label = slot_score(view)
    rows["predicts"] = [
        f"{view.class_names[label[slot]]} at {score[slot]:.2f}"
        + ("" if view.keep[slot] else ", suppressed")
        for slot in slots
    ]
    if view.objects.size:
        overlap = label_iou(view, slots, view.objects)
        rows["best IoU"] = [
            f"{row.max():.2f} ({object_label(view, int(view.objects[row.argmax()]))})"
            if row.max() > 0
            else NOTHING
            for row in overlap
        ]
    weighted = view.weighted_map[slots]
    rows["adds"] = [number(value, 3) for value in weighted]
    rows["of the loss"] = [_share(value, view.total) for value in weighted]
    titles = [
        f"{'▸ ' if slot == chosen else ''}{slot_word(view.layout)} {view.layout.anchor[slot]}"
        for slot in slots
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=titles)


def candidate_table(view: SampleView, index: int, row: int, slot: int, most: int) -> pd.DataFrame:
    """Who was compared for an object: one row a candidate, the best first.

    Args:
        view: The sample.
        index: Row of the object in the labels.
        row: Its ledger row.
        slot: The selected slot, which is pointed out, and shown however low it scored.
        most: Rows shown.
    """
    found = candidates(view, index, row)
    kept = [each for k, each in enumerate(found) if k < most or each.slot == slot]
    layout = view.layout
    here = cell_name(layout, slot)
    columns: dict[str, list[str]] = {
        "candidate": [
            f"{'▸ ' if each.slot == slot else ''}{slot_word(layout)} {layout.anchor[each.slot]}"
            + ("" if cell_name(layout, each.slot) == here else f", {cell_name(layout, each.slot)}")
            for each in kept
        ],
        view.assignment.candidate_measure: [f"{each.score:.3f}" for each in kept],
        **_by_label([(each.score, each.by_label) for each in kept]),
    }
    threshold = _matching_threshold(view)
    if threshold:
        columns["threshold"] = [threshold] * len(kept)
    columns["decision"] = [each.decision for each in kept]
    return pd.DataFrame(columns)


def _by_label(pairs: Sequence[tuple[float, float]]) -> dict[str, list[str]]:
    """A column with what the labels say, where the loss says otherwise: (loss, label) pairs."""
    if not any(differs(own, label) for own, label in pairs):
        return {}
    return {"by the label": [f"{label:.3f}" for _, label in pairs]}


def _matching_threshold(view: SampleView) -> str:
    """What the score of a candidate is held against; "" where the best one simply wins."""
    if MATCH in view.thresholds:
        return f"matched from {view.thresholds[MATCH]:.4g}"
    if view.ignore_rule.kind == "prior_shape":
        return f"ignored above {view.ignore_rule.threshold_text}"
    return ""


def ignore_table(view: SampleView, slot: int, most: int) -> pd.DataFrame:
    """A slot's predicted box against the objects, and whether the rule ignores the slot for it.

    Args:
        view: The sample.
        slot: Index on the slot axis.
        most: Rows shown.
    """
    found = comparisons(view, slot)[:most]
    found = [
        each for rank, each in enumerate(found) if max(each.iou, each.by_label) > 0 or rank == 0
    ]
    return pd.DataFrame(
        {
            "object": [object_label(view, each.index) for each in found],
            "IoU of its box": [view.ignore_rule.score_text(each.iou, 3) for each in found],
            **_by_label([(each.iou, each.by_label) for each in found]),
            "ignored from": [view.ignore_rule.threshold_text] * len(found),
            "decision": [each.decision for each in found],
        }
    )


def slot_term_table(view: SampleView, slot: int) -> pd.DataFrame:
    """What one slot adds to each term: one row a term, then the sum.

    Args:
        view: The sample.
        slot: Index on the slot axis.
    """
    pulls = weighted_gradients(view, slot)
    totals = {"of the picture": view.total}
    if view.kind == "batch":
        totals["of the batch"] = view.batch_total

    def row(term: str, value: str, weight: str, weighted: float, pull: Any) -> dict[str, str]:
        cells = {"term": term, "unweighted": value, "λ": weight, "weighted": number(weighted)}
        cells |= {name: _share(weighted, total) for name, total in totals.items()}
        return cells | ({"pushes": push_words(view, pull)} if pulls else {})

    added = {
        name: float(view.lambdas[name]) * float(each[slot]) for name, each in view.maps.items()
    }
    rows = [
        row(name, number(view.maps[name][slot]), number(view.lambdas[name]), each, pulls.get(name))
        for name, each in added.items()
    ]
    rows.append(row("together", "", "", sum(added.values()), sum(pulls.values())))
    return pd.DataFrame(rows)


def _share(value: float, total: float) -> str:
    share = 100 * value / total if total else np.nan
    if not np.isfinite(share):
        return NOTHING
    return f"{share:.1f}%" if share == 0 or abs(share) >= 0.05 else "< 0.1%"


def channel_table(view: SampleView, slot: int) -> pd.DataFrame:
    """One row a channel of a slot: what the network puts out, what it means, what it should be.

    "activated" is the place inside the cell, the size in anchors (or in pictures, where there are
    none), or a probability; "decoded" and "target" are in the units that the loss compares.

    Args:
        view: The sample.
        slot: Index on the slot axis.
    """
    pulls = weighted_gradients(view, slot)
    gradient = sum(pulls.values())
    return pd.DataFrame(
        [
            {
                "channel": channel_label(view, channel),
                "raw": number(view.y_pred[slot, channel]),
                **_meaning(view, slot, name),
                **({"gradient": _with_arrow(float(gradient[channel]))} if pulls else {}),
            }
            for channel, name in _shown_channels(view)
        ]
    )


def gradient_table(view: SampleView, slot: int) -> pd.DataFrame:
    """λ times the gradient of each term on each channel of a slot, and their sum.

    Args:
        view: The sample, with gradients on record.
        slot: Index on the slot axis.
    """
    pulls = weighted_gradients(view, slot)
    whole = sum(pulls.values())
    rows = [
        {
            "channel": channel_label(view, channel),
            **{name: number(each[channel], 3) for name, each in pulls.items()},
            "together": number(whole[channel], 3),
        }
        for channel, _ in _shown_channels(view)
    ]
    return pd.DataFrame(rows)


def own_gradient_table(view: SampleView, slot: int) -> pd.DataFrame:
    """The gradient of one's own loss on each channel of a slot, beside the published loss's.

    Args:
        view: The sample, of a training with a loss of one's own.
        slot: Index on the slot axis.
    """
    pulls = weighted_gradients(view, slot)
    whole = sum(pulls.values())
    return pd.DataFrame(
        [
            {
                "channel": channel_label(view, channel),
                "raw": number(view.y_pred[slot, channel]),
                view.own.name: _with_arrow(float(view.own.gradient[slot, channel])),
                **({view.loss_name: _with_arrow(float(whole[channel]))} if pulls else {}),
            }
            for channel, _ in _shown_channels(view)
        ]
        if view.own is not None
        else []
    )


def factor_table(terms: Sequence[TermFactor]) -> pd.DataFrame:
    """One row a term of a published loss: by what factor it is found in another gradient."""
    rows = [
        {
            "term": each.term,
            "weight": NOTHING if each.factor is None else f"× {number(each.factor)}",
            "agree": of_all(each.agree, each.entries),
        }
        for each in terms
    ]
    return pd.DataFrame(rows)


def of_all(agree: int, entries: int) -> str:
    """How many of all: "3 of 4 ✗"."""
    return f"{agree:,} of {entries:,} {'✓' if agree == entries else '✗'}"


def _with_arrow(gradient: float) -> str:
    """A gradient with the way in which a step moves the raw number: against it."""
    arrow = "" if gradient == 0 or not np.isfinite(gradient) else " ↑" if gradient < 0 else " ↓"
    return f"{number(gradient, 3)}{arrow}"


def _meaning(view: SampleView, slot: int, name: str) -> dict[str, str]:
    """Activated, decoded, target and pixels of one channel of a slot."""
    targets, predictions, layout = view.targets, view.predictions, view.layout
    activated = decoded = target = now = wanted = NOTHING
    if name in ("x", "y", "w", "h"):
        axis = "xywh".index(name)
        group, k = ("xy", "wh")[axis // 2], axis % 2
        if group in targets and group in predictions:
            decoded, target = (number(source[group][slot, k]) for source in (predictions, targets))
        side = view.image.shape[1 - k]
        box = float(predictions["boxes"][slot, axis])
        now = f"{box * side:.1f}"
        index = int(view.assignment.matched_object[slot])
        if index >= 0:
            wanted = f"{float(view.y_true[index, 1 + axis]) * side:.1f}"
        if group == "xy":
            place = (layout.column, layout.row)[k][slot]
            activated = f"{number(box / layout.stride[slot, k] - place, 3)} cell"
        elif layout.has_priors:
            activated = f"{number(box / layout.prior[slot, axis], 3)} anchor"
        else:
            activated = f"{number(box, 3)} picture"
    elif name == "objectness":
        activated = decoded = number(predictions["objectness"][slot])
        target = number(targets["objectness"][slot]) if "objectness" in targets else NOTHING
    elif name == "background":
        # The network gives no objectness here, but its opposite.
        activated = decoded = number(1 - predictions["objectness"][slot])
        target = number(1 - targets["objectness"][slot]) if "objectness" in targets else NOTHING
    elif name.startswith("class "):
        k = int(name[6:])
        activated = decoded = number(predictions["class_probabilities"][slot, k])
        wanted_class = int(targets["class"][slot]) if "class" in targets else -1
        target = NOTHING if wanted_class < 0 else str(int(k == wanted_class))
    return {
        "activated": activated,
        "decoded": decoded,
        "target": target,
        "px": now,
        "wanted px": wanted,
    }


def _shown_channels(view: SampleView) -> list[tuple[int, str]]:
    """All channels; of many classes those of the objects and the likeliest others."""
    present = np.flatnonzero((view.y_true[view.objects, 5:] > 0).any(axis=0))
    likely = np.argsort(-view.predictions["class_probabilities"].max(axis=0), kind="stable")
    chosen = list(dict.fromkeys([*present.tolist(), *likely.tolist()]))
    shown = {f"class {k}" for k in chosen[: max(_CLASSES_SHOWN, len(present))]}
    return [
        (channel, name)
        for channel, name in enumerate(view.channels)
        if not name.startswith("class ") or name in shown
    ]


def ledger_table(view: SampleView, report: Report) -> pd.DataFrame:
    """One row an object: what became of it, where, and why."""
    word = slot_word(view.layout)
    rows = []
    for each in report.objects:
        places = [
            f"{cell_name(view.layout, view.layout.index(s.head, s.row, s.column, s.anchor))}, "
            f"{word} {s.anchor}"
            for s in each.slots[:_SLOTS_SHOWN]
        ]
        places += [f"and {k:,} more" for k in [len(each.slots) - _SLOTS_SHOWN] if k > 0]
        rows.append(
            {
                "object": object_label(view, each.index),
                "status": each.status.word + " elsewhere" * bool(given_elsewhere(view, each.index)),
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
    rows = term_rows(terms, lambdas, recorded)
    total = sum(row["weighted"] for row in rows)
    return pd.DataFrame(
        [
            {
                "term": row["term"],
                "Σ map": number(row["sum of map"], 6),
                "recorded": number(row["recorded"], 6) + _agreement(row),
                "λ": number(row["lambda"]),
                "λ × Σ map": number(row["weighted"], 6),
                "share": f"{100 * row['weighted'] / total:.1f}%" if total else NOTHING,
            }
            for row in rows
        ]
    )


def term_rows(
    terms: Mapping[str, float], lambdas: Mapping[str, float], recorded: Mapping[str, float]
) -> list[dict[str, Any]]:
    """The numbers of `term_table`, as they are; the same arguments."""
    return [
        {
            "term": name,
            "sum of map": value,
            "recorded": recorded.get(name, float("nan")),
            "lambda": lambdas[name],
            "weighted": lambdas[name] * value,
        }
        for name, value in terms.items()
    ]


def _agreement(row: Mapping[str, Any]) -> str:
    agree = totals_agree(row["sum of map"], row["recorded"])
    return "" if np.isnan(row["recorded"]) else " ✓" if agree else " ✗"
