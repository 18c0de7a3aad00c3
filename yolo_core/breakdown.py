"""A loss taken apart: total, terms, maps, and everything the picture of it is drawn from."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from yolo_core.assignment import Assignment


@dataclasses.dataclass(frozen=True)
class OwnGradient:
    """A loss of somebody's own on the same predictions, as their framework computed it.

    Nothing is known of its formula: it has no terms and no maps of its own.

    Attributes:
        name: What it is called.
        total: What it returned. Scalar.
        gradient: (B, P, channels) float32, with respect to the raw slot predictions.
    """

    name: str
    total: Any
    gradient: Any


@dataclasses.dataclass(frozen=True)
class LossBreakdown:
    """One call of a loss on a batch of B images with P slots and C classes.

    Laws, tested and shown on the pages: ``sum(maps[t]) == terms[t]`` for every term t, and
    ``sum(lambdas[t] * terms[t]) == total``.

    Attributes:
        total: Scalar. What the optimizer minimises.
        terms: {name: scalar}. Unweighted terms.
        maps: {name: (B, P) float32}. Each term before it is summed, booked on its slot.
        lambdas: {name: scalar}. The effective weights of this call (in warm-up they differ from
            the ones that were set).
        assignment: Who is responsible for what.
        targets: {name: (B, P, ...)}. What the slots are trained towards. Always holds "overlap"
            (B, P, N), the IoU of each slot's predicted box with each object (0 for rows without a
            usable box). The other keys are named after the prediction channel groups: "xy", "wh"
            (B, P, 2) in the units that the term compares, NaN where a slot has no target;
            "objectness" (B, P), NaN where ignored; "class" (B, P) int32, -1 where none.
        predictions: "boxes" (B, P, 4), x_center, y_center, width, height as image fractions;
            "objectness" (B, P) in 0..1; "class_probabilities" (B, P, C); and "xy", "wh" (B, P, 2)
            in the units of the targets of the same name.
        gradients: {name: (B, P, channels) float32}. The gradient of each unweighted term with
            respect to the raw slot predictions (`DetectionLoss.slot_predictions`), so that
            ``sum(lambdas[t] * gradients[t])`` is the gradient of the total. A raw number that
            several slots share (classes of a whole cell) has its gradient on each of them, as
            it has its value. Empty where nobody asked: a loss alone does not know it.
        own: Of a training with a loss of one's own, that loss; all the rest is then of the
            published loss that was said to be closest to it. Only as numpy: no part of `to_tree`.
    """

    total: Any
    terms: dict[str, Any]
    maps: dict[str, Any]
    lambdas: dict[str, Any]
    assignment: Assignment
    targets: dict[str, Any]
    predictions: dict[str, Any]
    gradients: dict[str, Any] = dataclasses.field(default_factory=dict)
    own: OwnGradient | None = None

    def to_tree(self) -> dict[str, Any]:
        """Nested dictionaries of the same tensors, which a compiled function can return."""
        tree = {group: getattr(self, group) for group in _GROUPS}
        arrays = {name: getattr(self.assignment, name) for name in Assignment.ARRAYS}
        return {"total": self.total, "assignment": arrays, **tree}

    @classmethod
    def from_tree(cls, tree: dict[str, Any], *, candidate_measure: str) -> LossBreakdown:
        """Back from `to_tree`, every tensor as a numpy array."""

        def arrays(group: dict[str, Any]) -> dict[str, np.ndarray]:
            return {name: np.asarray(value) for name, value in group.items()}

        groups: dict[str, Any] = {group: arrays(tree.get(group, {})) for group in _GROUPS}
        return cls(
            total=np.asarray(tree["total"]),
            assignment=Assignment(
                candidate_measure=candidate_measure, **arrays(tree["assignment"])
            ),
            **groups,
        )

    def to_numpy(self) -> LossBreakdown:
        """The same breakdown with every tensor as a numpy array."""
        measure = self.assignment.candidate_measure
        return self.from_tree(self.to_tree(), candidate_measure=measure)


_GROUPS = ("terms", "maps", "lambdas", "targets", "predictions", "gradients")
