"""What each term pulls, read from the step rows: shares, cosines, the lambda that would balance."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from yolo_core.runs.reader import RunReader

PULL, COSINE = "pull/", "cosine/"
"""Beginnings of the columns: length of a term's gradient, and the cosine between those of two."""
UPDATE = "update/weight"
"""Column: how far the step moved that kernel, in parts of its length."""
STARVES, DOMINATES = 0.02, 0.8
"""Shares of the gradient below and above which something is said."""
_LOOK_BACK = (1000, 100_000, None)


@dataclasses.dataclass(frozen=True)
class TermPull:
    """One term at a measured step.

    Attributes:
        name: The term.
        weight: Its effective lambda.
        loss_share: Its share of the loss, lambda x term by the total of these; NaN where that is 0.
        pull_share: Its share of the lengths of all gradients; NaN where they are all zero.
        balanced: The lambda with which its gradient would be as long as the geometric mean of the
            gradients that are not zero; None where its own is zero or its lambda is.
        verdict: "starves", "dominates" or "".
    """

    name: str
    weight: float
    loss_share: float
    pull_share: float
    balanced: float | None
    verdict: str


@dataclasses.dataclass(frozen=True)
class Pulls:
    """What the terms pulled at one step.

    Attributes:
        step: The step, out of whose own gradients this is.
        terms: The terms, in the order of the loss.
        cosines: {(term, term): cosine of the angle between their gradients}; NaN where one is zero.
    """

    step: int
    terms: tuple[TermPull, ...]
    cosines: dict[tuple[str, str], float]

    def plain(self) -> dict[str, Any]:
        """The same for JSON: what is not finite is None, a pair is "xy/wh"."""

        def known(value: Any) -> Any:
            return None if isinstance(value, float) and not math.isfinite(value) else value

        terms = [{k: known(v) for k, v in dataclasses.asdict(t).items()} for t in self.terms]
        cosines = {"/".join(pair): known(value) for pair, value in self.cosines.items()}
        return {"step": self.step, "terms": terms, "cosines": cosines}


def last_pulls(reader: RunReader) -> Pulls | None:
    """The newest measurement of a run; None where there is none.

    Raises:
        ValueError: The run's database is damaged.
    """
    last = reader.last_step()
    if last is None:
        return None
    step = int(last["step"])
    for back in _LOOK_BACK:
        if found := all_pulls(reader, first=None if back is None else step - back):
            return found[-1]
    return None


def all_pulls(reader: RunReader, *, first: int | None = None) -> list[Pulls]:
    """The measurements of a run, by step.

    Args:
        reader: The run.
        first: First step that is wanted; None for all.

    Raises:
        ValueError: The run's database is damaged.
    """
    groups = (PULL, COSINE, "term/", "lambda/")
    columns = [column for column in reader.columns if column.startswith(groups)]
    pulled = next((column for column in columns if column.startswith(PULL)), None)
    if pulled is None:
        return []
    rows = reader.steps(first, columns=columns)
    return [
        _pulls({name: float(values[at]) for name, values in rows.items()})
        for at in np.flatnonzero(np.isfinite(rows[pulled]))
    ]


def _pulls(row: dict[str, float]) -> Pulls:
    names = [column.removeprefix(PULL) for column in row if column.startswith(PULL)]
    length = {name: row[PULL + name] for name in names}
    loss = {name: row[f"lambda/{name}"] * row[f"term/{name}"] for name in names}
    whole_loss, whole = sum(loss.values()), sum(length.values())
    pulling = [value for value in length.values() if value > 0]
    middle = math.exp(sum(map(math.log, pulling)) / len(pulling)) if pulling else 0.0
    terms = []
    for name in names:
        weight, share = row[f"lambda/{name}"], length[name] / whole if whole else math.nan
        verdict = "starves" if share < STARVES else "dominates" if share > DOMINATES else ""
        terms.append(
            TermPull(
                name=name,
                weight=weight,
                loss_share=loss[name] / whole_loss if whole_loss else math.nan,
                pull_share=share,
                balanced=weight * middle / length[name] if length[name] > 0 < weight else None,
                verdict=verdict if len(names) > 1 else "",
            )
        )
    cosines = {}
    for column, value in row.items():
        if column.startswith(COSINE):
            first = next(n for n in names if column.startswith(f"{COSINE}{n}/"))
            cosines[first, column.removeprefix(f"{COSINE}{first}/")] = value
    return Pulls(int(row["step"]), tuple(terms), cosines)
