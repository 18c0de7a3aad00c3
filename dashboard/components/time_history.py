"""Since when: at which steps each object was detected, and each slot of the cell was wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dashboard.cache import file_version
from dashboard.components.errors import plain
from dashboard.components.plot import plot
from dashboard.components.sample_picker import Choice, go_to_step
from dashboard.figures.places import Cell, object_label
from dashboard.figures.time_strip import STATE_WORDS, iou_strip, state_strip
from yolo_core.history import (
    DETECTED_IOU,
    Sighting,
    SlotState,
    best_iou,
    first_true,
    sighting,
    slot_states,
    stretch,
)
from yolo_core.reasons import cell_name, slot_word
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.views import SampleView

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
    _objects(choice, view, found, at, cut)
    _slots(choice, view, cell, found, at, cut)


def _objects(
    choice: Choice,
    view: SampleView,
    found: Sequence[Sighting],
    at: int,
    cut: float,
) -> None:
    names = [object_label(view, int(index)) for index in view.objects]
    if not names:
        return
    steps, iou = [each.step for each in found], best_iou(found, cut)
    sentence = (
        f"Best IoU of each object with a kept detection of its class that scores {cut:.2f} or "
        f"more, by step: green from {DETECTED_IOU} on, which is detected. The blue frame is the "
        "shown step, a star the first snapshot that detects the object; click a column to go "
        "there. Between two snapshots nothing is recorded. Wrong: a row that stays grey, or one "
        "that was green and is grey again."
    )
    plot(
        iou_strip(
            steps,
            iou,
            names,
            shown=at,
            left=_left(names),
            revision=f"{choice.record.sample} {len(names)}",
        ),
        key="objects by step",
        alt=sentence,
        on_click=go_to_step,
    )
    st.caption(sentence)
    rows = []
    for name, each in zip(names, iou, strict=True):
        detected = each >= DETECTED_IOU
        word = "detected" if detected[at] else "not detected"
        rows.append((name, detected, word, "never detected so far"))
    _table("object", "first detected", "objects", rows, steps, at)


def _slots(
    choice: Choice,
    view: SampleView,
    cell: Cell,
    found: Sequence[Sighting],
    at: int,
    cut: float,
) -> None:
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    steps = [each.step for each in found]
    states = slot_states(found, [int(slot) for slot in slots], cut)
    word, where = slot_word(view.layout), cell_name(view.layout, int(slots[0]))
    names = [f"{word} {view.layout.anchor[slot]}" for slot in slots]
    sentence = (
        f"The slots of {where} by step. A slot that is trained for an object is wrong where that "
        f"object is not detected by it: no kept detection of the object's class scores {cut:.2f} "
        f"or more in this slot with IoU {DETECTED_IOU} or more. Any other slot is wrong where its "
        "kept detection finds no object in that sense. Wrong: orange that stays, or a row that "
        "changes its mind."
    )
    plot(
        state_strip(
            steps,
            states,
            names,
            shown=at,
            left=_left([object_label(view, int(index)) for index in view.objects]),
            revision=f"{choice.record.sample} {where}",
        ),
        key="slots by step",
        alt=sentence,
        on_click=go_to_step,
    )
    st.caption(sentence)
    rows = []
    for name, each in zip(names, states, strict=True):
        wrong = np.isin(each, [state for state in SlotState if state.is_wrong])
        if wrong.any():
            rows.append((name, wrong, STATE_WORDS[SlotState(each[at])], ""))
    if rows:
        _table("slot", "first wrong", "slots", rows, steps, at)
    never = [name for name in names if name not in {row[0] for row in rows}]
    if never:
        st.caption(f"Never wrong so far: {', '.join(never)}.")


def _left(objects: Sequence[str]) -> int:
    """Pixels that the names of objects and slots take."""
    return 24 + 7 * max(len("predictor 0"), *map(len, objects), 0)


def _table(
    what: str,
    first: str,
    key: str,
    rows: list[tuple[str, np.ndarray, str, str]],
    steps: list[int],
    at: int,
) -> None:
    """A row each: the first step of its flags, and since when they are as they are.

    Args:
        what: Title of the first column.
        first: Title of the second.
        key: Stable name of the table.
        rows: Name, (S,) flags, the state at the shown step, what to say without a first step.
        steps: (S,) the snapshots' steps.
        at: Index of the shown step.
    """
    widths = [2, 3, 5, 3]
    titles = (what, first, f"at step {steps[at]:,}", "in this state since")
    table = st.container(gap="xxsmall")
    for place, title in zip(table.columns(widths), titles, strict=True):
        place.caption(title)
    for row, (name, flags, state, never) in enumerate(rows):
        columns = table.columns(widths, vertical_alignment="center")
        columns[0].markdown(plain(name))
        start = first_true(flags)
        if start is None:
            columns[1].caption(never)
        else:
            _jump(columns[1], steps[start], f"{key} first {row}", here=start == at)
        begin, end = stretch(flags, at)
        until = "the latest snapshot" if end == len(steps) - 1 else f"step {steps[end]:,}"
        columns[2].markdown(f"{state}, from step {steps[begin]:,} to {until}")
        _jump(columns[3], steps[begin], f"{key} since {row}", here=begin == at)


def _jump(place: st.delta_generator.DeltaGenerator, step: int, key: str, *, here: bool) -> None:
    place.button(
        f"step {step:,}",
        key=key,
        icon=":material/arrow_forward:",
        type="tertiary",
        on_click=go_to_step,
        args=(step,),
        disabled=here,
        help="The shown step." if here else "Show this step.",
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
