"""The Sandbox page: one sample under other labels, anchors, options or lambdas."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.sandbox.apply import apply_to_run
from dashboard.components.sandbox.compute import checked, recomputed, run_loss
from dashboard.components.sandbox.edits import edit_all, shapes_changed
from dashboard.components.sandbox.lessons import asked_lesson, opened_lesson, say_lesson
from dashboard.components.sandbox.result import (
    editable,
    show_changed_map,
    show_changed_terms,
    summary,
)
from dashboard.components.sandbox.source import pick_source, say_if_wrong, where_from
from dashboard.components.sandbox.state import begin_edits, check_link, edits_now
from dashboard.components.shared.cell_picker import pick_cell, pick_head
from dashboard.components.shared.comparison import (
    BARS_HELP,
    SCORE_CUT,
    Boxes,
    pictures_help,
    show_bars,
    show_cell,
    show_ledger,
    show_one,
    show_slots,
)
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import say
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.legend import legend
from dashboard.components.shared.polling import send_answer
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.screen import choices, panes, screen
from dashboard.components.shared.share import share_sample
from dashboard.figures.bars import WEIGHTED
from dashboard.figures.places import Cell
from dashboard.figures.scene import CELLS, MATCHED, OBJECTS, PREDICTIONS
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.compare.differences import Comparison
from yolo_core.explain.report import explain
from yolo_core.losses.lessons import LESSONS
from yolo_core.runs.layout import RunFolder
from yolo_core.sandbox.changes import compare_edits
from yolo_core.sandbox.edits import Edits, objects_of
from yolo_core.sandbox.lessons import lesson_edits
from yolo_core.training.config import read_config
from yolo_core.training.own_loss import is_own_loss
from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss


def show_run(folder: RunFolder, row: DeltaGenerator) -> None:
    """A run: the sample to start from, and the sandbox on it."""
    about = st.container(key="findings", gap="xxsmall")
    with about:
        try:
            if is_own_loss(read_config(folder.config).loss.name):
                st.info(
                    "This run was trained with a loss of your own. Only files named on the command "
                    "line are loaded, never by the browser, so nothing can be recomputed here.",
                    icon=":material/info:",
                )
                return
        except ValueError as error:
            say_if_wrong(error)
            return
    picture, panel, outcome = screen(7, 5, 7)
    with about:
        try:
            view = pick_source(folder, row, panel)
        except ValueError as error:
            say_if_wrong(error)
            return
        say_gone()
        if view is None:
            return
        begun = _begin(folder.name, view, lambda: run_loss(folder))
        if begun is None:
            return
        loss, before = begun
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(where_from(view, before))
            share = st.container(width="content")
        answer = st.empty()
    _show_edits(folder.name, (loss, view, before), answer, (picture, panel, outcome), share, folder)


def show_lesson(name: str) -> None:
    """A lesson: what it says, and the sandbox on its sample."""
    lesson = LESSONS[name]
    about = st.container(key="findings", gap="xxsmall")
    places = screen(7, 5, 7)
    with about:
        with a_word_while_it_computes("the lesson"):
            loss, view = opened_lesson(name)
        begun = _begin(f"lesson {name}", view, lambda: loss)
        if begun is None:
            return
        _, before = begun
        after = recomputed(loss, view, lesson_edits(lesson, view))
        share = say_lesson(lesson, view, before, after)
        answer = st.empty()
    _show_edits(name, (loss, view, before), answer, places, share, None)


def _begin(
    of: str, view: SampleView, make_loss: Callable[[], DetectionLoss]
) -> tuple[DetectionLoss, SampleView] | None:
    """The loss, and the sample under it without edits; None where that cannot be, which is said."""
    begin_edits(of, view)
    try:
        with a_word_while_it_computes("the loss"):
            loss = make_loss()
            check_link(functools.partial(checked, loss, view))
            return loss, recomputed(loss, view, Edits())
    except ValueError as error:
        say_if_wrong(error)
        return None


def _show_edits(
    name: str,
    state: tuple[DetectionLoss, SampleView, SampleView],
    answer: DeltaGenerator,
    places: Sequence[DeltaGenerator],
    share: DeltaGenerator,
    folder: RunFolder | None,
) -> None:
    """What is edited, and what that does.

    Args:
        name: Of the run or lesson.
        state: The loss, the sample, and that under it without edits.
        answer: Where it is said what the edits do.
        places: For the picture, what can be edited, and what became of it.
        share: For what can be taken away.
        folder: The run; None for a lesson.
    """
    loss, view, before = state
    picture, panel, outcome = places
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
    if not refused and folder is not None:
        with panel:
            apply_to_run(folder, edits)
    objects = objects_of(view) if edits.objects is None or refused else edits.objects
    boxes = editable(objects, functools.partial(shapes_changed, view))
    cell = _show_result(comparison, boxes, picture, outcome)
    after = comparison.losses[1].view
    with share:
        share_sample(name, {}, after, explain(after), cell, SCORE_CUT)


def _answer(
    place: DeltaGenerator, loss: DetectionLoss, view: SampleView, before: SampleView, edits: Edits
) -> Comparison:
    """Says what the edits change: the sample without them and under them, or twice without."""
    with place.container(gap="xxsmall"):
        try:
            after = recomputed(loss, view, edits) if not edits.is_empty else before
        except ValueError as error:
            say(error)
            after = before
        comparison = compare_edits(before, after)
        st.markdown(summary(comparison))
        say_doubts({"": after})
    return comparison


def _show_result(
    comparison: Comparison, boxes: Boxes, picture: DeltaGenerator, outcome: DeltaGenerator
) -> Cell:
    """The sample after the edits, and what has become of it; the selected cell."""
    before, after = comparison.losses
    with outcome:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            cell = pick_cell(before.view)
            pick_head(before.view, cell)
        show_bars(comparison, key="sandbox")
    with picture, st.container(key="seen", gap="xxsmall"):
        show_one(comparison, after, cell, key="sandbox", predictions=True, boxes=boxes)
        legend(after.view, (OBJECTS, CELLS, MATCHED, PREDICTIONS))

    def terms() -> None:
        show_changed_terms(comparison)
        st.caption(BARS_HELP[WEIGHTED])

    def as_it_was() -> None:
        show_one(comparison, before, cell, key="sandbox", predictions=True)
        st.caption(pictures_help(comparison))

    def slots() -> None:
        show_slots(comparison)
        show_changed_map(comparison, cell)

    with outcome:
        panes(
            {
                "Why": lambda: show_cell(comparison, cell),
                "Terms": terms,
                "Objects": lambda: show_ledger(comparison, key="sandbox", all_objects=True),
                "Slots": slots,
                "Without edits": as_it_was,
            },
            key="outcome",
        )
    return cell


asked = asked_lesson()
if asked is not None:
    show_lesson(asked)
else:
    row = choices()
    with row:
        run = pick_run()
    if run is None:
        no_runs("its samples can then be changed here; **Lessons** needs no run.")
    else:
        show_run(run, row)
