"""What a breakdown must be for the pages to draw it, tried on one's own loss before it trains."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses import DetectionLoss
from yolo_core.training.own_loss import blamed_on

TOLERANCE = 1e-3


def check_own_loss(loss: DetectionLoss, y_true: np.ndarray, y_pred_shape: tuple[int, ...]) -> None:
    """Takes a loss apart once as it is and once compiled, and holds the result to the laws.

    Args:
        loss: The loss.
        y_true: (B, N, 5 + C) labels with objects in them.
        y_pred_shape: The shape of the network's output, without the batch axis.

    Raises:
        ValueError: A law that does not hold, or what went wrong, with the line of the loss's file.
    """
    file = Path(inspect.getfile(type(loss)))
    random = np.random.default_rng(0)
    y_pred = random.normal(size=(len(y_true), *y_pred_shape)).astype(np.float32)
    labels, raw_output = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    name = type(loss).__name__
    with blamed_on(file, f"{name}.slots failed"):
        layout = loss.slots((None, *y_pred_shape))
    with blamed_on(file, f"{name}.slot_predictions failed"):
        raw = ops.convert_to_numpy(loss.slot_predictions(raw_output))
        channels = tuple(loss.channel_names)
    with blamed_on(file, f"{name}.breakdown failed"):
        breakdown = loss.breakdown(labels, raw_output)
        whole = breakdown.to_numpy() if isinstance(breakdown, LossBreakdown) else breakdown
    wrong = f"{file}: {name}.breakdown"
    if not isinstance(whole, LossBreakdown):
        raise ValueError(
            f"{wrong} must return a LossBreakdown; it returned a {type(whole).__name__}."
        )
    slots = (len(y_true), layout.count)
    if raw.shape != (*slots, len(channels)):
        raise ValueError(
            f"{file}: {name}.slot_predictions must return {(*slots, len(channels))}, slots and "
            f"channel_names; it returned {raw.shape}."
        )
    _check_terms(loss, whole, slots, wrong)
    _check_masks(whole.assignment, slots, wrong)
    _check_ledger(whole.assignment, y_true, wrong)
    expected = {
        "targets['overlap']": (whole.targets.get("overlap"), (*slots, y_true.shape[1])),
        "predictions['boxes']": (whole.predictions.get("boxes"), (*slots, 4)),
        "predictions['objectness']": (whole.predictions.get("objectness"), slots),
        "predictions['class_probabilities']": (
            whole.predictions.get("class_probabilities"),
            (*slots, loss.num_classes),
        ),
    }
    for key, (value, shape) in expected.items():
        if value is None or np.shape(value) != shape:
            found = "there is none" if value is None else f"it has {np.shape(value)}"
            raise ValueError(f"{wrong}: {key} must have shape {shape}; {found}.")
    _check_compiled(loss, y_true, y_pred, file)


def _check_terms(
    loss: DetectionLoss, whole: LossBreakdown, slots: tuple[int, int], wrong: str
) -> None:
    for group in ("terms", "maps", "lambdas"):
        names = set(getattr(whole, group))
        if names != set(loss.term_names):
            raise ValueError(
                f"{wrong}: {group} must be those of term_names, {', '.join(loss.term_names)}; "
                f"they are {', '.join(sorted(names)) or 'none'}."
            )
    for term, value in whole.maps.items():
        if value.shape != slots:
            raise ValueError(f"{wrong}: the map of {term!r} must be {slots}; it is {value.shape}.")
        _refuse_unequal(
            f"{wrong}: the map of {term!r} sums to",
            value.sum(),
            "and its term is",
            whole.terms[term],
        )
    total = sum(whole.lambdas[term] * whole.terms[term] for term in whole.terms)
    _refuse_unequal(f"{wrong}: lambda x term sums to", total, "and the total is", whole.total)


def _refuse_unequal(left: str, one: Any, right: str, other: Any) -> None:
    if np.shape(one) != () or np.shape(other) != ():
        raise ValueError(f"{left} shape {np.shape(one)} {right} of shape {np.shape(other)}.")
    if not np.isclose(one, other, rtol=TOLERANCE, atol=1e-6, equal_nan=True):
        raise ValueError(
            f"{left} {float(one):.6g} {right} {float(other):.6g}: they must be equal, or the "
            "pictures would show another loss than the one that trains."
        )


def _check_masks(assignment: Assignment, slots: tuple[int, int], wrong: str) -> None:
    masks = [assignment.object_mask, assignment.no_object_mask, assignment.ignore_mask]
    if any(np.shape(mask) != slots or mask.dtype != bool for mask in masks):
        shapes = ", ".join(f"{np.shape(mask)} {mask.dtype}" for mask in masks)
        raise ValueError(f"{wrong}: the three masks must be {slots} bool; they are {shapes}.")
    parts = np.sum(masks, axis=0)
    if (parts != 1).any():
        raise ValueError(
            f"{wrong}: every slot must be in exactly one of the object, no-object and ignore masks;"
            f" {int((parts == 0).sum())} are in none and {int((parts > 1).sum())} in several."
        )


def _check_ledger(assignment: Assignment, y_true: np.ndarray, wrong: str) -> None:
    status = np.asarray(assignment.object_status)
    if status.ndim != 3 or status.shape[:2] != y_true.shape[:2]:
        raise ValueError(
            f"{wrong}: object_status must be {y_true.shape[:2]} and ledger rows an object; it is "
            f"{status.shape}."
        )
    unknown = sorted(set(status.ravel().tolist()) - {int(each) for each in ObjectStatus})
    if unknown:
        raise ValueError(f"{wrong}: {unknown} are no ObjectStatus.")
    lost = (y_true[..., 0] != 0) & (status == ObjectStatus.PADDING).any(axis=-1)
    if lost.any():
        raise ValueError(
            f"{wrong}: {int(lost.sum())} objects have the status PADDING: every object needs one "
            "that says what became of it."
        )
    for name in ("object_slot", "match_count", "overwritten_by", "object_iou"):
        if np.shape(getattr(assignment, name)) != status.shape:
            raise ValueError(
                f"{wrong}: {name} must have the shape of object_status, {status.shape}; it has "
                f"{np.shape(getattr(assignment, name))}."
            )
    candidates = np.shape(assignment.candidate_slots)
    if candidates[:3] != status.shape or np.shape(assignment.candidate_score) != candidates:
        raise ValueError(
            f"{wrong}: candidate_slots and candidate_score must be {status.shape} and candidates; "
            f"they are {candidates} and {np.shape(assignment.candidate_score)}."
        )


def _check_compiled(
    loss: DetectionLoss, y_true: np.ndarray, y_pred: np.ndarray, file: Path
) -> None:
    """Tries it in a graph with a batch of any size, as it is trained."""
    import tensorflow as tf

    name = type(loss).__name__
    with blamed_on(file, f"{name}.breakdown works by itself and not in a compiled step"):
        tf.function(
            lambda labels, raw: loss.breakdown(labels, raw).to_tree(),
            input_signature=[
                tf.TensorSpec((None, *y_true.shape[1:]), tf.float32),
                tf.TensorSpec((None, *y_pred.shape[1:]), tf.float32),
            ],
        ).get_concrete_function()
