"""SSD: prior boxes, a forced best prior for every object, and hard negatives."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.boxes import intersection_over_union
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.labels import Labels, first_and_last, read_labels, same_slot
from yolo_core.losses.multi_head import MultiHeadLoss
from yolo_core.losses.slot_axis import (
    best_and_first,
    best_candidates,
    gather_slots,
    largest,
    object_of_slot,
    spread_to_slots,
)
from yolo_core.losses.ssd.priors import PriorConfig, prior_layout
from yolo_core.slots import SlotLayout

# exp(20) times a prior is past any picture; beyond it areas would leave float32.
LARGEST_SIZE_LOGIT = 20.0
# Logarithms of the smallest float32 above zero, and of the smallest with full precision.
LOG_SMALLEST = -149 * math.log(2)
LOG_SMALLEST_NORMAL = -126 * math.log(2)
# Ranks behind the cross-entropy of any prior, which is zero or more.
LEAST_HARD = -1.0
# Halvings after which an interval of some hundreds is as narrow as float32 tells numbers apart.
HALVINGS = 48
# What a maximum starts from, where a batch may hold no image.
LOWEST = -3e38


@keras.saving.register_keras_serializable(package="yolo_core")
class SSDLoss(MultiHeadLoss):
    """`MultiBoxLoss` of ssd.pytorch (`docs/losses.md#ssd-pytorch`; Liu et al. 2016, section 2.2).

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
        log_sum_exp: "stable" ranks negatives by their true cross-entropy. "global_max", as
            published, subtracts one maximum over the whole batch, so that rows far below it
            underflow and are never mined (E-3).
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
    choices: ClassVar = {"log_sum_exp": ("stable", "global_max")}

    def __init__(
        self,
        priors: Any,
        num_classes: int,
        *,
        grids: Sequence[Sequence[int]] | None = None,
        lambdas: Mapping[str, float] | None = None,
        variances: Sequence[float] | None = None,
        overlap_threshold: float = 0.5,
        negative_ratio: int = 3,
        log_sum_exp: str = "stable",
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
        if not 0 < overlap_threshold <= 1:
            raise ValueError(
                f"overlap_threshold must be above 0 and up to 1; received {overlap_threshold!r}."
            )
        if not isinstance(negative_ratio, int) or negative_ratio < 0:
            raise ValueError(
                f"negative_ratio must be a whole number, 0 or more; received {negative_ratio!r}."
            )
        self._keep_options(
            variances=variances,
            overlap_threshold=float(overlap_threshold),
            negative_ratio=negative_ratio,
            log_sum_exp=log_sum_exp,
        )

    @property
    def channel_names(self) -> tuple[str, ...]:
        """x, y, w, h, background, then the classes."""
        classes = (f"class {index}" for index in range(self.num_classes))
        return ("x", "y", "w", "h", "background", *classes)

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """The feature maps in order, with their prior boxes."""
        self.head_grids(y_pred_shape)
        return self.layout

    @property
    def ignore_rule(self) -> str:
        """When a slot without an object is ignored, as the end of a sentence."""
        return (
            f"the rule trains only the {self.options['negative_ratio']} hardest negatives for "
            "each matched prior of the picture"
        )

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        config = self.prior_config
        return {
            **super().get_config(),
            "priors": self.layout.prior.tolist() if config is None else dataclasses.asdict(config),
            "grids": None if config is not None else [list(grid) for grid in self.layout.grids],
            **self.options,
        }

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """See `DetectionLoss.breakdown`."""
        y_true, raw = self._checked(y_true, self.slot_predictions(y_pred))
        labels = read_labels(y_true)
        priors = ops.convert_to_tensor(self.layout.prior)
        # Split and not sliced: the gradient of a split is one concatenation.
        offsets, logits = ops.split(raw, [4], axis=-1)

        matching = self._match(labels, priors)
        matched_object = matching["matched_object"]
        object_mask = matched_object >= 0
        class_target = spread_to_slots(labels.classes, matched_object, -1)
        wanted = ops.one_hot(class_target + 1, self.num_classes + 1)
        # The softmax cross-entropy in as few passes as there can be.
        peak = ops.max(logits, axis=-1, keepdims=True, initial=LOWEST)
        below = logits - ops.stop_gradient(peak)
        error = ops.log(ops.sum(ops.exp(below), axis=-1)) - ops.sum(wanted * below, axis=-1)
        no_object_mask = self._hard_negatives(logits, error, object_mask)

        # (B, P, 4). The fill is any box that has a logarithm: slots without an object are masked.
        target = self._encode(spread_to_slots(labels.boxes, matched_object, 1.0), priors)
        distance_xy, distance_wh = ops.split(_smooth_l1(offsets - target), 2, axis=-1)
        matched = ops.cast(object_mask, "float32")
        share = 1.0 / ops.maximum(self.reduce_count(ops.sum(matched)), 1.0)
        maps = {
            "xy": share * matched * ops.sum(distance_xy, axis=-1),
            "wh": share * matched * ops.sum(distance_wh, axis=-1),
            "classification": share * matched * error,
            "no_object": share * ops.cast(no_object_mask, "float32") * error,
        }
        terms = {term: ops.sum(values) for term, values in maps.items()}
        total, effective = self._weighted(terms)

        boxes = self._decode(offsets, priors)
        target = ops.where(ops.expand_dims(object_mask, -1), target, float("nan"))
        return LossBreakdown(
            total=total,
            terms=terms,
            maps=maps,
            lambdas=effective,
            assignment=self._assignment(labels, matching, no_object_mask, boxes),
            targets={
                "overlap": intersection_over_union(
                    ops.expand_dims(boxes, 2), ops.expand_dims(labels.boxes, 1)
                ),
                "xy": target[..., :2],
                "wh": target[..., 2:],
                "objectness": ops.where(
                    object_mask, 1.0, ops.where(no_object_mask, 0.0, float("nan"))
                ),
                "class": class_target,
            },
            predictions={
                "boxes": boxes,
                # 1 - p(background), and each class given that there is one: their product is
                # the softmax over all, without the rounding of a difference from 1.
                "objectness": ops.sigmoid(ops.logsumexp(logits[..., 1:], axis=-1) - logits[..., 0]),
                "class_probabilities": ops.softmax(logits[..., 1:], axis=-1),
                "xy": offsets[..., :2],
                "wh": offsets[..., 2:],
            },
        )

    def _match(self, labels: Labels, priors: Any) -> dict[str, Any]:
        """Who takes which prior box.

        Returns:
            "overlap" (B, N, P) IoU of objects and priors; "best_prior" (B, N) of each object;
            "taker" (B, N), the last row with that best prior; "matched_object" (B, P).
        """
        overlap = intersection_over_union(ops.expand_dims(labels.boxes, 2), priors)
        _, best_prior = best_and_first(overlap, empty=0.0, axis=-1)
        _, taker = first_and_last(same_slot(best_prior, labels.usable))
        keeps = ops.equal(taker, ops.arange(ops.shape(taker)[1], dtype="int32"))
        forced = object_of_slot(best_prior, keeps, self.layout.count)
        # Rows that are not usable have a box of no size: no threshold is reached there.
        best_overlap, best_object = best_and_first(overlap, empty=0.0, axis=1)
        reaches = best_overlap >= self.options["overlap_threshold"]
        return {
            "overlap": overlap,
            "best_prior": best_prior,
            "taker": taker,
            "matched_object": ops.where(forced >= 0, forced, ops.where(reaches, best_object, -1)),
        }

    def _hard_negatives(self, logits: Any, error: Any, object_mask: Any) -> Any:
        """(B, P) bool: the priors that are trained as background."""
        # Matched priors rank behind every other one; as published, with an error of 0.
        hardness = ops.where(object_mask, LEAST_HARD, ops.stop_gradient(error))
        if self.options["log_sum_exp"] == "global_max":
            fixed = ops.stop_gradient(logits)
            hardness = ops.maximum(_global_max_log_sum_exp(fixed) - fixed[..., 0], LEAST_HARD)
            hardness = ops.where(object_mask, 0.0, hardness)
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
        object_mask = matched_object >= 0
        row = ops.expand_dims(ops.arange(ops.shape(labels.usable)[1], dtype="int32"), -1)
        trains = ops.equal(ops.expand_dims(matched_object, 1), row)
        match_count = ops.sum(ops.cast(trains, "int32"), axis=-1)
        best_trained = ops.cast(ops.argmax(ops.where(trains, overlap, -1.0), axis=-1), "int32")
        slot = ops.where(match_count > 0, best_trained, matching["best_prior"])
        lost = ops.logical_and(labels.usable, ops.equal(match_count, 0))
        status = ops.where(lost, int(ObjectStatus.OVERWRITTEN), labels.status)
        iou = intersection_over_union(labels.boxes, gather_slots(boxes, slot))
        usable = ops.expand_dims(labels.usable, -1)
        every = ops.broadcast_to(ops.arange(self.layout.count, dtype="int32"), ops.shape(overlap))
        candidates, score = best_candidates(every, overlap)
        return Assignment(
            object_mask=object_mask,
            no_object_mask=no_object_mask,
            ignore_mask=ops.logical_not(ops.logical_or(object_mask, no_object_mask)),
            matched_object=matched_object,
            object_slot=ops.expand_dims(ops.where(labels.usable, slot, -1), -1),
            match_count=ops.expand_dims(match_count, -1),
            object_status=ops.expand_dims(ops.cast(status, "int32"), -1),
            overwritten_by=ops.expand_dims(ops.where(lost, matching["taker"], -1), -1),
            object_iou=ops.expand_dims(iou, -1),
            candidate_slots=ops.expand_dims(ops.where(usable, candidates, -1), 2),
            candidate_score=ops.expand_dims(ops.where(usable, score, 0.0), 2),
            candidate_measure="prior IoU",
        )

    def _encode(self, boxes: Any, priors: Any) -> Any:
        """(B, P, 4) offsets that stand for boxes in image fractions."""
        centre, size = self.options["variances"]
        return ops.concatenate(
            [
                (boxes[..., :2] - priors[:, :2]) / (centre * priors[:, 2:]),
                ops.log(boxes[..., 2:] / priors[:, 2:]) / size,
            ],
            axis=-1,
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


def _global_max_log_sum_exp(logits: Any) -> Any:
    """(B, P) `log_sum_exp` of ssd.pytorch: minus infinity for rows far below the batch's maximum.

    Between the smallest normal float32 and nothing PyTorch adds in steps of 2 ** -149, and other
    backends flush to zero; so the steps are counted as whole numbers.
    """
    peak = ops.max(logits, initial=LOWEST)
    below = logits - peak
    steps = ops.sum(ops.round(ops.exp(ops.minimum(below - LOG_SMALLEST, 20.0))), axis=-1)
    is_normal = largest(below, empty=LOWEST) > LOG_SMALLEST_NORMAL
    return peak + ops.where(is_normal, ops.logsumexp(below, axis=-1), ops.log(steps) + LOG_SMALLEST)
