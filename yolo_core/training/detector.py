"""A network and a loss, trained together: Keras's `fit` with every term of every step at hand."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yolo_core.boxes import intersection_over_union
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout
from yolo_core.training.looking import Looker
from yolo_core.training.pulls import last_shared_kernel, moved, pulls

# Thresholds of the Keras notebook's recall: IoU above the one, confidence above the other.
RECALL_IOU = 0.5
RECALL_OBJECTNESS = 0.3


class Detector(keras.Model):
    """Trains a network with a detection loss.

    `compile` it with an optimizer alone and call `fit` on a dataset of (images, y_true). The logs
    of a step are that step's own values, not running means: "loss", "term/NAME" (unweighted),
    "lambda/NAME" (effective), "recall" (of the Keras notebook: the part of the matched objects
    whose slot has IoU above 0.5 and objectness above 0.3) and "finite".

    The loss's lambdas and step are state of this model. A step whose loss or gradients are not
    finite changes nothing: weights, moving statistics, optimizer and step stay as they were.

    Made in the scope of a distribution strategy, it takes the step of one device: the loss's
    counts, the logs and the breakdown are those of the whole batch, and so are the gradients before
    they are clipped. Batch normalisation needs `synchronized=True` for that. XLA is for one replica
    alone: `jit_compile` counts for nothing with more.

    Args:
        network: From images to what the loss takes as predictions.
        loss: The loss; its `step` is set from here on.

    Attributes:
        wants_breakdown: Set before a step to have its whole breakdown in `last_batch` after it,
            the gradients of its terms included.
        wants_pulls: Set before a step to have in its logs what each term pulls.
        last_batch: {"images", "y_true", "y_pred", "breakdown"} of that step, else None.
    """

    def __init__(self, network: keras.Model, loss: DetectionLoss) -> None:
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"Detector trains on TensorFlow; Keras runs on {keras.backend.backend()} here. "
                "Compile the network itself with the loss: RunRecorder records that, too."
            )
        super().__init__(name="detector")
        self.network = network
        self.detection_loss = loss
        # Named here, they are tracked: saved with the model and seen by a compiled step.
        self.loss_variables = [*loss.lambdas.values(), loss.step]
        self.wants_breakdown = self.wants_pulls = False
        self.last_batch: dict[str, Any] | None = None
        self._measure = ""
        self._looker = Looker(network, loss)
        self.built = True
        self._replicas = self.distribute_strategy.num_replicas_in_sync
        if self._replicas > 1:
            loss.reduce_count = _sum_over_replicas

    def call(self, images: Any, training: bool = False) -> Any:
        """Raw predictions of the network."""
        return self.network(images, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss's total; Keras's hook."""
        del x, training
        return self.detection_loss(y, y_pred, sample_weight)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update of the weights; what Keras compiles."""
        images, y_true = data[:2]
        before = [tf.identity(each.value) for each in self.network.non_trainable_variables]
        kernel = last_shared_kernel(self.network) if self.wants_pulls else None
        kernel_before = None if kernel is None else tf.identity(kernel.value)
        if self.wants_breakdown and self._replicas > 1:
            y_true = _as_many_rows(y_true)
        # The gradients of the terms are read off the tape that the step itself goes by.
        with tf.GradientTape(persistent=self.wants_breakdown or self.wants_pulls) as tape:
            y_pred = self(images, training=True)
            breakdown = self.detection_loss.breakdown(y_true, y_pred)
            scaled = self.optimizer.scale_loss(breakdown.total)
        gradients = tape.gradient(scaled, self.trainable_variables)
        # Each replica's loss is its share of the batch's: the shares add up.
        sums = {"loss": breakdown.total}
        sums.update({f"term/{name}": value for name, value in breakdown.terms.items()})
        found, matched = _recall_counts(breakdown, y_true)
        if self._replicas > 1:
            sums, found, matched = _sum_over_replicas((sums, found, matched))
            gradients = _summed_gradients(gradients)
        finite = tf.math.is_finite(sums["loss"]) & self._can_apply(gradients)
        if self._replicas > 1:
            gradients = _on_first_replica(gradients)
        # An update synchronises the replicas, which no branch inside one replica can do.
        updated = tf.distribute.get_replica_context().merge_call(
            self._update_if_finite, args=(finite, gradients, before)
        )
        logs = {
            **sums,
            "recall": found / (matched + 1e-6),
            **{f"lambda/{name}": value for name, value in breakdown.lambdas.items()},
            "finite": tf.cast(updated, tf.float32),
        }
        if kernel is not None:
            logs |= pulls(tape, breakdown, kernel, whole_batch=_sum_over_replicas)
            logs |= moved(kernel, kernel_before)
        if self.wants_breakdown:
            self._measure = breakdown.assignment.candidate_measure
            breakdown = self._with_gradients(breakdown, tape, y_pred)
            terms = {name: sums[f"term/{name}"] for name in breakdown.terms}
            breakdown = dataclasses.replace(breakdown, total=sums["loss"], terms=terms)
            logs["batch"] = {
                "images": images,
                "y_true": y_true,
                "y_pred": self.detection_loss.slot_predictions(y_pred),
                "breakdown": breakdown.to_tree(),
            }
            if self._replicas > 1:
                sizes = _of_each_replica(tf.shape(images)[0])
                logs["batch"] = keras.tree.map_structure(
                    lambda part: _whole_batch(part, sizes), logs["batch"]
                )
        return logs

    def _update_if_finite(
        self, strategy: tf.distribute.Strategy, finite: Any, gradients: list[Any], before: list[Any]
    ) -> tf.Tensor:
        """All replicas, or the only one, take the step or go back to before it.

        Returns:
            Whether they took it.
        """
        for_each_replica = strategy.extended.call_for_each_replica

        def restore_replica(before: list[Any]) -> None:
            for variable, value in zip(self.network.non_trainable_variables, before, strict=True):
                variable.assign(value)

        def update() -> tf.Tensor:
            for_each_replica(self.optimizer.apply, args=(gradients, self.trainable_variables))
            self.detection_loss.step.assign_add(1)
            return tf.constant(True)

        def restore() -> tf.Tensor:
            for_each_replica(restore_replica, args=(before,))
            return tf.constant(False)

        # What the first replica says: it has the gradients.
        return tf.cond(strategy.experimental_local_results(finite)[0], update, restore)

    def _can_apply(self, gradients: list[Any]) -> tf.Tensor:
        finite = tf.math.is_finite(tf.linalg.global_norm(gradients))
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            # It expects scaled gradients to overflow: it skips such a step and halves its scale.
            # Gradients that overflow unscaled are not its doing.
            finite |= tf.convert_to_tensor(self.optimizer.dynamic_scale) > 1.0
        return finite

    def make_train_function(self, force: bool = False) -> None:
        """Compiled steps: of the terms alone, with the breakdown, with what pulls, with both.

        They compute the same numbers; each leaves out what nobody reads, and none costs anything
        before it is made.
        """
        if self.train_function is not None and not force:
            return
        if not self.optimizer.built:
            # A loss-scaling one is asked for its scale before it is first applied.
            self.optimizer.build(self.trainable_variables)
        compiled = {}
        for wants in itertools.product((False, True), repeat=2):
            if self._replicas > 1:
                compiled[wants] = self._step_on_replicas()
            else:
                super().make_train_function(force=True)
                compiled[wants] = self.train_function

        def step(iterator: Any) -> dict[str, Any]:
            wants = self.wants_breakdown, self.wants_pulls
            # Which one a function becomes is decided while it is traced, at its first call.
            logs = compiled[wants](iterator)
            batch = logs.pop("batch", None)
            self.last_batch = None if batch is None else self._batch_arrays(batch)
            return logs

        self.train_function = step

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing: Keras would build by the mean of the replicas' batches, and this is built."""

    def _step_on_replicas(self) -> Callable[[Any], dict[str, Any]]:
        """A compiled step on all replicas; Keras's own would take the mean of their logs.

        Its mean is of rows where there are several workers, and a log is one number.
        """
        strategy = self.distribute_strategy

        @tf.function(reduce_retracing=True, autograph=False)
        def step(iterator: Any) -> dict[str, Any]:
            logs = strategy.run(self.train_step, args=(iterator.get_next(),))
            # Each of them has the logs of the whole batch.
            return keras.tree.map_structure(
                lambda each: strategy.experimental_local_results(each)[0], logs
            )

        return step

    def inspect(
        self, images: np.ndarray, y_true: np.ndarray, *, gradients: bool = False
    ) -> tuple[np.ndarray, LossBreakdown]:
        """Predictions and loss in inference mode, by the loss that trains.

        Args:
            images: (B, height, width, channels) float32, 0 to 1.
            y_true: (B, N, 5 + C) float32.
            gradients: Whether the breakdown holds the gradients of its terms.

        Returns:
            Raw predictions (B, P, channels) float32, and the breakdown of the batch as numpy.
        """
        return self._looker.inspect(images, y_true, gradients=gradients)

    def layout(self, image_shape: Sequence[int]) -> SlotLayout:
        """Where the slots of a picture of that height, width and number of channels sit."""
        return self._looker.layout(image_shape)

    def _with_gradients(
        self, breakdown: LossBreakdown, tape: tf.GradientTape, y_pred: Any
    ) -> LossBreakdown:
        """The breakdown with the gradient of each term, from a tape that has seen both."""
        gradients = {
            name: tape.gradient(term, y_pred, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            for name, term in breakdown.terms.items()
        }
        # They lie on the slots as the predictions do: it is the same rearrangement.
        to_slots = self.detection_loss.slot_predictions
        return dataclasses.replace(
            breakdown, gradients={name: to_slots(each) for name, each in gradients.items()}
        )

    def _batch_arrays(self, batch: dict[str, Any]) -> dict[str, Any]:
        tree = batch.pop("breakdown")
        return {
            **{name: np.asarray(value) for name, value in batch.items()},
            "breakdown": LossBreakdown.from_tree(tree, candidate_measure=self._measure),
        }


def _recall_counts(breakdown: LossBreakdown, y_true: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Of `current_recall` of the Keras notebook: objects found, and objects that have a slot.

    Boxes are held against the labels, and not by what the loss says of them: it may be wrong.
    """
    assignment = breakdown.assignment
    matched = assignment.match_count > 0
    shape = tf.shape(matched)
    slot = tf.reshape(tf.maximum(assignment.object_slot, 0), (shape[0], shape[1] * shape[2]))
    objectness = tf.gather(breakdown.predictions["objectness"], slot, batch_dims=1)
    objectness = tf.reshape(objectness, shape)
    boxes = tf.gather(breakdown.predictions["boxes"], slot, batch_dims=1)
    labels = tf.cast(y_true, tf.float32)[:, :, None, 1:5]
    iou = intersection_over_union(labels, tf.reshape(boxes, (*tf.unstack(shape), 4)))
    found = matched & (iou > RECALL_IOU) & (objectness > RECALL_OBJECTNESS)
    found_count = tf.reduce_sum(tf.cast(found, tf.float32))
    return found_count, tf.reduce_sum(tf.cast(matched, tf.float32))


def _sum_over_replicas(values: Any) -> Any:
    """The sums of tensors over all replicas, on each of them; outside of replicas as they are."""
    replica = tf.distribute.get_replica_context()
    return values if replica is None else replica.all_reduce(tf.distribute.ReduceOp.SUM, values)


def _summed_gradients(gradients: list[Any]) -> list[Any]:
    """Of each replica's share of the gradients the whole; None stays None."""
    sums = iter(_sum_over_replicas([each for each in gradients if each is not None]))
    return [None if each is None else next(sums) for each in gradients]


def _on_first_replica(gradients: list[Any]) -> list[Any]:
    """What an optimizer that clips first and adds up second takes for one device's gradients.

    Zeros on all replicas but the first: clipped, zeros stay zeros.
    """
    is_first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)
    return [
        None if each is None else tf.where(is_first, each, tf.zeros_like(each))
        for each in gradients
    ]


def _of_each_replica(number: tf.Tensor) -> tf.Tensor:
    """(replicas,) int32: a number of every replica, on each of them."""
    replica: Any = tf.distribute.get_replica_context()
    places = tf.range(replica.num_replicas_in_sync)
    here = tf.equal(places, replica.replica_id_in_sync_group)
    # Added up and not gathered, which TensorFlow does not do where each worker has one device.
    return _sum_over_replicas(tf.where(here, number, 0))


def _as_many_rows(y_true: tf.Tensor) -> tf.Tensor:
    """Labels with padding, so that those of all replicas have the same number of rows."""
    size, rows = tf.unstack(tf.shape(y_true)[:2])
    more = tf.reduce_max(_of_each_replica(rows)) - rows
    padding = tf.zeros((size, more, y_true.shape[2]), y_true.dtype)
    return tf.concat([y_true, padding], axis=1)


def _whole_batch(part: Any, sizes: tf.Tensor) -> tf.Tensor:
    """A replica's part of a batch as the batch; a number is that of the batch already.

    Args:
        part: Pictures first.
        sizes: (replicas,) int32, the pictures of each.
    """
    part = tf.convert_to_tensor(part)
    if part.shape.rank == 0:
        return part
    # Truth values are not added up.
    numbers = tf.cast(part, tf.int32) if part.dtype == tf.bool else part
    replica: Any = tf.distribute.get_replica_context()
    before = tf.cumsum(sizes, exclusive=True)[replica.replica_id_in_sync_group]
    after = tf.reduce_sum(sizes) - before - tf.shape(part)[0]
    rest = tf.shape(part)[1:]
    zeros = (tf.zeros(tf.concat([[each], rest], 0), numbers.dtype) for each in (before, after))
    whole = _sum_over_replicas(tf.concat([next(zeros), numbers, next(zeros)], axis=0))
    return tf.cast(whole, part.dtype)
