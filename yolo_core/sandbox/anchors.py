"""The anchors of a loss as a table of sizes in pixels that can be edited, and the way back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from yolo_core.losses import DetectionLoss, SSDLoss
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.views import SampleView


@dataclasses.dataclass(frozen=True)
class AnchorTable:
    """What can be edited about the anchors of a loss.

    Attributes:
        names: One an entry, such as "anchor 0" or "head 1, anchor 2".
        columns: What its two numbers are, such as ("width, px", "height, px").
        sizes: The numbers, in pixels of the picture, rounded to a thousandth.
    """

    names: tuple[str, ...]
    columns: tuple[str, str]
    sizes: tuple[tuple[float, float], ...]


def anchor_table(loss: DetectionLoss, view: SampleView) -> AnchorTable | None:
    """The anchors of a loss on the grids and the picture of a sample; None where it has none."""
    config = loss.get_config()
    if isinstance(loss, SSDLoss):
        priors = config["priors"]
        if not isinstance(priors, dict):
            return None
        sizes = zip(priors["min_sizes"], priors["max_sizes"], strict=True)
        return AnchorTable(
            names=tuple(f"head {head}" for head in range(len(priors["min_sizes"]))),
            columns=("smallest square, px", "next square, px"),
            sizes=tuple(_rounded(pair) for pair in sizes),
        )
    if loss.anchor_argument != "anchors":
        return None
    anchors = np.asarray(config["anchors"], np.float64)
    names = [f"anchor {index}" for index in range(len(anchors))]
    for head, members in enumerate(config.get("anchor_mask") or []):
        for place, index in enumerate(members):
            names[index] = f"head {head}, anchor {place}"
    return AnchorTable(
        names=tuple(names),
        columns=("width, px", "height, px"),
        sizes=tuple(_rounded(pair) for pair in anchors * _pixels(loss, view)),
    )


def anchors_argument(
    loss: DetectionLoss, view: SampleView, sizes: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """The loss's configuration entry for edited sizes; sizes that are as before keep their digits.

    Raises:
        ValueError: The loss has no anchors, or another number of them, or a size is not above zero.
    """
    table = anchor_table(loss, view)
    if table is None:
        raise ValueError(f"{type(loss).__name__} has no anchors that can be edited.")
    if len(sizes) != len(table.sizes) or not (np.asarray(sizes, np.float64) > 0).all():
        raise ValueError(
            f"{type(loss).__name__} takes {len(table.sizes)} anchors of two sizes above zero; "
            f"received {list(sizes)}."
        )
    config = loss.get_config()
    if isinstance(loss, SSDLoss):
        smallest, largest = (list(each) for each in zip(*sizes, strict=True))
        return {"priors": {**config["priors"], "min_sizes": smallest, "max_sizes": largest}}
    anchors = np.asarray(config["anchors"], np.float64)
    edited = np.asarray(sizes, np.float64) / _pixels(loss, view)
    same = (np.asarray(sizes) == np.asarray(table.sizes)).all(axis=1, keepdims=True)
    return {"anchors": np.where(same, anchors, edited).tolist()}


def _pixels(loss: DetectionLoss, view: SampleView) -> np.ndarray:
    """(2,) how many pixels wide and high one unit of the loss's anchors is."""
    height, width = view.image.shape[:2]
    # Losses on one grid measure anchors in its cells, those on several in the picture.
    rows, columns = (1, 1) if isinstance(loss, MultiHeadLoss) else view.layout.grids[0][:2]
    return np.array([width / columns, height / rows])


def _rounded(pair: Sequence[float]) -> tuple[float, float]:
    return round(float(pair[0]), 3), round(float(pair[1]), 3)
