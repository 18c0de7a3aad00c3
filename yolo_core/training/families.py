"""How each loss family is set up for a data set: anchors, grids, and the heads of its network."""

from __future__ import annotations

from typing import Any

import numpy as np

from yolo_core.data.digits import DigitScenes, default_anchors
from yolo_core.losses import DetectionLoss, MnistYoloLoss, YoloV1Loss, published
from yolo_core.losses.published import FAMILIES
from yolo_core.models.networks import Head
from yolo_core.training.config import RunConfig

# Slots a cell, on every head but SSD's.
SLOTS = 3
# Coarse before fine, as YOLOv3 has its heads.
STRIDES = {"yolov3": (16, 8), "ssd": (8, 16)}
ONE_GRID = (16,)
# Most slots hold nothing: starting from there saves the first hundred steps.
RARE_OBJECT_LOGIT = -3.0
# Sides of SSD's squares, smaller and larger, in cells of their map.
SSD_SIDES = (1.5, 2.5)


def build_loss(config: RunConfig, scenes: DigitScenes) -> DetectionLoss:
    """The loss of a run, with the configuration's anchors or such as suit the data.

    Raises:
        ValueError: The loss has no such name, option or lambda, or the anchors do not fit it.
    """
    wanted = config.loss
    family = wanted.name.split("/")[0]
    options: dict[str, Any] = {"lambdas": wanted.lambdas, **wanted.options}
    size = config.data.image_size
    if family == "yolov2":
        cells = size // ONE_GRID[0]
        anchors = wanted.anchors or default_anchors(scenes, SLOTS)
        options["anchors"] = [(width * cells, height * cells) for width, height in anchors]
    elif family == "yolov3":
        heads = len(STRIDES[family])
        anchors = np.asarray(wanted.anchors or default_anchors(scenes, heads * SLOTS))
        # Sorted by area: the largest for the coarsest head.
        order = np.argsort(-anchors.prod(axis=1), kind="stable")
        options["anchors"] = [part.tolist() for part in np.array_split(anchors[order], heads)]
        options["grids"] = [(size // stride,) * 2 for stride in STRIDES[family]]
        if wanted.name == "yolov3/pytorch":
            options["image_size"] = None
    elif family == "ssd":
        options["priors"] = ssd_priors(size)
    elif wanted.anchors is not None and family in FAMILIES:
        raise ValueError(f"Loss {wanted.name!r} has no anchors; received some in loss.anchors.")
    return published(wanted.name, num_classes=scenes.num_classes, **options)


def ssd_priors(image_size: int) -> dict[str, Any]:
    """SSD's prior boxes for a square picture: two maps, four priors a cell."""
    strides = STRIDES["ssd"]
    return {
        "min_dim": image_size,
        "feature_maps": [image_size // stride for stride in strides],
        "steps": list(strides),
        "min_sizes": [SSD_SIDES[0] * stride for stride in strides],
        "max_sizes": [SSD_SIDES[1] * stride for stride in strides],
        "aspect_ratios": [[2]] * len(strides),
        "clip": False,
    }


def build_heads(loss: DetectionLoss) -> list[Head]:
    """What the network of that loss ends in."""
    family = next(name for name, kind in FAMILIES.items() if type(loss) is kind)
    strides = STRIDES.get(family, ONE_GRID)
    slot = _slot_bias(loss)
    if isinstance(loss, YoloV1Loss):
        # Boxes first, then one set of classes a cell.
        bias = np.concatenate([np.tile(slot[:5], SLOTS), slot[5:]])
        return [Head(strides[0], bias)]
    if family == "ssd":
        return [
            Head(stride, np.tile(slot, count))
            for stride, count in zip(strides, loss.anchors_per_head, strict=True)
        ]
    place = _place_channels(loss)
    return [Head(stride, np.tile(slot, SLOTS), place) for stride in strides]


def _slot_bias(loss: DetectionLoss) -> np.ndarray:
    """The biases that the channels of one slot start with."""
    starts = {"objectness": RARE_OBJECT_LOGIT, "background": -RARE_OBJECT_LOGIT}
    return np.asarray([starts.get(name, 0.0) for name in loss.channel_names], np.float32)


def _place_channels(loss: DetectionLoss) -> tuple[list[int], list[int]] | None:
    """Head channels that the loss reads as a place in the whole picture."""
    if not isinstance(loss, MnistYoloLoss) or loss.options["box_target"] != "image":
        return None
    names = loss.channel_names
    x, y = ([slot * len(names) + names.index(name) for slot in range(SLOTS)] for name in ("x", "y"))
    return x, y
