"""The ledger over a whole survey: counts, lost and missed objects, and the anchors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain
from dashboard.components.shared.open_sample import sample_rows
from dashboard.components.shared.plot import plot, plot_and_say
from dashboard.components.survey.chosen import choose_spot
from dashboard.components.survey.open import survey_csv
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.histograms import Histogram, iou_figure
from yolo_core.assignment import ObjectStatus
from yolo_core.evaluation.misses import (
    FOUND_MEANS,
    IOU,
    LOW_SCORE,
    MISS_WORDS,
    SCORE,
    Miss,
)
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.spots import Spot
from yolo_core.survey.statistics import (
    LedgerSummary,
    place_names,
    sides,
    trained_rows,
)
from yolo_core.survey.table import SurveyTable

BINS = 20
SHOWN = 500
_NOT_TRAINED, _NOT_FOUND, _ALL = "not trained", "not found", "all"
_WHY = "why no slot is trained"


def objects_table(table: SurveyTable) -> pd.DataFrame:
    """One row an object: what became of it in the ledger, and whether the network finds it."""
    objects = table.objects
    side = sides(table)
    names = [table.class_names[k] if k >= 0 else "none" for k in objects.class_index.tolist()]
    return pd.DataFrame(
        {
            "sample": table.samples.name[objects.sample],
            "object": objects.index,
            "class": names,
            "size, px": np.round(side, 1),
            "status": [ObjectStatus(k).word for k in objects.status.tolist()],
            "found?": [MISS_WORDS[Miss(k)] for k in objects.miss.tolist()],
            "IoU of the best detection": _rounded(objects.best_iou),
            "score where it fits": _rounded(objects.best_score),
            _WHY: objects.reason,
        }
    )


def anchors_table(table: SurveyTable) -> pd.DataFrame:
    """One row an object on a head: its anchor and overlaps."""
    ledger = table.ledger
    names = np.array([*place_names(table), "none"])
    return pd.DataFrame(
        {
            "sample": table.samples.name[table.objects.sample[ledger.object]],
            "object": table.objects.index[ledger.object],
            "status": [ObjectStatus(k).word for k in ledger.status.tolist()],
            "anchor": names[ledger.place],
            "slots": ledger.slots,
            "booked on another": ledger.taken,
            "IoU of the prediction": ledger.iou,
            table.measure: ledger.score,
        }
    )


def show_counts(counts: LedgerSummary) -> None:
    """The numbers that say whether the labels, anchors and grid can work at all."""
    shown = (
        (
            "Match rate",
            f"{counts.share(counts.trained):.1%}",
            f"{counts.trained:,} of {counts.objects:,} objects have a slot that is trained for "
            "them. Wrong: less than all; Objects has the reasons.",
        ),
        (
            "Collisions",
            f"{counts.collisions:,}",
            "Objects that share their slot with another one, or lost it. Wrong: many; the grid is "
            "too coarse, or there are too few anchors.",
        ),
        (
            "Best possible recall",
            f"{counts.share(counts.reachable):.1%}",
            "If every slot predicted what it is trained for, one box a slot. No training with "
            "this loss, these anchors and this grid gets beyond it. Wrong: far below the match "
            "rate; slots are then trained towards boxes that miss their objects.",
        ),
        (
            "Found",
            f"{counts.share(counts.found):.1%}",
            f"{counts.found:,} objects have each {FOUND_MEANS}; the others are missed. Wrong, "
            "late in training: far below the one before.",
        ),
        (
            "False detections",
            f"{counts.false_detections:,}",
            f"Detections with a score of {SCORE} or more that find no object. Wrong: as many as "
            "there are objects.",
        ),
    )
    with st.container(key="counts", horizontal=True, gap="small"):
        for name, value, sentence in shown:
            st.metric(name, value, help=sentence)


def show_objects(folder: SurveyFolder, table: SurveyTable, counts: LedgerSummary) -> None:
    """Every object accounted for, over all samples; those that are lost or missed as a list."""
    if not counts.objects:
        st.info("These pictures hold no objects, so there is nothing to match or to find.")
        return
    statuses = " + ".join(f"{n:,} {s.word}" for s, n in counts.by_status.items())
    misses = " + ".join(f"{n:,} {MISS_WORDS[m]}" for m, n in counts.by_miss.items() if n)
    st.markdown(f"{counts.objects:,} objects = {statuses}  \n{counts.objects:,} objects = {misses}")
    if counts.slots_sentence:
        st.caption(
            f"{counts.slots_sentence} Wrong: many without any, or far more slots for large objects "
            "than for small ones."
        )
    objects = table.objects
    rows = {
        _NOT_TRAINED: ~np.isin(objects.status, [int(s) for s in ObjectStatus if s.is_matched]),
        _NOT_FOUND: objects.miss != Miss.FOUND,
        _ALL: np.ones(len(objects.sample), bool),
    }
    place, button = st.columns([9, 1], vertical_alignment="bottom")
    with place:
        which = st.segmented_control(
            "Objects",
            list(rows),
            default=_NOT_TRAINED if rows[_NOT_TRAINED].any() else _NOT_FOUND,
            format_func=lambda name: f"{name} ({int(rows[name].sum()):,})",
            key=f"survey objects {folder.run.name} {folder.name}",
            required=True,
        )
    with button:
        survey_csv(lambda: objects_table(table), name="objects", folder=folder)
    chosen = np.flatnonzero(rows[which])
    if not len(chosen):
        st.success(
            "Every object has a slot that is trained for it: nothing is lost between the labels "
            "and the loss."
            if which == _NOT_TRAINED
            else "Every object is found.",
            icon=":material/check:",
        )
        return
    chosen = chosen[:SHOWN]
    objects = table.objects
    names = table.samples.name[objects.sample[chosen]].tolist()
    spots = [
        Spot(name, object=index)
        for name, index in zip(names, objects.index[chosen].tolist(), strict=True)
    ]
    shown = objects_table(table).iloc[chosen].reset_index(drop=True)
    lost = which == _NOT_TRAINED
    # The reason is the point of the one list, the numbers that of the other.
    shown = shown.drop(columns=list(shown.columns[5:8]) if lost else [_WHY])
    row_height = 84 if lost else 35
    sample_rows(
        shown,
        [spot.text() for spot in spots],
        key=f"survey objects table {which}",
        columns={_WHY: st.column_config.TextColumn(width=420)} if lost else None,
        row_height=row_height,
        height="stretch",
        choose=choose_spot,
    )
    more = (
        f" The first {SHOWN:,} of {len(chosen):,}; the file has all." if len(chosen) > SHOWN else ""
    )
    sentence = (
        "Objects without a trained slot, each with the rule's own reason; they enter no term of "
        "the loss. Wrong: any."
        if lost
        else "Each object with the best IoU of any detection with it, and the highest score of a "
        f"slot of its class with an IoU of {IOU} or more. Wrong: many with one and the same reason."
    )
    st.caption(f"{sentence}{more} **Click a row to see its object.**")


def show_anchors(folder: SurveyFolder, table: SurveyTable) -> None:
    """How many objects each anchor is responsible for, and how well it fits them."""
    if not len(table.ledger.object):
        st.info("These pictures hold no objects, so no anchor has any.")
        return
    word = "anchor" if table.has_priors else "predictor"
    ledger, names = table.ledger, place_names(table)
    rows = np.flatnonzero(trained_rows(table))
    found = table.objects.miss[ledger.object] == Miss.FOUND
    use = [rows[ledger.place[rows] == g] for g in range(len(names))]
    left, right = st.container(), st.container()
    with left:
        title, button = st.columns([3, 1], vertical_alignment="bottom")
        title.markdown(f"Use of each {word}")
        with button:
            survey_csv(lambda: anchors_table(table), name="anchors", folder=folder)
        bars = [
            _use_bar(table, name, each[found[each]], each[~found[each]])
            for name, each in zip(names, use, strict=True)
        ]
        figure = bars_figure(bars, unit="objects", revision=folder.name)
        idle = [name for name, each in zip(names, use, strict=True) if not len(each)]
        sentence = (
            f"Objects whose slot is of that {word}"
            + (", on each head" if table.heads > 1 else "")
            + ", found or missed. "
            + (f"**Never used: {', '.join(idle)}.** " if idle else "")
            + "Wrong: one that is never used learns only to be silent."
        )
        plot_and_say(figure, sentence, key="survey use", on_click=choose_spot)
    with right:
        measures = {
            "prediction": ("IoU", "the IoU of the predicted box with them", ledger.iou),
            "match": (table.measure, f"the {table.measure} that chose their slot", ledger.score),
        }
        which = st.segmented_control(
            f"IoU of each {word}",
            list(measures),
            default="prediction",
            format_func=lambda name: {"prediction": "of the prediction", "match": "of the match"}[
                name
            ],
            key="survey iou",
            required=True,
            help="of the prediction: the box that the slot predicts now, with its object. of the "
            "match: what the slot was chosen by; it does not change with the training where "
            "there are anchors.",
        )
        axis, words, values = measures[which]
        histograms = [
            _histogram(table, name, each, values) for name, each in zip(names, use, strict=True)
        ]
        _show_iou(folder, histograms, axis, words, which)


def _use_bar(table: SurveyTable, name: str, found: np.ndarray, missed: np.ndarray) -> Bar:
    """How many objects an anchor is responsible for: ledger rows of those found and missed."""
    parts = {"found": found, "missed": missed}
    count = len(found) + len(missed)
    return Bar(
        label=name,
        pieces={part: len(rows) for part, rows in parts.items()},
        words={part: f"{len(rows)} {part}" for part, rows in parts.items()},
        end=f"{count:,}" if count else "<b>never used</b>",
        clicks={part: _lowest(table, rows) for part, rows in parts.items()},
    )


def _show_iou(
    folder: SurveyFolder, histograms: list[Histogram], axis: str, words: str, which: str
) -> None:
    wrong = {
        "prediction": f"late in training, bars below {IOU}: the boxes are not learnt.",
        "match": "bars far to the left: no anchor has the shape of these objects.",
    }[which]
    sentence = f"Objects by {words}. Wrong: {wrong} A click shows the lowest object of a bar."
    figure = iou_figure(histograms, axis=axis, revision=f"{folder.name} {which}")
    plot(figure, key="survey iou figure", alt=sentence, on_click=choose_spot)
    st.caption(plain(sentence))


def _histogram(table: SurveyTable, name: str, rows: np.ndarray, values: np.ndarray) -> Histogram:
    rows = rows[np.isfinite(values[rows])]
    bins = np.clip((values[rows] * BINS).astype(np.int64), 0, BINS - 1)
    return Histogram(
        label=name,
        counts=np.bincount(bins, minlength=BINS),
        samples=[_lowest(table, rows[bins == k], values) for k in range(BINS)],
    )


def _lowest(table: SurveyTable, rows: np.ndarray, values: np.ndarray | None = None) -> str | None:
    """What shows the object with the lowest overlap among ledger rows, at its slot."""
    if not len(rows):
        return None
    overlap = table.ledger.iou if values is None else values
    row = rows[int(np.argmin(overlap[rows]))]
    at = int(table.ledger.object[row])
    # The rows of an object follow each other, one a head that matches by itself.
    within = int(row) - int(np.argmax(table.ledger.object == at))
    name = str(table.samples.name[table.objects.sample[at]])
    return Spot(name, object=int(table.objects.index[at]), row=within).text()


def _rounded(values: np.ndarray) -> np.ndarray:
    """Two digits, or four where two would reach a threshold that the value is below.

    "Score too low (below 0.3)" shall not stand beside a score of 0.3.
    """
    exact = values.astype(np.float64)
    shown = np.round(exact, 2)
    for threshold in (LOW_SCORE, SCORE, IOU):
        # As `find_objects` compares: 0.3 as float32 is a little more than 0.3.
        below = (values < np.float32(threshold)) & (shown >= threshold)
        shown = np.where(below, np.minimum(np.round(exact, 4), round(threshold - 1e-4, 4)), shown)
    return shown
