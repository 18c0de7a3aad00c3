"""How each loss family is set up for a data set: anchors, grids, and the heads of its network."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.data.batches import sample_batch
from yolo_core.data.source import SampleSource, default_anchors, first_names
from yolo_core.losses import DetectionLoss, MnistYoloLoss, SSDLoss, YoloV1Loss, published
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.losses.published import FAMILIES
from yolo_core.models.networks import COARSEST, Head, grid_cells
from yolo_core.training.config import RunConfig
from yolo_core.training.own_loss import blamed_on, is_own_loss, short_name
from yolo_core.training.own_loss_laws import check_own_loss

# Slots a cell, on every head but SSD's.
SLOTS = 3
# Coarse before fine, as YOLOv3 has its heads.
STRIDES = {"yolov3": (16, 8), "ssd": (8, 16)}
ONE_GRID = (16,)
# Most slots hold nothing: starting from there saves the first hundred steps.
RARE_OBJECT_LOGIT = -3.0
# Samples that a loss of one's own is tried on before it trains.
OWN_LOSS_SAMPLES = 2
# Sides of SSD's squares, smaller and larger, in cells of their map.
SSD_SIDES = (1.5, 2.5)


def build_loss(
    config: RunConfig, data: SampleSource, *, own: type[DetectionLoss] | None = None
) -> DetectionLoss:
    """The loss of a run, with the configuration's anchors or such as suit the data.

    A class of one's own under a published loss is set up as that one is. Another `MultiHeadLoss` is
    set up as YOLOv3 (two heads, of 16 and 8 pixels a cell); any other loss on one grid of 16 pixels
    a cell, with three slots a cell, and with anchors in grid cells if it takes `anchors`.

    Args:
        config: The run's configuration.
        data: Its samples.
        own: The class, where the loss is named "FILE.py:Class". Nothing is loaded in here
            (`yolo_core/training/own_loss.py` says who may).

    Raises:
        ValueError: The loss has no such name, option or lambda, or the anchors do not fit it; or a
            loss of one's own does not do what it must.
    """
    wanted = config.loss
    if is_own_loss(wanted.name) and own is None:
        raise ValueError(
            f"The loss of this run is in a file, {wanted.name}, which only the training process "
            "loads: it can be shown from its snapshots, and not be computed anew."
        )
    family = wanted.name.split("/")[0] if own is None else _setup_of(own)
    options: dict[str, Any] = {"lambdas": wanted.lambdas, **wanted.options}
    if family in ("yolov2", "grid with anchors"):
        rows, columns = grid_cells(data.image_shape, ONE_GRID[0])
        anchors = wanted.anchors or default_anchors(data, SLOTS)
        options["anchors"] = [(width * columns, height * rows) for width, height in anchors]
    elif family == "yolov3":
        heads = len(STRIDES[family])
        anchors = np.asarray(wanted.anchors or default_anchors(data, heads * SLOTS))
        # Sorted by area: the largest for the coarsest head.
        order = np.argsort(-anchors.prod(axis=1), kind="stable")
        options["anchors"] = [part.tolist() for part in np.array_split(anchors[order], heads)]
        options["grids"] = [grid_cells(data.image_shape, stride) for stride in STRIDES[family]]
        if wanted.name == "yolov3/pytorch":
            options["image_size"] = None
    elif family == "ssd":
        options["priors"] = ssd_priors(data.image_shape)
    elif wanted.anchors is not None and (family in FAMILIES or own is not None):
        raise ValueError(f"Loss {wanted.name!r} has no anchors; received some in loss.anchors.")
    if own is None:
        return published(wanted.name, num_classes=len(data.class_names), **options)
    return _own_loss(own, wanted.name, options, data)


def _setup_of(own: type[DetectionLoss]) -> str:
    """The published family whose anchors and heads a class gets, or "grid", "grid with anchors"."""
    family = next((name for name, kind in FAMILIES.items() if issubclass(own, kind)), None)
    if family is not None:
        return family
    if issubclass(own, MultiHeadLoss):
        return "yolov3"
    takes = "anchors" in inspect.signature(own.__init__).parameters
    return "grid with anchors" if takes or own.anchor_argument == "anchors" else "grid"


def _own_loss(
    own: type[DetectionLoss],
    name: str,
    options: dict[str, Any],
    data: SampleSource,
) -> DetectionLoss:
    """Makes a loss of one's own, and tries it."""
    file = Path(inspect.getfile(own))
    if not options["lambdas"]:
        # A constructor need not take what nobody asked for.
        del options["lambdas"]
    with blamed_on(file, f"{own.__name__} could not be made with {', '.join(options)}"):
        loss = own(num_classes=len(data.class_names), **options)
    shape = output_shape(loss, data.image_shape)
    _, y_true = sample_batch(data, first_names(data, "val", OWN_LOSS_SAMPLES))
    check_own_loss(loss, y_true, shape)
    # The snapshots carry the name that the pages show.
    loss.name = short_name(name).replace(":", "_")
    return loss


def ssd_priors(image_shape: Sequence[int]) -> dict[str, Any]:
    """SSD's prior boxes for pictures of (height, width, ...): two maps, four priors a cell."""
    strides = STRIDES["ssd"]
    return {
        "image_size": [cells * COARSEST for cells in grid_cells(image_shape, COARSEST)],
        "feature_maps": [list(grid_cells(image_shape, stride)) for stride in strides],
        "steps": list(strides),
        "min_sizes": [SSD_SIDES[0] * stride for stride in strides],
        "max_sizes": [SSD_SIDES[1] * stride for stride in strides],
        "aspect_ratios": [[2]] * len(strides),
        "clip": False,
    }


def build_heads(loss: DetectionLoss) -> list[Head]:
    """What the network of that loss ends in.

    Raises:
        ValueError: It has other heads than a network of ours.
    """
    slot = _slot_bias(loss)
    if isinstance(loss, YoloV1Loss):
        # Boxes first, then one set of classes a cell.
        bias = np.concatenate([np.tile(slot[:5], SLOTS), slot[5:]])
        return [Head(ONE_GRID[0], bias)]
    if isinstance(loss, MultiHeadLoss):
        strides = STRIDES["ssd" if isinstance(loss, SSDLoss) else "yolov3"]
        counts = loss.anchors_per_head
        if len(counts) != len(strides):
            raise ValueError(
                f"{type(loss).__name__} has {len(counts)} heads; a network here has "
                f"{len(strides)}, of {' and '.join(map(str, strides))} pixels a cell."
            )
        return [
            Head(stride, np.tile(slot, count))
            for stride, count in zip(strides, counts, strict=True)
        ]
    anchors = getattr(loss, "anchors", None)
    count = SLOTS if anchors is None else len(anchors)
    return [Head(ONE_GRID[0], np.tile(slot, count), _place_channels(loss))]


def output_shape(loss: DetectionLoss, image_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of what the network of that loss puts out for a picture, without the batch.

    Args:
        loss: The loss.
        image_shape: (height, width, ...) of the picture.

    Raises:
        ValueError: As `build_heads`.
    """
    heads = build_heads(loss)
    grids = [grid_cells(image_shape, head.stride) for head in heads]
    if not isinstance(loss, MultiHeadLoss):
        return *grids[0], len(heads[0].bias)
    features = len(loss.channel_names)
    numbers = sum(math.prod(grid) * len(head.bias) for grid, head in zip(grids, heads, strict=True))
    return numbers // features, features


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
