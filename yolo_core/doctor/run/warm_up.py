"""A warm-up that is longer than the run, or most of it."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.run_record import RunRecord

_SHARE = 0.5


def _look(run: RunRecord) -> Iterator[Seen]:
    config = run.config
    steps = run.status.steps or config.training.last_step
    found: dict[str, int] = {}
    for name, value in config.loss.options.items():
        if name.startswith("warmup") and isinstance(value, int):
            found[f"the loss's {name}"] = value
    for name, schedule in config.training.schedules.items():
        if schedule.shape == "warm-up":
            found[f"the warm-up of {name}"] = schedule.last
    for what, length in found.items():
        if steps and length > _SHARE * steps:
            yield Seen(
                {"what": what, "length": f"{length:,}", "steps": f"{steps:,}"},
                subject=what,
                step=1,
                link=run.link(),
            )


CHECK = Check(
    id="warm-up",
    title="A warm-up that takes most of the run",
    of="run",
    means="What comes after the warm-up, which is what was meant, hardly happens.",
    what="{what} lasts {length} steps, of {steps} in all.",
    causes={"": "It was set for a longer training, or in batches where epochs were meant."},
    tries="Shorten it to a tenth of the steps or less.",
    look=_look,
)
