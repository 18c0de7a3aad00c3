"""What a snapshot holds: a loss breakdown with its pictures and labels, and one sample of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from yolo_core.assignment import NO_RULE, Assignment, IgnoreRule, ObjectStatus
from yolo_core.breakdown import LossBreakdown
from yolo_core.slots import SlotLayout

KINDS = ("pinned", "batch")
_PLACE = ("head", "row", "column", "anchor")


@dataclasses.dataclass(frozen=True, eq=False)
class SampleView:
    """One sample of a snapshot: the same arrays without the batch axis; equal to itself alone.

    N label rows, P slots, C classes, R ledger rows an object, K candidates.

    Attributes:
        step: The snapshot's step.
        kind: "pinned" (a batch of one, in inference mode) or "batch" (part of a training batch).
        name: Name of the sample, such as "val/3".
        class_names: (C,) names.
        loss_name: Name of the loss.
        channels: Names of the raw channels of a slot.
        layout: Where the P slots sit.
        image: (height, width, channels) uint8.
        y_true: (N, 5 + C) float32 label rows, boxes as image fractions.
        y_pred: (P, channels) float32, raw network output.
        keep: (P,) bool. Slots whose detection survives non-maximum suppression.
        total: The loss of this sample: of a batch of one for a pinned sample; for a sample of a
            training batch its share of the batch's total, the lambda-weighted sum of its terms.
        terms: {name: value}, unweighted, likewise; each is the sum of its map.
        lambdas: {name: value}, the effective weights.
        maps: {name: (P,) float32}.
        assignment: Who is responsible for what; arrays (P,), (N, R), (N, R, K).
        targets: {name: (P, ...)}.
        predictions: {name: (P, ...)}.
        batch_total: The batch's total, equal to `total` for a pinned sample.
        batch_terms: The batch's terms, equal to `terms` for a pinned sample.
        ignore_rule: `DetectionLoss.ignore_rule`; of kind "none" where nothing is known of it.
        gradients: {name: (P, channels) float32}, the gradient of each unweighted term of the
            sample's own loss (of the batch's, for a sample of a training batch) on each raw
            number; empty where the snapshot holds none.
        thresholds: `DetectionLoss.thresholds`, empty where nothing is known of them.
    """

    step: int
    kind: str
    name: str
    class_names: tuple[str, ...]
    loss_name: str
    channels: tuple[str, ...]
    layout: SlotLayout
    image: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    keep: np.ndarray
    total: float
    terms: dict[str, float]
    lambdas: dict[str, float]
    maps: dict[str, np.ndarray]
    assignment: Assignment
    targets: dict[str, np.ndarray]
    predictions: dict[str, np.ndarray]
    batch_total: float
    batch_terms: dict[str, float]
    ignore_rule: IgnoreRule = NO_RULE
    gradients: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    thresholds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def weighted_map(self) -> np.ndarray:
        """(P,) float64: what every slot adds to the total, each term times its lambda."""
        return sum(
            (
                float(self.lambdas[name]) * each.astype(np.float64)
                for name, each in self.maps.items()
            ),
            np.zeros(self.layout.count),
        )

    @property
    def objects(self) -> np.ndarray:
        """(objects,) int: the label rows that are not padding."""
        status = self.assignment.object_status
        return np.flatnonzero((status != ObjectStatus.PADDING).any(axis=-1))


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What the training process saw at one step, B samples at once.

    Attributes:
        step: Updates made (pinned), or the step whose batch this is (batch).
        kind: "pinned": each sample was a batch of one in inference mode, and `breakdown.total`
            and each of its terms have shape (B,). "batch": the training batch itself, out of the
            compiled step; they are scalars of the whole batch.
        samples: (B,) names.
        class_names: (C,) names.
        loss_name: Name of the loss.
        channels: Names of the raw channels of a slot, such as "x", "objectness", "class 0".
        layout: Where the P slots sit.
        breakdown: The breakdown, as numpy arrays.
        images: (B, height, width, channels) uint8.
        y_true: (B, N, 5 + C) float32 label rows, boxes as image fractions.
        y_pred: (B, P, channels) float32, raw network output.
        keep: (B, P) bool. Slots whose detection survives non-maximum suppression.
        ignore_rule: `DetectionLoss.ignore_rule`; of kind "none" where nothing is known of it.
        thresholds: `DetectionLoss.thresholds`, empty where nothing is known of them.
    """

    step: int
    kind: str
    samples: tuple[str, ...]
    class_names: tuple[str, ...]
    loss_name: str
    channels: tuple[str, ...]
    layout: SlotLayout
    breakdown: LossBreakdown
    images: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    keep: np.ndarray
    ignore_rule: IgnoreRule = NO_RULE
    thresholds: dict[str, float] = dataclasses.field(default_factory=dict)

    def sample(self, name: str) -> SampleView:
        """One sample by its name.

        Raises:
            ValueError: The snapshot does not hold it; the message says what it holds.
        """
        if name not in self.samples:
            raise ValueError(
                f"The {self.kind} snapshot of step {self.step} does not hold {name!r}; "
                f"it holds {', '.join(self.samples)}."
            )
        at = self.samples.index(name)
        whole = self.breakdown
        lambdas = _numbers(whole.lambdas, at)
        maps = {key: value[at] for key, value in whole.maps.items()}
        batch_total, batch_terms = _number(whole.total, at), _numbers(whole.terms, at)
        if self.kind == "batch":
            terms = {key: float(value.sum(dtype=np.float64)) for key, value in maps.items()}
            total = sum(lambdas[key] * value for key, value in terms.items())
        else:
            terms, total = batch_terms, batch_total
        return SampleView(
            step=self.step,
            kind=self.kind,
            name=name,
            class_names=self.class_names,
            loss_name=self.loss_name,
            channels=self.channels,
            layout=self.layout,
            image=self.images[at],
            y_true=self.y_true[at],
            y_pred=self.y_pred[at],
            keep=self.keep[at],
            total=total,
            terms=terms,
            lambdas=lambdas,
            maps=maps,
            assignment=dataclasses.replace(
                whole.assignment,
                **{key: getattr(whole.assignment, key)[at] for key in Assignment.ARRAYS},
            ),
            targets={key: value[at] for key, value in whole.targets.items()},
            predictions={key: value[at] for key, value in whole.predictions.items()},
            batch_total=batch_total,
            batch_terms=batch_terms,
            ignore_rule=self.ignore_rule,
            gradients={key: value[at] for key, value in whole.gradients.items()},
            thresholds=self.thresholds,
        )


def check_snapshot(snapshot: Snapshot) -> None:
    """Refuses a snapshot whose parts do not fit together.

    Raises:
        ValueError: Names the part, its shape and the shape it must have.
    """
    if snapshot.kind not in KINDS:
        raise ValueError(f"kind must be pinned or batch; received {snapshot.kind!r}.")
    whole, assignment = snapshot.breakdown, snapshot.breakdown.assignment
    batch, slots = len(snapshot.samples), snapshot.layout.count
    if np.ndim(snapshot.y_true) != 3:
        raise ValueError(f"y_true must be (B, N, 5 + C); received {np.shape(snapshot.y_true)}.")
    rows = np.shape(snapshot.y_true)[1]
    heads = np.shape(assignment.object_slot)[2:3]
    candidates = np.shape(assignment.candidate_slots)[3:4]
    if sum(h * w * a for h, w, a in snapshot.layout.grids) != slots:
        raise ValueError(f"grids must have {slots} slots; received {snapshot.layout.grids}.")
    scalar = (batch,) if snapshot.kind == "pinned" else ()
    exact: list[tuple[str, Any, tuple[int, ...]]] = [
        ("y_true", snapshot.y_true, (batch, rows, 5 + len(snapshot.class_names))),
        ("y_pred", snapshot.y_pred, (batch, slots, len(snapshot.channels))),
        ("keep", snapshot.keep, (batch, slots)),
        *((f"layout {name}", getattr(snapshot.layout, name), (slots,)) for name in _PLACE),
        ("layout stride", snapshot.layout.stride, (slots, 2)),
        ("layout prior", snapshot.layout.prior, (slots, 4)),
        ("total", whole.total, scalar),
        *((f"term {name}", value, scalar) for name, value in whole.terms.items()),
        *((f"map {name}", value, (batch, slots)) for name, value in whole.maps.items()),
        *(
            (f"gradient {name}", value, (batch, slots, len(snapshot.channels)))
            for name, value in whole.gradients.items()
        ),
    ]
    for name in Assignment.ARRAYS:
        if name.endswith("_mask") or name == "matched_object":
            shape = (batch, slots)
        elif name.startswith("candidate"):
            shape = (batch, rows, *heads, *candidates)
        else:
            shape = (batch, rows, *heads)
        exact.append((name, getattr(assignment, name), shape))
    for name, value, shape in exact:
        if np.shape(value) != shape:
            raise ValueError(f"{name} must have shape {shape}; received {np.shape(value)}.")
    images = np.asarray(snapshot.images)
    if images.ndim != 4 or len(images) != batch or images.dtype != np.uint8:
        raise ValueError(
            f"images must be ({batch}, height, width, channels) uint8; "
            f"received {images.shape} {images.dtype}."
        )
    for group in (whole.targets, whole.predictions):
        for name, value in group.items():
            if np.shape(value)[:2] != (batch, slots):
                raise ValueError(
                    f"{name} must begin with shape {(batch, slots)}; received {np.shape(value)}."
                )
    for name, value in whole.lambdas.items():
        if np.shape(value) not in ((), (batch,)):
            raise ValueError(f"lambda {name} must be one number; received {np.shape(value)}.")
    if whole.gradients and set(whole.gradients) != set(whole.terms):
        raise ValueError(
            f"Every term needs a gradient, or none has one; received the terms "
            f"{sorted(whole.terms)} and gradients {sorted(whole.gradients)}."
        )
    if set(whole.terms) != set(whole.maps) or set(whole.terms) != set(whole.lambdas):
        raise ValueError(
            f"Every term needs a map and a lambda; received the terms {sorted(whole.terms)}, "
            f"maps {sorted(whole.maps)} and lambdas {sorted(whole.lambdas)}."
        )


def _number(value: Any, at: int) -> float:
    value = np.asarray(value)
    return float(value if value.ndim == 0 else value[at])


def _numbers(values: Mapping[str, Any], at: int) -> dict[str, float]:
    return {name: _number(value, at) for name, value in values.items()}
