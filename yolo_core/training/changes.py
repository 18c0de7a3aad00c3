"""Dials that are set by hand, for a later step or by a schedule, and taken back again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.changes import RATE, dial_of, undoable
from yolo_core.runs.commands import REPLAYED
from yolo_core.runs.records import Event
from yolo_core.training.schedule import DialSchedule, LearningRate, LoopRate, OptimizerRate

SAID = ("by", "undoes")
"""What an event says beside the change itself."""


@dataclasses.dataclass(frozen=True)
class _Change:
    """One dial that is set or scheduled from a step on; a group of lambdas is one change a term."""

    step: int
    kind: str
    of: str
    value: Any


class Changes:
    """The dials of a training, and what is still to happen to them.

    Args:
        loss: Its lambdas are set.
        rate: Its learning rate is set.
        pin: Pins samples, given their names.
        schedules: {term, group or "learning_rate": schedule} that the training begins with.

    Raises:
        ValueError: There is no such lambda.
    """

    def __init__(
        self,
        loss: DetectionLoss,
        rate: LearningRate | OptimizerRate | LoopRate,
        pin: Callable[[tuple[str, ...]], None],
        schedules: Mapping[str, DialSchedule] | None = None,
    ) -> None:
        self.loss = loss
        self.rate = rate
        self.pin = pin
        # By term. Of a term and its group, the later one counts.
        self._schedules = {
            dial: schedule
            for name, schedule in (schedules or {}).items()
            for dial in self._dials(name)
        }
        self._planned: list[_Change] = []

    def replay(self, events: Sequence[Event], *, after: int) -> None:
        """Makes what an interrupted training was told to do again at the same steps.

        Args:
            events: All events of the run.
            after: The step of the checkpoint that the training resumes from.
        """
        # In the order of happening. An event of a lower step behind one of a higher step comes of
        # a training that was resumed in between, and took that one back if it was of the same.
        changes: list[_Change] = []
        cancelled = {e.detail.get("undoes") for e in events if e.kind == "cancel"}
        for event in events:
            if event.kind in REPLAYED and event.kind != "cancel" and event.id not in cancelled:
                new = self._changes(event.kind, event.detail, event.step)
                changes = [*_without(changes, new), *new]
        for change in changes:
            # What was set before the checkpoint is in it; what was scheduled is not.
            if change.step <= after and change.kind != "pin":
                self._schedules.pop(change.of, None)
                if change.kind == "schedule":
                    self._schedules[change.of] = change.value
        changes = [change for change in changes if change.step > after]
        self._planned = sorted(changes, key=lambda change: change.step)

    @property
    def are_due(self) -> bool:
        """Whether something is planned, or follows a schedule."""
        return bool(self._planned or self._schedules)

    def before_step(self, step: int) -> None:
        """Sets what stands for step `step`: what was planned for it, and what schedules say."""
        while self._planned and self._planned[0].step <= step:
            self._take(self._planned.pop(0), step)
        for dial, schedule in tuple(self._schedules.items()):
            self._set(dial, schedule.at(step), step)
            # A lambda stays where its schedule ended; the rate would go on falling by itself.
            if step >= schedule.end and dial != RATE:
                del self._schedules[dial]

    def carry_out(
        self, name: str, arguments: Mapping[str, Any], step: int, events: Sequence[Event]
    ) -> tuple[int, str, dict[str, Any]]:
        """Carries out one command that changes numbers.

        Args:
            name: "set-lambda", "set-learning-rate", "schedule", "undo" or "pin".
            arguments: What it takes, see `check_command`.
            step: The next step.
            events: The events of the run so far.

        Returns:
            The first step that it affects, and the kind and detail of the event of that step.

        Raises:
            ValueError: It cannot be done.
        """
        detail: dict[str, Any] = dict(arguments)
        if name == "undo":
            name, detail = self._undo(detail, step, events)
            if name == "cancel":
                return step, name, detail
        at = detail.pop("at_step", step)
        if at < step:
            raise ValueError(f"Step {at} is made already; the next one is step {step}.")
        if name == "schedule":
            detail = self._whole_schedule(detail, step)
        new = self._changes(name, detail, at)
        if at == step:
            detail |= self._before(new)
            for change in new:
                self._take(change, step)
        # Whoever sets something now means it: nothing from before may take it back later.
        self._planned = _without(self._planned, new)
        if at > step:
            self._planned = sorted([*self._planned, *new], key=lambda change: change.step)
        return at, name, detail

    def _undo(
        self, arguments: dict[str, Any], step: int, events: Sequence[Event]
    ) -> tuple[str, dict[str, Any]]:
        name = arguments.get("name")
        event = undoable(events, name)
        if event is None:
            what = "Nothing" if name is None else f"Nothing of {name}"
            raise ValueError(f"{what} was changed that is not taken back already.")
        said = {"undoes": event.id} | {key: arguments[key] for key in ("by",) if key in arguments}
        dial = dial_of(event)
        if event.step > step:
            gone = [(change.step, change.of) for change in self._of(event)]
            self._planned = [c for c in self._planned if (c.step, c.of) not in gone]
            return "cancel", {"name": dial, **said}
        detail = event.detail
        before, followed = detail.get("before"), detail.get("before_schedule")
        if followed is not None and (dial == RATE or followed["last"] > step):
            return "schedule", {"name": dial, **followed, **said}
        if followed is not None:
            # It would have ended by now.
            before = followed["stop"]
        if before is None:
            raise ValueError(f"What {dial} was before step {event.step} is not on record.")
        if dial == RATE:
            # On its way down it is by now as much lower as it would be without the change.
            there = self.rate.at(event.step)
            value = before * self.rate.at(step) / there if there else before
            return "set-learning-rate", {"value": value, **said}
        terms = {} if "terms_before" not in detail else {"terms": detail["terms_before"]}
        return "set-lambda", {"name": dial, "value": before, **terms, **said}

    def _of(self, event: Event) -> list[_Change]:
        return self._changes(event.kind, event.detail, event.step)

    def _before(self, new: Sequence[_Change]) -> dict[str, Any]:
        """What the dials of a change stand at, for its event."""
        if not new or new[0].kind == "pin":
            return {}
        first = new[0].of
        before = {change.of: self._value(change.of, new[0].step) for change in new}
        found: dict[str, Any] = {"before": before[first]}
        if len(set(before.values())) > 1:
            found["terms_before"] = before
        if len(new) == 1 and first in self._schedules:
            found["before_schedule"] = self._schedules[first].model_dump()
        return found

    def _whole_schedule(self, detail: dict[str, Any], step: int) -> dict[str, Any]:
        """With what was left out: it begins now, with what the dial stands at."""
        (first, *_) = self._dials(detail["name"])
        begins = {"first": step} | (
            {} if detail["shape"] == "warm-up" else {"start": self._value(first, step)}
        )
        whole = begins | detail
        schedule = _schedule(whole)
        if schedule.last < step and "undoes" not in whole:
            raise ValueError(f"Step {schedule.last} is made already; the next one is step {step}.")
        said = {key: whole[key] for key in SAID if key in whole}
        return {"name": detail["name"], **schedule.model_dump(), **said}

    def _changes(self, kind: str, detail: Mapping[str, Any], step: int) -> list[_Change]:
        match kind:
            case "set-lambda":
                terms = self.loss.expand_lambdas({detail["name"]: detail["value"]})
                if "terms" in detail:
                    terms = self.loss.expand_lambdas(detail["terms"])
                return [_Change(step, kind, term, value) for term, value in terms.items()]
            case "schedule":
                schedule = _schedule(detail)
                return [_Change(step, kind, d, schedule) for d in self._dials(detail["name"])]
            case "set-learning-rate":
                return [_Change(step, kind, RATE, detail["value"])]
        return [_Change(step, kind, kind, tuple(detail["samples"]))]

    def _take(self, change: _Change, step: int) -> None:
        if change.kind == "pin":
            self.pin(change.value)
            return
        self._schedules.pop(change.of, None)
        if change.kind == "schedule":
            self._schedules[change.of] = change.value
            self._set(change.of, change.value.at(step), step)
        else:
            self._set(change.of, change.value, step)

    def _dials(self, name: str) -> list[str]:
        return [RATE] if name == RATE else list(self.loss.expand_lambdas({name: 0.0}))

    def _value(self, dial: str, step: int) -> float:
        return self.rate.at(step) if dial == RATE else float(self.loss.lambdas[dial].numpy())

    def _set(self, dial: str, value: float, step: int) -> None:
        if dial != RATE:
            self.loss.set_lambda(dial, value)
        elif self.rate.at(step) != value:
            self.rate.set_at(step, value)


def _schedule(detail: Mapping[str, Any]) -> DialSchedule:
    fields = {name: detail[name] for name in DialSchedule.model_fields if name in detail}
    try:
        return DialSchedule.model_validate(fields)
    except ValidationError as error:
        said = error.errors()[0]
        place = "".join(f"{part}: " for part in said["loc"])
        words = said["msg"].removeprefix("Value error, ")
        raise ValueError(f"The schedule cannot be followed: {place}{words}.") from None


def _without(changes: Iterable[_Change], new: Sequence[_Change]) -> list[_Change]:
    """The changes but those of later steps that set what new ones set."""
    step_of = {change.of: change.step for change in new}
    return [each for each in changes if each.step <= step_of.get(each.of, each.step)]
