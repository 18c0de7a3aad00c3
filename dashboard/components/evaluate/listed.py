"""Every error with its picture: a list, and the picture of the chosen one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.cache import cached_snapshot
from dashboard.components.evaluate.costs import ERROR, LISTED, Listed
from dashboard.components.evaluate.result import Result
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.open_sample import ask_for, sample_rows
from dashboard.components.shared.sample_figure import show_sample
from dashboard.components.shared.slot_picker import OBJECT
from dashboard.components.shared.survey_files import cached_survey_records
from yolo_core.evaluation.errors import ErrorKind
from yolo_core.evaluation.job.folder import KIND, EvaluationFolder
from yolo_core.evaluation.misses import SCORE
from yolo_core.foreign_files import parse_json
from yolo_core.runs.records import SnapshotRecord
from yolo_core.slots import SlotLayout
from yolo_core.survey.spots import Spot, slot_of

SHOWN = 500
_LIST_HEIGHT = 160


def listed_rows(result: Result, listed: Listed) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the detections and of the objects of what is listed; -1 where there is none."""
    errors, table, name, matrix = result.errors, result.table, listed.name, listed.matrix
    if listed.cell is not None:
        here = (matrix.place == listed.cell).all(axis=1)
        detections, objects = matrix.detection[here], matrix.object[here]
    elif name == ErrorKind.MISSED.name.lower():
        objects = np.flatnonzero(errors.missed)
        detections = np.full(len(objects), -1)
    else:
        detections = np.flatnonzero(errors.kind == ErrorKind[name.upper()])
        objects = errors.object[detections]
    score = np.where(detections >= 0, np.append(table.found.score, 0.0)[detections], 0.0)
    area = np.append(table.truth.box[:, 2:].prod(-1), 0.0)[objects]
    order = np.lexsort((-area, -score))
    return detections[order], objects[order]


def show_errors(folder: EvaluationFolder, result: Result, listed: Listed) -> None:
    """The list of what is chosen, and the picture of the chosen one."""
    # Shown by the browser as it is: names of classes may hold anything.
    name = LISTED.pick(
        st.selectbox,
        "Listed",
        list(listed.options),
        default=listed.name,
        format_func=listed.options.__getitem__,
        label_visibility="collapsed",
        on_change=ERROR.forget,
    )
    listed = dataclasses.replace(listed, name=name)
    detections, objects = listed_rows(result, listed)
    if not len(detections):
        st.success("There is none.", icon=":material/check:")
        return
    frame = _frame(result, detections, objects)
    count = min(SHOWN, len(frame))
    asked = ERROR.asked() or "0"
    known = asked.isascii() and asked.isdecimal() and int(asked) < len(frame)
    if not known:
        st.caption(plain(f"There is no error {asked} in this list; the first one is shown."))
    chosen = int(asked) if known else 0
    ERROR.write(str(chosen))
    # The style sheet makes it as high as suits the window.
    with st.container(key="few-rows", height=_LIST_HEIGHT, border=False):
        sample_rows(
            frame.iloc[:SHOWN],
            [str(k) for k in range(count)],
            key=f"evaluate list {name}",
            height="stretch",
            choose=ERROR.then,
        )
    line = st.container(key="line", horizontal=True, vertical_alignment="center", gap="small")
    at = int(detections[chosen]), int(objects[chosen])
    with line:
        st.markdown(
            f"**{plain(frame['sample'][chosen])}** of {len(frame):,}",
            help=f"The {count:,} surest are listed; click a row to see it. Wrong: an error that is "
            "none; the label is then at fault.",
        )
        csv_button(lambda: frame, file=f"{folder.run.name}-{folder.name}-{name}", key=f"csv {name}")
        _open(folder, result, str(frame["sample"][chosen]), *at)
    _show_one(folder, result, str(frame["sample"][chosen]), *at)


def _frame(result: Result, detections: np.ndarray, objects: np.ndarray) -> pd.DataFrame:
    """A row an error."""
    table, truth, found = result.table, result.table.truth, result.table.found
    names = np.array([*table.class_names, ""], object)
    samples = np.where(
        detections >= 0,
        np.append(found.sample, 0)[detections],
        np.append(truth.sample, 0)[objects],
    )
    seen, there = np.append(found.class_index, -1), np.append(truth.class_index, -1)
    width, height = table.image_size
    sides = np.append(np.sqrt(truth.box[:, 2:].prod(-1) * width * height), np.nan)[objects]
    return pd.DataFrame(
        {
            "sample": [table.samples[row] for row in samples],
            "detected as": np.where(detections >= 0, names[seen[detections]], "not detected"),
            "score": np.round(np.append(found.score, np.nan)[detections], 3),
            "object": np.where(objects >= 0, names[there[objects]], "no object"),
            "object's size, px": np.round(sides, 1),
        }
    )


def _kept(folder: EvaluationFolder, result: Result, sample: str) -> SnapshotRecord | None:
    for each in cached_survey_records(folder.run):
        if (each.kind, each.sample, each.step) == (KIND, sample, result.table.step):
            return each
    return None


def _open(folder: EvaluationFolder, result: Result, sample: str, detection: int, row: int) -> None:
    """A button that opens the sample on the Inspect page, where its picture was kept."""
    if _kept(folder, result, sample) is not None:
        st.button(
            "Inspect",
            icon=":material/search:",
            on_click=ask_for,
            args=(_address(folder, result, sample, detection, row),),
            help=f"Opens {sample} on the Inspect page, at the detection's slot or at the object.",
        )


def _show_one(
    folder: EvaluationFolder, result: Result, sample: str, detection: int, row: int
) -> None:
    """The picture of an error, where it was kept."""
    table, record = result.table, _kept(folder, result, sample)
    if record is None:
        st.caption(
            f"No picture of {sample} was kept: those with the surest errors of each kind are, as "
            "far as the disk space of snapshots goes. A survey of the split shows every one."
        )
        return
    slot = int(table.found.slot[detection]) if detection >= 0 else -1
    try:
        view = cached_snapshot(record.file).sample(sample)
    except ValueError as error:
        say(error)
        return
    if slot < 0 and row >= 0:
        slot = slot_of(view, Spot(sample, object=int(table.truth.index[row])))
    score = float(table.found.score[detection]) if detection >= 0 else SCORE
    show_sample(view, max(slot, 0), key="evaluate picture", below=(26, 0), cut=min(score, SCORE))


def _address(
    folder: EvaluationFolder,
    result: Result,
    sample: str,
    detection: int,
    row: int,
) -> str:
    """The query parameters of the Inspect page, as one text."""
    table = result.table
    address = {"run": folder.run.name, "kind": KIND, "sample": sample, "step": str(table.step)}
    slot = int(table.found.slot[detection]) if detection >= 0 else -1
    if slot >= 0:
        layout = SlotLayout.from_grids(list(table.grids))
        # Without a head where there is only one: it is not asked for then.
        keys = PLACE_KEYS[len(table.grids) == 1 :]
        address |= {key: str(int(getattr(layout, key)[slot])) for key in keys}
    elif row >= 0:
        address[OBJECT.key] = str(int(table.truth.index[row]))
    return json.dumps(address)


def address_of(asked: str) -> Mapping[str, str] | None:
    """What `_address` made, for `leave_if_asked`."""
    try:
        found = parse_json(asked)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
