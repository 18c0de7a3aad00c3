"""The scores, by class and by size, and what one threshold means in counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.evaluate.result import Result
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain
from dashboard.components.shared.headings import headings
from dashboard.components.shared.plot import plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.evaluation import Line, precision_recall_figure
from yolo_core.data.pictures import several
from yolo_core.evaluation.curves import Counts, counts_at, curve
from yolo_core.evaluation.summary import class_rows, mean_of

# Not bound: a bound slider leaves its first option out of the address.
THRESHOLD = UrlChoice("threshold", bound=False)
_OPTIONS = [f"{k / 100:.2f}" for k in range(101)]
_CURVES_HELP = (
    "Recall: the part of the objects that are found; precision: the part of the detections that "
    "are right. A grey line a class, a dot where the threshold cuts it. Wrong: a line that falls "
    "at once; its surest detections are false."
)


def show_scores(result: Result, threshold: float) -> None:
    """The means in a row, each with what it is."""
    table = result.table
    rows = class_rows(table, result.matching, threshold)
    whole = table.scores.whole
    shown = (
        ("mAP50", whole.map50, "average precision at IoU 0.5, as COCO counts it"),
        ("mAP50-95", whole.map50_95, "its mean over IoU 0.50, 0.55, ... 0.95"),
        ("VOC2007", mean_of([row.voc2007 for row in rows]), "at IoU 0.5, 11 points"),
        ("VOC2012", mean_of([row.voc2012 for row in rows]), "at IoU 0.5, all points"),
    )
    for name, value, means in shown:
        words = f"{means[0].upper()}{means[1:]}; the mean over the classes that have objects."
        st.metric(name, number(value), help=words)


def show_classes(result: Result, threshold: float) -> None:
    """A row a class."""
    scores = ("AP50", "AP50-95", "VOC2007", "VOC2012")
    rows = pd.DataFrame(
        [
            {
                "class": row.name,
                "AP50": row.score.map50,
                "AP50-95": row.score.map50_95,
                "found": row.counts.found,
                "missed": row.counts.missed,
                "false": row.counts.false,
                "objects": row.score.objects,
                "VOC2007": row.voc2007,
                "VOC2012": row.voc2012,
            }
            for row in class_rows(result.table, result.matching, threshold)
        ]
    )
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="–",
        height="stretch",
        column_config=headings(
            rows.columns, {name: st.column_config.NumberColumn(format="%.3f") for name in scores}
        ),
    )
    st.caption(
        f"Found, missed and false detections from a score of {threshold:.2f} on.",
        help="Wrong: a class far below the others; too few objects of it, or it looks like another "
        "one.",
    )


def show_sizes(result: Result) -> None:
    """A row a size."""
    width, height = result.table.image_size
    show_table(
        [
            {
                "size": name,
                "AP50": number(score.map50),
                "AP50-95": number(score.map50_95),
                "objects": f"{score.objects:,}",
            }
            for name, score in result.table.scores.by_size.items()
        ]
    )
    st.caption(
        f"In pixels of the network's input, {width} x {height}: small is an area below 32 x 32, "
        "large one above 96 x 96. Wrong: small ones far below the others; the grid is too coarse "
        "for them, or the input too small."
    )


def pick_threshold(result: Result) -> float:
    """Asks for the score from which a detection counts; query parameter "threshold"."""
    return float(
        THRESHOLD.pick(
            st.select_slider,
            "Threshold: detections with at least this score count",
            _OPTIONS,
            default=f"{result.threshold:.2f}",
        )
    )


def show_curves(result: Result, threshold: float, revision: str) -> None:
    """Precision against recall, with the operating point."""
    table, matching = result.table, result.matching
    found, truth = table.found, table.truth
    lines = []
    for index, name in [*enumerate(table.class_names), (None, "all classes")]:
        each = curve(found, truth, matching, index)
        if each.objects and len(each.score):
            lines.append(Line(name, each.recall, each.precision, each.score, main=index is None))
    counts = counts_at(found, truth, matching, threshold)
    if not lines:
        st.info("There is no detection with a score of 0.01 or more, or no object to find.")
        return
    sentence = _sentence(counts, threshold)
    figure = precision_recall_figure(lines, threshold, revision=revision)
    plot(figure, key="evaluate curves", alt=f"{sentence} {_CURVES_HELP}")
    st.caption(f"**{sentence}**", help=_CURVES_HELP)


def _sentence(counts: Counts, threshold: float) -> str:
    objects = counts.found + counts.missed
    right = "none of them" if counts.precision is None else f"{counts.precision:.0%} of them"
    return (
        f"From a score of {threshold:.2f} on, {counts.found:,} of {several(objects, 'object')} "
        f"are found, {counts.missed:,} missed, {several(counts.false, 'false detection')}: "
        f"{several(counts.found + counts.false, 'detection')}, {right} right."
    )


def number(value: float | None) -> str:
    """A score for a table."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3f}"


def what_it_is(result: Result, name: str) -> str:
    """Of how much an evaluation is, in a sentence."""
    table = result.table
    of = "" if table.of in (None, len(table.samples)) else f" of {table.of:,}"
    ignored = int(table.truth.ignored.sum())
    regions = (
        f" {ignored:,} difficult objects and groups are neither asked for nor held against it."
        if ignored
        else ""
    )
    return (
        f"{len(table.samples):,}{of} samples of {table.split} with "
        f"{table.scores.whole.objects:,} objects, by the weights of step {table.step:,}. Loss: "
        f"{plain(table.loss_name)}, {table.losses.get('total', float('nan')):.4g}. In "
        f"{plain(name)}.{regions}"
    )
