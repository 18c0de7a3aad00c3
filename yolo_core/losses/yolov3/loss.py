"""YOLOv3: several heads, anchors matched by shape, independent class probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.boxes import intersection_over_union, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_boxes import decode_anchor_boxes
from yolo_core.losses.anchor_matching import AnchorMatching, match_anchors, read_anchors
from yolo_core.losses.cross_entropy import binary_cross_entropy
from yolo_core.losses.labels import Labels, read_labels
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.losses.slot_axis import (
    add_to_slots,
    gather_slots,
    gather_slots_and_channel,
    largest,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout

# nn.BCELoss divides its gradient by p * (1 - p), but by no less than this.
SMALLEST_VARIANCE = 1e-12


@keras.saving.register_keras_serializable(package="yolo_core")
class YoloV3Loss(MultiHeadLoss):
    """YOLOv3, read as `docs/losses.md#yolov3` says.

    On each head the cell of an object's centre owns it, and of the cell's anchors the one with the
    best shape IoU is responsible. Where two objects want one slot the later row takes it
    (OVERWRITTEN). A slot without an object is trained to say so, unless the ignore rule leaves it
    alone. Terms, each a mean on each head over the slots of the whole batch that it concerns, and
    the heads summed: ``xy`` squared error of the centre in its cell and ``wh`` of the logarithm of
    size over anchor (both summed over their two numbers); ``objectness`` and ``no_object`` binary
    cross-entropy to 1 and to 0; ``classification`` binary cross-entropy of each class, their mean.
    An empty mean is 0 (C-6).

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
        lambdas: By term, or "coord" for xy and wh. Published: no_object 100, later 0.5 (C-2), the
            others 1.
        matching: "per_head", as published: every head takes every object. "all_anchors": the best
            anchor of all heads takes it, as in the paper and yolov3-tf2 (C-4).
        ignore_rule: "anchor_shape", as published: ignores slots of the object's own cell with
            shape IoU above the threshold. "predicted_box", the paper's: ignores slots whose
            predicted box has IoU at or above it with some object. "predicted_box_of_head",
            yolov3-tf2's: the same, but only objects that the slot's head trains (C-3).
        ignore_threshold: 0.5 in all of them.
        size_weighting: Weighs xy and wh of an object by 2 - w * h, as yolov3-tf2 and darknet do.
        normaliser: "mean", as published, or "sum" over everything, as yolov3-tf2.
        class_collision: "last": the object that takes a slot brings its class. "all": all that
            wanted it bring theirs, as published (C-5).
        class_error: "binary", or "share_of_sigmoids": cross-entropy of the sigmoids divided by
            their sum, which is what yolov3-tf2 makes of them.
        cell_by_division: Finds the cell as centre // (1 / cells), as yolov3-tf2 does: centres on
            some borders fall one cell low.
        probability_clip: None takes cross-entropies from the logits. A number: of probabilities
            clipped to [clip, 1 - clip], as eager Keras has them (1e-7). "torch": of float32
            probabilities with logarithms of -100 at least, as `nn.BCELoss` has them: a saturated
            mistake jumps to 100 and loses its gradient (C-7).
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or anchors or grids do not fit.
    """

    term_names: ClassVar = ("xy", "wh", "objectness", "no_object", "classification")
    default_lambdas: ClassVar[Mapping[str, float]] = {
        "xy": 1.0,
        "wh": 1.0,
        "objectness": 1.0,
        "no_object": 100.0,
        "classification": 1.0,
    }
    lambda_groups: ClassVar = {"coord": ("xy", "wh"), "class": ("classification",)}
    anchor_argument: ClassVar = "anchors"
    choices: ClassVar = {
        "matching": ("per_head", "all_anchors"),
        "ignore_rule": ("anchor_shape", "predicted_box", "predicted_box_of_head"),
        "normaliser": ("mean", "sum"),
        "class_collision": ("last", "all"),
        "class_error": ("binary", "share_of_sigmoids"),
    }

    def __init__(
        self,
        anchors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None = None,
        image_size: int | Sequence[int] | None = None,
        anchor_mask: Sequence[Sequence[int]] | None = None,
        lambdas: Mapping[str, float] | None = None,
        matching: str = "per_head",
        ignore_rule: str = "anchor_shape",
        ignore_threshold: float = 0.5,
        size_weighting: bool = False,
        normaliser: str = "mean",
        class_collision: str = "last",
        class_error: str = "binary",
        cell_by_division: bool = False,
        probability_clip: float | str | None = None,
        name: str = "yolov3",
    ) -> None:
        self.anchors = read_anchors(anchors, anchor_mask=anchor_mask, image_size=image_size)
        super().__init__(
            anchors_per_head=[len(rows) for rows in self.anchors.heads],
            grids=grids,
            num_classes=num_classes,
            lambdas=lambdas,
            name=name,
        )
        self._keep_options(
            matching=matching,
            ignore_rule=ignore_rule,
            ignore_threshold=float(ignore_threshold),
            size_weighting=size_weighting,
            normaliser=normaliser,
            class_collision=class_collision,
            class_error=class_error,
            cell_by_division=cell_by_division,
            probability_clip=probability_clip,
        )
        if not 0 <= ignore_threshold <= 1:
            raise ValueError(f"ignore_threshold must be 0 to 1; received {ignore_threshold!r}.")
        if probability_clip not in (None, "torch") and not 0 < probability_clip < 0.5:
            raise ValueError(
                'probability_clip must be None, "torch", or between 0 and 0.5; '
                f"received {probability_clip!r}."
            )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, objectness, then the classes."""
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("x", "y", "w", "h", "objectness", *classes)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """The heads in order, with the anchors as priors."""
        return SlotLayout.from_grids(self.head_grids(y_pred_shape), self.anchors.of_heads)

    @property
    def ignore_rule(self) -> str:
        """When a slot without an object is ignored, as the end of a sentence."""
        if self.options["ignore_rule"] != "anchor_shape":
            return super().ignore_rule
        return (
            "the rule ignores slots of an object's own cell from a shape IoU above "
            f"{self.options['ignore_threshold']:.2f} on"
        )

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments; anchors as image fractions."""
        return {
            **super().get_config(),
            "anchors": self.anchors.sizes.tolist(),
            "anchor_mask": [list(rows) for rows in self.anchors.heads],
            "grids": None if self.grids is None else [list(grid) for grid in self.grids],
            **self.options,
        }

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        many = isinstance(y_pred, list | tuple)
        layout = self.slots([each.shape for each in y_pred] if many else y_pred.shape)
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))
        labels = read_labels(y_true)
        slot_count = layout.count

        # (P, 2) each: cells of the slot's grid across the picture, its own cell, its anchor.
        cells = np.round(1 / layout.stride)
        corner = np.stack([layout.column, layout.row], axis=-1).astype(np.float32)
        place = ops.convert_to_tensor(
            np.concatenate([cells, corner, layout.prior[:, 2:]], axis=-1, dtype=np.float32)
        )
        cells, corner, anchor = place[:, :2], place[:, 2:4], place[:, 4:]
        boxes = decode_anchor_boxes(raw[..., :4], corner, anchor * cells)
        boxes = boxes / ops.tile(cells, (1, 2))
        # (B, N, P)
        overlap = ops.stop_gradient(pairwise_iou(labels.boxes, boxes))

        matching = match_anchors(
            labels,
            self.anchors,
            layout.grids,
            per_head=self.options["matching"] == "per_head",
            cell_by_division=self.options["cell_by_division"],
        )
        # A claim is an object on one ledger row: M = N * R of them, object by object.
        rows = matching.rows
        batch, objects = ops.shape(labels.usable)
        claims = (batch, objects * rows)
        slot = ops.reshape(matching.slot, claims)
        owns = ops.reshape(matching.owns, claims)
        matched_claim = object_of_slot(slot, owns, slot_count)
        matched_object = ops.floor_divide(matched_claim, rows)
        object_mask = matched_claim >= 0
        ignored = self._ignored(labels, matching, overlap, layout)
        no_object_mask = ops.logical_not(ops.logical_or(object_mask, ignored))

        # (B, M, ...): what each claim wants, and what its slot predicts.
        claim_boxes = ops.repeat(labels.boxes, rows, axis=1)
        own, objectness = gather_slots_and_channel(raw, slot, 4)
        own_offset = ops.sigmoid(own[..., :2])
        of_slot = ops.take(place, slot, axis=0)
        xy_target = claim_boxes[..., :2] * of_slot[..., :2] - of_slot[..., 2:4]
        # The published 1e-16 matters to boxes of no size alone, which are in no term.
        wh_target = ops.log(claim_boxes[..., 2:] / of_slot[..., 4:] + 1e-16)
        object_share, empty_share = self._shares(object_mask, no_object_mask, layout)
        share = ops.cast(owns, "float32") * ops.take(object_share, slot)
        box_share = share
        if self.options["size_weighting"]:
            box_share = share * (2.0 - claim_boxes[..., 2] * claim_boxes[..., 3])
        booked = {
            "xy": box_share * ops.sum(ops.square(xy_target - own_offset), axis=-1),
            "wh": box_share * ops.sum(ops.square(wh_target - own[..., 2:4]), axis=-1),
            "objectness": share * self._binary(own[..., 4], 1),
            "classification": share * self._class_error(labels, matching, own[..., 5:], claims),
        }
        empty = ops.cast(no_object_mask, "float32") * empty_share
        no_object = empty * self._binary(objectness, 0)

        terms = {term: ops.sum(values) for term, values in booked.items()}
        terms["no_object"] = ops.sum(no_object)
        maps = {term: add_to_slots(each, slot, slot_count) for term, each in booked.items()}
        maps["no_object"] = no_object
        total, effective = self._weighted(terms)

        object_iou = intersection_over_union(claim_boxes, gather_slots(boxes, slot))
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=effective,
            assignment=matching.assignment(
                labels,
                matched_object=matched_object,
                no_object_mask=no_object_mask,
                object_iou=ops.reshape(object_iou, (batch, objects, rows)),
            ),
            targets={
                "overlap": ops.transpose(overlap, (0, 2, 1)),
                "xy": spread_to_slots(xy_target, matched_claim, float("nan")),
                "wh": spread_to_slots(wh_target, matched_claim, float("nan")),
                "objectness": ops.where(
                    object_mask, 1.0, ops.where(no_object_mask, 0.0, float("nan"))
                ),
                "class": spread_to_slots(labels.classes, matched_object, -1),
            },
            predictions={
                "boxes": boxes,
                "objectness": ops.sigmoid(objectness),
                "class_probabilities": ops.sigmoid(raw[..., 5:]),
                "xy": ops.sigmoid(raw[..., :2]),
                "wh": raw[..., 2:4],
            },
        )

    def _ignored(
        self, labels: Labels, matching: AnchorMatching, overlap: Any, layout: SlotLayout
    ) -> Any:
        """(B, P) bool: slots that the ignore rule names, slots with an object among them."""
        threshold = self.options["ignore_threshold"]
        if self.options["ignore_rule"] == "anchor_shape":
            return matching.fits_own_cell(labels, threshold, layout.count)
        if self.options["ignore_rule"] == "predicted_box_of_head":
            # (B, N, heads), then (B, N, P): whether the slot's head trains the object.
            head = ops.take(ops.convert_to_tensor(layout.head), matching.slot)
            heads = np.arange(len(layout.grids), dtype=np.int32)
            trains = ops.logical_and(
                ops.equal(ops.expand_dims(head, -1), heads), ops.expand_dims(matching.owns, -1)
            )
            trains = ops.take(ops.any(trains, axis=2), layout.head, axis=-1)
            overlap = ops.where(trains, overlap, 0.0)
        return largest(overlap, empty=0.0, axis=1) >= threshold

    def _shares(self, object_mask: Any, no_object_mask: Any, layout: SlotLayout) -> tuple[Any, Any]:
        """Two (P,): the part of its term that one slot with, and one without an object is."""
        if self.options["normaliser"] == "sum":
            one = ops.ones((layout.count,), "float32")
            return one, one
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

    def _class_error(
        self, labels: Labels, matching: AnchorMatching, logits: Any, claims: tuple[Any, Any]
    ) -> Any:
        """(B, M): what the classes of each claim cost."""
        target = ops.repeat(labels.one_hot, matching.rows, axis=1)
        if self.options["class_collision"] == "all":
            wanted = [
                ops.matmul(ops.cast(rivals, "float32"), labels.one_hot)
                for rivals in matching.rivals
            ]
            target = ops.minimum(ops.stack(wanted, axis=2), 1.0)
            target = ops.reshape(target, (*claims, self.num_classes))
        if self.options["class_error"] == "binary":
            error = target * self._binary(logits, 1) + (1.0 - target) * self._binary(logits, 0)
            mean = self.options["normaliser"] == "mean"
            return ops.sum(error, axis=-1) / (self.num_classes if mean else 1)
        clip = self._clip
        log_probability = (
            ops.log_sigmoid(logits)
            if clip is None
            else ops.log(ops.clip(ops.sigmoid(logits), clip, 1.0 - clip))
        )
        return -ops.sum(target * ops.log_softmax(log_probability, axis=-1), axis=-1)

    @property
    def _clip(self) -> float | None:
        clip = self.options["probability_clip"]
        return None if clip == "torch" else clip

    def _binary(self, logit: Any, target: int) -> Any:
        """(...) binary cross-entropy of logits with a target of 0 or 1."""
        if self.options["probability_clip"] == "torch":
            return _clamped_cross_entropy(logit, target)
        return binary_cross_entropy(logit, target, clip=self._clip)


def _clamped_cross_entropy(logit: Any, target: int) -> Any:
    """`torch.nn.BCELoss` of a sigmoid, value and gradient, in float32 on any backend.

    The gradient is laid onto the value by hand: behind a logarithm that has saturated there is
    none, or not a number.
    """
    fixed = ops.stop_gradient(logit)
    # Written out: the sigmoids of the backends round differently beside 1.
    probability = 1.0 / (1.0 + ops.exp(-fixed))
    logarithm = ops.log(probability) if target else ops.log1p(-probability)
    variance = probability * (1.0 - probability)
    slope = (probability - target) * variance / ops.maximum(variance, SMALLEST_VARIANCE)
    return slope * (logit - fixed) - ops.maximum(logarithm, -100.0)
