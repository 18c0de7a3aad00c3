"""YOLOv5: an object trains every anchor of like shape, in up to three cells of each head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import Tensor, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_heads import AnchorHeads
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.cross_entropy import SMALLEST_DOUBT, soft_cross_entropy
from yolo_core.losses.labels import read_labels
from yolo_core.losses.meaning import cells_across, inverse_sigmoid, offset_in_cell, outside, refuse
from yolo_core.losses.option_values import fraction, number_from
from yolo_core.losses.slot_axis import (
    add_to_slots,
    gather_slots_and_channel,
    highest_of_slot,
    spread_to_slots,
    value_at,
)
from yolo_core.losses.yolov5 import STRIDES
from yolo_core.losses.yolov5.complete_iou import complete_iou
from yolo_core.losses.yolov5.entries import (
    CELLS,
    HIGH_BLOCKS,
    AnchorPlaces,
    Entries,
    find_entries,
)
from yolo_core.losses.yolov5.ledger import entry_ledger
from yolo_core.losses.yolov5.slips import ALPHA, ANCHOR_RATIO, BALANCES, SLIPS
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV5Loss(AnchorHeads):
    """The loss of YOLOv5, its numbers those of its repository.

    Every object is offered to all anchors of all heads. An anchor takes it if no side of the one is
    `anchor_ratio` times that of the other or more, and then in the object's own cell and in the
    nearest cell beside it and the nearest above or below it: an entry each. Box and class of a slot
    are trained for all its entries (SHARED where they are of several objects), its objectness for
    one of them: the last object whose own cell it is, else the last one. An object that no anchor
    takes trains nothing on that head (BELOW_THRESHOLD). Terms, each a mean on its head and times
    the pictures of the batch: ``box``, 1 - CIoU of the entries; ``objectness`` of slots with an
    object, binary cross-entropy to that CIoU, and ``no_object`` of all others to 0, of both a mean
    over all slots that the head's `balance` weighs; ``classification``, binary cross-entropy of
    each class, a mean over entries and classes, 0 where there is one class alone.

    Predictions: see `MultiHeadLoss`; slot channels [x, y, w, h, objectness, classes], raw. Box:
    x = (column + 2 sigmoid - 1/2) / columns, likewise y; w and h = anchor * (2 sigmoid)^2.

    Args:
        anchors: As in `YoloV3Loss`.
        num_classes: C.
        grids: (rows, columns) of each head; needed where the slots come in one tensor.
        image_size: As in `YoloV3Loss`.
        anchor_mask: The rows of `anchors` that each head uses.
        lambdas: By term, or "coord" for box, "class" for classification, "obj" for objectness and
            no_object. Published 0.05, 0.5 and 1.
        anchor_ratio: Ratio of sides from which an anchor does not take an object. Published 4.
        balance: Weight of the objectness of each head. None: 4, 1, 0.4 of three heads, else the
            first ones of 4, 1, 0.25, 0.06, 0.02.
        label_smoothing: Classes are trained towards 1 less half of it, and half of it.
        gamma: Power of the focal loss of objectness and classes; 0 for none.
        alpha: With a gamma, weight of the entries with target 1; the others have 1 less that.
        sort_iou: Whether the entry with the largest CIoU decides over a slot's objectness.
        anchor_for_all: Whether an object that no anchor takes has the one that fits best.
        drop_repeats: Whether a centre on the border of its cell trains that cell once, not twice.
        mean_of_pictures: Whether the total is not times the pictures of the batch.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or anchors or grids do not fit.
    """

    term_names: ClassVar = ("box", "objectness", "no_object", "classification")
    default_lambdas: ClassVar[Mapping[str, float]] = {
        "box": 0.05,
        "objectness": 1.0,
        "no_object": 1.0,
        "classification": 0.5,
    }
    lambda_groups: ClassVar = {
        "coord": ("box",),
        "class": ("classification",),
        "obj": ("objectness", "no_object"),
    }
    known_slips: ClassVar = SLIPS
    strides = STRIDES

    def __init__(
        self,
        anchors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None = None,
        image_size: int | Sequence[int] | None = None,
        anchor_mask: Sequence[Sequence[int]] | None = None,
        lambdas: Mapping[str, float] | None = None,
        anchor_ratio: float = ANCHOR_RATIO,
        balance: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        gamma: float = 0.0,
        alpha: float = ALPHA,
        sort_iou: bool = False,
        anchor_for_all: bool = False,
        drop_repeats: bool = False,
        mean_of_pictures: bool = False,
        name: str = "yolov5",
    ) -> None:
        super().__init__(
            anchors,
            num_classes,
            grids=grids,
            image_size=image_size,
            anchor_mask=anchor_mask,
            lambdas=lambdas,
            name=name,
        )
        ratio = number_from("anchor_ratio", anchor_ratio)
        if not ratio > 1:
            raise ValueError(f"anchor_ratio must be above 1; received {anchor_ratio!r}.")
        self._keep_options(
            anchor_ratio=ratio,
            balance=_head_weights(balance, len(self.anchors_per_head)),
            label_smoothing=fraction("label_smoothing", label_smoothing),
            gamma=number_from("gamma", gamma),
            alpha=fraction("alpha", alpha),
            sort_iou=bool(sort_iou),
            anchor_for_all=bool(anchor_for_all),
            drop_repeats=bool(drop_repeats),
            mean_of_pictures=bool(mean_of_pictures),
        )

    @property
    def thresholds(self) -> dict[str, float]:
        """The ratio of sides."""
        return {"anchor_ratio": self.options["anchor_ratio"]}

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        many = isinstance(y_pred, list | tuple)
        layout = self.slots([each.shape for each in y_pred] if many else y_pred.shape)
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))  # (B, P, 5 + C)
        labels = read_labels(y_true)
        places = AnchorPlaces.of(self.anchors, layout.grids)
        entries = find_entries(
            labels,
            places,
            anchor_ratio=self.options["anchor_ratio"],
            for_all=self.options["anchor_for_all"],
            once=self.options["drop_repeats"],
        )
        batch, objects, anchors = ops.shape(entries.fit)  # T anchors

        def flat(values: Tensor) -> Tensor:
            """(B, M) of (B, N, T, 3), M = N * T * 3 entries."""
            return ops.reshape(values, (batch, objects * anchors * CELLS))

        def unflat(values: Tensor, *features: int) -> Tensor:
            """(B, N, T, 3, ...) of (B, M, ...)."""
            return ops.reshape(values, (batch, objects, anchors, CELLS, *features))

        # What each entry wants, and what its slot predicts, in cells from the corner of its own.
        slot = flat(entries.slot)
        own, objectness = gather_slots_and_channel(raw, slot, 4)  # (B, M, 5 + C), (B, P)
        # Split and not sliced: the gradient of a split is one concatenation.
        own_box, own_objectness, own_classes = ops.split(
            unflat(own, raw.shape[-1]), [4, 5], axis=-1
        )
        size = ops.expand_dims(ops.convert_to_tensor(places.size), 1)  # (T, 1, 2)
        agreement = self._agreement(_decoded(own_box, size), entries)  # (B, N, T, 3)
        quality = flat(ops.stop_gradient(ops.relu(agreement)))  # (B, M)

        # Of the entries of a slot the one with the highest place decides over its objectness.
        row = ops.reshape(ops.arange(1, objects + 1, dtype="int32"), (-1, 1, 1))
        place = flat(ops.where(entries.there, self._order(entries) * objects + row, 0))
        if self.options["sort_iou"]:
            best = highest_of_slot(ops.where(place > 0, quality, 0.0), slot, layout.count)
            best = value_at(best, slot)
            place = ops.where(quality >= best, place, 0)
        highest = highest_of_slot(place, slot, layout.count)  # (B, P)
        decides = ops.equal(place, value_at(highest, slot))
        decides = ops.cast(ops.logical_and(decides, place > 0), "float32")
        object_mask = highest > 0
        row_of_slot = (highest - 1) % ops.maximum(objects, 1)
        matched_object = ops.where(object_mask, row_of_slot, -1)  # (B, P)

        pictures = ops.sum(ops.ones_like(objectness[:, 0]))
        entry_share, slot_share = self._shares(entries, places, layout, pictures)
        empty = ops.where(object_mask, 0.0, slot_share)
        one_hot = ops.expand_dims(ops.expand_dims(labels.one_hot, 2), 2)  # (B, N, 1, 1, C)
        class_error = self._class_error(own_classes, one_hot)

        corner = np.zeros((layout.count, 4), np.float32)
        corner[:, 0], corner[:, 1] = layout.column, layout.row
        cells = np.tile(cells_across(layout), 2).astype(np.float32)  # (P, 4)
        in_cell = _decoded(raw[..., :4], layout.prior[:, 2:] * cells[:, 2:])  # (B, P, 4)
        # Tensors: PyTorch takes an array beside one with a gradient for its own business.
        corner, cells = ops.convert_to_tensor(corner), ops.convert_to_tensor(cells)
        boxes = (in_cell + corner) / cells
        return taken_apart(
            self,
            slots=slot,
            booked={
                "box": flat(entry_share * (1.0 - agreement)),
                "objectness": decides
                * ops.take(slot_share, slot)
                * self._binary(flat(own_objectness), quality),
                "classification": flat(entry_share * class_error),
            },
            dense={"no_object": empty * self._binary(objectness, 0.0)},
            assignment=entry_ledger(labels, entries, self.anchors_per_head, matched_object, boxes),
            overlap=ops.stop_gradient(ops.transpose(pairwise_iou(labels.boxes, boxes), (0, 2, 1))),
            target_box=spread_to_slots(labels.boxes, matched_object, float("nan")) * cells - corner,
            target_objectness=add_to_slots(decides * quality, slot, layout.count),
            target_class=spread_to_slots(labels.classes, matched_object, -1),
            boxes=boxes,
            compared=in_cell,
            objectness=ops.sigmoid(objectness),
            # One class alone is not trained: an object has it.
            class_probabilities=ops.sigmoid(raw[..., 5:])
            if self.num_classes > 1
            else ops.ones_like(raw[..., 5:]),
        )

    def _shares(
        self, entries: Entries, places: AnchorPlaces, layout: SlotLayout, pictures: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The part of its term that an entry is, (B, N, T, 3), and the objectness of a slot, (P,).

        Args:
            entries: All of them.
            places: The anchors.
            layout: The slots.
            pictures: Scalar float32, how many there are.
        """
        of_anchor = ops.sum(entries.times, axis=(0, 1, 3))  # (T,)
        counts = [
            ops.sum(ops.where(places.head == head, of_anchor, 0.0))
            for head in range(len(layout.grids))
        ]
        counts = self.reduce_count(ops.stack([*counts, pictures]))
        pictures = ops.maximum(counts[-1], 1.0)
        times = 1.0 if self.options["mean_of_pictures"] else pictures
        share = ops.take(times / ops.maximum(counts[:-1], 1.0), places.head)  # (T,)
        slots = np.asarray([rows * columns * count for rows, columns, count in layout.grids])
        balance = np.asarray(self.options["balance"]) / slots
        of_slot = ops.convert_to_tensor(balance.astype(np.float32)[layout.head])
        return entries.times * ops.expand_dims(share, -1), of_slot * (times / pictures)

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        centre = (offset_in_cell(layout, boxes[..., :2]) + 0.5) / 2
        size = np.sqrt(np.maximum(boxes[..., 2:], 0) / layout.prior[:, 2:].astype(np.float64)) / 2
        refuse(
            outside(centre),
            "a slot's box has its centre at most half a cell outside its own cell, and {} have "
            "theirs elsewhere",
        )
        refuse(outside(size), "a slot's box has at most 4 times its anchor's sides, and {} more")
        return inverse_sigmoid(centre), inverse_sigmoid(size)

    # The pieces that published code has otherwise: see verbatim.py.

    def _agreement(self, boxes: Tensor, entries: Entries) -> Tensor:
        """(B, N, T, 3) CIoU of (B, N, T, 3, 4) predicted boxes with their objects."""
        return complete_iou(boxes, entries.centre, entries.size)

    def _order(self, entries: Entries) -> Tensor:
        """(B, N, T, 3) int32: the entry of a slot with the highest one decides."""
        return ops.where(ops.arange(CELLS) < 1, HIGH_BLOCKS[-1] + 1, entries.block)

    def _binary(self, logit: Tensor, target: Tensor | float) -> Tensor:
        """(...) binary cross-entropy of logits with targets from 0 to 1, focal with a gamma."""
        error = soft_cross_entropy(logit, target)
        alpha, gamma = self.options["alpha"], self.options["gamma"]
        if not gamma:
            return error
        # p of the right answer lies between those of either answer, as the target does (G-10).
        wrong = target * ops.sigmoid(-logit) + (1.0 - target) * ops.sigmoid(logit)
        weight = target * alpha + (1.0 - target) * (1.0 - alpha)
        return weight * ops.power(ops.maximum(wrong, SMALLEST_DOUBT), gamma) * error

    def _class_error(self, classes: Tensor, one_hot: Tensor) -> Tensor:
        """(...) what (..., C) raw classes cost with (..., C) classes of the objects."""
        if self.num_classes == 1:
            return ops.zeros_like(classes[..., 0])
        smoothing = self.options["label_smoothing"]
        target = one_hot * (1.0 - smoothing) + smoothing / 2
        return ops.mean(self._binary(classes, target), axis=-1)


def _decoded(raw: Tensor, anchor: Tensor) -> Tensor:
    """(..., 4) boxes in cells, their centre from the corner of the cell, of (..., 4) raw numbers.

    Args:
        raw: Raw x, y, w, h.
        anchor: (..., 2) width and height in cells.
    """
    twice = 2.0 * ops.sigmoid(raw)
    return ops.concatenate(
        [twice[..., :2] - 0.5, ops.square(twice[..., 2:]) * ops.convert_to_tensor(anchor)], axis=-1
    )


def _head_weights(balance: Sequence[float] | None, heads: int) -> list[float]:
    """A weight a head.

    Raises:
        ValueError: There is none for each of them.
    """
    if balance is None:
        published = BALANCES.get(heads, BALANCES[max(BALANCES)])[:heads]
        if len(published) < heads:
            raise ValueError(
                f"balance must be {heads} numbers, one a head: published are {len(published)}."
            )
        return list(published)
    weights = [number_from("balance", each) for each in np.ravel(balance).tolist()]
    if len(weights) != heads:
        raise ValueError(f"balance must be {heads} numbers, one a head; received {balance!r}.")
    return weights
