"""What every loss has in common: lambdas, the one code path, and how it is called."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import keras
from keras import ops

from yolo_core.breakdown import LossBreakdown
from yolo_core.slots import SlotLayout

# Lambdas are float32: beyond this they would be infinite.
LARGEST_FLOAT32 = 3.4e38
THRESHOLDS = ("ignore_threshold", "overlap_threshold")


class DetectionLoss(keras.losses.Loss):
    """A detection loss that can be taken apart.

    A subclass names its terms and writes `breakdown`; calling the loss returns the total of that
    same breakdown, and the parts that nobody asks for are pruned from the compiled graph.

    Under `yolo_core.training.detector.Detector`, and in a plain `compile` on the TensorFlow and
    PyTorch backends, a lambda that is assigned takes effect at the next step without retracing. In
    a plain `compile` on the JAX backend lambdas are frozen into the trace.

    Args:
        num_classes: C.
        lambdas: Weights that differ from the defaults, by term or by published group name.
        name: Keras's name of the loss.

    Attributes:
        lambdas: {term: keras.Variable}, scalar float32.
        step: keras.Variable, int32: how many steps were taken before this one. Set from outside
            (`Detector` does); calling a loss never changes it. Warm-up reads it.
        reduce_count: Applied to every count that runs over the whole batch. The identity, unless
            a distribution strategy replaces it by a sum over replicas.

    Raises:
        ValueError: `num_classes`, a lambda's name, or its value is not valid.
    """

    term_names: ClassVar[tuple[str, ...]]
    default_lambdas: ClassVar[Mapping[str, float]]
    lambda_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The options that are one of a few words, with those words."""
    anchor_argument: ClassVar[str | None] = None
    """The argument that takes the anchors or priors; None for losses without."""

    def __init__(
        self,
        *,
        num_classes: int,
        lambdas: Mapping[str, float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction="sum", dtype="float32")
        if not isinstance(num_classes, numbers.Integral) or num_classes < 1:
            raise ValueError(
                f"num_classes must be a whole number from 1; received {num_classes!r}."
            )
        self.num_classes = int(num_classes)
        values = {**self.default_lambdas, **self.expand_lambdas(lambdas or {})}
        self.lambdas: dict[str, keras.Variable] = {
            term: keras.Variable(
                values[term],
                dtype="float32",
                trainable=False,
                autocast=False,
                name=f"lambda_{term}",
            )
            for term in self.term_names
        }
        self.step = keras.Variable(0, dtype="int32", trainable=False, name="loss_step")
        self.reduce_count: Callable[[Any], Any] = lambda count: count

    def _keep_options(self, **options: Any) -> None:
        """Keeps the options that are plain values in `self.options`.

        Raises:
            ValueError: An option of `choices` has another value.
        """
        for option, words in self.choices.items():
            if options[option] not in words:
                raise ValueError(
                    f"{option} must be one of {', '.join(words)}; received {options[option]!r}."
                )
        self.options = options

    @classmethod
    def expand_lambdas(cls, lambdas: Mapping[str, float]) -> dict[str, float]:
        """Replaces group names by their terms and checks every value.

        Raises:
            ValueError: An unknown name, or a value that is negative or not a finite number.
        """
        known = (*cls.term_names, *cls.lambda_groups)
        expanded: dict[str, float] = {}
        for name, value in lambdas.items():
            if name not in known:
                raise ValueError(
                    f"{cls.__name__} has no lambda {name!r}; it has {', '.join(known)}."
                )
            number = _as_number(value)
            if number is None or number < 0:
                raise ValueError(
                    f"Lambda {name!r} must be a finite number of zero or more; received {value!r}."
                )
            expanded.update(dict.fromkeys(cls.lambda_groups.get(name, (name,)), number))
        return expanded

    def set_lambda(self, name: str, value: float) -> dict[str, float]:
        """Assigns a lambda, or all lambdas of a published group.

        Returns:
            {term: value} of what was assigned.

        Raises:
            ValueError: As `expand_lambdas`.
        """
        assigned = self.expand_lambdas({name: value})
        for term, number in assigned.items():
            self.lambdas[term].assign(number)
        return assigned

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The total of `breakdown`.

        Raises:
            ValueError: `sample_weight` is given; these losses define no weight an image.
        """
        if sample_weight is not None:
            raise ValueError(f"{type(self).__name__} takes no sample_weight; received one.")
        return self.breakdown(y_true, y_pred).total

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Keras's name for the same thing as calling the loss."""
        return self(y_true, y_pred)

    def breakdown(self, y_true: Any, y_pred: Any) -> LossBreakdown:
        """The loss taken apart.

        Args:
            y_true: (B, N, 5 + C), rows [object, x_center, y_center, width, height, one-hot class],
                image fractions; rows with object = 0 are padding.
            y_pred: Raw network output in the shape that the loss documents.

        Raises:
            ValueError: A shape does not fit.
        """
        raise NotImplementedError

    def slots(self, y_pred_shape: Sequence[Any]) -> SlotLayout:
        """Where the slots of predictions of that shape sit."""
        raise NotImplementedError

    def slot_predictions(self, y_pred: Any) -> Any:
        """Raw predictions as (B, P, channels), float32."""
        raise NotImplementedError

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The name of each raw channel of a slot."""
        raise NotImplementedError

    @property
    def ignore_rule(self) -> str:
        """When a slot without an object is ignored, as the end of a sentence; "" for never."""
        threshold = getattr(self, "options", {}).get("ignore_threshold")
        return "" if threshold is None else f"the rule ignores from IoU {threshold:.2f} on"

    @property
    def thresholds(self) -> dict[str, float]:
        """The options that the assignment compares a score with, such as `ignore_threshold`."""
        options = getattr(self, "options", {})
        return {name: options[name] for name in THRESHOLDS if name in options}

    def get_config(self) -> dict[str, Any]:
        """The keyword arguments that make this loss again, with the lambdas as they are now."""
        return {
            "name": self.name,
            "num_classes": self.num_classes,
            "lambdas": {term: float(v.numpy()) for term, v in self.lambdas.items()},
        }

    def _weighted(
        self,
        terms: dict[str, Any],
        lambdas: Mapping[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """The total, and the effective lambdas it was made with."""
        effective = {
            term: ops.convert_to_tensor((lambdas or {}).get(term, self.lambdas[term]))
            for term in self.term_names
        }
        return sum(effective[term] * terms[term] for term in self.term_names), effective

    def _checked(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Both inputs as float32 tensors, labels checked, a list of one head unwrapped."""
        if isinstance(y_pred, list | tuple):
            if len(y_pred) != 1:
                raise ValueError(
                    f"{type(self).__name__} has one head; received {len(y_pred)} outputs."
                )
            y_pred = y_pred[0]
        y_true = ops.cast(ops.convert_to_tensor(y_true), "float32")
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
        if len(y_true.shape) != 3 or y_true.shape[-1] != 5 + self.num_classes:
            raise ValueError(
                f"{type(self).__name__} with {self.num_classes} classes takes labels of shape "
                f"(batch, objects, {5 + self.num_classes}), rows [object, x_center, y_center, "
                f"width, height, one-hot class]; received {tuple(y_true.shape)}."
            )
        batch_sizes = {*y_true.shape[:1], *y_pred.shape[:1]} - {None}
        if len(batch_sizes) > 1:
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions of the same pictures; "
                f"received labels of {y_true.shape[0]} and predictions of {y_pred.shape[0]}."
            )
        return y_true, y_pred


class GridLoss(DetectionLoss):
    """A loss on one grid head: (B, H, W, A * F), anchor-major, F channels a slot."""

    def slot_predictions(self, y_pred: Any) -> Any:
        """(B, H, W, A * F) as (B, H * W * A, F)."""
        height, width, anchors = self._grid(y_pred.shape)
        features = len(self.channel_names)
        return ops.reshape(y_pred, (-1, height * width * anchors, features))

    def _grid(self, shape: Sequence[Any]) -> tuple[int, int, int]:
        """Rows, columns and anchors a cell of predictions of that shape."""
        features = len(self.channel_names)
        if len(shape) != 4 or not all(isinstance(size, int) for size in shape[1:]):
            raise ValueError(
                f"{type(self).__name__} takes predictions of shape (batch, rows, columns, "
                f"anchors * {features}) with a known grid; received {tuple(shape)}."
            )
        height, width, channels = shape[1:]
        if channels == 0 or channels % features:
            raise ValueError(
                f"{type(self).__name__} with {self.num_classes} classes takes a multiple of "
                f"{features} channels ({', '.join(self.channel_names[:5])} and the classes); "
                f"received {channels}. Is num_classes right?"
            )
        return height, width, channels // features


def _as_number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= LARGEST_FLOAT32 else None
