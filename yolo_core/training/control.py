"""Live control: commands are picked up between two steps, answered, and put on record."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.commands import REPLAYED, Command, check_command
from yolo_core.runs.records import Event
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.schedule import LearningRate, OptimizerRate

logger = logging.getLogger("yolo_core.training")

PAUSE_POLL_SECONDS = 0.05


@dataclasses.dataclass
class Actions:
    """What commands do besides changing a number.

    Attributes:
        checkpoint: Writes a checkpoint of now.
        evaluate: Evaluates now.
        pin: Pins samples, given their names.
        snapshot: Snapshots the pinned samples as they stand now.
    """

    checkpoint: Callable[[], None]
    evaluate: Callable[[], None]
    pin: Callable[[tuple[str, ...]], None]
    snapshot: Callable[[], None]


@dataclasses.dataclass(frozen=True)
class _Change:
    """One number that is set from a step on; a group of lambdas is one change a term."""

    step: int
    name: str
    arguments: dict[str, Any]

    @property
    def of(self) -> tuple[str, Any]:
        """What is set: of two changes of one thing, the later one counts."""
        return self.name, self.arguments["name"] if self.name == "set-lambda" else None


class Control:
    """Carries out commands between two steps.

    Args:
        store: The run, open for writing.
        loss: Its lambdas are set.
        rate: Its learning rate is set.
        actions: What else commands do.
        interrupt: Whether a signal asked the process to end.
    """

    def __init__(
        self,
        store: RunStore,
        loss: DetectionLoss,
        rate: LearningRate | OptimizerRate,
        actions: Actions,
        interrupt: Interrupt,
    ) -> None:
        self.store = store
        self.loss = loss
        self.rate = rate
        self.actions = actions
        self.interrupt = interrupt
        self._stopped = False
        self._paused = False
        # Steps that may still be made before the training stands still again.
        self._allowance = 0
        self._replays: list[_Change] = []
        self._evaluations: set[int] = set()

    @property
    def stopped_by(self) -> str | None:
        """What asked the training to end, as a sentence names it; None as long as nothing did."""
        return "the command stop" if self._stopped else self.interrupt.by

    @property
    def stands_after_next(self) -> bool:
        """Whether the next step is the last one that a command "step" asked for."""
        return self._allowance == 1

    def replay(self, events: Sequence[Event], *, after: int) -> None:
        """Makes what an interrupted training was told to do again at the same steps.

        Args:
            events: All events of the run.
            after: The step of the checkpoint that the training resumes from.
        """
        # In the order of happening. An event of a lower step behind one of a higher step comes of
        # a training that was resumed in between, and took that one back if it was of the same.
        changes: list[_Change] = []
        for event in events:
            if event.kind in REPLAYED:
                new = self._changes(event.kind, event.detail, event.step)
                changes = [*_without(changes, new), *new]
        changes = [change for change in changes if change.step > after]
        self._replays = sorted(changes, key=lambda change: change.step)
        self._evaluations = {e.step for e in events if e.kind == "evaluate" and e.step > after}

    def between(self, done: int) -> None:
        """What happens between step `done` and the next: commands, and standing still.

        Returns when the next step is to be made, or when the training is to stop.
        """
        while self._replays and self._replays[0].step <= done + 1:
            change = self._replays.pop(0)
            self._change(change.name, change.arguments, done + 1)
        if done in self._evaluations:
            self.actions.evaluate()
        if self._allowance:
            self._allowance -= 1
            if not self._allowance:
                self._pause(done)
        self._carry_out(done)
        while self._paused and not self._allowance and self.stopped_by is None:
            time.sleep(PAUSE_POLL_SECONDS)
            self.store.heartbeat()
            self._carry_out(done)

    def refuse_the_rest(self) -> None:
        """Answers commands that came too late, once the run says that it takes no more."""
        for command in self.store.pending_commands():
            self.store.answer(command.id, error="The training ended before it came to this.")

    def _carry_out(self, done: int) -> None:
        for command in self.store.pending_commands():
            said = " ".join([command.name, *(str(value) for value in command.arguments.values())])
            try:
                check_command(command.name, command.arguments)
                step, event = self._apply(command, done)
            except ValueError as error:
                self.store.answer(command.id, error=str(error))
                logger.warning("Command %s: %s", said, error)
            else:
                # At once: a kill leaves both or neither.
                self.store.answer(command.id, step=step, event=event)
                logger.info("Command %s: took effect at step %d.", said, step)

    def _apply(self, command: Command, done: int) -> tuple[int, tuple[str, dict[str, Any]] | None]:
        """Carries out one command.

        Returns:
            The first step that it affects, and what the event of that step says, if there is one.
        """
        name, arguments = command.name, command.arguments
        match name:
            case "pause":
                self._pause(done)
            case "resume":
                self._go_on(done)
            case "step":
                if not self._paused:
                    self._pause(done)
                self._allowance += arguments["count"]
            case "stop" | "checkpoint" | "evaluate":
                if name == "stop":
                    self._stopped = True
                elif name == "checkpoint":
                    self.actions.checkpoint()
                else:
                    self.actions.evaluate()
                return done, (name, {})
            case _:
                before = self._change(name, arguments, done + 1)
                # Whoever sets something now means it: a replay may not take it back later.
                new = self._changes(name, arguments, done + 1)
                self._replays = _without(self._replays, new)
                return done + 1, (name, {**arguments, **before})
        return done + 1, None

    def _changes(self, name: str, arguments: dict[str, Any], step: int) -> list[_Change]:
        if name != "set-lambda":
            return [_Change(step, name, arguments)]
        terms = self.loss.expand_lambdas({arguments["name"]: arguments["value"]})
        return [_Change(step, name, {"name": t, "value": value}) for t, value in terms.items()]

    def _change(self, name: str, arguments: dict[str, Any], step: int) -> dict[str, Any]:
        """Changes a number from `step` on; returns what it was before."""
        if name == "set-lambda":
            terms = self.loss.expand_lambdas({arguments["name"]: arguments["value"]})
            before = [float(self.loss.lambdas[term].numpy()) for term in terms]
            self.loss.set_lambda(arguments["name"], arguments["value"])
            return {"before": before[0]}
        if name == "set-learning-rate":
            before = self.rate.at(step)
            self.rate.set_at(step, arguments["value"])
            return {"before": before}
        self.actions.pin(tuple(arguments["samples"]))
        return {}

    def _pause(self, done: int) -> None:
        if not self._paused:
            self._paused = True
            self.store.record_event(done, "pause")
        # First: whoever reads that it stands still finds the pictures of where it stands.
        self.actions.snapshot()
        self.store.set_status(state=RunState.PAUSED)

    def _go_on(self, done: int) -> None:
        if self._paused:
            self._paused = False
            self._allowance = 0
            self.store.record_event(done, "resume")
        self.store.set_status(state=RunState.RUNNING)


def _without(changes: Iterable[_Change], new: Sequence[_Change]) -> list[_Change]:
    """The changes but those of later steps that set what new ones set."""
    step_of = {change.of: change.step for change in new}
    return [each for each in changes if each.step <= step_of.get(each.of, each.step)]
