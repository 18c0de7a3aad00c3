"""RetinaNet: two thresholds with a band between that is ignored, and a focal loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import Assignment, IgnoreRule, ObjectStatus
from yolo_core.boxes import Tensor, intersection_over_union, pairwise_iou
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.cross_entropy import doubt_and_error
from yolo_core.losses.labels import Labels, first_and_last, read_labels, same_slot
from yolo_core.losses.meaning import SMALLEST, Meaning
from yolo_core.losses.option_values import fraction, number_from
from yolo_core.losses.prior_boxes import prior_layout, prior_ledger, trained_priors
from yolo_core.losses.retinanet.deltas import decode_deltas, encode_deltas, generalised_iou
from yolo_core.losses.retinanet.pyramid import PyramidAnchors
from yolo_core.losses.retinanet.setup import RetinaNetSetup
from yolo_core.losses.retinanet.slips import (
    ALPHA,
    BACKGROUND_THRESHOLD,
    FOREGROUND_THRESHOLD,
    GAMMA,
    SLIPS,
)
from yolo_core.losses.slot_axis import (
    best_and_first,
    gather_slots,
    largest,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.slots import SlotLayout

# What a maximum starts from, where a batch may hold no image.
LOWEST = -3e38
BOX_ERRORS = ("l1", "smooth_l1", "giou")
DIVISORS = ("image", "batch")


@keras.saving.register_keras_serializable(package="yolo_core")
class RetinaNetLoss(RetinaNetSetup):
    """The RetinaNet loss (Lin et al. 2017, sections 3 and 4), its numbers those of torchvision.

    An anchor takes the object that it overlaps most, from `foreground_threshold` on; below
    `background_threshold` with every object it is trained as no object, and between the two it is
    ignored. With `low_quality_matches` the anchors that an object overlaps most are foreground in
    any case, and the first of them is trained for that object, of two that share it for the later
    row. An object that no anchor overlaps has none (F-1). Terms, each divided by the picture's
    foreground anchors (at least 1) and by the number of pictures: ``box``, the error of the deltas
    or of the decoded box; ``classification``, the focal loss of the classes of foreground anchors
    and ``no_object`` of those that are background.

    Predictions: see `MultiHeadLoss`; slot channels [x, y, w, h, classes], raw. Box: x, y = anchor
    centre + delta * anchor size, w, h = anchor size * exp(delta), 62.5 times at most. There is no
    objectness: that of a breakdown is the probability of the likeliest class, and its class
    probabilities are relative to that.

    Args:
        priors: A `PyramidAnchors`, a mapping with the same keys, or (P, 4) x_center, y_center,
            width, height as image fractions.
        num_classes: C.
        grids: With (P, 4) priors, (rows, columns, anchors a cell) of each level; None takes them
            as one row of P cells.
        image_size: With (P, 4) priors, (height, width) of the pixels that overlaps are computed
            in; None for image fractions. It matters to the last digit alone.
        lambdas: By term, or "coord" for box. All 1.
        foreground_threshold: IoU from which an anchor takes an object. Published 0.5.
        background_threshold: IoU below which an anchor is trained as no object. Published 0.4.
        low_quality_matches: Whether the best anchors of an object are foreground at any IoU.
        box_error: "l1" or "smooth_l1" of the four deltas, or "giou", 1 - GIoU of decoded boxes.
        smooth_l1_beta: Error up to which "smooth_l1" is a square. Published 1.
        alpha: Weight of the entries of the focal loss with target 1; the others have 1 - alpha.
        gamma: Power of 1 - p of the right answer in the focal loss.
        divisor: "image", or "batch" to divide by the foreground anchors of the whole batch, as the
            paper does.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or anchors do not fit.
    """

    term_names: ClassVar = ("box", "classification", "no_object")
    default_lambdas: ClassVar[Mapping[str, float]] = dict.fromkeys(term_names, 1.0)
    lambda_groups: ClassVar = {"coord": ("box",), "class": ("classification", "no_object")}
    anchor_argument: ClassVar = "priors"
    known_slips: ClassVar = SLIPS
    classes_by_themselves: ClassVar = True

    def __init__(
        self,
        priors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None = None,
        image_size: int | Sequence[int] | None = None,
        lambdas: Mapping[str, float] | None = None,
        foreground_threshold: float = FOREGROUND_THRESHOLD,
        background_threshold: float = BACKGROUND_THRESHOLD,
        low_quality_matches: bool = True,
        box_error: str = "l1",
        smooth_l1_beta: float = 1.0,
        alpha: float = ALPHA,
        gamma: float = GAMMA,
        divisor: str = "image",
        name: str = "retinanet",
    ) -> None:
        self.pyramid = PyramidAnchors.read(priors) if isinstance(priors, Mapping) else None
        if isinstance(priors, PyramidAnchors):
            self.pyramid = priors
        if self.pyramid is not None:
            image_size, grids = self.pyramid.image_size, self.pyramid.grids
        height, width = np.broadcast_to(np.asarray(image_size or 1, np.float32), (2,)).tolist()
        self._pixels = np.asarray([width, height] * 2, np.float32)
        if self.pyramid is not None:
            priors = self._anchor_boxes(self.pyramid) / self._pixels
        self.layout = prior_layout(priors, grids)
        super().__init__(
            anchors_per_head=[count for _, _, count in self.layout.grids],
            grids=[(rows, columns) for rows, columns, _ in self.layout.grids],
            num_classes=num_classes,
            lambdas=lambdas,
            name=name,
        )
        foreground = fraction("foreground_threshold", foreground_threshold, above=True)
        background = fraction("background_threshold", background_threshold)
        if background > foreground:
            raise ValueError(
                "background_threshold must not be above foreground_threshold; received "
                f"{background} and {foreground}."
            )
        for option, value, known in (
            ("box_error", box_error, BOX_ERRORS),
            ("divisor", divisor, DIVISORS),
        ):
            if value not in known:
                raise ValueError(f"{option} must be one of {', '.join(known)}; received {value!r}.")
        self._keep_options(
            foreground_threshold=foreground,
            background_threshold=background,
            low_quality_matches=bool(low_quality_matches),
            box_error=box_error,
            smooth_l1_beta=number_from("smooth_l1_beta", smooth_l1_beta, above=True),
            alpha=fraction("alpha", alpha),
            gamma=number_from("gamma", gamma),
            divisor=divisor,
        )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, then the classes."""
        return ("x", "y", "w", "h", *self.class_channels)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """The levels in order, with their anchors as priors."""
        self.head_grids(y_pred_shape)
        return self.layout

    @property
    def ignore_rule(self) -> IgnoreRule:
        """The band between the thresholds."""
        return IgnoreRule("prior_box", self.options["background_threshold"])

    @property
    def thresholds(self) -> dict[str, float]:
        """Both."""
        names = ("foreground_threshold", "background_threshold")
        return {name: self.options[name] for name in names}

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        pyramid = None if self.pyramid is None else dataclasses.asdict(self.pyramid)
        alone = pyramid is None
        height, width = self._pixels[1::-1].tolist()
        return {
            **super().get_config(),
            "priors": self.layout.prior.tolist() if alone else pyramid,
            "grids": [list(grid) for grid in self.layout.grids] if alone else None,
            "image_size": [height, width] if alone else None,
        }

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))  # (B, P, 4 + C)
        labels = read_labels(y_true)
        anchors = ops.convert_to_tensor(self.layout.prior * self._pixels)  # (P, 4) in pixels
        objects = labels.boxes * self._pixels  # (B, N, 4)
        deltas, logits = ops.split(raw, [4], axis=-1)  # (B, P, 4), (B, P, C)

        overlap = pairwise_iou(objects, ops.expand_dims(anchors, 0))  # (B, N, P)
        overlap = ops.where(ops.expand_dims(labels.usable, -1), overlap, -1.0)
        matching = self._match(labels, overlap)
        matched_object = matching["matched_object"]  # (B, P)
        object_mask = matched_object >= 0
        no_object_mask = ops.logical_and(
            ops.logical_not(object_mask),
            matching["best_overlap"] < self.options["background_threshold"],
        )
        class_target = spread_to_slots(labels.classes, matched_object, -1)  # (B, P)
        wanted = ops.equal(
            ops.expand_dims(class_target, -1), ops.arange(self.num_classes, dtype="int32")
        )
        error = self._class_error(wanted, logits)  # (B, P)
        # The fill is any box that has a logarithm: slots without an object are masked.
        target_box = spread_to_slots(objects, matched_object, 1.0)  # (B, P, 4)
        target = encode_deltas(target_box, anchors)
        pixels = decode_deltas(deltas, anchors)  # (B, P, 4)
        box_error = self._box_error(deltas, target, pixels, target_box)  # (B, P)
        share = self._share(ops.cast(object_mask, "float32"))  # (B or 1, 1)
        matched = share * ops.cast(object_mask, "float32")
        boxes = pixels / ops.convert_to_tensor(self._pixels)
        likeliest = largest(logits, empty=LOWEST)
        return taken_apart(
            self,
            slots=None,
            booked={},
            dense={
                "box": matched * box_error,
                "classification": matched * error,
                "no_object": share * ops.cast(no_object_mask, "float32") * error,
            },
            assignment=self._assignment(labels, overlap, matching, no_object_mask, boxes),
            overlap=ops.stop_gradient(
                intersection_over_union(ops.expand_dims(boxes, 2), ops.expand_dims(labels.boxes, 1))
            ),
            target_box=ops.where(ops.expand_dims(object_mask, -1), target, float("nan")),
            target_objectness=ops.ones_like(error),
            target_class=class_target,
            boxes=boxes,
            compared=deltas,
            objectness=ops.sigmoid(likeliest),
            class_probabilities=ops.exp(
                ops.softplus(ops.expand_dims(-likeliest, -1)) - ops.softplus(-logits)
            ),
        )

    def _match(self, labels: Labels, overlap: Tensor) -> dict[str, Tensor]:
        """Which object each anchor is trained for.

        Args:
            labels: The labels of the batch.
            overlap: (B, N, P) IoU of objects and anchors, -1 of rows that are not usable.

        Returns:
            "best_overlap" (B, P) and "matched_object" (B, P) of anchors; "best_anchor" (B, N) of
            each object, and "wants" (B, N), whether it is to have one.
        """
        best_overlap, best_object = best_and_first(overlap, empty=-1.0, axis=1)
        reach, best_anchor = best_and_first(overlap, empty=-1.0, axis=-1)
        wants = self._forces(labels, reach)  # (B, N)
        foreground = best_overlap >= self.options["foreground_threshold"]
        # All anchors that tie for an object's best (F-3).
        tied = ops.equal(overlap, ops.expand_dims(reach, -1))
        tied = ops.logical_and(tied, ops.expand_dims(wants, -1))
        foreground = ops.logical_or(
            foreground, largest(ops.cast(tied, "int32"), empty=0, axis=1) > 0
        )
        matched = ops.where(foreground, best_object, -1)
        return {
            "best_overlap": best_overlap,
            "best_anchor": best_anchor,
            "wants": ops.logical_or(
                wants,
                ops.logical_and(labels.usable, reach >= self.options["foreground_threshold"]),
            ),
            "matched_object": self._forced(best_anchor, wants, matched),
        }

    def _assignment(
        self,
        labels: Labels,
        overlap: Any,
        matching: dict[str, Any],
        no_object_mask: Any,
        boxes: Any,
    ) -> Assignment:
        """The masks and the ledger, one row an object."""
        matched_object, best_anchor = matching["matched_object"], matching["best_anchor"]
        trains, match_count = trained_priors(labels, matched_object)
        _, best_trained = best_and_first(ops.where(trains, overlap, -1.0), empty=-1.0, axis=-1)
        slot = ops.where(match_count > 0, best_trained, best_anchor)
        taker = ops.take_along_axis(matched_object, best_anchor, axis=1)
        without = ops.logical_and(labels.usable, ops.equal(match_count, 0))
        lost = ops.logical_and(ops.logical_and(without, matching["wants"]), taker >= 0)
        nowhere = ops.logical_and(without, ops.logical_not(lost))
        status = ops.where(lost, int(ObjectStatus.OVERWRITTEN), labels.status)
        status = ops.where(nowhere, int(ObjectStatus.BELOW_THRESHOLD), status)
        return prior_ledger(
            labels,
            matched_object,
            no_object_mask,
            overlap,
            object_slot=ops.where(nowhere, -1, slot),
            match_count=match_count,
            object_status=status,
            overwritten_by=ops.where(lost, taker, -1),
            object_iou=ops.where(
                nowhere, 0.0, intersection_over_union(labels.boxes, gather_slots(boxes, slot))
            ),
        )

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        prior = layout.prior.astype(np.float64)
        x_y = (boxes[..., :2] - prior[:, :2]) / prior[:, 2:]
        return x_y, np.log(np.maximum(boxes[..., 2:], SMALLEST) / prior[:, 2:])

    def encode(self, layout: SlotLayout, said: Meaning) -> np.ndarray:
        """See `DetectionLoss.encode`; p(class) = p(object) p(class | object)."""
        box = np.concatenate(self.encode_boxes(layout, said.boxes), axis=-1)
        of_class = said.classes - np.logaddexp(0, -said.objectness)[..., None]
        of_class = np.minimum(of_class, -1e-12)
        return np.concatenate([box, of_class - np.log(-np.expm1(of_class))], axis=-1)

    # The pieces that published code has otherwise: see verbatim.py.

    def _anchor_boxes(self, pyramid: PyramidAnchors) -> np.ndarray:
        """(P, 4) anchors in pixels."""
        return pyramid.boxes()

    def _forces(self, labels: Labels, reach: Tensor) -> Tensor:
        """(B, N) bool: the objects whose best anchors are foreground, given their best IoU."""
        if not self.options["low_quality_matches"]:
            return ops.zeros_like(labels.usable)
        return ops.logical_and(labels.usable, reach > 0.0)

    def _forced(self, best_anchor: Tensor, wants: Tensor, matched: Tensor) -> Tensor:
        """(B, P) objects of anchors, once every object that wants it keeps its best anchor."""
        _, taker = first_and_last(same_slot(best_anchor, wants))
        keeps = ops.equal(taker, ops.arange(ops.shape(taker)[1], dtype="int32"))
        forced = object_of_slot(best_anchor, keeps, self.layout.count)
        return ops.where(forced >= 0, forced, matched)

    def _class_error(self, wanted: Tensor, logits: Tensor) -> Tensor:
        """(B, P) focal loss of (B, P, C) logits, summed over classes (Lin et al. 2017, eq. 5)."""
        alpha, gamma = self.options["alpha"], self.options["gamma"]
        doubt, error = doubt_and_error(ops.where(wanted, -logits, logits), gamma)
        return ops.sum(ops.where(wanted, alpha, 1.0 - alpha) * doubt * error, axis=-1)

    def _box_error(self, deltas: Tensor, target: Tensor, boxes: Tensor, wanted: Tensor) -> Tensor:
        """(B, P) error of deltas, or of boxes in pixels."""
        if self.options["box_error"] == "giou":
            return 1.0 - generalised_iou(boxes, wanted)
        size = ops.abs(deltas - target)
        if self.options["box_error"] == "smooth_l1":
            beta = self.options["smooth_l1_beta"]
            size = ops.where(size < beta, 0.5 / beta * ops.square(size), size - 0.5 * beta)
        return ops.sum(size, axis=-1)

    def _share(self, matched: Tensor) -> Tensor:
        """(B, 1) or scalar: the part of its term that one slot is, given (B, P) 1 or 0."""
        if self.options["divisor"] == "batch":
            return 1.0 / ops.maximum(self.reduce_count(ops.sum(matched)), 1.0)
        images = self.reduce_count(ops.sum(ops.ones_like(matched[:, 0])))
        foreground = ops.maximum(ops.sum(matched, axis=-1, keepdims=True), 1.0)
        return 1.0 / (foreground * ops.maximum(images, 1.0))
