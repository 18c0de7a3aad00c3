"""The Inspect page: one picture at one step, with everything the loss did on it, on one screen."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_records
from dashboard.components.inspect.beside import pin, show_beside
from dashboard.components.inspect.card import (
    PANE,
    WHAT_IF,
    follow_old_links,
    pick_selected,
    say_share,
)
from dashboard.components.inspect.curves import POINTS, sample_curves
from dashboard.components.inspect.maps import show_maps
from dashboard.components.inspect.objects import show_objects
from dashboard.components.inspect.own_loss import say_own
from dashboard.components.inspect.picture import pick_look, show_picture
from dashboard.components.inspect.sum_check import say_sums, show_terms, sums_of
from dashboard.components.inspect.time_controls import time_controls
from dashboard.components.inspect.time_history import (
    History,
    history_of,
    since_when_found,
    since_when_wrong,
    strip_of_objects,
)
from dashboard.components.inspect.time_thinned import say_what_went
from dashboard.components.inspect.why_card import show_slot_terms, show_values, show_why
from dashboard.components.inspect.why_whatif import show_changes
from dashboard.components.shared.cell_picker import pick_head
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs, no_snapshots
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.follow import follow
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.polling import poll_run, send_answer
from dashboard.components.shared.run_curves import markers, run_curves
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.sample_picker import (
    Choice,
    open_chosen,
    pick_sample,
    rerun_if_moved,
)
from dashboard.components.shared.screen import choices, panes
from dashboard.components.shared.share import open_sandbox, share_sample
from dashboard.components.shared.survey_files import cached_survey_records
from dashboard.figures.curves import Marker
from yolo_core.explain.report import Report, explain
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.views import SampleView, Snapshot

CARD = 480  # pixels; the style sheet makes it as high as the picture beside it


def show_run(folder: RunFolder, row: DeltaGenerator) -> None:
    """A run: what can be chosen of it, and the chosen sample."""
    try:
        records = [*cached_records(folder), *cached_survey_records(folder)]
    except ValueError as error:
        say(error)
        return
    if not records:
        no_snapshots(folder)
        return
    with row:
        kind, sample = st.container(width=120), st.container(width=130)
        # Filled last; what stands below shall not move then.
        controls = st.container(key="time-controls", width=262, height=36, border=False)
        places = (kind, sample, st.container())
        choice = pick_sample(records, places=places, marks=_changes(folder))
    with st.container(key="state", horizontal=True, gap="small"):
        about = st.container(width="content")
        poll_run(follow, folder, choice)
        say_what_went(folder, choice)
    show_choice(folder, choice, about)
    # Last of all: the next movement waits for it.
    with controls:
        time_controls(choice, live=read_status(folder).is_live)


def show_choice(folder: RunFolder, choice: Choice, about: DeltaGenerator) -> None:
    """The chosen sample at the chosen step, and what led there."""
    try:
        choice, snapshot = open_chosen(choice)
        view = snapshot.sample(choice.record.sample)
    except ValueError as error:
        say(error)
        st.caption("Choose another step or sample above.")
        return
    about.caption(_what_it_is(view, choice.record.kind))
    with st.container(key="findings", gap="xxsmall"):
        say_gone()
        say_doubts({"": view})
        say_own(view)
    report = explain(view, recorded_total=choice.record.total)
    show_sample(folder, choice, snapshot, view, report, history_of(choice, view))


@st.fragment
def show_sample(
    folder: RunFolder,
    choice: Choice,
    snapshot: Snapshot,
    view: SampleView,
    report: Report,
    history: History | None,
) -> None:
    """What depends on the selected cell: a click on one runs this part of the page alone."""
    rerun_if_moved()
    with st.container(key="one-screen"):
        left, right = st.columns([2, 3], gap="small")
    with left, st.container(key="seen", gap="xxsmall"):
        top = st.container()
    with right, st.container(key="slot-card", height=CARD, border=False, gap="xsmall"):
        selected = pick_selected(view)
        cell, slot, index = selected.cell, selected.slot, selected.index
        with st.container(key="line", horizontal=True, vertical_alignment="center", gap="small"):
            say_share(view, slot)
            # The answer to a click is what stands above: all else is made after it.
            with top:
                look = pick_look(view)
            pin(view, slot)
            open_sandbox(folder.name, choice.record)
            share_sample(folder.name, choice.record.terms, view, report, cell, look.cut)
        sums = sums_of(folder, snapshot, view, report, choice.record)
        with st.container(key="sum"):
            say_sums(sums, view, report)

        def terms() -> None:
            show_slot_terms(view, slot)
            show_terms(sums, view, report)
            show_maps(view, cell)

        def objects() -> None:
            show_objects(view, report)
            since_when_found(view, history, look.cut)

        def curves() -> None:
            since_when_wrong(view, history, cell, look.cut, _changes(folder))
            sample_curves(folder, choice, view)

        follow_old_links()
        panes(
            {
                "Why": lambda: show_why(view, slot, index),
                "Terms": terms,
                "Values": lambda: show_values(view, slot),
                "Objects": objects,
                WHAT_IF: lambda: show_changes(folder, view, slot, index),
                "Curves": curves,
                "Beside": lambda: show_beside(choice, view, selected, look),
            },
            key=PANE,
        )
    send_answer()
    with left, st.container(key="picture-and-masks", gap="xxsmall"):
        with top:
            pick_head(view, cell)
        show_picture(view, report, cell, slot, look)
    strip_of_objects(view, history, look.cut, _changes(folder))


def _changes(folder: RunFolder) -> list[Marker]:
    """What was changed in the training, for marks over the steps."""
    try:
        return markers(run_curves(folder, points=POINTS).events)
    except ValueError:  # the curves say what is wrong with the database
        return []


def _what_it_is(view: SampleView, kind: str) -> str:
    loss = plain(view.loss_name)
    name = f"**{plain(view.name)}**" + (f" ({plain(view.file)})" if view.file else "")
    if view.kind == "pinned":
        when = "before the first update" if view.step == 0 else f"after {view.step:,} updates"
        of = {"survey": "a sample of a survey", "evaluation": "a sample of an evaluation"}.get(
            kind, "a pinned sample"
        )
        return (
            f"{name}, {of}: the network in inference mode, a batch of "
            f"this one picture, {when}. Loss: {loss}."
        )
    return (
        f"{name}, part of the training batch of step {view.step:,}: in training "
        f"mode, with the weights before that update. Loss: {loss}."
    )


row = choices()
with row:
    run = pick_run()
if run is None:
    no_runs("the first pictures come before the first step.")
else:
    show_run(run, row)
