"""The line that shows that the maps sum to the recorded loss, and the masks to all slots."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.show_table import show_table
from dashboard.tables import term_table
from yolo_core.explain.report import Report, is_partition, totals_agree
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView, Snapshot
from yolo_core.runs.store import RunStore


@dataclasses.dataclass(frozen=True)
class Sums:
    """What the maps sum to, and what it is held against.

    Attributes:
        what: What was summed.
        by: Who recorded the other numbers.
        terms: {name: sum of the term's map}.
        total: Their sum, each times its lambda.
        recorded_terms: {name: recorded term}; a name may be missing.
        recorded: The recorded total; None where there is none (yet).
    """

    what: str
    by: str
    terms: dict[str, float]
    total: float
    recorded_terms: dict[str, float]
    recorded: float | None


def sums_of(
    folder: RunFolder, snapshot: Snapshot, view: SampleView, report: Report, record: SnapshotRecord
) -> Sums:
    """The sums of the maps, and what the training process recorded.

    For a pinned sample that is its own recorded total, for one of a survey what that recorded; a
    training batch is summed over all its pictures and held against the row of its step.
    """
    by = record.kind if record.kind in ("survey", "evaluation") else "training process"
    if view.kind == "pinned":
        return Sums("Σ λ × Σ map", by, report.terms, report.total, record.terms, record.total)
    whole = snapshot.breakdown
    terms = {name: float(np.sum(v, dtype=np.float64)) for name, v in whole.maps.items()}
    total = sum(report.lambdas[name] * value for name, value in terms.items())
    what = f"Σ λ × Σ map over the {len(snapshot.samples)} pictures of the batch"
    # The row of the step is of the loss that trains.
    row = _step_row(folder, view.step) if view.own is None else (record.terms, record.total)
    return Sums(what, by, terms, total, *row)


def say_sums(sums: Sums, view: SampleView, report: Report) -> None:
    """One line: the maps sum to the recorded loss, and the masks to all slots."""
    masks = report.masks
    counts = (
        f"{masks.slots:,} slots = {masks.object:,} object + {masks.no_object:,} no object + "
        f"{masks.ignore:,} ignored"
    )
    if not is_partition(view):
        say(f"{counts}: the masks are no partition, some slot is in none or in two of them.")
        counts = ""
    _verdict(sums, f"; {counts} ✓" if counts else "")


def show_terms(sums: Sums, view: SampleView, report: Report) -> None:
    """The terms of the loss, each beside what was recorded for it."""
    if view.kind == "batch":
        st.caption(f"This picture's share of the batch's loss: {report.total:.6g}.")
    show_table(term_table(sums.terms, report.lambdas, sums.recorded_terms))
    st.caption(
        f"Each term as the sum of its map, what the {sums.by} recorded for it, its lambda, "
        "and its share. Wrong: ✗, or one term with nearly all of the share."
    )


def _verdict(sums: Sums, counts: str) -> None:
    what, total, recorded, by = sums.what, sums.total, sums.recorded, sums.by
    if recorded is None:
        st.warning(
            f"{what} = {total:.6g}; the training process has not recorded this step (yet){counts}.",
            icon=":material/pending:",
        )
    elif not np.isfinite(total) and not np.isfinite(recorded):
        say(
            f"{what} = {total:.6g}; recorded by the {by}: {recorded:.6g}. The loss is "
            "no number here: look for the term that is not one."
        )
    elif totals_agree(total, recorded):
        st.success(
            f"{what} = {total:.6g}; recorded by the {by}: {recorded:.6g} ✓{counts}",
            icon=":material/check:",
        )
    else:
        say(
            f"{what} = {total:.6g}, but the {by} recorded {recorded:.6g}: the maps are "
            "not that loss. Do not trust this picture."
        )


def _step_row(folder: RunFolder, step: int) -> tuple[dict[str, float], float | None]:
    """Recorded terms and total of a step; the total is None if there is no row."""
    try:
        with RunStore.open(folder) as store:
            rows = store.steps(step, step)
    except ValueError as error:
        say(error)
        return {}, None
    if not len(rows["step"]) or "total" not in rows:
        return {}, None
    terms = {
        name.removeprefix("term/"): float(values[0])
        for name, values in rows.items()
        if name.startswith("term/")
    }
    return terms, float(rows["total"][0])
