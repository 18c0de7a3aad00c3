"""What raw predictions say, whichever loss they were made for, and how a loss says it.

The losses read different channels and decode boxes in different ways, so the same raw numbers mean
different boxes. What can be the same is the box, the objectness and the class probabilities of
every slot. A loss that cannot say them refuses in a sentence.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss

# A centre that rounding put just past the border of its cell is still in it.
ROUNDING = 1e-5
CLOSEST = 1e-6
SMALLEST = 1e-30


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What predictions say.

    Attributes:
        boxes: (B, P, 4) float64, x_center, y_center, width, height as image fractions.
        objectness: (B, P) float64, the logit of there being an object.
        classes: (B, P, C) float64, the logarithm of the probability of each class, given that
            there is an object.
        one_class: Whether these probabilities sum to 1, or each class stands by itself.
    """

    boxes: np.ndarray
    objectness: np.ndarray
    classes: np.ndarray
    one_class: bool


def read_meaning(loss: DetectionLoss, y_pred: Any) -> Meaning:
    """What raw predictions say under a loss.

    Args:
        loss: The loss.
        y_pred: As a network hands them over, with the batch axis.

    Raises:
        ValueError: They do not fit the loss.
    """
    rows = np.zeros((len(y_pred), 1, 5 + loss.num_classes), np.float32)
    boxes = loss.breakdown(rows, y_pred).to_numpy().predictions["boxes"]
    raw = np.asarray(loss.slot_predictions(y_pred), np.float64)
    names = loss.channel_names
    logits = raw[..., names.index("class 0") :]
    if "background" in names:
        objectness = log_sum_exp(logits)[..., 0] - raw[..., names.index("background")]
    elif "objectness" in names:
        objectness = raw[..., names.index("objectness")]
    else:  # The likeliest class says whether there is an object.
        objectness = logits.max(axis=-1)
    by_itself = loss.classes_by_themselves
    classes = -np.logaddexp(0, -logits) if by_itself else logits - log_sum_exp(logits)
    if not {"objectness", "background"} & {*names}:
        classes = classes + np.logaddexp(0, -objectness)[..., None]
    return Meaning(boxes.astype(np.float64), objectness, classes, not by_itself)


def cells_across(layout: SlotLayout) -> np.ndarray:
    """(P, 2) float64: how many of each slot's cells lie across the picture, and down it."""
    return np.round(1 / layout.stride.astype(np.float64))


def encode_anchor_boxes(layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The raw x, y and w, h that `anchor_boxes.decode_anchor_boxes` makes given boxes of.

    Args:
        layout: Slots with priors.
        boxes: (B, P, 4) float64 image fractions.

    Returns:
        Two (B, P, 2) float64.

    Raises:
        ValueError: A centre lies outside its slot's cell.
    """
    size = np.maximum(boxes[..., 2:], SMALLEST)
    return raw_in_cell(layout, boxes[..., :2]), np.log(
        size / layout.prior[:, 2:].astype(np.float64)
    )


def offset_in_cell(layout: SlotLayout, centre: np.ndarray) -> np.ndarray:
    """(B, P, 2) places in each slot's own cell, 0 to 1 inside, of centres in image fractions."""
    return centre * cells_across(layout) - np.stack([layout.column, layout.row], axis=-1)


def raw_in_cell(layout: SlotLayout, centre: np.ndarray) -> np.ndarray:
    """The raw x, y whose sigmoid is the place of centres in each slot's own cell.

    Raises:
        ValueError: A centre lies outside.
    """
    offset = offset_in_cell(layout, centre)
    refuse(
        outside(offset),
        "a slot's box has its centre in the slot's own cell, and {} have theirs elsewhere",
    )
    return inverse_sigmoid(offset)


def raw_fraction(values: np.ndarray, what: str) -> np.ndarray:
    """The raw numbers whose sigmoid these are.

    Raises:
        ValueError: One is below 0 or above 1.
    """
    refuse(
        outside(values),
        f"its {what} is a sigmoid, so from 0 to 1 of the picture, and {{}} have another",
    )
    return inverse_sigmoid(values)


def outside(values: np.ndarray) -> np.ndarray:
    """(B, P) bool: slots with a number that no sigmoid gives, up to rounding."""
    return np.any((values < -ROUNDING) | (values > 1 + ROUNDING), axis=-1)


def refuse(wrong: np.ndarray, sentence: str) -> None:
    """Raises the sentence, with how many slots it is about in place of {}, where there are any.

    Raises:
        ValueError: There are.
    """
    if wrong.any():
        how_many = f"{int(wrong.sum())} of {wrong.size} predicted boxes"
        raise ValueError(sentence.format(how_many) + ".")


def inverse_sigmoid(values: np.ndarray) -> np.ndarray:
    """The logit of numbers from 0 to 1, finite at both ends."""
    values = np.clip(values, CLOSEST, 1 - CLOSEST)
    return np.log(values) - np.log1p(-values)


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """(..., 1) of (..., C)."""
    peak = logits.max(axis=-1, keepdims=True)
    return peak + np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))
