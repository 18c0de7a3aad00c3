"""The Sandbox page: one sample under other labels, anchors, options or lambdas."""

from __future__ import annotations

import functools

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.sandbox.apply import apply_to_run
from dashboard.components.sandbox.compute import checked, recomputed, run_loss
from dashboard.components.sandbox.edits import (
    described_options,
    edit_anchors,
    edit_lambdas,
    edit_objects,
    edit_options,
    shapes_changed,
)
from dashboard.components.sandbox.result import (
    show_cell,
    show_maps,
    show_masks,
    show_objects,
    show_pictures,
    show_terms,
    summary,
)
from dashboard.components.sandbox.source import pick_source, say_if_wrong, was_predicted_here
from dashboard.components.sandbox.state import (
    begin_edits,
    check_link,
    edits_now,
    remember,
    take_back,
)
from dashboard.components.shared.anchor_doubts import say_doubts
from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_picker import pick_run
from dashboard.computing import a_word_while_it_computes, send_what_is_there
from yolo_core.explain.report import totals_agree
from yolo_core.runs.layout import RunFolder
from yolo_core.sandbox.edits import Edits, objects_of
from yolo_core.training.config import read_config
from yolo_core.training.own_loss import is_own_loss
from yolo_core.views import SampleView


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
        st.caption(_where_from(view, before))
        answer = st.empty()
    # What was done in the picture is known by now, and is answered before anything is drawn.
    known = edits_now()
    after = _answer(answer, loss, view, before, known)
    send_what_is_there()
    with panel:
        edits = _panel(loss, view)
    if edits != known:
        after = _answer(answer, loss, view, before, edits)
        send_what_is_there()
    # Edits that were refused are for no run.
    if edits.is_empty or after is not before:
        with panel:
            apply_to_run(folder, edits)
    with result:
        _show_result(view, before, after, edits)


def _panel(loss: object, view: SampleView) -> Edits:
    """What can be edited; the edits as they are now."""
    from yolo_core.sandbox.anchors import anchor_table

    objects, anchors, lambdas, options = st.tabs(["Objects", "Anchors", "Lambdas", "Options"])
    with objects:
        edit_objects(view)
    with anchors:
        table = anchor_table(loss, view)
        if table is None:
            st.caption("This loss has no anchors: its predictors start from nothing.")
        else:
            edit_anchors(table.names, table.columns, table.sizes)
            st.caption("The raw prediction stays, so other anchors also move the predicted boxes.")
    with lambdas:
        edit_lambdas(view)
        st.caption("The weight of each term; the masks do not depend on them.")
    with options:
        edit_options(loss.options, loss.choices, described_options(type(loss)))
        st.caption("The options of the loss, thresholds among them, as the run has them.")
    remember()
    take_back()
    return edits_now()


def _answer(
    place: DeltaGenerator, loss: object, view: SampleView, before: SampleView, edits: Edits
) -> SampleView:
    """Says what the edits change, and gives the sample under them; without them where they fail."""
    with place.container():
        try:
            after = recomputed(loss, view, edits) if not edits.is_empty else before
        except ValueError as error:
            say(error)
            after = before
        st.markdown(summary(before, after))
        say_doubts(after)
    return after


def _show_result(view: SampleView, before: SampleView, after: SampleView, edits: Edits) -> None:
    """The sample before and after the edits."""
    cell = pick_cell(before)
    objects = objects_of(view) if edits.objects is None or after is before else edits.objects
    show_pictures(before, after, objects, cell, functools.partial(shapes_changed, view))
    show_cell(before, after, cell)
    show_terms(before, after)
    show_objects(before, after)
    show_masks(before, after, cell)
    show_maps(before, after, cell)


def _where_from(view: SampleView, before: SampleView) -> str:
    if view.kind == "batch" and not was_predicted_here():
        return (
            f"**{plain(view.name)}** with the prediction that it had in the training batch of step "
            f"{view.step:,}: in training mode, by the weights before that update. Here it is a "
            "batch of one, so its numbers are not its share of that batch."
        )
    start = (
        f"**{plain(view.name)}**, the network in inference mode, a batch of this one picture, "
        f"after {view.step:,} updates. "
    )
    if was_predicted_here():
        return f"{start}Predicted here and now, from the checkpoint."
    if totals_agree(before.total, view.total):
        return f"{start}Without edits the loss is {before.total:.6g}, as it was recorded ✓"
    return (
        f"{start}Without edits the loss is {before.total:.6g} here, but {view.total:.6g} was "
        "recorded: do not trust what follows."
    )


run = pick_run()
if run is None:
    st.info(
        "No runs yet. Open **Train** at the top and press **Start training**: a few seconds later "
        "its samples can be changed here.",
        icon=":material/arrow_upward:",
    )
else:
    show_run(run)
