"""What each kind of error costs, the confusion matrix, and what is listed of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import streamlit as st

from dashboard.components.evaluate.result import Result
from dashboard.components.shared.address import UrlChoice, choose
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import plot
from dashboard.figures.bars import Bar, bars_figure
from dashboard.figures.evaluation import confusion_figure, most_confused
from yolo_core.evaluation.confusion import RULE, Confusion, confusion
from yolo_core.evaluation.errors import ERROR_WORDS, ErrorKind
from yolo_core.evaluation.job.folder import EvaluationFolder

LISTED = UrlChoice("listed", bound=False)
ERROR = UrlChoice("error", bound=False)
"""Which of the listed errors is shown, from 0."""
_BARS = 160  # pixels


@dataclasses.dataclass(frozen=True)
class Listed:
    """What is listed.

    Attributes:
        name: A kind of error in small letters, or "row-column" of the matrix.
        options: {name: in words} of all that can be listed.
        matrix: The confusion matrix.
    """

    name: str
    options: dict[str, str]
    matrix: Confusion

    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the matrix; None for a kind of error."""
        row, dash, column = self.name.partition("-")
        found = dash and row.isdecimal() and column.isdecimal()
        return (int(row), int(column)) if found else None


def pick_listed(result: Result, threshold: float) -> Listed:
    """What is asked for, the kind of error that costs most at the beginning."""
    table, errors = result.table, result.errors
    matrix = confusion(
        table.found, table.truth, result.matching, threshold, num_classes=len(table.class_names)
    )
    options = _options(matrix, table.class_names)
    costly = max(ErrorKind, key=lambda kind: (errors.cost[kind], errors.count(kind)))
    asked = LISTED.asked()
    if asked and asked not in options:
        st.caption(plain(f"Of {asked} there is nothing to list at this threshold."))
    return Listed(asked if asked in options else costly.name.lower(), options, matrix)


def show_costs(folder: EvaluationFolder, result: Result) -> None:
    """A bar a kind of error; a click lists its errors."""
    figure = bars_figure(
        [_bar(result, kind) for kind in ErrorKind],
        unit="",
        revision=folder.name,
    ).update_layout(height=_BARS)
    sentence = (
        f"mAP50 is {result.errors.map50:.3f}; each bar is what it would gain if that kind of error "
        "alone were repaired (Bolya et al. 2020), so they need not add up. All detections count, "
        "however unsure. Wrong: a long bar; of localisation, look at box terms and anchors, of "
        "background or missed at objectness."
    )
    st.markdown("**What each kind of error costs**", help=f"{sentence} A click lists its errors.")
    plot(figure, key="evaluate errors", alt=sentence, on_click=_list)


def show_matrix(folder: EvaluationFolder, result: Result, listed: Listed, threshold: float) -> None:
    """The confusion matrix; a click lists a cell."""
    figure = confusion_figure(
        listed.matrix.counts,
        result.table.class_names,
        listed.cell,
        revision=f"{folder.name} matrix",
    )
    sentence = (
        f"From a score of {threshold:.2f} on. {RULE} Wrong: a dark cell off the diagonal; two "
        "classes that the network cannot tell apart."
    )
    names = result.table.class_names
    few = len(most_confused(listed.matrix.counts))
    which = f", worst {few} of {len(names):,} classes" * (few < len(names))
    st.markdown(f"**Confusion matrix**{which}", help=f"{sentence} A click lists a cell.")
    plot(figure, key="evaluate confusion", alt=sentence, on_click=_list_cell)


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


def _list(name: Any) -> None:
    if isinstance(name, str):
        choose({LISTED.key: name})
        ERROR.then("0")


def _list_cell(place: Any) -> None:
    if isinstance(place, list) and len(place) == 2:
        _list(f"{int(place[0])}-{int(place[1])}")
