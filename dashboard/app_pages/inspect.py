"""The Inspect page: one picture at one step, with everything the loss did on it."""

from __future__ import annotations

import streamlit as st

from dashboard.cache import cached_records, cached_snapshot
from dashboard.components.inspect.curves import sample_curves
from dashboard.components.inspect.maps import show_maps
from dashboard.components.inspect.objects import show_objects
from dashboard.components.inspect.own_loss import say_own
from dashboard.components.inspect.picture import show_picture
from dashboard.components.inspect.share import open_sandbox, share_sample
from dashboard.components.inspect.sum_check import sum_check
from dashboard.components.inspect.time_controls import time_controls
from dashboard.components.inspect.time_history import since_when
from dashboard.components.inspect.time_thinned import say_what_went
from dashboard.components.inspect.why_card import show_counterfactuals, show_numbers, show_why
from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs, no_snapshots
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.follow import follow
from dashboard.components.shared.polling import poll_run, send_answer
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.sample_picker import Choice, pick_sample, rerun_if_moved
from dashboard.components.shared.survey_files import cached_survey_records
from yolo_core.explain.report import explain
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.views import SampleView, Snapshot

TIME_CONTROLS = 28  # pixels, at any width that has room for one line of them


def show_run(folder: RunFolder) -> None:
    """A run: what can be chosen of it, and the chosen sample."""
    try:
        records = [*cached_records(folder), *cached_survey_records(folder)]
    except ValueError as error:
        say(error)
        return
    if not records:
        no_snapshots(folder)
        return
    choice = pick_sample(records)
    # Filled last; what stands below shall not move then. (An empty one of no height is left out.)
    controls = st.container(key="time-controls", height=TIME_CONTROLS, border=False)
    poll_run(follow, folder, choice)
    say_what_went(folder, choice)
    show_choice(folder, choice)
    # Last of all: the next movement waits for it.
    with controls:
        time_controls(choice, live=read_status(folder).is_live)


def show_choice(folder: RunFolder, choice: Choice) -> None:
    """The chosen sample at the chosen step, and what led there."""
    try:
        snapshot = cached_snapshot(choice.record.file)
        view = snapshot.sample(choice.record.sample)
    except ValueError as error:
        say(error)
        st.caption("Choose another step or sample above.")
        return
    say_doubts({"": view})
    show_sample(folder, choice, snapshot, view)
    sample_curves(folder, choice, view)


@st.fragment
def show_sample(folder: RunFolder, choice: Choice, snapshot: Snapshot, view: SampleView) -> None:
    """What depends on the selected cell: a click on one runs this part of the page alone."""
    rerun_if_moved()
    report = explain(view, recorded_total=choice.record.total)
    words, menu = st.columns([3, 1], vertical_alignment="center")
    words.caption(_what_it_is(view, choice.record.kind))
    buttons = menu.container(horizontal=True, horizontal_alignment="right")
    with buttons:
        open_sandbox(folder.name, choice.record)
    say_own(view)
    left, right = st.columns([11, 10], gap="medium")
    with right:
        cell = pick_cell(view)
        card = show_why(view, cell)
    send_answer()
    with left:
        cut = show_picture(view, report, cell)
        sum_check(folder, snapshot, view, report, choice.record)
    with buttons:
        share_sample(folder.name, choice.record, view, report, cell, cut)
    show_numbers(view, card.slot)
    show_objects(view, report)
    since_when(choice, view, cell, cut)
    show_maps(view, cell)
    # What takes longest comes last: it may load TensorFlow.
    show_counterfactuals(folder, view, card)


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


run = pick_run()
if run is None:
    no_runs("the first pictures come before the first step.")
else:
    show_run(run)
