"""The raw layouts of other programs by name, for a loss; and which of them given shapes fit."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from yolo_core.layouts.heads import THEIR_CHANNELS, HeadLayout
from yolo_core.layouts.priors import PriorLayout
from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.multi_head import MultiHeadLoss

PATTERNS = {
    # A layer's output is planes of rows, entries grouped per anchor; as C hands it over, a row.
    "darknet": "(A F) H W",
    "darknet_flat": "(A F H W)",
    # The convolution's output, and `prediction` after view and permute.
    "pytorch_yolov3": "(A F) H W",
    "pytorch_yolov3_permuted": "A H W F",
    "keras_yolo3": "H W (A F)",
    # With an axis of anchors, as keras-yolo2 and yolov3-tf2 reshape it.
    "keras_yolo2": "H W A F",
}
"""{name: axes after the batch} of the programs that have heads of anchors on grids."""

PRIORS: dict[str, tuple[tuple[str, str], bool]] = {
    "ssd_pytorch": (("loc", "conf"), False),
    "ssd_keras_loc_first": (("loc", "conf"), True),
    "ssd_keras_conf_first": (("conf", "loc"), True),
}
"""{name: (order of box and classes, whether joined in one array)} of those that have priors."""

LAYOUT_NAMES = (*PATTERNS, *PRIORS)


def raw_layout(
    name: str,
    loss: DetectionLoss,
    *,
    heads: Sequence[int] | None = None,
    anchor_order: Sequence[Sequence[int]] | None = None,
    prior_order: Sequence[int] | None = None,
    grids: Sequence[Sequence[int]] | None = None,
) -> HeadLayout | PriorLayout:
    """Another program's raw layout, for the predictions of a loss.

    All of these programs put x, y, w, h, objectness and the classes into a slot, and every one goes
    through its heads from coarse to fine, as the losses here do: the orders are for forks that do
    it otherwise, and for a loss whose anchors stand in another order than the program's.

    Args:
        name: One of `LAYOUT_NAMES`.
        loss: The loss that takes the predictions.
        heads: Of each head of the loss, which of theirs it is.
        anchor_order: Of each head of the loss, which of their anchors each of its anchors is.
        prior_order: Of each prior of the loss, which of theirs it is.
        grids: (rows, columns) of each head of the loss, where neither the loss nor the shapes say
            them.

    Raises:
        ValueError: There is no such layout, the loss has other slots, or an order is none.
    """
    if name not in LAYOUT_NAMES:
        raise ValueError(f"There is no layout {name!r}; there are {', '.join(LAYOUT_NAMES)}.")
    owner, channels = type(loss).__name__, loss.channel_names
    if name in PRIORS:
        if not _is_of_priors(loss) or heads is not None or anchor_order is not None:
            raise _unfit(name, loss)
        parts, joined = PRIORS[name]
        order = None if prior_order is None else _whole(prior_order)
        return PriorLayout(name, parts, joined, _slot_count(loss), loss.num_classes, order, owner)
    if not _is_of_heads(loss) or prior_order is not None:
        raise _unfit(name, loss)
    grids = getattr(loss, "grids", None) if grids is None else grids
    return HeadLayout(
        name,
        PATTERNS[name],
        channels,
        anchors=_anchor_counts(loss),
        heads=None if heads is None else _whole(heads),
        anchor_order=None if anchor_order is None else tuple(map(_whole, anchor_order)),
        grids=None if grids is None else tuple((int(rows), int(cols)) for rows, cols in grids),
        owner=owner,
    )


def fitting_layouts(loss: DetectionLoss, raw: Any) -> tuple[str, ...]:
    """The names of the layouts that raw predictions fit, for a loss.

    Args:
        loss: The loss that takes the predictions.
        raw: One array, or a list of them; only their shapes count.
    """
    fits = []
    for name in LAYOUT_NAMES:
        with contextlib.suppress(ValueError):
            raw_layout(name, loss).our_shapes([each.shape for each in _listed(raw)])
            fits.append(name)
    return tuple(fits)


def what_would_fit(loss: DetectionLoss, raw: Any) -> str:
    """A sentence on predictions that a loss cannot take: which layouts they are in, if any, or
    else the shapes that would do, and how many classes they would be of.

    Args:
        loss: The loss.
        raw: One array, or a list of them; only their shapes count.
    """
    fits = fitting_layouts(loss, raw)
    if fits:
        return f"They fit the layout {' or '.join(map(repr, fits))} (yolo_core.layouts)."
    words: dict[str, list[str]] = {}
    for name in LAYOUT_NAMES:
        with contextlib.suppress(ValueError):
            words.setdefault(raw_layout(name, loss).shape_words(), []).append(name)
    shapes = "; ".join(f"{shape} as {' and '.join(names)}" for shape, names in words.items())
    told = f"What would fit {type(loss).__name__} with {loss.num_classes} classes: {shapes}."
    return f"{told}{_other_classes(loss, raw)}"


def _other_classes(loss: DetectionLoss, raw: Any) -> str:
    """With how many classes the predictions would fit, where that can be told."""
    given = _listed(raw)
    counts = _anchor_counts(loss)
    if not _is_of_heads(loss) or counts is None or len(given) != len(counts):
        return ""
    told = []
    for axis, where in ((1, "channels first"), (-1, "channels last")):
        classes = {
            each.shape[axis] / count - len(THEIR_CHANNELS)
            for each, count in zip(given, counts, strict=True)
            if len(each.shape) == 4 and isinstance(each.shape[axis], int)
        }
        if len(classes) == 1 and (number := classes.pop()) >= 1 and number == int(number):
            told.append(f"{int(number)} ({where})")
    return f" With {' or '.join(told)} classes these predictions would fit." if told else ""


def _unfit(name: str, loss: DetectionLoss) -> ValueError:
    of = "priors" if name in PRIORS else "heads of anchors"
    order = "prior_order" if name in PRIORS else "heads and anchor_order"
    return ValueError(
        f"The layout {name!r} is of {of}, which {order} reorder; received "
        f"{type(loss).__name__}, whose slots have the channels "
        f"{', '.join(loss.channel_names[:5])} and the classes"
        f"{'' if _is_of_priors(loss) or _is_of_heads(loss) else ' of their cell'}."
    )


def _is_of_priors(loss: DetectionLoss) -> bool:
    return "background" in loss.channel_names and isinstance(loss, MultiHeadLoss)


def _is_of_heads(loss: DetectionLoss) -> bool:
    """Whether a slot of the loss has numbers of its own, under the names that all others have."""
    names = {name for name in loss.channel_names if not name.startswith("class ")}
    if names != set(THEIR_CHANNELS):
        return False
    if isinstance(loss, MultiHeadLoss):
        return True
    features = len(loss.channel_names)
    count = (_anchor_counts(loss) or (2,))[0]
    cell = loss.to_output(np.zeros((1, count, features), np.float32), [(1, 1, count)])
    return cell.shape[-1] == count * features


def _anchor_counts(loss: DetectionLoss) -> tuple[int, ...] | None:
    """Anchors of each head; None for one head of as many as come."""
    if isinstance(loss, MultiHeadLoss):
        return loss.anchors_per_head
    anchors = getattr(loss, "anchors", None)
    return None if anchors is None else (len(anchors),)


def _slot_count(loss: DetectionLoss) -> int:
    if not isinstance(loss, MultiHeadLoss) or loss.grids is None:
        raise ValueError(f"{type(loss).__name__} does not say how many priors it has.")
    return sum(
        rows * columns * count
        for (rows, columns), count in zip(loss.grids, loss.anchors_per_head, strict=True)
    )


def _whole(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(place) for place in order)


def _listed(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, list | tuple) else [raw]
