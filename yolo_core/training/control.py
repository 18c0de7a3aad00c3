"""Live control: commands are picked up between two steps, answered, and put on record."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.changes import RATE
from yolo_core.runs.commands import Command, check_command
from yolo_core.runs.records import Event
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.changes import Changes
from yolo_core.training.schedule import DialSchedule, LearningRate, LoopRate, OptimizerRate

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
        refuse: Why a command of that name can do nothing to this run; empty where it can.
    """

    checkpoint: Callable[[], None]
    evaluate: Callable[[], None]
    pin: Callable[[tuple[str, ...]], None]
    snapshot: Callable[[], None]
    refuse: Callable[[str], str] = lambda _: ""


class Control:
    """Carries out commands between two steps.

    Args:
        store: The run, open for writing.
        loss: Its lambdas are set.
        rate: Its learning rate is set.
        actions: What else commands do.
        interrupt: Whether a signal asked the process to end.
        schedules: What lambdas and the learning rate follow from the first step on.
    """

    def __init__(
        self,
        store: RunStore,
        loss: DetectionLoss,
        rate: LearningRate | OptimizerRate | LoopRate,
        actions: Actions,
        interrupt: Interrupt,
        schedules: Mapping[str, DialSchedule] | None = None,
    ) -> None:
        self.store = store
        self.changes = Changes(loss, rate, actions.pin, schedules)
        self.actions = actions
        self.interrupt = interrupt
        self._stopped = False
        self._paused = False
        # Steps that may still be made before the training stands still again.
        self._allowance = 0
        self._evaluations: set[int] = set()

    @property
    def stopped_by(self) -> str | None:
        """What asked the training to end, as a sentence names it; None as long as nothing did."""
        return "the command stop" if self._stopped else self.interrupt.by

    @property
    def is_asked(self) -> bool:
        """Whether `between` will have something to set or to answer."""
        return self.changes.are_due or bool(self.store.pending_commands())

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
        self.changes.replay(events, after=after)
        self._evaluations = {e.step for e in events if e.kind == "evaluate" and e.step > after}

    def between(self, done: int) -> None:
        """What happens between step `done` and the next: commands, and standing still.

        Returns when the next step is to be made, or when the training is to stop.
        """
        self.changes.before_step(done + 1)
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
                if why := self.actions.refuse(_what(command)):
                    raise ValueError(why)
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
                self._pause(done, arguments)
            case "resume":
                self._go_on(done, arguments)
            case "step":
                if not self._paused:
                    self._pause(done, {"by": arguments["by"]} if "by" in arguments else {})
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
                step, kind, detail = self.changes.carry_out(
                    name, arguments, done + 1, self.store.events() if name == "undo" else ()
                )
                return step, (kind, detail)
        return done + 1, None

    def _pause(self, done: int, said: Mapping[str, Any] | None = None) -> None:
        if not self._paused:
            self._paused = True
            self.store.record_event(done, "pause", said)
        # First: whoever reads that it stands still finds the pictures of where it stands.
        self.actions.snapshot()
        self.store.set_status(state=RunState.PAUSED)

    def _go_on(self, done: int, said: Mapping[str, Any]) -> None:
        if self._paused:
            self._paused = False
            self._allowance = 0
            self.store.record_event(done, "resume", said)
        self.store.set_status(state=RunState.RUNNING)


def _what(command: Command) -> str:
    """The name of a command; of a schedule, what sets such a dial."""
    if command.name != "schedule":
        return command.name
    return "set-learning-rate" if command.arguments["name"] == RATE else "set-lambda"
