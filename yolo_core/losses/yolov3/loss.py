"""YOLOv3: several heads, the best anchor of all takes an object, independent classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import IgnoreRule
from yolo_core.boxes import Tensor, intersection_over_union, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_boxes import AnchorOutput
from yolo_core.losses.anchor_heads import AnchorHeads
from yolo_core.losses.anchor_set import cell_anchors
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.cross_entropy import binary_cross_entropy
from yolo_core.losses.labels import Labels, owning_cell, read_labels
from yolo_core.losses.matching import Matching, last_object_wins
from yolo_core.losses.option_values import fraction
from yolo_core.losses.slot_axis import (
    gather_slots,
    gather_slots_and_channel,
    largest,
    spread_to_slots,
)
from yolo_core.losses.yolov3 import STRIDES
from yolo_core.losses.yolov3.slips import IGNORE_THRESHOLD, SLIPS
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV3Loss(AnchorOutput, AnchorHeads):
    """The YOLOv3 loss (Redmon & Farhadi 2018, sections 2.1 to 2.3).

    Of all anchors of all heads, each in the cell that an object's centre falls in, the one with
    the best shape IoU is responsible for it. Where two objects want one slot the later row takes it
    (OVERWRITTEN). A slot without an object is trained to say so, unless its predicted box overlaps
    some object with IoU at or above `ignore_threshold`. Terms, each a mean on each head over the
    slots of the whole batch that it concerns, and the heads summed: ``xy`` squared error of the
    centre in its cell and ``wh`` of the logarithm of size over anchor (both summed over their two
    numbers); ``objectness`` and ``no_object`` binary cross-entropy to 1 and to 0;
    ``classification`` binary cross-entropy of each class, their mean. An empty mean is 0 (C-6).
    The published code does much of this otherwise (`docs/losses.md`, yolov3): `published` has it.

    Predictions: see `MultiHeadLoss`; slot channels [x, y, w, h, objectness, classes], raw. Box:
    x = (column + sigmoid) / columns, y = (row + sigmoid) / rows, w and h = anchor * exp.

    Args:
        anchors: (A, 2) widths and heights for one head, or one such list a head, in image
            fractions, or in pixels together with `image_size`. As a (T, 2) list for the whole
            network with `anchor_mask`.
        num_classes: C.
        grids: (rows, columns) of each head; needed where the slots come in one tensor.
        image_size: The pixels that anchors are measured in (published `img_dim`, 416): of a
            square, or (height, width). None for image fractions.
        anchor_mask: The rows of `anchors` that each head uses, as in yolov3-tf2 and darknet. An
            object whose best anchor no head uses is BELOW_THRESHOLD.
        lambdas: By term, or "coord" for xy and wh. All 1.
        ignore_threshold: IoU from which a slot without an object is ignored.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or anchors or grids do not fit.
    """

    term_names: ClassVar = ("xy", "wh", "objectness", "no_object", "classification")
    default_lambdas: ClassVar[Mapping[str, float]] = dict.fromkeys(term_names, 1.0)
    lambda_groups: ClassVar = {"coord": ("xy", "wh"), "class": ("classification",)}
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
        ignore_threshold: float = IGNORE_THRESHOLD,
        name: str = "yolov3",
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
        self._keep_options(ignore_threshold=fraction("ignore_threshold", ignore_threshold))

    @property
    def ignore_rule(self) -> IgnoreRule:
        """Slots whose predicted box overlaps an object well."""
        return IgnoreRule("predicted_box", self.options["ignore_threshold"])

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        many = isinstance(y_pred, list | tuple)
        layout = self.slots([each.shape for each in y_pred] if many else y_pred.shape)
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))  # (B, P, 5 + C)
        labels = read_labels(y_true)

        # Of each slot: cells of its grid across the picture, its own cell, its anchor.
        cells = np.round(1 / layout.stride)
        corner = np.stack([layout.column, layout.row], axis=-1).astype(np.float32)
        parts = [cells, corner, layout.prior[:, 2:]]
        place = ops.convert_to_tensor(np.concatenate(parts, axis=-1, dtype=np.float32))  # (P, 6)
        cells, corner, anchor = place[:, :2], place[:, 2:4], place[:, 4:]
        grid = ops.tile(cells, (1, 2))  # (P, 4)
        boxes = self._boxes(raw[..., :4], corner, anchor * cells, grid) / grid  # (B, P, 4)
        overlap = ops.stop_gradient(pairwise_iou(labels.boxes, boxes))  # (B, N, P)

        matching = self._match(labels, layout)
        slot, owns = matching.claims(matching.slot), matching.claims(matching.owns)  # (B, M)
        matched_claim = matching.claim_of_slot(layout.count)  # (B, P)
        matched_object = matching.object_of_claim(matched_claim)  # (B, P)
        object_mask = matched_claim >= 0
        ignored = self._ignored(labels, matching, overlap, layout)
        no_object_mask = ops.logical_not(ops.logical_or(object_mask, ignored))

        # (B, M, ...): what each claim wants, and what its slot predicts.
        wanted = ops.repeat(labels.boxes, matching.rows, axis=1)
        own, objectness = gather_slots_and_channel(raw, slot, 4)  # (B, M, 5 + C), (B, P)
        of_slot = ops.take(place, slot, axis=0)  # (B, M, 6)
        xy_target = wanted[..., :2] * of_slot[..., :2] - of_slot[..., 2:4]
        # The published 1e-16 matters to boxes of no size alone, which are in no term.
        wh_target = ops.log(wanted[..., 2:] / of_slot[..., 4:] + 1e-16)
        share, empty_share = self._shares(object_mask, no_object_mask, layout)  # (P,) each
        share = ops.cast(owns, "float32") * ops.take(share, slot)
        box_share = share * self._box_weight(wanted)
        off_centre = ops.square(xy_target - ops.sigmoid(own[..., :2]))
        off_size = ops.square(wh_target - own[..., 2:4])
        classes = self._class_target(labels, matching)  # (B, M, C)
        booked = {
            "xy": box_share * ops.sum(off_centre, axis=-1),
            "wh": box_share * ops.sum(off_size, axis=-1),
            "objectness": share * self._binary(own[..., 4], 1),
            "classification": share * self._class_error(own[..., 5:], classes),
        }
        empty = ops.cast(no_object_mask, "float32") * empty_share  # (B, P)
        target = ops.concatenate([xy_target, wh_target], axis=-1)  # (B, M, 4)
        return taken_apart(
            self,
            slots=slot,
            booked=booked,
            dense={"no_object": empty * self._binary(objectness, 0)},
            assignment=matching.assignment(
                labels,
                matched_object,
                no_object_mask,
                intersection_over_union(wanted, gather_slots(boxes, slot)),
            ),
            overlap=ops.transpose(overlap, (0, 2, 1)),
            target_box=spread_to_slots(target, matched_claim, float("nan")),
            target_objectness=ops.ones_like(objectness),
            target_class=spread_to_slots(labels.classes, matched_object, -1),
            boxes=boxes,
            compared=ops.concatenate([ops.sigmoid(raw[..., :2]), raw[..., 2:4]], axis=-1),
            objectness=self._confidence(objectness),
            class_probabilities=self._class_probabilities(raw[..., 5:]),
        )

    def _class_probabilities(self, classes: Tensor) -> Tensor:
        return ops.sigmoid(classes)

    # The pieces that published code has otherwise: see verbatim.py.

    def _cell_of(self, centre: Tensor, cells: int) -> Tensor:
        """(...) int32 row or column of centres."""
        return owning_cell(centre, cells)

    def _match(self, labels: Labels, layout: SlotLayout) -> Matching:
        """Gives each object the anchor, of all heads, that fits its shape best."""
        every = cell_anchors(labels, self.anchors, layout.grids, self._cell_of)
        return last_object_wins(labels, [every], "shape IoU")

    def _ignored(
        self, labels: Labels, matching: Matching, overlap: Tensor, layout: SlotLayout
    ) -> Tensor:
        """(B, P) bool: slots that the ignore rule names, slots with an object among them."""
        del labels, matching, layout
        return largest(overlap, empty=0.0, axis=1) >= self.options["ignore_threshold"]

    def _shares(
        self, object_mask: Tensor, no_object_mask: Tensor, layout: SlotLayout
    ) -> tuple[Tensor, Tensor]:
        """Two (P,): the part of its term that one slot with, and one without an object is."""
        sizes = [rows * columns * count for rows, columns, count in layout.grids]
        starts = np.cumsum([0, *sizes]).tolist()
        counts = [
            ops.sum(ops.cast(mask[:, start : start + size], "float32"))
            for mask in (object_mask, no_object_mask)
            for start, size in zip(starts, sizes, strict=False)
        ]
        share = 1.0 / ops.maximum(self.reduce_count(ops.stack(counts)), 1.0)
        heads = len(layout.grids)
        return ops.take(share, layout.head), ops.take(share, layout.head + heads)

    def _box_weight(self, wanted: Tensor) -> Tensor | float:
        """What the box terms of (B, M, 4) boxes weigh, (B, M)."""
        del wanted
        return 1.0

    def _class_target(self, labels: Labels, matching: Matching) -> Tensor:
        """(B, M, C): the classes that each claim's slot is trained towards."""
        return ops.repeat(labels.one_hot, matching.rows, axis=1)

    def _class_error(self, classes: Tensor, one_hot: Tensor) -> Tensor:
        """(B, M): what the classes of each claim cost, the mean over them."""
        error = one_hot * self._binary(classes, 1) + (1.0 - one_hot) * self._binary(classes, 0)
        return ops.mean(error, axis=-1)

    def _binary(self, logit: Tensor, target: int) -> Tensor:
        """(...) binary cross-entropy of logits with a target of 0 or 1."""
        return binary_cross_entropy(logit, target)
