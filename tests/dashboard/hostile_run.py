"""A run folder as somebody might send it: in every place where a file may hold words, markdown."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from tests.dashboard.sample_run import LAST_STEP, SAMPLES, make_loss, make_snapshot
from yolo_core.compare.own.gradients import compare_gradients
from yolo_core.compare.own.saved import write_comparison
from yolo_core.jobs.status import JobState, JobStatus, write_job
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.snapshots import Snapshot, snapshot_path, write_snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import write_table
from yolo_core.training.config import parse_config

EVIL = "![qzx](qzx.png) $qzx$ www.qzx.test"


def hostile(snapshot: Snapshot, *, terms: bool = True) -> Snapshot:
    """The same numbers under other names; `terms`: those of the terms, too."""
    whole = snapshot.breakdown
    shape = snapshot.y_pred.shape
    slopes = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def renamed(group: dict[str, Any]) -> dict[str, Any]:
        return {f"{name} {EVIL}" if terms else name: value for name, value in group.items()}

    return dataclasses.replace(
        snapshot,
        class_names=tuple(f"{k} {EVIL}" for k in range(len(snapshot.class_names))),
        samples=(*snapshot.samples[:-1], EVIL),
        files=(EVIL,) * len(snapshot.samples),
        loss_name=EVIL,
        channels=tuple(EVIL if name == "h" else name for name in snapshot.channels),
        breakdown=dataclasses.replace(
            whole,
            terms=renamed(whole.terms),
            maps=renamed(whole.maps),
            lambdas=renamed(whole.lambdas),
            gradients=renamed(dict.fromkeys(whole.terms, slopes)),
            assignment=dataclasses.replace(whole.assignment, candidate_measure=EVIL),
        ),
    )


def make_hostile_run(
    checkpoints: Path, name: str, loss_name: str, *, evil_terms: bool = True, **fields: Any
) -> RunFolder:
    """A stopped run with pinned and batch snapshots, a survey, and a comparison beside it.

    Args:
        checkpoints: The folder of runs.
        name: The run.
        loss_name: The loss that its snapshots are made with.
        evil_terms: Whether its terms have other names, too.
        **fields: Of its configuration.
    """
    folder = create_run(checkpoints, name)
    folder.config.write_text(parse_config(fields).to_json(), encoding="utf-8")
    loss = make_loss(loss_name)
    pinned = hostile(make_snapshot(loss, LAST_STEP), terms=evil_terms)
    terms = tuple(pinned.breakdown.terms)
    columns = ("total", *(f"term/{term}" for term in terms), *(f"lambda/{term}" for term in terms))
    with RunStore.create(folder, columns) as store:
        for kind in ("pinned", "batch"):
            whole = make_snapshot(loss, LAST_STEP, kind, SAMPLES)
            snapshot = hostile(whole, terms=evil_terms)
            path = snapshot_path(folder, kind, LAST_STEP)
            write_snapshot(path, snapshot)
            for sample in snapshot.samples:
                view = snapshot.sample(sample)
                store.record_snapshot(
                    LAST_STEP,
                    kind,
                    sample,
                    path,
                    view.total,
                    terms=view.terms,
                    lambdas=view.lambdas,
                )
        for step in range(1, LAST_STEP + 1):
            row = {f"term/{term}": 1.0 / step for term in terms}
            row |= {f"lambda/{term}": 1.0 for term in terms}
            store.record_step(step, {"total": 1.0 / step, **row})
        store.record_event(20, "set-lambda", {"name": EVIL, "value": 2.0, "before": 5.0})
        store.record_checkpoint(LAST_STEP, f"step-{LAST_STEP:08d}.npz")
        store.answer(store.send("set-lambda", {"name": EVIL, "value": 1.0}), error=EVIL)
        store.answer(store.send("set-lambda", {"name": terms[0], "value": 1.0}), step=3)
        store.set_status(state=RunState.STOPPED, message=EVIL)
    survey = SurveyFolder(folder, "val", LAST_STEP)
    survey.path.mkdir(parents=True)
    write_snapshot(survey.chunk(0), pinned)
    write_table(survey.table, table_of(pinned, survey.chunk(0).name))
    write_job(survey.status, JobStatus(JobState.FINISHED, EVIL, done=4, total=4))
    numbers = pinned.breakdown.gradients
    write_comparison(
        checkpoints,
        compare_gradients(
            yours=EVIL,
            against=EVIL,
            snapshot=pinned,
            your_gradient=-sum(numbers.values()),
            term_gradients=numbers,
            your_total=1.0,
            published_total=2.0,
            diagnosis=[EVIL],
        ),
    )
    return folder
