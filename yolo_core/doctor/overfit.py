"""The pinned batch alone, until it is learned or clearly stuck: what stands in the way.

A network that cannot learn twelve pictures by heart will not learn more of them. Fresh weights are
trained on the pinned samples, as a run would train them; the run itself stays as it is. Imports
TensorFlow.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.data.source import first_pinned
from yolo_core.explain.names import object_name
from yolo_core.explain.reasons import object_reason, trained_objects
from yolo_core.explain.report import object_status
from yolo_core.losses.base import DetectionLoss
from yolo_core.models.decode import overlaps
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import PINNED, RunConfig, check_restarts
from yolo_core.training.detector import Detector
from yolo_core.training.network import load_first_weights
from yolo_core.views import SampleView, Snapshot

STEPS = 500
LOOK_EVERY = 10
LEARNED_IOU, LEARNED_OBJECTNESS = 0.6, 0.5
"""From which on an object counts as learned, in training mode, where its class is right, too."""
LEARNED_SHARE = 0.05
"""Of the most that a term cost, below which it counts as learned."""
HIGHEST_RATE = 5e-3
"""A rate that suits a whole training can be more than twelve pictures bear: a sigmoid that is
pushed to an end in the first steps stays there."""
_WARM_UP, _PATIENCE, _BETTER = 20, 150, 0.98
_MOST_SAMPLES = 16


@dataclasses.dataclass(frozen=True)
class TermVerdict:
    """What became of a term.

    Attributes:
        name: The term.
        most: The most that it cost.
        last: What it cost in the end.
        learned: The step from which on it stayed below `LEARNED_SHARE` of that; None: stuck.
    """

    name: str
    most: float
    last: float
    learned: int | None

    @property
    def sentence(self) -> str:
        """The verdict."""
        if self.learned is not None:
            return f"learned at step {self.learned} ({self.most:.3g} to {self.last:.3g})"
        return f"stuck at {self.last:.3g}, of {self.most:.3g} at most"


@dataclasses.dataclass(frozen=True)
class ObjectVerdict:
    """What became of an object.

    Attributes:
        sample: Name of its sample.
        index: Its label row.
        name: What it is called.
        learned: The step from which on it stayed learned; None: stuck.
        why: What stands in the way; "" where it is learned.
    """

    sample: str
    index: int
    name: str
    learned: int | None
    why: str

    @property
    def sentence(self) -> str:
        """The verdict."""
        return (
            f"learned at step {self.learned}" if self.learned is not None else f"stuck: {self.why}"
        )


@dataclasses.dataclass(frozen=True)
class Overfitted:
    """What came of it.

    Attributes:
        steps: Updates made.
        end: "learned", "stuck", "out of steps", "stopped" or "not finite".
        terms: A verdict a term.
        objects: A verdict an object.
        totals: (steps,) what each step cost.
        note: What else there is to know; "" for nothing.
    """

    steps: int
    end: str
    terms: tuple[TermVerdict, ...]
    objects: tuple[ObjectVerdict, ...]
    totals: tuple[float, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the verdicts as sentences; numbers that are not finite are None."""

        def known(value: float) -> float | None:
            return float(f"{value:.6g}") if math.isfinite(value) else None

        return {
            "steps": self.steps,
            "end": self.end,
            "note": self.note,
            "terms": [
                {
                    "name": each.name,
                    "most": known(each.most),
                    "last": known(each.last),
                    "learned_at": each.learned,
                    "verdict": each.sentence,
                }
                for each in self.terms
            ],
            "objects": [
                {
                    "sample": each.sample,
                    "index": each.index,
                    "object": each.name,
                    "learned_at": each.learned,
                    "verdict": each.sentence,
                }
                for each in self.objects
            ],
            "totals": [known(each) for each in self.totals],
        }


def overfit(
    config: RunConfig,
    *,
    own: type[DetectionLoss] | None = None,
    steps: int = STEPS,
    report: Callable[[int, float], None] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Overfitted:
    """Trains fresh weights on the pinned samples of a configuration alone.

    Args:
        config: The run's configuration.
        own: The class of its loss, where that is somebody's own.
        steps: Most updates to make.
        report: Told each step and what it cost.
        stopped: Whether somebody asked to end.

    Raises:
        ValueError: The data cannot be read, or the loss or network not be made; or it is a run of
            somebody's own script.
    """
    check_restarts(config, "This run")
    source = open_source(config.data)
    pinned = config.training.pinned
    names = (first_pinned(source) if pinned == PINNED else pinned)[:_MOST_SAMPLES]
    images, y_true = sample_batch(source, names)
    inputs = source.network_inputs(images, names)
    loss = build_loss(config, source, own=own)
    detector = build_detector(config, loss, source)
    load_first_weights(config, loss, detector.network, source)
    layout = detector.layout(source.image_shape)

    def look(step: int) -> list[SampleView]:
        batch = detector.last_batch
        if batch is None:
            raise ValueError(f"Step {step} has no batch to look at.")
        whole = batch["breakdown"]
        snapshot = Snapshot(
            step=step,
            kind="batch",
            samples=tuple(names),
            class_names=tuple(source.class_names),
            loss_name=loss.name,
            channels=tuple(loss.channel_names),
            layout=layout,
            breakdown=whole,
            images=images,
            y_true=y_true,
            y_pred=batch["y_pred"],
            keep=np.zeros(whole.assignment.object_mask.shape, bool),
            ignore_rule=loss.ignore_rule,
            thresholds=loss.thresholds,
        )
        return [snapshot.sample(name) for name in names]

    rows, looks, end = _train(detector, config, inputs, y_true, steps, look, report, stopped)
    return _verdicts(loss, rows, looks, end)


def _train(
    detector: Detector,
    config: RunConfig,
    inputs: np.ndarray,
    y_true: np.ndarray,
    steps: int,
    look: Callable[[int], list[SampleView]],
    report: Callable[[int, float], None] | None,
    stopped: Callable[[], bool],
) -> tuple[list[dict[str, float]], list[tuple[int, list[SampleView]]], str]:
    """The rows of all steps, what was seen on the way, and how it ended."""
    import tensorflow as tf

    batches = iter(tf.data.Dataset.from_tensors((inputs, y_true)).repeat())
    detector.make_train_function()
    step_of: Any = detector.train_function
    rows: list[dict[str, float]] = []
    looks: list[tuple[int, list[SampleView]]] = []
    rate: Any = detector.optimizer.learning_rate
    peak = min(config.training.learning_rate, HIGHEST_RATE)
    for step in range(1, steps + 1):
        rate.assign(peak * min(1.0, step / _WARM_UP))
        detector.wants_breakdown = step % LOOK_EVERY == 0 or step in (1, steps)
        logs = {name: float(value) for name, value in step_of(batches).items()}
        rows.append(logs)
        if report is not None:
            report(step, logs["loss"])
        if not logs["finite"]:
            return rows, looks, "not finite"
        if not detector.wants_breakdown:
            continue
        looks.append((step, look(step)))
        if stopped():
            return rows, looks, "stopped"
        terms = _term_verdicts(detector.detection_loss, rows)
        seen = looks[-1][1]
        has_slots = all(
            not _in_the_way(view, index) for view in seen for index in view.objects.tolist()
        )
        if has_slots and all(each.learned is not None for each in terms):
            return rows, looks, "learned"
        totals = [row["loss"] for row in rows]
        if step > 2 * _PATIENCE and min(totals[-_PATIENCE:]) > _BETTER * min(totals[:-_PATIENCE]):
            return rows, looks, "stuck"
    return rows, looks, "out of steps"


def _term_verdicts(loss: DetectionLoss, rows: Sequence[dict[str, float]]) -> list[TermVerdict]:
    found = []
    for term in loss.term_names:
        values = np.array([row[f"term/{term}"] for row in rows])
        if not max(row[f"lambda/{term}"] for row in rows) > 0:
            continue  # nobody trains it
        most = float(np.nan_to_num(values, nan=np.inf).max())
        above = np.flatnonzero(~(values <= LEARNED_SHARE * most))
        learned = int(above[-1]) + 2 if above.size else 1
        done = most == 0.0 or learned <= len(rows)
        found.append(TermVerdict(term, most, float(values[-1]), learned if done else None))
    return found


def _verdicts(
    loss: DetectionLoss,
    rows: Sequence[dict[str, float]],
    looks: Sequence[tuple[int, list[SampleView]]],
    end: str,
) -> Overfitted:
    objects = []
    for at, view in enumerate(looks[-1][1] if looks else []):
        for index in view.objects.tolist():
            since, why = None, _in_the_way(view, index)
            if not why:
                for step, views in reversed(looks):
                    if _in_the_way(views[at], index):
                        break
                    since = step
            objects.append(ObjectVerdict(view.name, index, object_name(view, index), since, why))
    if end == "stuck" and all(each.learned is not None for each in objects):
        end = "learned"
    return Overfitted(
        steps=len(rows),
        end=end,
        terms=tuple(_term_verdicts(loss, rows)),
        objects=tuple(objects),
        totals=tuple(row["loss"] for row in rows),
        note="The loss stopped being a number: run the doctor on it."
        if end == "not finite"
        else "",
    )


def _in_the_way(view: SampleView, index: int) -> str:
    """What keeps an object from being learned now; "" where nothing does."""
    status = object_status(view, index)
    if not status.is_matched:
        return object_reason(view, index)
    slots = [int(slot) for slot in view.assignment.object_slot[index].tolist() if slot >= 0]
    slots += np.flatnonzero(view.assignment.matched_object == index).tolist()
    label = view.y_true[index]
    iou = overlaps(view.predictions["boxes"][slots], label[None, 1:5])[:, 0]
    slot = slots[int(iou.argmax())]
    shared = [each for each in trained_objects(view, slot) if each != index]
    with_whom = ""
    if status is ObjectStatus.SHARED and shared:
        with_whom = f"its slot is shared with {object_name(view, shared[0])}; "
    if not iou.max() >= LEARNED_IOU:
        return f"{with_whom}its box has an IoU of {iou.max():.2f}"
    said = float(view.predictions["objectness"][slot])
    if not said >= LEARNED_OBJECTNESS:
        return f"{with_whom}its objectness is {said:.2f}"
    named = int(view.predictions["class_probabilities"][slot].argmax())
    if named != label[5:].argmax():
        return f"{with_whom}it is said to be {view.class_names[named]}"
    return ""
