"""Since when: at which steps each object was detected, and each slot of the cell was wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard.cache import file_version
from dashboard.components.shared.plot import kept, plot_and_say
from dashboard.components.shared.sample_picker import Choice, go_to_step
from dashboard.components.shared.show_table import show_table
from dashboard.figures.places import Cell, object_label
from dashboard.figures.time_strip import STATE_WORDS, Strip, iou_strip, state_strip
from yolo_core.explain.history import (
    DETECTED_IOU,
    Sighting,
    SlotState,
    best_iou,
    first_true,
    sighting,
    slot_states,
    stretch,
)
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.views import SampleView

# So many files are read before anybody wonders what takes so long.
_QUICK = 60


def since_when(choice: Choice, view: SampleView, cell: Cell, cut: float) -> None:
    """Shows by step which objects are detected and which slots of a cell are wrong.

    Args:
        choice: What is shown.
        view: The shown sample.
        cell: The selected cell.
        cut: Lowest score of a detection that counts.
    """
    st.markdown("**Since when**")
    if view.kind != "pinned":
        st.caption(
            "A picture of a training batch was seen at its one step only. A pinned sample has a "
            "history."
        )
        return
    found, damaged = _sightings(choice.history)
    # A sample keeps its name and its objects; a damaged file may be the one that is shown.
    at = next((k for k, each in enumerate(found) if each.step == view.step), None)
    if at is None:
        return
    if damaged:
        files = "1 snapshot" if damaged == 1 else f"{damaged} snapshots"
        st.caption(f"{files} of this sample cannot be read and left out here.")
    steps = [each.step for each in found]
    objects = [object_label(view, int(index)) for index in view.objects]
    left = 24 + 7 * max(len("predictor 0"), *map(len, objects), 0)  # pixels that names take
    if objects:
        iou = best_iou(found, cut)
        strip = Strip(steps, iou, objects, at, left, f"{choice.record.sample} {len(objects)}")
        _objects(view, strip, cut)
    layout = view.layout
    slots = layout.cell_slots(cell.head, cell.row, cell.column)
    where = cell_name(layout, int(slots[0]))
    names = [f"{slot_word(layout)} {layout.anchor[slot]}" for slot in slots]
    states = slot_states(found, [int(slot) for slot in slots], cut)
    _slots(Strip(steps, states, names, at, left, f"{choice.record.sample} {where}"), where, cut)


def _objects(view: SampleView, strip: Strip, cut: float) -> None:
    sentence = (
        f"Best IoU of each object with a kept detection of its class that scores {cut:.2f} or "
        f"more, by step: green from {DETECTED_IOU} on, which is detected. The blue frame is the "
        "shown step, a star the first snapshot that detects the object; click a column to go "
        "there. Between two snapshots nothing is recorded. Wrong: a row that stays grey, or one "
        "that was green and is grey again."
    )
    figure = kept(view, ("objects by step", tuple(strip.steps), cut), lambda: iou_strip(strip))
    plot_and_say(figure, sentence, key="objects by step", on_click=go_to_step)
    rows = []
    for name, each in zip(strip.names, strip.values, strict=True):
        detected = each >= DETECTED_IOU
        word = "detected" if detected[strip.shown] else "not detected"
        rows.append((name, detected, word, "never detected so far"))
    _table("object", "first detected", "objects", rows, strip)


def _slots(strip: Strip, where: str, cut: float) -> None:
    sentence = (
        f"The slots of {where} by step. A slot that is trained for an object is wrong where that "
        f"object is not detected by it: no kept detection of the object's class scores {cut:.2f} "
        f"or more in this slot with IoU {DETECTED_IOU} or more. Any other slot is wrong where its "
        "kept detection finds no object in that sense. Wrong: orange that stays, or a row that "
        "changes its mind."
    )
    plot_and_say(state_strip(strip), sentence, key="slots by step", on_click=go_to_step)
    rows = []
    for name, each in zip(strip.names, strip.values, strict=True):
        wrong = np.isin(each, [state for state in SlotState if state.is_wrong])
        if wrong.any():
            rows.append((name, wrong, STATE_WORDS[SlotState(each[strip.shown])], ""))
    if rows:
        _table("slot", "first wrong", "slots", rows, strip)
    never = [name for name in strip.names if name not in {row[0] for row in rows}]
    if never:
        st.caption(f"Never wrong so far: {', '.join(never)}.")


def _table(
    what: str,
    first: str,
    key: str,
    rows: list[tuple[str, np.ndarray, str, str]],
    strip: Strip,
) -> None:
    """A row each: the first step of its flags, and since when they are as they are.

    Args:
        what: Title of the first column.
        first: Title of the second.
        key: Stable name of the table.
        rows: Name, (S,) flags, the state at the shown step, what to say without a first step.
        strip: What they are of.
    """
    steps, at = strip.steps, strip.shown
    told, named = [], set()
    for name, flags, state, never in rows:
        start = first_true(flags)
        begin, end = stretch(flags, at)
        until = "the latest snapshot" if end == len(steps) - 1 else f"step {steps[end]:,}"
        told.append(
            {
                what: name,
                first: never if start is None else f"step {steps[start]:,}",
                f"at step {steps[at]:,}": state,
                "in this state": f"from step {steps[begin]:,} to {until}",
            }
        )
        named |= {begin, end} if start is None else {start, begin, end}
    show_table(told)
    others = [steps[each] for each in sorted(named - {at})]
    if not others:
        return
    # One row of steps to go to, not a button in every row: each part of a page takes its time.
    go = f"{key} go to step"
    st.session_state[go] = None
    st.pills(
        "Show step",
        others,
        format_func=lambda step: f"{step:,}",
        key=go,
        on_change=lambda: go_to_step(st.session_state[go]),
        help="The steps of the table above.",
    )


def _sightings(history: Sequence[SnapshotRecord]) -> tuple[list[Sighting], int]:
    """Of one sample by step; and of how many snapshots there are none, because of damage.

    Each file is read once for all its samples. What was read stays when the page is left half-way.
    """
    shelf = _shelf(str(history[0].file.parent))
    versions = {record.file: file_version(record.file) for record in history}
    new = [
        file for file, version in versions.items() if shelf.get(file.name, ((), {}))[0] != version
    ]
    bar = st.progress(0.0, "") if len(new) > _QUICK else None
    for k, file in enumerate(new):
        if bar is not None:
            bar.progress(k / len(new), f"Reading snapshots once: {k} of {len(new)}")
        try:
            snapshot = read_snapshot(file)
            seen = {name: sighting(snapshot.sample(name)) for name in snapshot.samples}
        except ValueError:
            seen = {}
        shelf[file.name] = (versions[file], seen)
    if bar is not None:
        bar.empty()
    found = [shelf[record.file.name][1].get(record.sample) for record in history]
    return [each for each in found if each is not None], sum(each is None for each in found)


@st.cache_resource(max_entries=4, show_spinner=False)
def _shelf(folder: str) -> dict[str, tuple[tuple[int, ...], dict[str, Sighting]]]:  # noqa: ARG001
    """{file: (version, {sample: sighting})} of a run; as many entries as its disk budget allows."""
    return {}
