"""Every error with its picture: by kind with what it costs, by cell of the confusion matrix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.evaluate.result import Result
from dashboard.components.shared.address import UrlChoice, choose
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.open_sample import sample_rows
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.slot_picker import OBJECT
from dashboard.components.shared.survey_files import cached_survey_records
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.evaluation import confusion_figure
from yolo_core.evaluation.confusion import RULE, Confusion, confusion
from yolo_core.evaluation.errors import ERROR_WORDS, ErrorKind
from yolo_core.evaluation.job.folder import KIND, EvaluationFolder
from yolo_core.foreign_files import parse_json
from yolo_core.slots import SlotLayout

LISTED = UrlChoice("listed", bound=False)
SHOWN = 500


def show_errors(folder: EvaluationFolder, result: Result, threshold: float) -> None:
    """The kinds of errors, the confusion matrix, and the list of what is chosen in them."""
    table, errors = result.table, result.errors
    matrix = confusion(
        table.found, table.truth, result.matching, threshold, num_classes=len(table.class_names)
    )
    options = _options(matrix, table.class_names)
    costly = max(ErrorKind, key=lambda kind: (errors.cost[kind], errors.count(kind)))
    asked = LISTED.asked()
    chosen = asked if asked in options else costly.name.lower()
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What each kind of error costs**")
        figure = bars_figure(
            [_bar(result, kind) for kind in ErrorKind],
            unit="of mAP50, where that kind alone is repaired",
            revision=folder.name,
        )
        plot_and_say(
            figure,
            f"mAP50 is {errors.map50:.3f}; each bar is what it would gain if that kind of error "
            "alone were repaired (Bolya et al. 2020), so they need not add up. All detections "
            "count, however unsure. **Click a bar to list its errors.** Wrong: a long bar; of "
            "localisation, look at box terms and anchors, of background or missed at objectness.",
            key="evaluate errors",
            on_click=_list,
        )
    with right:
        st.markdown("**Confusion matrix**")
        cell = _cell(chosen)
        figure = confusion_figure(
            matrix.counts, table.class_names, cell, revision=f"{folder.name} matrix"
        )
        plot_and_say(
            figure,
            f"From a score of {threshold:.2f} on. {RULE} **Click a cell to list it.** Wrong: a "
            "dark cell off the diagonal; two classes that the network cannot tell apart.",
            key="evaluate confusion",
            on_click=_list_cell,
        )
    # Shown by the browser as it is: names of classes may hold anything.
    name = LISTED.pick(
        st.selectbox,
        "Listed",
        list(options),
        default=costly.name.lower(),
        format_func=lambda each: options[each],
    )
    _show_list(folder, result, matrix, name)


def _bar(result: Result, kind: ErrorKind) -> Bar:
    word, means = ERROR_WORDS[kind]
    cost, count = result.errors.cost[kind], result.errors.count(kind)
    return Bar(
        label=word,
        pieces={"cost": max(cost, 0.0)},
        words={"cost": f"{word}: {means}<br>{count:,} errors, {cost:+.3f} of mAP50 if repaired"},
        end=f"{cost:.3f} ({count:,})",
        clicks={"cost": kind.name.lower()},
    )


def _options(matrix: Confusion, names: tuple[str, ...]) -> dict[str, str]:
    """What can be listed: {in the address: in words}."""
    options = {
        kind.name.lower(): f"error of kind {ERROR_WORDS[kind][0]}: {ERROR_WORDS[kind][1]}"
        for kind in ErrorKind
    }
    last = len(names)
    for i, j in np.argwhere(matrix.counts > 0).tolist():
        what = "on background" if i == last else f"{names[i]}"
        became = "missed" if j == last else f"detected as {names[j]}"
        options[f"{i}-{j}"] = f"{what}, {became}: {matrix.counts[i, j]:,}"
    return options


def _cell(name: str) -> tuple[int, int] | None:
    row, dash, column = name.partition("-")
    return (int(row), int(column)) if dash and row.isdigit() and column.isdigit() else None


def _list(name: Any) -> None:
    if isinstance(name, str):
        choose({LISTED.key: name})


def _list_cell(place: Any) -> None:
    if isinstance(place, list) and len(place) == 2:
        choose({LISTED.key: f"{int(place[0])}-{int(place[1])}"})


def listed_rows(result: Result, matrix: Confusion, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the detections and of the objects of what is listed; -1 where there is none."""
    errors, table = result.errors, result.table
    cell = _cell(name)
    if cell is not None:
        here = (matrix.place == cell).all(axis=1)
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


def _show_list(folder: EvaluationFolder, result: Result, matrix: Confusion, name: str) -> None:
    table, truth, found = result.table, result.table.truth, result.table.found
    detections, objects = listed_rows(result, matrix, name)
    if not len(detections):
        st.success("There is none.", icon=":material/check:")
        return
    names = np.array([*table.class_names, ""], object)
    samples = np.where(
        detections >= 0,
        np.append(found.sample, 0)[detections],
        np.append(truth.sample, 0)[objects],
    )
    seen, there = np.append(found.class_index, -1), np.append(truth.class_index, -1)
    width, height = table.image_size
    sides = np.append(np.sqrt(truth.box[:, 2:].prod(-1) * width * height), np.nan)[objects]
    frame = pd.DataFrame(
        {
            "sample": [table.samples[row] for row in samples],
            "detected as": np.where(detections >= 0, names[seen[detections]], "not detected"),
            "score": np.round(np.append(found.score, np.nan)[detections], 3),
            "object": np.where(objects >= 0, names[there[objects]], "no object"),
            "object's size, px": np.round(sides, 1),
        }
    )
    kept = {
        (each.sample, each.step) for each in cached_survey_records(folder.run) if each.kind == KIND
    }
    layout = SlotLayout.from_grids(list(table.grids))
    spots = [
        _address(
            folder, result, layout, str(frame["sample"][k]), int(detections[k]), int(objects[k])
        )
        if (frame["sample"][k], table.step) in kept
        else None
        for k in range(min(SHOWN, len(frame)))
    ]
    frame.insert(
        0, "opens", ["✓" if k < len(spots) and spots[k] else "" for k in range(len(frame))]
    )
    sample_rows(frame.iloc[:SHOWN], spots, key=f"evaluate list {name}", height=360)
    without = sum(spot is None for spot in spots)
    rest = (
        f" {without:,} of them lie in samples of which no picture was kept (those with the surest "
        "errors of each kind are, as far as the disk space of snapshots goes); a survey of the "
        "split opens every one."
        if without
        else ""
    )
    st.caption(
        f"The {min(SHOWN, len(frame)):,} surest of {len(frame):,}. **Click a row to open the "
        "sample on the Inspect page, at the detection's slot or at the object.** Wrong: an error "
        f"that is none; the label is then at fault.{rest}"
    )
    csv_button(lambda: frame, file=f"{folder.run.name}-{folder.name}-{name}", key=f"csv {name}")


def _address(
    folder: EvaluationFolder,
    result: Result,
    layout: SlotLayout,
    sample: str,
    detection: int,
    row: int,
) -> str:
    """The query parameters of the Inspect page, as one text."""
    table = result.table
    address = {"run": folder.run.name, "kind": KIND, "sample": sample, "step": str(table.step)}
    slot = int(table.found.slot[detection]) if detection >= 0 else -1
    if slot >= 0:
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
