"""The chosen sample of a survey: its picture, and what became of its objects."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.open_sample import ask_for
from dashboard.components.shared.sample_figure import show_sample
from dashboard.components.shared.show_table import show_table
from dashboard.components.survey.open import found_view, is_on
from dashboard.figures.places import object_label
from dashboard.tables import ledger_table, number
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.explain.report import explain
from yolo_core.explain.trace import object_of_slot
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.spots import Spot, read_spot, slot_of
from yolo_core.survey.statistics import worst_first
from yolo_core.survey.table import SurveyTable
from yolo_core.views import SampleView

SPOT = UrlChoice("spot", bound=False)
# Pixels and part of the window below the picture: legend, and some rows of the ledger.
_BELOW = (36, 0.22)
_WHYS = 5  # lost objects whose reason is told; the list of lost objects has all


def choose_spot(spot: Any) -> None:
    """Has the page show a sample at a spot: the answer to a click on a row or a bar."""
    if isinstance(spot, str) and spot:
        SPOT.then(spot)


def show_chosen(folder: SurveyFolder, table: SurveyTable) -> None:
    """The chosen sample, the worst one at the beginning. Query parameter "spot"."""
    spot = _pick_spot(table)
    SPOT.write(spot.text())
    found = found_view(folder.run.name, spot, str(folder.step))
    if found is None:
        say(f"The picture of {spot.sample} cannot be read. Start the survey again to make it anew.")
        return
    record, view = found
    if not is_on(view, spot):
        st.caption(plain(f"Object {spot.object} is not on {spot.sample}; this is its worst slot."))
        spot = Spot(spot.sample)
    slot = slot_of(view, spot)
    with st.container(key="line", horizontal=True, vertical_alignment="center", gap="small"):
        total = "" if record.total is None else f", loss {number(record.total)}"
        st.markdown(
            f"**{plain(spot.sample)}**{total} · {slot_word(view.layout)} "
            f"{view.layout.anchor[slot]} of {plain(cell_name(view.layout, slot))} adds "
            f"{number(view.weighted_map[slot])}"
        )
        st.button(
            "Inspect",
            icon=":material/search:",
            on_click=ask_for,
            args=(spot.text(),),
            help="Opens the sample on the Inspect page, at this slot.",
        )
    show_sample(view, slot, key="survey picture", below=_BELOW)
    if len(view.objects):
        _show_objects(view, object_of_slot(view, slot) if spot.object is None else spot.object)
    st.caption(
        "The chosen sample, its objects with the slots that they train; why, of the chosen object "
        "and of those for which nothing is trained. Wrong: one of these, marked ✗, or late in "
        "training one without a prediction."
    )


def _show_objects(view: SampleView, index: int | None) -> None:
    """Why of the objects that are asked about, and all of them in short.

    A loss that trains several heads has a paragraph an object: with all of them, the table of
    30 objects was 15,000 pixels long.
    """
    report = explain(view)
    lost = [each.index for each in report.objects if not each.status.is_matched]
    for each in report.objects:
        if each.index == index or each.index in lost[:_WHYS]:
            label = plain(object_label(view, each.index))
            st.markdown(f"**{label}**: {plain(each.reason)}")
    show_table(ledger_table(view, report).drop(columns="why"))


def _pick_spot(table: SurveyTable) -> Spot:
    names = table.samples.name
    asked = SPOT.asked()
    if asked:
        try:
            spot = read_spot(asked)
        except ValueError as error:
            say(error)
        else:
            if spot.sample in names:
                return spot
            st.caption(plain(f"{spot.sample} is not in this survey; this is the worst of it."))
    return Spot(str(names[worst_first(table, "total")[0]]))
