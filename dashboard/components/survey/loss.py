"""Where the loss of a survey is: by class, by size of the objects, by head and by anchor."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.components.shared.plot import plot_and_say
from dashboard.components.survey.chosen import choose_spot
from dashboard.components.survey.open import survey_csv
from dashboard.figures.bars import Bar, bars_figure
from yolo_core.explain.report import totals_agree
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.spots import Spot
from yolo_core.survey.statistics import EMPTY, GROUPINGS, Group, finite, loss_by, total
from yolo_core.survey.table import SurveyTable

PICTURE, OBJECT = "a picture", "an object"
MOST_BARS = 40
_SENTENCES = {
    "class": "By the class of the object that a slot is trained for; slots of no object apart. "
    "Wrong: per object, one class far above the others.",
    "size": "By the side of a square of the object's area. Wrong: per object, the smallest or "
    "largest far above the others: no anchor fits them, or the grid is too coarse.",
    "head": "By head, slots with and without an object together. Wrong: a head with nearly all.",
    "anchor": "By the anchor of the slot, slots with and without an object together. Wrong: an "
    "anchor with much loss that is hardly used below: it only learns to be silent.",
}


def show_loss(folder: SurveyFolder, table: SurveyTable) -> None:
    """Four figures of bars; a click on a piece opens the sample that adds most to it."""
    place, button = st.columns([9, 1], vertical_alignment="bottom")
    with place:
        per = st.segmented_control(
            "Loss of",
            (PICTURE, OBJECT),
            default=PICTURE,
            key="survey per",
            required=True,
            help="a picture: what each part adds to the mean loss of a picture; the bars of a "
            "figure add up to it. an object: the same divided by the objects of the class or "
            "size, so that rare ones can be compared with frequent ones.",
        )
    groups = {each: loss_by(table, each) for each in GROUPINGS}
    with button:
        survey_csv(lambda: groups_table(table, groups), name="loss", folder=folder)
    pictures = max(int(finite(table).sum()), 1)
    places = dict(
        zip(
            GROUPINGS,
            [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")],
            strict=True,
        )
    )
    if len(groups["head"]) == 1:
        places["anchor"] = places["head"]
    for grouping in GROUPINGS:
        if grouping == "head" and len(groups["head"]) == 1:
            continue
        by_object = per == OBJECT and grouping in ("class", "size")
        bars = [
            _bar(table, group, group.objects if by_object else pictures)
            for group in groups[grouping]
            if not by_object or group.objects
        ]
        # Of very many classes those with most of the loss.
        left_out = bars[MOST_BARS:]
        if left_out:
            bars = sorted(bars, key=lambda bar: -sum(bar.pieces.values()))[:MOST_BARS]
        unit = "λ × term, mean of an object" if by_object else "λ × term, mean of a picture"
        with places[grouping]:
            st.markdown(f"By {grouping}")
            figure = bars_figure(bars, unit=unit, revision=f"{folder.name} {grouping} {per}")
            told = _SENTENCES[grouping]
            if left_out:
                told += f" The {MOST_BARS} with most are drawn, {len(left_out)} are not."
            plot_and_say(figure, told, key=f"survey {grouping}", on_click=choose_spot)
    _check(table, groups, pictures)


def groups_table(table: SurveyTable, groups: dict[str, list[Group]]) -> pd.DataFrame:
    """One row a bar: its terms times their lambdas, added up over all samples."""
    rows = []
    for grouping, found in groups.items():
        for group in found:
            terms = zip(table.term_names, group.loss.tolist(), strict=True)
            rows.append(
                {
                    "by": grouping,
                    "part": group.label,
                    "objects": group.objects,
                    **{f"λ × {term}": value for term, value in terms},
                    "together": float(group.loss.sum()),
                    "worst sample": _worst(table, group),
                }
            )
    return pd.DataFrame(rows)


def _bar(table: SurveyTable, group: Group, count: int) -> Bar:
    objects = "" if group.objects is None else f"{group.objects:,} objects in the bar<br>"
    spots = dict(zip(table.term_names, group.spots, strict=True))
    terms = dict(zip(table.term_names, (group.loss / count).tolist(), strict=True))
    return Bar(
        label=group.label,
        pieces=terms,
        words={
            term: f"{term}: {terms[term]:.4g}<br>{objects}{_most(term, spot)}"
            for term, spot in spots.items()
        },
        end=f"{sum(terms.values()):.3g}",
        clicks={term: spot.text() if spot else None for term, spot in spots.items()},
    )


def _most(term: str, spot: Spot | None) -> str:
    if spot is None:
        return ""
    where = "" if spot.object is None else f", object {spot.object}"
    return f"most {term} of one picture: {spot.sample}{where}"


def _worst(table: SurveyTable, group: Group) -> str | None:
    return str(table.samples.name[group.worst]) if group.worst >= 0 else None


def _check(table: SurveyTable, groups: dict[str, list[Group]], pictures: int) -> None:
    recorded = total(table)
    agrees = all(
        totals_agree(float(sum(group.loss.sum() for group in found)), recorded)
        for found in groups.values()
    )
    mean = f"{recorded / pictures:.6g}"
    if agrees:
        st.caption(
            f"The bars of each figure add up to {mean}, the mean recorded loss of a picture ✓ A "
            f"slot that several objects share is booked on one of them; “{EMPTY}” is everything "
            "that is booked on no object. **Click a piece of a bar to see the sample that "
            "adds most to that piece, at the object or slot that does.**"
        )
    else:
        st.error(
            f"The bars do not add up to {mean}, the mean recorded loss of a picture: do not trust "
            "them.",
            icon=":material/error:",
        )
