"""What the columns of a table mean, where one points at their headings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from yolo_core.evaluation.misses import FOUND_MEANS
from yolo_core.explain.glossary import meaning

_COLUMNS = {
    "★": "Marked as worth finding again.",
    "of": "Steps that were asked for.",
    "best mAP50": "The highest mAP50 of all evaluations of the run.",
    "total": "The loss: the sum of λ × term.",
    "changes": "How often a lambda or the learning rate was changed.",
    "trained, min": "Minutes spent in training.",
    "disk, MB": "What the run's folder takes: rows, snapshots, checkpoints, surveys.",
    "note": "What was written about the run.",
    "message": "How the training ended, or what cannot be read.",
    "missed": f"Objects without {FOUND_MEANS}.",
    "found": "Objects with a detection of their class that overlaps them well enough.",
    "false": "Detections that find no object.",
    "false detections": "Detections that find no object.",
    "AP50": "Average precision of the class, where a box counts as found from IoU 0.5 on.",
    "AP50-95": "Mean of the average precisions at IoU 0.5, 0.55, ... 0.95.",
    "VOC2007": "AP50 as PASCAL VOC 2007 computes it, from eleven points of the curve.",
    "VOC2012": "AP50 as PASCAL VOC computes it since 2010, from the whole curve.",
    "why": "The reason by the loss's own rule.",
    "score where it fits": "The highest score of a slot of its class that overlaps it well.",
    "share of the loss": "λ × term by the sum of all.",
    "share of the gradient": "How hard the term pulls on the last layer that all share.",
    "λ that balances": "With this λ the term would pull as hard as the others do in the mean.",
    "by": "Who asked for the change.",
    "dial": "What was changed: a lambda, by the name of its term, or the learning rate.",
}


def headings(
    columns: Iterable[Any], config: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Streamlit's column configuration, with what each column means where that is known.

    Args:
        columns: The columns of the table.
        config: What is configured besides, by column.
    """
    found = dict(config or {})
    for name in map(str, columns):
        words = _COLUMNS.get(name) or meaning(name)
        if words is not None:
            found[name] = {**found.get(name, st.column_config.Column()), "help": words}
    return found
