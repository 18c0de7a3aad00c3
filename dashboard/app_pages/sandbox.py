"""The Sandbox page: one sample under other labels, anchors, options or lambdas."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.sandbox.apply import apply_to_run
from dashboard.components.sandbox.compute import checked, recomputed, run_loss
from dashboard.components.sandbox.edits import edit_all, shapes_changed
from dashboard.components.sandbox.result import (
    editable,
    show_changed_map,
    show_changed_terms,
    summary,
)
from dashboard.components.sandbox.source import pick_source, say_if_wrong, where_from
from dashboard.components.sandbox.state import begin_edits, check_link, edits_now
from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.comparison import (
    Boxes,
    show_bars,
    show_cell,
    show_ledger,
    show_masks,
    show_pictures,
)
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import say
from dashboard.components.shared.polling import send_answer
from dashboard.components.shared.run_picker import pick_run
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.compare.differences import Comparison
from yolo_core.runs.layout import RunFolder
from yolo_core.sandbox.changes import compare_edits
from yolo_core.sandbox.edits import Edits, objects_of
from yolo_core.training.config import read_config
from yolo_core.training.own_loss import is_own_loss
from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss


def show_run(folder: RunFolder) -> None:
    """A run: the sample to start from, and the sandbox on it."""
    try:
        config = read_config(folder.config)
        if is_own_loss(config.loss.name):
            st.info(
                "This run was trained with a loss of your own. Only files named on the command "
                "line are loaded, never by the browser, so nothing can be recomputed here.",
                icon=":material/info:",
            )
            return
        view = pick_source(folder)
    except ValueError as error:
        say_if_wrong(error)
        return
    if view is None:
        return
    begin_edits(folder.name, view)
    try:
        with a_word_while_it_computes("the loss"):
            loss = run_loss(folder)
            check_link(functools.partial(checked, loss, view))
            before = recomputed(loss, view, Edits())
    except ValueError as error:
        say_if_wrong(error)
        return
    panel, result = st.columns([4, 9], gap="medium")
    with result:
        st.caption(where_from(view, before))
        answer = st.empty()
    # What was done in the picture is known by now, and is answered before anything is drawn.
    known = edits_now()
    comparison = _answer(answer, loss, view, before, known)
    send_answer()
    with panel:
        edits = edit_all(loss, view)
    if edits != known:
        comparison = _answer(answer, loss, view, before, edits)
        send_answer()
    refused = not edits.is_empty and comparison.losses[1].view is before
    if not refused:
        with panel:
            apply_to_run(folder, edits)
    objects = objects_of(view) if edits.objects is None or refused else edits.objects
    with result:
        _show_result(comparison, editable(objects, functools.partial(shapes_changed, view)))


def _answer(
    place: DeltaGenerator, loss: DetectionLoss, view: SampleView, before: SampleView, edits: Edits
) -> Comparison:
    """Says what the edits change: the sample without them and under them, or twice without."""
    with place.container():
        try:
            after = recomputed(loss, view, edits) if not edits.is_empty else before
        except ValueError as error:
            say(error)
            after = before
        comparison = compare_edits(before, after)
        st.markdown(summary(comparison))
        say_doubts({"": after})
    return comparison


def _show_result(comparison: Comparison, boxes: Boxes) -> None:
    """The sample before and after the edits."""
    cell = pick_cell(comparison.losses[0].view)
    show_pictures(comparison, cell, key="sandbox", predictions=True, boxes=boxes)
    st.caption("Drag or resize the boxes of the right picture; nothing here touches the run.")
    show_cell(comparison, cell)
    st.markdown("**Terms**")
    show_bars(comparison, key="sandbox")
    show_changed_terms(comparison)
    show_ledger(comparison, key="sandbox", all_objects=True)
    show_masks(
        comparison,
        cell,
        key="sandbox",
        wrong="a slot far from your edit that changed, unless that was a threshold or an anchor",
    )
    show_changed_map(comparison, cell)


run = pick_run()
if run is None:
    no_runs("its samples can then be changed here.")
else:
    show_run(run)
