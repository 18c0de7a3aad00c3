"""SSD: prior boxes, a forced best prior for every object, and hard negatives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import Assignment, IgnoreRule, ObjectStatus
from yolo_core.boxes import Tensor, intersection_over_union
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_boxes import LARGEST_SIZE_LOGIT
from yolo_core.losses.booking import taken_apart
from yolo_core.losses.labels import Labels, first_and_last, read_labels, same_slot
from yolo_core.losses.meaning import SMALLEST, Meaning
from yolo_core.losses.option_values import fraction, whole_number
from yolo_core.losses.prior_boxes import (
    find_overlaps,
    prior_layout,
    prior_ledger,
    trained_priors,
)
from yolo_core.losses.slot_axis import gather_slots, object_of_slot, spread_to_slots
from yolo_core.losses.ssd.priors import PriorConfig
from yolo_core.losses.ssd.setup import SSDSetup
from yolo_core.losses.ssd.slips import NEGATIVE_RATIO, OVERLAP_THRESHOLD, SLIPS
from yolo_core.slots import SlotLayout

# Ranks behind the cross-entropy of any prior, which is zero or more.
LEAST_HARD = -1.0
# Halvings after which an interval of some hundreds is as narrow as float32 tells numbers apart.
HALVINGS = 48
# What a maximum starts from, where a batch may hold no image.
LOWEST = -3e38


@keras.saving.register_keras_serializable(package="yolo_core")
class SSDLoss(SSDSetup):
    """The SSD loss (Liu et al. 2016, section 2.2), as `MultiBoxLoss` of ssd.pytorch has it.

    Every prior box takes the object that it overlaps most, from `overlap_threshold` on; and every
    object takes its best prior in any case, of two that share it the later row. Of the other
    priors, the hardest (by their cross-entropy with "background") are trained as no object,
    `negative_ratio` times as many as the image has matched ones; the rest is ignored. Terms, sums
    over the batch divided by its number of matched priors N: ``xy`` and ``wh`` smooth L1 of the
    encoded box (together the published loss_l); ``classification`` cross-entropy of matched priors
    and ``no_object`` of the hard negatives (together loss_c). Without any object all are 0, as
    nothing is mined (E-2).

    Predictions: see `MultiHeadLoss`; slot channels [x, y, w, h, background, classes], raw. Box:
    x, y = prior centre + offset * variance * prior size, w, h = prior size * exp(offset *
    variance). An OVERWRITTEN object lost its best prior to a later row and has no other.

    Args:
        priors: A `PriorConfig`, a mapping as ssd.pytorch has it, or (P, 4) x_center, y_center,
            width, height as image fractions.
        num_classes: C, without the background.
        grids: With (P, 4) priors, (rows, columns, priors a cell) of each map; None takes them as
            one row of P cells.
        lambdas: By term, or "localization" and "confidence" (published: alpha 1). All 1.
        variances: Scale of centre and of size offsets. Published (0.1, 0.2), which None means.
        overlap_threshold: IoU from which a prior takes an object. Published 0.5.
        negative_ratio: Hard negatives for each matched prior of an image. Published 3.
        name: Keras's name of the loss.

    Raises:
        ValueError: An option has another value, or priors do not fit.
    """

    term_names: ClassVar = ("xy", "wh", "classification", "no_object")
    default_lambdas: ClassVar[Mapping[str, float]] = dict.fromkeys(term_names, 1.0)
    lambda_groups: ClassVar = {
        "localization": ("xy", "wh"),
        "coord": ("xy", "wh"),
        "confidence": ("classification", "no_object"),
    }
    anchor_argument: ClassVar = "priors"
    known_slips: ClassVar = SLIPS

    def __init__(
        self,
        priors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None = None,
        lambdas: Mapping[str, float] | None = None,
        variances: Sequence[float] | None = None,
        overlap_threshold: float = OVERLAP_THRESHOLD,
        negative_ratio: int = NEGATIVE_RATIO,
        name: str = "ssd",
    ) -> None:
        self.prior_config = PriorConfig.read(priors) if isinstance(priors, Mapping) else None
        if isinstance(priors, PriorConfig):
            self.prior_config = priors
        if self.prior_config is not None:
            priors, grids = self.prior_config.boxes(), self.prior_config.grids
        self.layout = prior_layout(priors, grids)
        super().__init__(
            anchors_per_head=[count for _, _, count in self.layout.grids],
            grids=[(rows, columns) for rows, columns, _ in self.layout.grids],
            num_classes=num_classes,
            lambdas=lambdas,
            name=name,
        )
        variances = (0.1, 0.2) if variances is None else tuple(float(v) for v in variances)
        if len(variances) != 2 or min(variances) <= 0:
            raise ValueError(f"variances must be two numbers above zero; received {variances!r}.")
        self._keep_options(
            variances=variances,
            overlap_threshold=fraction("overlap_threshold", overlap_threshold, above=True),
            negative_ratio=whole_number("negative_ratio", negative_ratio),
        )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, background, then the classes."""
        return ("x", "y", "w", "h", "background", *self.class_channels)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """The feature maps in order, with their prior boxes."""
        self.head_grids(y_pred_shape)
        return self.layout

    @property
    def ignore_rule(self) -> IgnoreRule:
        """All but the hardest negatives."""
        return IgnoreRule("hard_negatives", ratio=self.options["negative_ratio"])

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        config = self.prior_config
        return {
            **super().get_config(),
            "priors": self.layout.prior.tolist() if config is None else dataclasses.asdict(config),
            "grids": None if config is not None else [list(grid) for grid in self.layout.grids],
        }

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))  # (B, P, 5 + C)
        labels = read_labels(y_true)
        priors = ops.convert_to_tensor(self.layout.prior)  # (P, 4)
        # Split and not sliced: the gradient of a split is one concatenation.
        x_y, w_h, logits = ops.split(raw, [2, 4], axis=-1)  # (B, P, 2) twice, (B, P, 1 + C)

        matching = self._match(labels)
        matched_object = matching["matched_object"]  # (B, P)
        class_target = spread_to_slots(labels.classes, matched_object, -1)  # (B, P)
        object_mask = class_target >= 0
        wanted = ops.one_hot(class_target + 1, self.num_classes + 1)  # (B, P, 1 + C)
        # The softmax cross-entropy in as few passes as there can be.
        peak = ops.max(logits, axis=-1, keepdims=True, initial=LOWEST)
        below = logits - ops.stop_gradient(peak)
        error = ops.log(ops.sum(ops.exp(below), axis=-1)) - ops.sum(wanted * below, axis=-1)
        no_object_mask = self._hard_negatives(logits, error, object_mask)  # (B, P)

        # The fill is any box that has a logarithm: slots without an object are masked.
        target_box = spread_to_slots(labels.boxes, matched_object, 1.0)  # (B, P, 4)
        target_xy, target_wh = self._encode(target_box, priors)  # (B, P, 2) each
        matched = ops.cast(object_mask, "float32")
        share = 1.0 / ops.maximum(self.reduce_count(ops.sum(matched)), 1.0)
        offsets = ops.concatenate([x_y, w_h], axis=-1)
        target = ops.concatenate([target_xy, target_wh], axis=-1)
        boxes = self._decode(offsets, priors)  # (B, P, 4)
        return taken_apart(
            self,
            slots=None,
            booked={},
            dense={
                "xy": share * matched * ops.sum(_smooth_l1(x_y - target_xy), axis=-1),
                "wh": share * matched * ops.sum(_smooth_l1(w_h - target_wh), axis=-1),
                "classification": share * matched * error,
                "no_object": share * ops.cast(no_object_mask, "float32") * error,
            },
            assignment=self._assignment(labels, matching, no_object_mask, boxes),
            overlap=intersection_over_union(
                ops.expand_dims(boxes, 2), ops.expand_dims(labels.boxes, 1)
            ),
            target_box=ops.where(ops.expand_dims(object_mask, -1), target, float("nan")),
            target_objectness=ops.ones_like(error),
            target_class=class_target,
            boxes=boxes,
            compared=offsets,
            # 1 - p(background), and each class given that there is one: their product is the
            # softmax over all, without the rounding of a difference from 1.
            objectness=ops.sigmoid(ops.logsumexp(logits[..., 1:], axis=-1) - logits[..., 0]),
            class_probabilities=ops.softmax(logits[..., 1:], axis=-1),
        )

    def _match(self, labels: Labels) -> dict[str, Tensor]:
        """Who takes which prior box.

        Returns:
            "overlap" (B, N, P) IoU of objects and priors; "best_prior" (B, N) of each object;
            "taker" (B, N), the last row with that best prior; "matched_object" (B, P).
        """
        # Rows that are not usable have a box of no size: no threshold is reached there.
        overlaps = find_overlaps(labels, labels.boxes, self.layout.prior, unusable=0.0)
        _, taker = first_and_last(same_slot(overlaps.best_prior, labels.usable))
        keeps = ops.equal(taker, ops.arange(ops.shape(taker)[1], dtype="int32"))
        forced = object_of_slot(overlaps.best_prior, keeps, self.layout.count)
        reaches = overlaps.best >= self.options["overlap_threshold"]
        matched = ops.where(reaches, overlaps.best_object, -1)
        return {
            "overlap": overlaps.every,
            "best_prior": overlaps.best_prior,
            "taker": taker,
            "matched_object": ops.where(forced >= 0, forced, matched),
        }

    def _hardness(self, logits: Tensor, error: Tensor, object_mask: Tensor) -> Tensor:
        """(B, P): the larger, the sooner a prior is trained as background."""
        del logits
        # Matched priors rank behind every other one.
        return ops.where(object_mask, LEAST_HARD, ops.stop_gradient(error))

    def _hard_negatives(self, logits: Tensor, error: Tensor, object_mask: Tensor) -> Tensor:
        """(B, P) bool: the priors that are trained as background."""
        hardness = self._hardness(logits, error, object_mask)
        matched = ops.sum(ops.cast(object_mask, "int32"), axis=-1, keepdims=True)
        wanted = self.options["negative_ratio"] * matched
        wanted = ops.minimum(wanted, self.layout.count - 1)
        low, high = _bracket_of_rank(hardness, wanted)
        harder = hardness >= high
        left = wanted - ops.sum(ops.cast(harder, "int32"), axis=-1, keepdims=True)
        # Of equal ones the first slots are taken.
        equal = ops.logical_and(hardness >= low, ops.logical_not(harder))
        place = ops.cumsum(ops.cast(equal, "int32"), axis=-1)
        mined = ops.logical_or(harder, ops.logical_and(equal, place <= left))
        return ops.logical_and(mined, ops.logical_not(object_mask))

    def _assignment(
        self, labels: Labels, matching: dict[str, Any], no_object_mask: Any, boxes: Any
    ) -> Assignment:
        """The masks and the ledger, one row an object."""
        matched_object, overlap = matching["matched_object"], matching["overlap"]
        trains, match_count = trained_priors(labels, matched_object)
        best_trained = ops.cast(ops.argmax(ops.where(trains, overlap, -1.0), axis=-1), "int32")
        slot = ops.where(match_count > 0, best_trained, matching["best_prior"])
        lost = ops.logical_and(labels.usable, ops.equal(match_count, 0))
        return prior_ledger(
            labels,
            matched_object,
            no_object_mask,
            overlap,
            object_slot=slot,
            match_count=match_count,
            object_status=ops.where(lost, int(ObjectStatus.OVERWRITTEN), labels.status),
            overwritten_by=ops.where(lost, matching["taker"], -1),
            object_iou=intersection_over_union(labels.boxes, gather_slots(boxes, slot)),
        )

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `DetectionLoss.encode_boxes`."""
        prior = layout.prior.astype(np.float64)
        of_centre, of_size = self.options["variances"]
        x_y = (boxes[..., :2] - prior[:, :2]) / (of_centre * prior[:, 2:])
        return x_y, np.log(np.maximum(boxes[..., 2:], SMALLEST) / prior[:, 2:]) / of_size

    def encode(self, layout: SlotLayout, said: Meaning) -> np.ndarray:
        """See `DetectionLoss.encode`; p(class) = p(object) p(class | object)."""
        if not said.one_class:
            raise ValueError(
                "its class probabilities sum to 1 in every slot, and these stand each for itself."
            )
        box = np.concatenate(self.encode_boxes(layout, said.boxes), axis=-1)
        background = -np.logaddexp(0, said.objectness)[..., None]
        classes = said.classes - np.logaddexp(0, -said.objectness)[..., None]
        return np.concatenate([box, background, classes], axis=-1)

    def _encode(self, boxes: Any, priors: Any) -> tuple[Any, Any]:
        """(B, P, 2) offsets of centre and of size that stand for boxes in image fractions."""
        centre, size = self.options["variances"]
        return (
            (boxes[..., :2] - priors[:, :2]) / (centre * priors[:, 2:]),
            ops.log(boxes[..., 2:] / priors[:, 2:]) / size,
        )

    def _decode(self, offsets: Any, priors: Any) -> Any:
        """(B, P, 4) boxes in image fractions that offsets stand for."""
        centre, size = self.options["variances"]
        growth = ops.clip(offsets[..., 2:] * size, -2 * LARGEST_SIZE_LOGIT, LARGEST_SIZE_LOGIT)
        return ops.concatenate(
            [
                priors[:, :2] + offsets[..., :2] * (centre * priors[:, 2:]),
                priors[:, 2:] * ops.exp(growth),
            ],
            axis=-1,
        )


def _smooth_l1(error: Any) -> Any:
    """(...) half the square up to 1, the absolute value less a half beyond."""
    size = ops.abs(error)
    return ops.where(size < 1.0, 0.5 * ops.square(error), size - 0.5)


def _bracket_of_rank(values: Any, rank: Any) -> tuple[Any, Any]:
    """Halves an interval around the rank-th largest value, far quicker than sorting them.

    Args:
        values: (B, P), `LEAST_HARD` or more.
        rank: (B, 1) int32, 0 to P.

    Returns:
        Two (B, 1): fewer than `rank` values (or none) reach the second, at least `rank` the first;
        between them are equal values, up to rounding. Or one number twice, that `rank` values
        reach.
    """
    low = ops.full_like(values[:, :1], LEAST_HARD)
    high = ops.max(values, axis=-1, keepdims=True, initial=LEAST_HARD) * 2.0 + 3.0

    def halve(low: Any, high: Any) -> tuple[Any, Any]:
        middle = (low + high) / 2.0
        reach = ops.sum(ops.cast(values >= middle, "int32"), axis=-1, keepdims=True)
        return ops.where(reach >= rank, middle, low), ops.where(reach <= rank, middle, high)

    # Most images have no two equal values there, and are done in less than half the halvings.
    return ops.while_loop(
        lambda low, high: ops.any(low < high), halve, (low, high), maximum_iterations=HALVINGS
    )
