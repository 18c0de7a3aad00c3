"""The curves of a run and the marks on them, from what the run recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dashboard.cache import kept_as_written
from dashboard.components.shared.errors import say
from dashboard.figures.colors import TERM_COLORS, TOTAL_COLOR, color_of
from dashboard.figures.curves import Curve, Marker
from yolo_core.runs.changes import DIALS, RATE
from yolo_core.runs.curves import Curves
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.store import RunStore

TOTAL = "total"
_WEIGHTED = "λ × "
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
def run_curves(
    folder: RunFolder, *, points: int, window: int | None = None, first: int | None = None
) -> RunCurves:
    """Reads the curves of a run.

    Args:
        folder: The run.
        points: As in `RunStore.curves`.
        window: How many of the last steps; None for all.
        first: The first step, where there is no window; None for all.

    Raises:
        ValueError: The run's database is missing or damaged.
    """
    with RunStore.open(folder) as store:
        last = store.last_step()
        if last is not None and window is not None:
            first = int(last["step"]) - window + 1
        curves = store.curves(first=first, points=points)
        return RunCurves(last, first, curves, store.evaluations(), store.events())


def curves_of(
    folders: Iterable[RunFolder], *, points: int, first: int | None = None, tell: bool = True
) -> dict[str, RunCurves]:
    """{name: curves} of several runs; one that cannot be read is left out, and said to be so.

    Args:
        folders: The runs.
        points: As in `RunStore.curves`.
        first: The first step; None for all.
        tell: Whether to say so.
    """
    found = {}
    for folder in folders:
        try:
            found[folder.name] = run_curves(folder, points=points, first=first)
        except ValueError as error:
            if tell:
                say(error)
    return found


def markers(events: Sequence[Event]) -> list[Marker]:
    """What is marked on the curves: changes of lambdas and learning rate, resumptions, failures."""
    found = []
    for event in events:
        detail = event.detail
        label = ""
        if event.kind in DIALS:
            lambda_name = detail.get("name")
            is_lambda = lambda_name and lambda_name != RATE
            name = f"λ {lambda_name}" if is_lambda else "learning rate"
            scheduled = event.kind == "schedule"
            value = detail.get("stop" if scheduled else "value")
            numbers = (_number(detail.get("before")), f"→ {_number(value)}")
            text = " ".join(filter(None, (name, *numbers)))
            text += f" by step {detail.get('last')}" * scheduled
            label = text.removeprefix("λ ")
            color = color_of(lambda_name) if lambda_name in TERM_COLORS else TOTAL_COLOR
        elif event.kind in ("resumed", "failed", "forked", "kept"):
            text, color = event.kind, TOTAL_COLOR
        else:
            continue
        found.append(Marker(event.step, f"step {event.step:,}: {text}", color, label))
    return found


def term_curves(curves: Curves, *, weighted: bool, now: bool = False) -> list[Curve]:
    """A curve a loss term, and the total where they are weighted.

    Args:
        curves: What the run recorded, with columns "term/...", "lambda/..." and "total".
        weighted: Multiply every term with its lambda. Where a point stands for several steps, the
            mean lambda is taken: exact unless the lambda was changed within them.
        now: Multiply with the lambdas of the last point, all along; the total is then their sum.
    """
    found, total = [], 0.0
    for column in curves.mean:
        if column.startswith("term/"):
            term = column.removeprefix("term/")
            factor = curves.mean.get(f"lambda/{term}", 1.0) if weighted else 1.0
            if now and np.size(factor) > 1:
                factor = factor[-1]
            found.append(_curve(curves, column, term, color_of(term), factor))
            total = total + found[-1].value
    if now and found:
        return [Curve("total", curves.step, np.asarray(total), TOTAL_COLOR), *found]
    if weighted and "total" in curves.mean:
        return [_curve(curves, "total", "total", TOTAL_COLOR, 1.0), *found]
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


def series_names(runs: Sequence[RunCurves]) -> list[str]:
    """What can be drawn of at least one run: the total, metrics by their names, terms, weighted."""
    metrics = {m for run in runs for m in (*run.evaluations, *run.curves.mean)}
    columns = dict.fromkeys(column for run in runs for column in run.curves.mean)
    terms = [c.removeprefix("term/") for c in columns if c.startswith("term/")]
    return [
        TOTAL,
        *(name for metric, (name, *_) in METRICS.items() if metric in metrics),
        *terms,
        *(f"{_WEIGHTED}{term}" for term in terms),
    ]


def one_curve(run: RunCurves, series: str) -> Curve | None:
    """A series of a run, over steps; None where the run has none of that name."""
    for metric, (name, *_) in METRICS.items():
        if series == name and metric in run.evaluations:
            steps, values = run.evaluations["step"], run.evaluations[metric]
            return Curve(series, steps, values, "", points=True)
        if series == name and metric in run.curves.mean:
            return Curve(series, run.curves.step, run.curves.mean[metric], "")
    weighted = series == TOTAL or series.startswith(_WEIGHTED)
    wanted = series.removeprefix(_WEIGHTED)
    found = term_curves(run.curves, weighted=weighted)
    return next((curve for curve in found if curve.name == wanted), None)


def relative(curve: Curve) -> Curve:
    """A curve divided by its first value that is finite and not zero, which becomes 1."""
    values = np.asarray(curve.value, np.float64)
    usable = values[np.isfinite(values) & (values != 0)]
    if not usable.size:
        return curve
    parts = {part: getattr(curve, part) for part in ("value", "low", "high")}
    divided = {p: None if each is None else each / usable[0] for p, each in parts.items()}
    return dataclasses.replace(curve, **divided)


def _curve(curves: Curves, column: str, name: str, color: str, factor: np.ndarray | float) -> Curve:
    band = {}
    if curves.bucket > 1:
        band = {"low": curves.low[column] * factor, "high": curves.high[column] * factor}
    return Curve(name, curves.step, curves.mean[column] * factor, color, **band)


def _number(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, (int, float)) else ""
