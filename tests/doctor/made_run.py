"""Runs with rows and snapshots made up by hand, written by the project's own writers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.doctor.asked import watch
from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.snapshots import Snapshot, snapshot_path, write_snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config

TERMS = ("xy", "wh", "objectness", "no_object", "classification")
SAMPLES = ("val/0", "val/1", "train/0", "train/1")
Change = Callable[[Snapshot], Snapshot]


def falling(steps: int, term: str) -> np.ndarray:
    """(steps,) a term that falls to a twentieth, each in its own pace."""
    return np.geomspace(1.0, 0.05, steps) * (1 + 0.1 * TERMS.index(term))


def make_run(
    folder: Path,
    *,
    steps: int = 400,
    curves: Mapping[str, np.ndarray] | None = None,
    lambdas: Mapping[str, float] | None = None,
    total: Callable[[np.ndarray], np.ndarray] = lambda summed: summed,
    more: Mapping[str, np.ndarray] | None = None,
    looks: tuple[int, ...] = (0, 100, 200, 300, 400),
    change: Change = lambda snapshot: snapshot,
    batches: Change | None = None,
    shows: int = 40,
    config: Mapping[str, object] | None = None,
    family: str = "yolov2",
    name: str = "made",
    samples: tuple[str, ...] = SAMPLES,
    loss=None,
) -> RunFolder:
    """A run that is in order, but for what is asked for.

    Args:
        folder: Of the runs.
        steps: How many rows it has.
        curves: {term: (steps,)} in place of those that fall.
        lambdas: {term: weight}; 1 where nothing is said.
        more: {column: (steps,)} that it has besides.
        total: From the sum of lambda x term to what is recorded as the total.
        looks: Steps of its pinned snapshots.
        change: Of each pinned snapshot.
        batches: The same for snapshots of batches; None for none of them.
        shows: What step of `sample_run` the predictions are of: 0 is noise, 40 nearly the truth.
        config: Fields of its configuration.
        family: The loss of the snapshots.
        name: Of the run.
        samples: Those that are pinned, and those of the batches.
        loss: That of the snapshots, where it is none of the family.
    """
    run = create_run(folder, name)
    fields = {"loss": {"name": family}, "training": {"steps": max(steps, 1)}, **(config or {})}
    run.config.write_text(parse_config(fields).to_json(), encoding="utf-8")
    values = {term: falling(steps, term) for term in TERMS} | dict(curves or {})
    weights = dict.fromkeys(TERMS, 1.0) | dict(lambdas or {})
    summed = sum(weights[term] * values[term] for term in TERMS)
    columns = {"total": total(np.asarray(summed)), "learning_rate": np.full(steps, 1e-3)}
    columns |= dict(more or {})
    for term in TERMS:
        columns[f"term/{term}"] = values[term]
        columns[f"lambda/{term}"] = np.full(steps, weights[term])
    loss = make_loss(family) if loss is None else loss
    with RunStore.create(run) as store:
        store.add_columns(list(columns))
        for at in range(steps):
            store.record_step(at + 1, {key: float(each[at]) for key, each in columns.items()})
        for kind, alter in (("pinned", change), ("batch", batches)):
            for step in looks:
                if alter is None or (kind == "batch" and not step):
                    continue
                made = make_snapshot(loss, shows if step else 0, kind, samples)
                snapshot = alter(dataclasses.replace(made, step=step))
                path = snapshot_path(run, kind, step)
                write_snapshot(path, snapshot)
                for sample in samples:
                    view = snapshot.sample(sample)
                    store.record_snapshot(
                        step, kind, sample, path, view.total, terms=view.terms, lambdas=weights
                    )
        store.set_status(state=RunState.FINISHED, steps=steps)
    return run


def keys(run: RunFolder) -> set[str]:
    """What is found in a run."""
    return {each.key for each in watch(run).findings}


def found(run: RunFolder, check: str):
    """The one finding of a check; fails where there is another number of them."""
    (finding,) = [each for each in watch(run).findings if each.check.id == check]
    return finding


def with_predictions(snapshot: Snapshot, **parts: np.ndarray) -> Snapshot:
    """The snapshot with other predictions."""
    whole = snapshot.breakdown
    seen = {**whole.predictions, **parts}
    return dataclasses.replace(snapshot, breakdown=dataclasses.replace(whole, predictions=seen))
