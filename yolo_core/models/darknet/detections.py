"""The boxes that Darknet lists for a picture, and its suppression, from what its heads put out.

As in `src/region_layer.c`, `src/yolo_layer.c` and `src/box.c` of pjreddie/darknet; scale_x_y as in
`src/yolo_layer.c` of AlexeyAB/darknet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from yolo_core.losses.anchor_boxes import decode_anchor_boxes
from yolo_core.losses.slot_axis import cell_corners
from yolo_core.models.darknet.plan import Network, listing_heads
from yolo_core.models.darknet.specs import Head
from yolo_core.models.decode import nms_keep


@dataclasses.dataclass(frozen=True)
class Listed:
    """Boxes of one picture.

    Attributes:
        boxes: (n, 4) float32 x_center, y_center, width, height as fractions of what enters the
            network.
        objectness: (n,) float32.
        probabilities: (n, classes) float32 objectness * class, 0 where not above the threshold.
    """

    boxes: np.ndarray
    objectness: np.ndarray
    probabilities: np.ndarray


def list_boxes(
    network: Network, raw: Sequence[np.ndarray], heads: Sequence[np.ndarray], threshold: float
) -> Listed:
    """The boxes that the program lists.

    Args:
        network: The plan.
        raw: (H, W, A * slot channels) that enter each head, as `Built.raw_heads`.
        heads: What comes out of each, as `Built.heads`.
        threshold: [yolo] lists a box, and [region] counts one, where objectness is above it; a
            class counts where its probability is.

    Returns:
        All boxes of a [region] by anchor, row, column, and those of a [yolo] that are above the
        threshold by row, column, anchor; layer after layer.

    Raises:
        ValueError: As `listing_heads`.
    """
    found = [
        _list(spec, before, after, network.size, threshold)
        for spec, before, after in zip(listing_heads(network), raw, heads, strict=True)
    ]
    return Listed(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def suppressed(listed: Listed, iou_threshold: float) -> Listed:
    """Each class by itself: the surest box sets that class of those that overlap it more to 0."""
    count, classes = listed.probabilities.shape
    if not count:
        return listed
    keep = nms_keep(
        np.broadcast_to(listed.boxes, (classes, count, 4)),
        listed.probabilities.T,
        np.ones((classes, count, 1), np.float32),
        iou_threshold=iou_threshold,
        score_threshold=0.0,
        max_detections=count,
        candidates=count,
    )
    return dataclasses.replace(listed, probabilities=listed.probabilities * keep.T)


def _list(
    spec: Head, raw: np.ndarray, out: np.ndarray, net: tuple[int, int], threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns, _ = raw.shape
    count, grid = len(spec.anchors), np.array([columns, rows], np.float32)
    cell = np.array(net, np.float32) / grid if spec.in_pixels else 1.0
    anchors = np.tile(np.array(spec.anchors, np.float32) / cell, (rows * columns, 1))
    box = raw.reshape(1, -1, spec.slot_channels)[..., :4]
    decoded = decode_anchor_boxes(box, cell_corners(rows, columns, count), anchors)
    boxes = np.array(decoded, np.float32)[0]
    slots = out.reshape(-1, spec.slot_channels)
    if spec.place_scale != 1:
        boxes[:, :2] = cell_corners(rows, columns, count) + slots[:, :2]
    boxes = boxes / np.tile(grid, 2)
    objectness = np.ones(len(slots), np.float32) if spec.background else slots[:, spec.coords]
    counts = objectness > threshold
    probabilities = objectness[:, None] * slots[:, spec.coords + 1 :]
    probabilities = np.where((probabilities > threshold) & counts[:, None], probabilities, 0)
    if spec.in_pixels:
        order = np.flatnonzero(counts)
    else:
        order = np.arange(len(slots)).reshape(-1, count).T.reshape(-1)
    return boxes[order], np.where(counts, objectness, 0)[order], probabilities[order]
