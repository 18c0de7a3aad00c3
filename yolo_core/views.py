"""What a snapshot holds: a loss breakdown with its pictures and labels, and one sample of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from yolo_core.assignment import NO_RULE, Assignment, IgnoreRule, ObjectStatus
from yolo_core.breakdown import LossBreakdown, OwnGradient
from yolo_core.foreign_files import check_array, check_texts
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
        file: The file that the picture was made from, empty where nothing is known of it.
        content: (4,) float32, where the picture lies in what entered the network: x_center,
            y_center, width, height as fractions; the rest is padding. None where it is the whole.
        own: `LossBreakdown.own` of this sample, its gradient (P, channels); for a sample of a
            training batch its total is the batch's. `loss_name` is then the published loss's.
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
    file: str = ""
    content: np.ndarray | None = None
    own: OwnGradient | None = None

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
        files: (B,) files that the pictures were made from, or none where nothing is known of them.
        contents: (B, 4) float32, `SampleView.content` of each; None where each is the whole.
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
    files: tuple[str, ...] = ()
    contents: np.ndarray | None = None

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
            file=self.files[at] if self.files else "",
            content=None if self.contents is None else self.contents[at],
            own=whole.own
            and OwnGradient(
                whole.own.name, _number(whole.own.total, at), np.asarray(whole.own.gradient)[at]
            ),
        )


def check_snapshot(snapshot: Snapshot, *, ranges: bool = True) -> None:
    """Refuses a snapshot that is not what `Snapshot` says it is: whatever passes can be shown.

    Args:
        snapshot: The snapshot.
        ranges: Whether the single numbers are looked at, too. A training does not end for them.

    Raises:
        ValueError: Names the part, what it must be, and what it is.
    """
    _check_words(snapshot)
    _check_layout(snapshot.layout)
    whole, assignment = snapshot.breakdown, snapshot.breakdown.assignment
    if np.ndim(snapshot.y_true) != 3:
        raise ValueError(f"y_true must be (B, N, 5 + C); received {np.shape(snapshot.y_true)}.")
    sizes = {
        "B": len(snapshot.samples),
        "P": snapshot.layout.count,
        "N": np.shape(snapshot.y_true)[1],
        "C": len(snapshot.class_names),
        "raw": len(snapshot.channels),
        "R": max(*np.shape(assignment.object_slot)[2:3], 1),
        "K": max(*np.shape(assignment.candidate_slots)[3:4], 0),
    }

    def check(name: str, value: Any, kinds: str, axes: Sequence[Any], *limits: Any) -> None:
        shape = tuple(sizes.get(axis, axis) for axis in axes)
        least, most = limits if ranges and limits else (None, None)
        check_array(name, value, shape, kinds, least, sizes[most] - 1 if most in sizes else most)

    check("y_true", snapshot.y_true, "f", ("B", "N", 5 + sizes["C"]))
    check("y_pred", snapshot.y_pred, "f", ("B", "P", "raw"))
    check("keep", snapshot.keep, "b", "BP")
    if snapshot.contents is not None:
        check("contents", snapshot.contents, "f", ("B", 4), 0, 1)
    if snapshot.files and len(snapshot.files) != sizes["B"]:
        raise ValueError(f"files must be {sizes['B']}, or none; received {len(snapshot.files)}.")
    scalar = "B" if snapshot.kind == "pinned" else ""
    check("total", whole.total, "f", scalar)
    for name, value in whole.terms.items():
        check(f"term {name}", value, "f", scalar)
    for name, value in whole.lambdas.items():
        check(f"lambda {name}", value, "f", "B" if np.ndim(value) else "")
    for name, value in whole.maps.items():
        check(f"map {name}", value, "f", "BP")
    for name, value in whole.gradients.items():
        check(f"gradient {name}", value, "f", ("B", "P", "raw"))
    if whole.own is not None:
        check("own total", whole.own.total, "f", scalar)
        check("own gradient", whole.own.gradient, "f", ("B", "P", "raw"))
    for name, rule in _LEDGER.items():
        check(name, getattr(assignment, name), *rule)
    for group, known in _PARTS.items():
        found = getattr(whole, group)
        if missing := [name for name in _ALWAYS[group] if name not in found]:
            raise ValueError(f"{group} must hold {', '.join(missing)}; received {sorted(found)}.")
        for name, value in found.items():
            kinds, *axes = known.get(name, ("biuf", *np.shape(value)[2:]))
            check(f"{group} {name}", value, kinds, ("B", "P", *axes))
    images = np.asarray(snapshot.images)
    wrong = images.ndim != 4 or len(images) != sizes["B"] or not images.size
    if wrong or images.dtype != np.uint8:
        raise ValueError(
            f"images must be ({sizes['B']}, height, width, channels) uint8; "
            f"received {images.shape} {images.dtype}."
        )
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
    if not ranges:
        return
    unusable = np.isin(assignment.object_status, (ObjectStatus.PADDING, ObjectStatus.INVALID))
    if not np.isfinite(snapshot.y_true[~unusable.all(axis=-1), 1:5]).all():
        raise ValueError("y_true must hold finite boxes in rows that are not said to be invalid.")
    padding = (assignment.object_status == ObjectStatus.PADDING).all(axis=-1)
    at, slot = np.nonzero(assignment.matched_object >= 0)
    if padding[at, assignment.matched_object[at, slot]].any():
        raise ValueError("matched_object must name rows of y_true that hold an object.")


# Kinds of number, axes (see `Snapshot`; R ledger rows, K candidates), least and most; an axis for
# the most says that these are places on it.
_LEDGER: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("object_mask", "no_object_mask", "ignore_mask"), ("b", "BP")),
    "matched_object": ("iu", "BP", -1, "N"),
    "object_slot": ("iu", "BNR", -1, "P"),
    "match_count": ("iu", "BNR", 0, None),
    "object_status": ("iu", "BNR", 0, int(max(ObjectStatus))),
    "overwritten_by": ("iu", "BNR", -1, "N"),
    "object_iou": ("f", "BNR"),
    "candidate_slots": ("iu", "BNRK", -1, "P"),
    "candidate_score": ("f", "BNRK"),
}
# Kinds of number, and the axes after (B, P).
_PAIR = {"xy": ("f", 2), "wh": ("f", 2), "objectness": ("f",)}
_PARTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "targets": {**_PAIR, "overlap": ("f", "N"), "class": ("iu",)},
    "predictions": {**_PAIR, "boxes": ("f", 4), "class_probabilities": ("f", "C")},
}
_ALWAYS = {
    "targets": ("overlap",),
    "predictions": ("boxes", "objectness", "class_probabilities"),
}


def _check_words(snapshot: Snapshot) -> None:
    whole = snapshot.breakdown
    if snapshot.kind not in KINDS:
        raise ValueError(f"kind must be pinned or batch; received {snapshot.kind!r}.")
    for name, values in (
        *(
            (name, getattr(snapshot, name))
            for name in ("samples", "class_names", "channels", "files")
        ),
        *((name, tuple(getattr(whole, name))) for name in ("terms", "targets", "predictions")),
        ("thresholds", tuple(snapshot.thresholds)),
        ("loss_name", (snapshot.loss_name,)),
        ("own", () if whole.own is None else (whole.own.name,)),
        ("candidate_measure", (whole.assignment.candidate_measure,)),
    ):
        check_texts(name, values)
        if not values and name in ("samples", "class_names", "channels", "terms"):
            raise ValueError(f"{name} must not be empty.")
    is_step = isinstance(snapshot.step, Integral) and not isinstance(snapshot.step, bool)
    if not is_step or snapshot.step < 0:
        raise ValueError(f"step must be a whole number of at least 0; received {snapshot.step!r}.")
    if not all(isinstance(value, Real) for value in snapshot.thresholds.values()):
        raise ValueError(f"thresholds must be numbers; received {snapshot.thresholds}.")
    for name in snapshot.channels:
        index = name.removeprefix("class ")
        if name != index and index.isdecimal() and int(index) >= len(snapshot.class_names):
            raise ValueError(
                f"channels must be of the {len(snapshot.class_names)} classes; received {name!r}."
            )


def _check_layout(layout: SlotLayout) -> None:
    grids, slots = layout.grids, layout.count
    sizes = [size for grid in grids for size in grid]
    whole = bool(grids) and all(isinstance(size, int) and size > 0 for size in sizes)
    if not whole or sum(h * w * a for h, w, a in grids) != slots:
        raise ValueError(f"grids must have {slots} slots; received {grids}.")
    expected = SlotLayout.from_grids(grids)
    for name in _PLACE:
        value = getattr(layout, name)
        check_array(f"layout {name}", value, (slots,), "iu")
        if not np.array_equal(value, getattr(expected, name)):
            raise ValueError(f"layout {name} must be that of the grids {grids}.")
    check_array("layout stride", layout.stride, (slots, 2))
    check_array("layout prior", layout.prior, (slots, 4))


def _number(value: Any, at: int) -> float:
    value = np.asarray(value)
    return float(value if value.ndim == 0 else value[at])


def _numbers(values: Mapping[str, Any], at: int) -> dict[str, float]:
    return {name: _number(value, at) for name, value in values.items()}
