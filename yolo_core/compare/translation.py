"""One prediction for several losses, each in its own raw numbers.

The losses read different channels and decode boxes in different ways, so the same raw numbers mean
different boxes. What can be the same is what they mean: the box, the objectness and the class
probabilities of every slot. That is carried from one loss to another where the other can say it,
and refused in a sentence where it cannot.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from yolo_core.compare.raw_shape import network_output
from yolo_core.losses import (
    DetectionLoss,
    MnistYoloLoss,
    SSDLoss,
    YoloV1Loss,
    YoloV2Loss,
    YoloV3Loss,
)
from yolo_core.slots import SlotLayout

# A centre that rounding put just past the border of its cell is still in it.
ROUNDING = 1e-5
CLOSEST = 1e-6
SMALLEST = 1e-30


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What predictions say, whichever loss they were made for.

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


def meaning(loss: DetectionLoss, y_pred: np.ndarray) -> Meaning:
    """What raw predictions say under a loss.

    Args:
        loss: The loss.
        y_pred: Raw predictions as a network hands them over, with the batch axis.

    Raises:
        ValueError: They do not fit the loss.
    """
    rows = np.zeros((len(y_pred), 1, 5 + loss.num_classes), np.float32)
    seen = loss.breakdown(rows, y_pred).to_numpy().predictions
    raw = np.asarray(loss.slot_predictions(y_pred), np.float64)
    names = loss.channel_names
    logits = raw[..., names.index("class 0") :]
    if "background" in names:
        objectness = _log_sum_exp(logits)[..., 0] - raw[..., names.index("background")]
    else:
        objectness = raw[..., names.index("objectness")]
    by_itself = isinstance(loss, YoloV3Loss)
    classes = -np.logaddexp(0, -logits) if by_itself else logits - _log_sum_exp(logits)
    return Meaning(seen["boxes"].astype(np.float64), objectness, classes, not by_itself)


def translate(
    y_pred: np.ndarray,
    source: DetectionLoss,
    target: DetectionLoss,
    *,
    source_name: str,
    target_name: str,
) -> np.ndarray:
    """The same boxes, objectness and class probabilities in another loss's raw numbers.

    Args:
        y_pred: What a network gives for `source`, with the batch axis; or slots.
        source: The loss that they were made for.
        target: The loss that is to read them, on the same slots.
        source_name: What the sentences call the first.
        target_name: And the other.

    Returns:
        What a network would hand to `target`.

    Raises:
        ValueError: `target` has other slots, or cannot say all of it: a sentence with how many
            slots it is, and why.
    """
    y_pred = network_output(source, y_pred)
    said = meaning(source, y_pred)
    slots = source.slots(y_pred.shape)
    never = f"{target_name} cannot be shown on the prediction of {source_name}: "
    shape = (1, slots.count, len(target.channel_names))
    try:
        empty = network_output(target, np.zeros(shape), slots.grids)
        layout = target.slots(empty.shape)
    except ValueError as error:
        raise ValueError(f"{never}it has other slots. {error}") from None
    if layout.grids != slots.grids:
        raise ValueError(
            f"{never}it has the slots {_grid_words(layout)}, and these are {_grid_words(slots)}."
        )
    try:
        raw = encode(target, layout, said)
    except ValueError as error:
        raise ValueError(f"{never}{error}") from None
    return network_output(target, raw.astype(np.float32), layout.grids)


def encode(loss: DetectionLoss, layout: SlotLayout, said: Meaning) -> np.ndarray:
    """Raw slot predictions that say the given under a loss, (B, P, channels) float64.

    Raises:
        ValueError: Some slot of this loss cannot say that.
    """
    options = loss.options
    if options.get("decoded"):
        raise ValueError("it takes decoded predictions.")
    parts = {"objectness": said.objectness[..., None]}
    x_y, w_h = encode_boxes(loss, layout, said.boxes)
    parts["box"] = np.concatenate([x_y, w_h], axis=-1)
    if isinstance(loss, YoloV3Loss):
        # The logit of a probability, from its logarithm.
        parts["classes"] = said.classes - np.log(-np.expm1(np.minimum(said.classes, -1e-12)))
    elif not said.one_class:
        raise ValueError(
            "its class probabilities sum to 1 in every slot, and these stand each for itself."
        )
    else:
        parts["classes"] = said.classes
    if isinstance(loss, SSDLoss):
        # Softmax over background and classes: p(class) = p(object) p(class | object).
        parts["background"] = -np.logaddexp(0, said.objectness)[..., None]
        parts["classes"] = said.classes - np.logaddexp(0, -said.objectness)[..., None]
        return np.concatenate([parts[key] for key in ("box", "background", "classes")], axis=-1)
    if isinstance(loss, YoloV1Loss):
        cells = parts["classes"].reshape(len(said.boxes), -1, layout.grids[0][2], loss.num_classes)
        _refuse(
            (np.abs(np.exp(cells) - np.exp(cells[:, :, :1])) > 1e-4).any(axis=-1),
            "it has one set of class probabilities a cell, and {} disagree with the first one "
            "of their cell",
        )
    order = ("objectness", "box", "classes")
    if loss.channel_names[0] == "x":
        order = ("box", "objectness", "classes")
    return np.concatenate([parts[key] for key in order], axis=-1)


def encode_boxes(
    loss: DetectionLoss, layout: SlotLayout, boxes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The raw x, y and w, h of given boxes under a loss.

    Args:
        loss: The loss.
        layout: Its slots.
        boxes: (B, P, 4) x_center, y_center, width, height as image fractions.

    Returns:
        Two (B, P, 2) float64.

    Raises:
        ValueError: The loss is none of the published ones, or a slot of it cannot hold its box.
    """
    centre, size = boxes[..., :2], np.maximum(boxes[..., 2:], SMALLEST)
    prior = layout.prior.astype(np.float64)
    if isinstance(loss, SSDLoss):
        of_centre, of_size = loss.options["variances"]
        offset = (centre - prior[:, :2]) / (of_centre * prior[:, 2:])
        return offset, np.log(size / prior[:, 2:]) / of_size
    if isinstance(loss, YoloV2Loss | YoloV3Loss):
        return _in_cell(layout, centre), np.log(size / prior[:, 2:])
    if isinstance(loss, YoloV1Loss):
        return _in_cell(layout, centre), _logit(np.sqrt(size), "width or height")
    if isinstance(loss, MnistYoloLoss):
        raw = loss.options["box_activation"] == "none"
        if loss.options["box_target"] == "cell":
            cells = np.round(1 / layout.stride.astype(np.float64))
            centre = centre * cells - np.stack([layout.column, layout.row], axis=-1)
            return (centre, size) if raw else (_in_cell_offset(centre), _logit(size, "size"))
        if raw:
            return centre, size
        return _logit(centre, "centre"), _logit(size, "width or height")
    raise ValueError(f"how {type(loss).__name__} encodes boxes is not known.")


def _grid_words(layout: SlotLayout) -> str:
    return " and ".join(f"{rows} x {columns} x {count}" for rows, columns, count in layout.grids)


def _in_cell(layout: SlotLayout, centre: np.ndarray) -> np.ndarray:
    """The raw x, y of centres whose sigmoid is a place in the slot's own cell."""
    cells = np.round(1 / layout.stride.astype(np.float64))
    return _in_cell_offset(centre * cells - np.stack([layout.column, layout.row], axis=-1))


def _in_cell_offset(offset: np.ndarray) -> np.ndarray:
    _refuse(
        ((offset < -ROUNDING) | (offset > 1 + ROUNDING)).any(axis=-1),
        "a slot's box has its centre in the slot's own cell, and {} have theirs elsewhere",
    )
    return _inverse_sigmoid(offset)


def _logit(values: np.ndarray, what: str) -> np.ndarray:
    """The raw numbers whose sigmoid these are."""
    _refuse(
        ((values < -ROUNDING) | (values > 1 + ROUNDING)).any(axis=-1),
        f"its {what} is a sigmoid, so from 0 to 1 of the picture, and {{}} have another",
    )
    return _inverse_sigmoid(values)


def _refuse(wrong: np.ndarray, sentence: str) -> None:
    if wrong.any():
        how_many = f"{int(wrong.sum())} of {wrong.size} predicted boxes"
        raise ValueError(sentence.format(how_many) + ".")


def _inverse_sigmoid(values: np.ndarray) -> np.ndarray:
    values = np.clip(values, CLOSEST, 1 - CLOSEST)
    return np.log(values) - np.log1p(-values)


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    peak = logits.max(axis=-1, keepdims=True)
    return peak + np.log(np.exp(logits - peak).sum(axis=-1, keepdims=True))
