"""The curves of a run and the marks on them, from what the run recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from dashboard.cache import kept_as_written
from dashboard.figures.colors import TERM_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker
from yolo_core.runs.curves import Curves
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.store import RunStore

METRICS = {
    "map50": ("mAP50", "#0f8f7f", "solid"),
    "map50_95": ("mAP50-95", "#0f8f7f", "dash"),
    "recall": ("recall", "#998811", "solid"),
    "recall_current": ("recall of the batch", "#998811", "dot"),
    "recall_average": ("recall of the batch, averaged", "#998811", "dash"),
}


@dataclasses.dataclass(frozen=True)
class RunCurves:
    """What a run recorded by step.

    Attributes:
        last: The last step row; None before the first step.
        first: The first step that was asked for; None for all.
        curves: The step rows.
        evaluations: {metric: values}, with "step".
        events: All events.
    """

    last: dict[str, float] | None
    first: int | None
    curves: Curves
    evaluations: dict[str, np.ndarray]
    events: list[Event]


@kept_as_written(16)
def run_curves(folder: RunFolder, *, points: int, window: int | None = None) -> RunCurves:
    """Reads the curves of a run.

    Args:
        folder: The run.
        points: As in `RunStore.curves`.
        window: How many of the last steps; None for all.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    with RunStore.open(folder) as store:
        last = store.last_step()
        first = None if last is None or window is None else int(last["step"]) - window + 1
        curves = store.curves(first=first, points=points)
        return RunCurves(last, first, curves, store.evaluations(), store.events())


def markers(events: Sequence[Event]) -> list[Marker]:
    """What is marked on the curves: changes of lambdas and learning rate, resumptions, failures."""
    found = []
    for event in events:
        detail = event.detail
        if event.kind in ("set-lambda", "set-learning-rate"):
            lambda_name = detail.get("name")
            name = f"λ {lambda_name}" if lambda_name else "learning rate"
            text = f"{name} {_number(detail.get('before'))} → {_number(detail.get('value'))}"
            color = color_of(lambda_name) if lambda_name in TERM_COLORS else TOTAL_COLOR
        elif event.kind in ("resumed", "failed"):
            text, color = event.kind, TOTAL_COLOR
        else:
            continue
        found.append(Marker(event.step, f"step {event.step:,}: {text}", color))
    return found


def term_curves(curves: Curves, *, weighted: bool) -> list[Curve]:
    """A curve a loss term, and the total where they are weighted.

    Args:
        curves: What the run recorded, with columns "term/...", "lambda/..." and "total".
        weighted: Multiply every term with its lambda. Where a point stands for several steps, the
            mean lambda is taken: exact unless the lambda was changed within them.
    """
    found = []
    if weighted and "total" in curves.mean:
        found.append(_curve(curves, "total", "total", TOTAL_COLOR, 1.0))
    for column in curves.mean:
        if column.startswith("term/"):
            term = column.removeprefix("term/")
            factor = curves.mean.get(f"lambda/{term}", 1.0) if weighted else 1.0
            found.append(_curve(curves, column, term, color_of(term), factor))
    return found


def metric_curves(evaluations: Mapping[str, np.ndarray], curves: Curves) -> list[Curve]:
    """Validation metrics as points with lines, and the recall of the training batches."""
    found = []
    for metric, (name, color, dash) in METRICS.items():
        if metric in evaluations:
            values = evaluations[metric]
            found.append(Curve(name, evaluations["step"], values, color, dash=dash, points=True))
        elif metric in curves.mean:
            found.append(Curve(name, curves.step, curves.mean[metric], color, dash=dash))
    return found


def _curve(curves: Curves, column: str, name: str, color: str, factor: np.ndarray | float) -> Curve:
    band = {}
    if curves.bucket > 1:
        band = {"low": curves.low[column] * factor, "high": curves.high[column] * factor}
    return Curve(name, curves.step, curves.mean[column] * factor, color, **band)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else "?"
