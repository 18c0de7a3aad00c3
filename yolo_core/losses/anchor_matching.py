"""Objects and the anchors of several heads, compared by shape: who gets which slot."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import shape_iou
from yolo_core.losses.labels import Labels, first_and_last, owning_cell, same_slot
from yolo_core.losses.slot_axis import add_to_slots, best_candidates


@dataclasses.dataclass(frozen=True)
class AnchorSet:
    """The anchors of a network and the heads that use them.

    Attributes:
        sizes: (T, 2) float32. Width and height as image fractions.
        heads: One tuple of rows of `sizes` a head, in the order of the head's channels.
    """

    sizes: np.ndarray
    heads: tuple[tuple[int, ...], ...]

    @property
    def of_heads(self) -> list[np.ndarray]:
        """One (A, 2) array a head."""
        return [self.sizes[list(rows)] for rows in self.heads]


def read_anchors(
    anchors: Any,
    *,
    anchor_mask: Sequence[Sequence[int]] | None = None,
    image_size: int | Sequence[int] | None = None,
) -> AnchorSet:
    """Anchors in the ways that they are published.

    Args:
        anchors: (A, 2) width, height of one head; a sequence of such, one a head; or, with
            `anchor_mask`, the (T, 2) anchors of the whole network.
        anchor_mask: Rows of `anchors` that each head uses. Rows that no head uses are compared,
            too, where one set of anchors is matched as a whole.
        image_size: The pixels that anchors are measured in: of a square, or (height, width). None
            for image fractions; anchors that are all 1 or less are image fractions in any case,
            as no anchor is smaller than a pixel.

    Raises:
        ValueError: Anchors that are not positive pairs, a mask that does not fit, or pixels
            without an image size.
    """
    try:
        nested = np.ndim(anchors[0]) == 2
        parts = [np.asarray(part, np.float32) for part in (anchors if nested else [anchors])]
    except (TypeError, ValueError, IndexError, KeyError):
        parts = []
    good = [part.ndim == 2 and part.shape[1] == 2 and len(part) > 0 for part in parts]
    if not parts or not all(good) or not all((part > 0).all() for part in parts):
        raise ValueError(
            "anchors must be pairs of width and height above zero: (A, 2) for one head, or one "
            f"such list a head; received {anchors!r}."
        )
    sizes = np.concatenate(parts)
    if anchor_mask is not None:
        heads = tuple(tuple(int(row) for row in rows) for rows in anchor_mask)
        used = [row for rows in heads for row in rows]
        if len(set(used)) != len(used) or not all(0 <= row < len(sizes) for row in used):
            raise ValueError(
                f"anchor_mask must name each of the {len(sizes)} anchors once at most, by a row "
                f"from 0 to {len(sizes) - 1}; received {anchor_mask!r}."
            )
        if nested or not heads or not all(heads):
            raise ValueError(
                "anchor_mask goes with one (T, 2) list of anchors, and gives each head one or "
                f"more of them; received anchor_mask={anchor_mask!r} and anchors={anchors!r}."
            )
    else:
        ends = np.cumsum([len(part) for part in parts]).tolist()
        heads = tuple(
            tuple(range(end - len(part), end)) for part, end in zip(parts, ends, strict=True)
        )
    if sizes.max() > 1 and image_size is not None:
        height, width = np.broadcast_to(np.asarray(image_size, np.float32), (2,))
        sizes = sizes / np.asarray([width, height], np.float32)
    if not np.isfinite(sizes).all() or sizes.max() > 2:
        raise ValueError(
            "anchors must be image fractions, or pixels together with image_size; received "
            f"{anchors!r} with image_size={image_size!r}."
        )
    return AnchorSet(sizes=sizes, heads=heads)


@dataclasses.dataclass(frozen=True)
class AnchorMatching:
    """Which slot each object wants on each head, and whether it gets it: the last one to want it.

    B images, N label rows, R ledger rows an object, K candidates a ledger row, T anchors.

    Attributes:
        slot: (B, N, R) int32. The wanted slot, a valid index in every row.
        wants: (B, N, R) bool. Whether there is one.
        owns: (B, N, R) bool. Whether the object keeps it.
        last: (B, N, R) int32. The last object that wants the same slot.
        rivals: R of (B, N, N) bool. Whether two objects want the same slot, each with itself too.
        candidates: (B, N, R, K) int32, -1 where there are fewer.
        score: (B, N, R, K) float32 shape IoU.
        cell_slots: (B, N, T) int32. The slot of every anchor in the object's own cell, -1 for
            anchors that no head uses.
        cell_score: (B, N, T) float32 shape IoU of every anchor.
    """

    slot: Any
    wants: Any
    owns: Any
    last: Any
    rivals: list[Any]
    candidates: Any
    score: Any
    cell_slots: Any
    cell_score: Any

    @property
    def rows(self) -> int:
        """R, the number of ledger rows an object."""
        return len(self.rivals)

    def fits_own_cell(self, labels: Labels, threshold: float, slot_count: int) -> Any:
        """(B, P) bool: slots with an object in their cell and a shape IoU above the threshold."""
        fits = ops.logical_and(self.cell_score > threshold, self.cell_slots >= 0)
        fits = ops.logical_and(fits, ops.expand_dims(labels.usable, -1))
        batch, objects, anchors = ops.shape(fits)
        flat = (batch, objects * anchors)
        booked = add_to_slots(
            ops.reshape(ops.cast(fits, "int32"), flat),
            ops.reshape(ops.maximum(self.cell_slots, 0), flat),
            slot_count,
        )
        return booked > 0

    def assignment(
        self,
        labels: Labels,
        *,
        matched_object: Any,
        no_object_mask: Any,
        object_iou: Any,
    ) -> Assignment:
        """The masks and the ledger.

        Args:
            labels: The labels that were matched.
            matched_object: (B, P) int32.
            no_object_mask: (B, P) bool; slots in neither part are ignored.
            object_iou: (B, N, R) IoU of each object with what its slot predicts.
        """
        object_mask = matched_object >= 0
        usable = ops.expand_dims(labels.usable, -1)
        lost = ops.logical_and(self.wants, ops.logical_not(self.owns))
        nowhere = ops.logical_and(usable, ops.logical_not(self.wants))
        status = ops.where(lost, int(ObjectStatus.OVERWRITTEN), ops.expand_dims(labels.status, -1))
        # The best anchor belongs to a head of the network that these predictions do not hold.
        status = ops.where(nowhere, int(ObjectStatus.BELOW_THRESHOLD), status)
        usable = ops.expand_dims(usable, -1)
        return Assignment(
            object_mask=object_mask,
            no_object_mask=no_object_mask,
            ignore_mask=ops.logical_not(ops.logical_or(object_mask, no_object_mask)),
            matched_object=matched_object,
            object_slot=ops.where(self.wants, self.slot, -1),
            match_count=ops.cast(self.owns, "int32"),
            object_status=ops.cast(status, "int32"),
            overwritten_by=ops.where(lost, self.last, -1),
            object_iou=ops.where(self.wants, object_iou, 0.0),
            candidate_slots=ops.where(usable, self.candidates, -1),
            candidate_score=ops.where(usable, self.score, 0.0),
            candidate_measure="shape IoU",
        )


def match_anchors(
    labels: Labels,
    anchors: AnchorSet,
    grids: Sequence[tuple[int, int, int]],
    *,
    per_head: bool,
    cell_by_division: bool = False,
) -> AnchorMatching:
    """Compares every object with the anchors of its own cell on every head.

    Args:
        labels: The labels of the batch.
        anchors: T anchors.
        grids: (rows, columns, anchors) of each head.
        per_head: Each head matches by itself, R = heads; else the best of all anchors is matched,
            R = 1.
        cell_by_division: As in `YoloV3Loss`.
    """
    cell_of = _cell_by_division if cell_by_division else owning_cell
    slots: list[Any] = [None] * len(anchors.sizes)
    start = 0
    for rows, (height, width, count) in zip(anchors.heads, grids, strict=True):
        row = cell_of(labels.boxes[..., 1], height)
        column = cell_of(labels.boxes[..., 0], width)
        for place, anchor in enumerate(rows):
            slots[anchor] = start + (row * width + column) * count + place
        start += height * width * count
    nothing = ops.full_like(labels.classes, -1)
    # (B, N, T)
    cell_slots = ops.stack([nothing if slot is None else slot for slot in slots], axis=-1)
    sizes = ops.convert_to_tensor(anchors.sizes)
    cell_score = shape_iou(ops.expand_dims(labels.boxes[..., 2:], 2), sizes)

    groups = anchors.heads if per_head else (tuple(range(len(anchors.sizes))),)
    widest = max(len(group) for group in groups)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("slot", "wants", "owns", "last", "rivals", "candidates", "score")
    }
    for group in groups:
        members = np.asarray(group, np.int32)
        candidates = ops.take(cell_slots, members, axis=-1)
        score = ops.take(cell_score, members, axis=-1)
        best = ops.expand_dims(ops.argmax(score, axis=-1), -1)
        slot = ops.squeeze(ops.take_along_axis(candidates, best, axis=-1), -1)
        wants = ops.logical_and(labels.usable, slot >= 0)
        rivals = same_slot(slot, wants)
        _, last = first_and_last(rivals)
        spare = [[0, 0], [0, 0], [0, widest - len(group)]]
        candidates, score = best_candidates(
            ops.pad(candidates, spare, constant_values=-1),
            ops.pad(score, spare, constant_values=0.0),
        )
        columns["slot"].append(ops.maximum(slot, 0))
        columns["wants"].append(wants)
        columns["owns"].append(ops.equal(last, ops.arange(ops.shape(last)[1], dtype="int32")))
        columns["last"].append(last)
        columns["rivals"].append(rivals)
        columns["candidates"].append(candidates)
        columns["score"].append(score)
    rivals = columns.pop("rivals")
    return AnchorMatching(
        **{name: ops.stack(values, axis=2) for name, values in columns.items()},
        rivals=rivals,
        cell_slots=cell_slots,
        cell_score=cell_score,
    )


def _cell_by_division(centre: Any, cells: int) -> Any:
    """The cell as yolov3-tf2 finds it, (...) int32."""
    cell = ops.floor_divide(centre, float(np.float32(1) / np.float32(cells)))
    return ops.cast(ops.clip(cell, 0, cells - 1), "int32")
