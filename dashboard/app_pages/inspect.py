"""The Inspect page: one picture at one step, with everything the loss did on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.cache import cached_records, cached_snapshot
from dashboard.components.cell_picker import cell_clicked, pick_cell
from dashboard.components.errors import plain, say
from dashboard.components.follow import await_snapshots, follow
from dashboard.components.plot import plot
from dashboard.components.run_picker import pick_run
from dashboard.components.sample_curves import sample_curves
from dashboard.components.sample_picker import pick_sample
from dashboard.components.sum_check import sum_check
from dashboard.figures.places import Cell, detections
from dashboard.figures.scene import LAYERS, scene_figure
from dashboard.figures.tiles import loss_figure, mask_figure
from dashboard.state import checkpoints_folder
from dashboard.tables import ledger_table, loss_table, prediction_table, role_table
from yolo_core.explain import Report, explain
from yolo_core.reasons import cell_name, slot_reason, slot_word
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.snapshots import SampleView

WEIGHTED_TOTAL = "weighted total"


@st.fragment(run_every=2.0)
def no_runs() -> None:
    """What to press while there is no run; looks for one that is started meanwhile."""
    if list_runs(checkpoints_folder()):
        st.rerun()
    st.info(
        "No runs yet. Open **Train** at the top and press **Start training**: the first pictures "
        "are here a few seconds later, before the first step.",
        icon=":material/arrow_upward:",
    )


def show_run(folder: RunFolder) -> None:
    """A run: what can be chosen of it, and the chosen sample."""
    try:
        records = cached_records(folder)
    except ValueError as error:
        say(error)
        return
    if not records:
        await_snapshots(folder)
        return
    choice = pick_sample(records)
    follow(folder, choice)
    try:
        snapshot = cached_snapshot(choice.record.file)
        view = snapshot.sample(choice.record.sample)
    except ValueError as error:
        say(error)
        st.caption("Choose another step or sample above.")
        return
    report = explain(view, recorded_total=choice.record.total)
    st.caption(_what_it_is(view))
    left, right = st.columns([11, 10], gap="medium")
    with right:
        cell = pick_cell(view)
        show_cell(view, cell)
    with left:
        show_picture(view, report, cell)
        sum_check(folder, snapshot, view, report, choice.record)
    show_objects(view, report)
    show_values(view, cell)
    show_maps(view, cell)
    sample_curves(folder, choice, view)


def _what_it_is(view: SampleView) -> str:
    loss = plain(view.loss_name)
    if view.kind == "pinned":
        when = "before the first update" if view.step == 0 else f"after {view.step:,} updates"
        return (
            f"**{plain(view.name)}**, a pinned sample: the network in inference mode, a batch of "
            f"this one picture, {when}. Loss: {loss}."
        )
    return (
        f"**{plain(view.name)}**, part of the training batch of step {view.step:,}: in training "
        f"mode, with the weights before that update. Loss: {loss}."
    )


def show_picture(view: SampleView, report: Report, cell: Cell) -> None:
    """The picture with its layers; a click selects a cell."""
    layers = st.pills(
        "Layers",
        LAYERS,
        selection_mode="multi",
        default=LAYERS,
        key="layers",
        bind="query-params",
    )
    cut = st.slider(
        "Lowest score of a prediction", 0.01, 1.0, 0.3, 0.01, key="score", bind="query-params"
    )
    figure = scene_figure(view, layers=layers, cell=cell, score_cut=cut)
    plot(figure, key="picture", alt=_picture_alt(report), on_click=cell_clicked)
    st.caption(_picture_sentence(view, cut))


def _picture_alt(report: Report) -> str:
    names = ", ".join(each.class_name for each in report.objects) or "none"
    return f"The picture with its grid and boxes. Objects: {names}."


def _picture_sentence(view: SampleView, cut: float) -> str:
    slots, _, _ = detections(view, cut)
    _, scores, _ = detections(view, 0.0)
    found = f"{len(slots)} predictions score {cut:.2f} or more"
    if not len(slots):
        best = f"the best scores {scores[0]:.2f}" if len(scores) else "there are none at all"
        found = f"no prediction scores {cut:.2f} or more ({best})"
    priors = (
        f"matched anchors (blue) carry their {view.assignment.candidate_measure} with the object"
        if view.layout.has_priors
        else "this loss has no anchor boxes, so the matched predictors' own boxes are drawn "
        f"(blue), with their {view.assignment.candidate_measure} with the object"
    )
    return (
        f"The picture as the network gets it. Objects (green) carry index: class; {found}; "
        f"{priors}. Click a cell to see its slots. Wrong: an object marked ✗ (nothing is trained "
        "for it), or, late in training, an object without a prediction on it."
    )


def show_cell(view: SampleView, cell: Cell) -> None:
    """The slots of the selected cell: parts with their reasons, what they predict and add."""
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    word = slot_word(view.layout)
    st.markdown(f"**The {len(slots)} slots of {cell_name(view.layout, int(slots[0]))}**")
    st.markdown(
        "\n".join(
            f"- {word} {view.layout.anchor[slot]}: {plain(slot_reason(view, int(slot)))}"
            for slot in slots
        )
    )
    _table(role_table(view, slots))
    _table(loss_table(view, slots))
    st.caption(
        "What each slot of the cell is there for, and what it adds to each term, unweighted and "
        "times its lambda. Wrong: a large share from a slot that has nothing to do with an object."
    )


def show_objects(view: SampleView, report: Report) -> None:
    """The ledger: every object accounted for."""
    st.markdown("**Objects**")
    if not report.objects:
        st.info("This picture holds no objects: every slot is trained to say so.")
        return
    _table(ledger_table(view, report), hide_index=True)
    st.caption(
        "Every object with the slot that it trains, or the reason why there is none. Wrong: any "
        "status but matched means that something in the labels, the anchors or the grid loses it."
    )


def show_values(view: SampleView, cell: Cell) -> None:
    """What the selected cell's slots put out, what that means, and what it should be."""
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**Target, raw and decoded values of {cell_name(view.layout, int(slots[0]))}**")
    _table(prediction_table(view, slots))
    st.caption(
        "Raw is what the network puts out, decoded what it means, target what the loss pulls it "
        "to (– where it does not); x, y, w and h in the units that the loss compares. Wrong: a "
        "decoded value that stays away from its target while the loss falls."
    )


def show_maps(view: SampleView, cell: Cell) -> None:
    """The masks and the loss, one tile an anchor."""
    word = slot_word(view.layout)
    st.markdown("**Which slots are object, no object and ignored**")
    plot(
        mask_figure(view, cell=cell),
        key="masks",
        alt=f"Parts of the slots, one map for each {word}.",
        on_click=cell_clicked,
    )
    st.caption(
        f"One map for each {word}: orange slots are trained for an object, grey ones to say no "
        f"object, blue ones are left alone. {_where_blue_belongs(view)}"
    )
    names = [WEIGHTED_TOTAL, *view.maps]
    if st.session_state.get("term") not in (None, *names):
        del st.session_state["term"]
    term = st.selectbox("Loss map of", names, key="term", bind="query-params", width=320)
    values = _map_values(view, term)
    plot(
        loss_figure(view, values, name=term, cell=cell),
        key="loss",
        alt=f"What each slot adds to {term}, one map for each {word}.",
        on_click=cell_clicked,
    )
    st.caption(
        f"What each slot adds to {plain(term)}"
        f"{', every term times its lambda' if term == WEIGHTED_TOTAL else ', unweighted'}; all "
        f"maps share one scale. {_largest(view, values)} Wrong: bright cells away from "
        "all objects, or an object's own cell that stays dark while its prediction is bad."
    )


def _where_blue_belongs(view: SampleView) -> str:
    """What would be wrong with the masks: of the losses here only SSD ignores far from objects."""
    if view.assignment.ignore_mask.mean() > 0.5:
        return (
            "Most are left alone: this loss trains only the hardest of the empty slots. Wrong: an "
            "object with no orange slot on it, or no grey slot at all."
        )
    return "Wrong: an object with no orange slot in its cell, or blue far away from every object."


def _largest(view: SampleView, values: np.ndarray) -> str:
    """Which slots add most, in words."""
    order = np.argsort(-np.nan_to_num(values, nan=np.inf), kind="stable")[:3]
    order = [int(slot) for slot in order if values[slot] != 0]
    if not order:
        return "All of it is zero."
    word = slot_word(view.layout)
    places = (
        f"{cell_name(view.layout, slot)} {word} {view.layout.anchor[slot]} with {values[slot]:.3g}"
        for slot in order
    )
    return f"Most comes from {'; '.join(places)}."


def _map_values(view: SampleView, term: str) -> np.ndarray:
    if term in view.maps:
        return view.maps[term]
    return sum(float(view.lambdas[name]) * values for name, values in view.maps.items())


def _table(table: pd.DataFrame, *, hide_index: bool = False) -> None:
    """Shows words as they are, whatever signs a class name or a term holds."""
    table = table.map(lambda cell: plain(str(cell)))
    if not hide_index:
        table.index = [plain(str(name)) for name in table.index]
    st.table(table, border="horizontal", hide_index=hide_index)


run = pick_run()
if run is None:
    no_runs()
else:
    show_run(run)
