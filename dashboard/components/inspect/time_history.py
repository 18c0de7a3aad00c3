"""Since when: at which steps each object was detected, and each slot of the cell was wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dashboard.cache import file_version
from dashboard.components.shared.plot import kept, plot, plot_and_say
from dashboard.components.shared.sample_picker import Choice, go_to_step
from dashboard.components.shared.show_table import show_table
from dashboard.figures.curves import Marker
from dashboard.figures.places import Cell, object_label, short
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
FOOT = 92
"""Pixels of the strip at the foot of the page."""
NO_HISTORY = (
    "A picture of a training batch was seen at its one step only. A pinned sample has a history."
)


@dataclasses.dataclass(frozen=True)
class History:
    """What is known of a sample over time.

    Attributes:
        sightings: One a snapshot that can be read, by step.
        at: Which of them is shown.
        damaged: Snapshots that cannot be read.
        name: Of the sample.
    """

    sightings: list[Sighting]
    at: int
    damaged: int
    name: str

    @property
    def steps(self) -> list[int]:
        """The steps of the sightings."""
        return [each.step for each in self.sightings]

    def strip(self, values: np.ndarray, names: Sequence[str], what: str, **more: Any) -> Strip:
        """A strip with a row of values for each name."""
        left = 24 + 7 * max(map(len, names), default=0)  # pixels that names take
        return Strip(self.steps, values, names, self.at, left, f"{self.name} {what}", **more)


def history_of(choice: Choice, view: SampleView) -> History | None:
    """The sample at all steps; None for a training picture, which was seen once."""
    if view.kind != "pinned":
        return None
    found, damaged = _sightings(choice.history)
    # A sample keeps its name and its objects; a damaged file may be the one that is shown.
    at = next((k for k, each in enumerate(found) if each.step == view.step), None)
    return None if at is None else History(found, at, damaged, choice.record.sample)


def strip_of_objects(
    view: SampleView, history: History | None, cut: float, marks: Sequence[Marker]
) -> None:
    """At the foot of the page: how well each object was found at each step; what was changed."""
    if history is None:
        st.caption(NO_HISTORY)
        return
    names = [short(object_label(view, int(index))) for index in view.objects]
    if not names:
        return
    if history.damaged:
        files = "1 snapshot" if history.damaged == 1 else f"{history.damaged} snapshots"
        verb = "is" if history.damaged == 1 else "are"
        st.caption(f"{files} of this sample cannot be read and {verb} left out here.")
    values = best_iou(history.sightings, cut)
    strip = history.strip(values, names, str(len(names)), marks=marks, height=FOOT)
    plot(
        kept(
            view,
            ("objects by step", tuple(strip.steps), cut, tuple(marks)),
            lambda: iou_strip(strip),
        ),
        key="objects by step",
        alt=_objects_sentence(cut),
        on_click=go_to_step,
    )


def since_when_found(view: SampleView, history: History | None, cut: float) -> None:
    """Since when each object is detected, or is not."""
    if history is None:
        st.caption(NO_HISTORY)
        return
    names = [object_label(view, int(index)) for index in view.objects]
    rows = []
    for name, each in zip(names, best_iou(history.sightings, cut), strict=True):
        detected = each >= DETECTED_IOU
        word = "detected" if detected[history.at] else "not detected"
        rows.append((name, detected, word, "never detected so far"))
    if rows:
        st.markdown("**Since when**")
        _table("object", "first detected", "objects", rows, history)
        st.caption(_objects_sentence(cut))


def since_when_wrong(
    view: SampleView, history: History | None, cell: Cell, cut: float, marks: Sequence[Marker]
) -> None:
    """At which steps each slot of a cell was wrong; what was changed in the training."""
    if history is None:
        st.caption(NO_HISTORY)
        return
    layout = view.layout
    slots = layout.cell_slots(cell.head, cell.row, cell.column)
    where = cell_name(layout, int(slots[0]))
    names = [f"{slot_word(layout)} {layout.anchor[slot]}" for slot in slots]
    states = slot_states(history.sightings, [int(slot) for slot in slots], cut)
    sentence = (
        f"The slots of {where} by step. A detection finds an object of its class with IoU "
        f"{DETECTED_IOU} or more and a score of {cut:.2f} or more. A slot that is trained for an "
        "object is wrong where neither it nor, while it keeps silent, another slot finds that "
        "object; any other slot where its detection finds none. Wrong: a wrong state that stays, "
        "or a row that changes its mind."
    )
    strip = history.strip(states, names, where, marks=marks)
    plot_and_say(state_strip(strip), sentence, key="slots by step", on_click=go_to_step)
    rows = []
    for name, each in zip(names, states, strict=True):
        wrong = np.isin(each, [state for state in SlotState if state.is_wrong])
        if wrong.any():
            rows.append((name, wrong, STATE_WORDS[SlotState(each[history.at])], ""))
    if rows:
        _table("slot", "first wrong", "slots", rows, history)
    never = [name for name in names if name not in {row[0] for row in rows}]
    if never:
        st.caption(f"Never wrong so far: {', '.join(never)}.")


def _objects_sentence(cut: float) -> str:
    return (
        f"Best IoU of each object with a kept detection of its class that scores {cut:.2f} or "
        f"more, by step: green from {DETECTED_IOU} on, which is detected. The frame is the "
        "shown step, a star the first snapshot that detects the object, a triangle a change of "
        "the training; click a column to go there. Between two snapshots nothing is recorded. "
        "Wrong: a row that stays grey, or one that was green and is grey again."
    )


def _table(
    what: str,
    first: str,
    key: str,
    rows: list[tuple[str, np.ndarray, str, str]],
    history: History,
) -> None:
    """A row each: the first step of its flags, and since when they are as they are.

    Args:
        what: Title of the first column.
        first: Title of the second.
        key: Stable name of the table.
        rows: Name, (S,) flags, the state at the shown step, what to say without a first step.
        history: What they are of.
    """
    steps, at = history.steps, history.at
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
