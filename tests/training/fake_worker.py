"""A training process without a network: writes a run through the store and answers commands.

Understands the options of `python -m yolo_core train` that tests use. `--data` says how it behaves:
"digits" trains, "refuse" is bad input, "crash" ends in a traceback before there is a run, "silent"
never makes a run, "fail" turns NaN at step 20.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

from yolo_core.runs.commands import Command
from yolo_core.runs.layout import create_run, find_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config

LAMBDAS = {"xy": 5.0, "wh": 5.0, "objectness": 1.0, "no_object": 0.5, "classification": 1.0}
SCALES = {"xy": 0.9, "wh": 0.3, "objectness": 0.6, "no_object": 0.4, "classification": 2.3}
COLUMNS = (
    "total",
    "learning_rate",
    "images_per_second",
    "recall_current",
    "recall_average",
    *(f"term/{term}" for term in LAMBDAS),
    *(f"lambda/{term}" for term in LAMBDAS),
)


class FakeWorker:
    """One training, step by step."""

    def __init__(self, store: RunStore, steps: int, rate: float, batch: int) -> None:
        self.store = store
        self.steps = steps
        self.rate = rate
        self.batch = batch
        self.lambdas = dict(LAMBDAS)
        self.step = int((store.last_step() or {"step": 0})["step"])
        self.paused_at: int | None = None
        self.stopped = False

    def row(self, step: int) -> dict[str, float]:
        """The row of a step: terms that fall, with a ripple in place of noise."""
        fall = math.exp(-step / 400) + 0.05
        terms = {
            term: scale * fall * (1 + 0.25 * math.sin(step * (1.7 + scale)))
            for term, scale in SCALES.items()
        }
        recall = 1 - math.exp(-step / 300)
        return {
            "total": sum(self.lambdas[term] * value for term, value in terms.items()),
            "learning_rate": self.rate,
            "images_per_second": 640.0,
            "recall_current": recall,
            "recall_average": recall * 0.9,
            **{f"term/{term}": value for term, value in terms.items()},
            **{f"lambda/{term}": value for term, value in self.lambdas.items()},
        }

    def obey(self, command: Command) -> None:
        """Carries out a command, and answers with the next step."""
        name, arguments, first = command.name, command.arguments, self.step + 1
        if name == "set-lambda":
            term = arguments["name"]
            if term not in self.lambdas:
                self.store.answer(command.id, error=f"There is no term {term!r}.")
                return
            before, self.lambdas[term] = self.lambdas[term], arguments["value"]
            self.store.record_event(first, name, {**arguments, "before": before})
        elif name == "set-learning-rate":
            before, self.rate = self.rate, arguments["value"]
            self.store.record_event(first, name, {**arguments, "before": before})
        elif name == "pause":
            self.paused_at = self.step
        elif name == "resume":
            self.paused_at = None
        elif name == "step":
            self.paused_at = self.step + arguments["count"]
        elif name == "stop":
            self.stopped = True
        elif name == "checkpoint":
            self.store.record_checkpoint(self.step, f"step-{self.step:08d}.npz")
        elif name == "evaluate":
            self.evaluate()
        if name not in ("set-lambda", "set-learning-rate"):
            self.store.record_event(first, name, arguments)
        self.store.answer(command.id, step=first)

    def evaluate(self) -> None:
        """Metrics that rise."""
        value = 1 - math.exp(-self.step / 300)
        self.store.record_evaluation(
            self.step, {"map50": value, "map50_95": value * 0.6, "recall": value * 0.95}
        )

    def train(self, pause: float, *, fail: bool = False) -> None:
        """Trains to the end, a stop, or a failure."""
        self.store.set_status(state=RunState.RUNNING, steps=self.steps)
        began = time.monotonic()
        while self.step < self.steps and not self.stopped:
            for command in self.store.pending_commands():
                self.obey(command)
            held = self.paused_at is not None and self.step >= self.paused_at
            state = RunState.PAUSED if held else RunState.RUNNING
            self.store.set_status(state=state)
            time.sleep(0.02 if held else pause)
            if held or self.stopped:
                continue
            self.step += 1
            values = self.row(self.step)
            if fail and self.step == 20:
                self.store.record_step(self.step, values | {"total": math.nan})
                message = "The loss became NaN at step 20: term wh first, in train/608."
                self.store.record_event(self.step, "failed", {"message": message})
                self.store.set_status(state=RunState.FAILED, message=message)
                return
            self.store.record_step(self.step, values)
            seconds = time.monotonic() - began
            self.store.set_status(
                images_per_second=self.batch * self.step / max(seconds, 1e-6), seconds=seconds
            )
            if self.step % 50 == 0:
                self.evaluate()
                self.store.record_checkpoint(self.step, f"step-{self.step:08d}.npz")
        ended = RunState.STOPPED if self.stopped else RunState.FINISHED
        self.store.record_checkpoint(self.step, f"step-{self.step:08d}.npz")
        self.store.set_status(state=ended)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run")
    parser.add_argument("--resume")
    parser.add_argument("--checkpoints", type=Path, required=True)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--seconds-a-step", type=float, default=0.02)
    arguments, _ = parser.parse_known_args()
    if arguments.data == "refuse":
        sys.stderr.write(
            "some library's remark\nerror: The data must be digits; received refuse.\n"
        )
        sys.exit(2)
    if arguments.data == "crash":
        raise RuntimeError("libnothing.so cannot be loaded")
    if arguments.data == "silent":
        time.sleep(60)
    try:
        if arguments.resume:
            folder = find_run(arguments.checkpoints, arguments.resume)
            store = RunStore.open(folder, writable=True)
            store.record_event(store.status().step, "resumed")
        else:
            folder = create_run(arguments.checkpoints, arguments.run)
            fields = {"training": {"steps": arguments.steps}}
            folder.config.write_text(parse_config(fields).to_json())
            store = RunStore.create(folder, COLUMNS)
    except ValueError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    folder.log.write_text("step 1 of many\nfake training\n")
    with store:
        store.set_status(state=RunState.STARTING)
        worker = FakeWorker(store, arguments.steps, arguments.learning_rate, arguments.batch_size)
        worker.train(arguments.seconds_a_step, fail=arguments.data == "fail")


if __name__ == "__main__":
    main()
