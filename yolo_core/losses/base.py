"""What every loss has in common: lambdas, the one code path, and what others ask of a loss."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras import ops

from yolo_core.assignment import NO_RULE, IgnoreRule
from yolo_core.boxes import Tensor
from yolo_core.breakdown import LossBreakdown
from yolo_core.losses.anchor_table import AnchorTable
from yolo_core.losses.heads import COARSEST, Head
from yolo_core.losses.meaning import Meaning
from yolo_core.losses.option_values import as_number
from yolo_core.losses.slips import Slip, switches
from yolo_core.slots import SlotLayout

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource

THRESHOLDS = ("ignore_threshold", "overlap_threshold")


class DetectionLoss(keras.losses.Loss):
    """A detection loss that can be taken apart.

    A subclass names its terms and writes `breakdown`; calling the loss returns the total of that
    same breakdown, and the parts that nobody asks for are pruned from the compiled graph. What
    depends on a loss is asked of it: how it is set up for data (`setup`, `heads`), how it says what
    another loss says (`encode_boxes`, `encode`, `to_output`), its anchors, its ignore rule.

    Under `yolo_core.training.detector.Detector`, and in a plain `compile` on the TensorFlow and
    PyTorch backends, a lambda that is assigned takes effect at the next step without retracing. In
    a plain `compile` on the JAX backend lambdas are frozen into the trace.

    Args:
        num_classes: C.
        lambdas: Weights that differ from the defaults, by term or by published group name.
        name: Keras's name of the loss.

    Attributes:
        lambdas: {term: keras.Variable}, scalar float32.
        options: {name: value} of the keyword options that are plain values.
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
    anchor_argument: ClassVar[str | None] = None
    """The argument that takes the anchors or priors; None for losses without."""
    known_slips: ClassVar[tuple[Slip, ...]] = ()
    """The published deviations from this loss, any of which `published` can put into it."""
    strides: tuple[int, ...] = (COARSEST,)
    """Pixels from cell to cell on each head of this project's networks; a run may set others."""
    classes_by_themselves: ClassVar[bool] = False
    """Whether each class has a probability of its own, or those of a slot sum to 1."""

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
        self.options: dict[str, Any] = {}
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
            number = as_number(value)
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

    def slot_predictions(self, y_pred: Any) -> Tensor:
        """Raw predictions as (B, P, channels), float32."""
        raise NotImplementedError

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The name of each raw channel of a slot: here x, y, w, h, objectness and the classes."""
        return ("x", "y", "w", "h", "objectness", *self.class_channels)

    @property
    def class_channels(self) -> tuple[str, ...]:
        """ "class 0" and so on, C of them."""
        return tuple(f"class {index}" for index in range(self.num_classes))

    def get_config(self) -> dict[str, Any]:
        """The keyword arguments that make this loss again, with the lambdas as they are now."""
        return {
            "name": self.name,
            "num_classes": self.num_classes,
            "lambdas": {term: float(v.numpy()) for term, v in self.lambdas.items()},
            **self.options,
        }

    @property
    def ignore_rule(self) -> IgnoreRule:
        """When a slot without an object is left alone: here never, or by no rule with a name."""
        return NO_RULE

    @property
    def thresholds(self) -> dict[str, float]:
        """The options that the assignment compares a score with, such as `ignore_threshold`."""
        return {name: self.options[name] for name in THRESHOLDS if name in self.options}

    @property
    def slips(self) -> frozenset[str]:
        """Names of the known slips that this loss has."""
        return frozenset(
            slip.name
            for slip in self.known_slips
            if slip.option in self.options and self.options[slip.option] == slip.on
        )

    @property
    def switches(self) -> dict[str, Any]:
        """Its options, and {keyword of `published`: value} of every slip that it has or has not."""
        return {**switches(self.known_slips, self.slips), **self.options}

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """The keyword arguments that suit a data source: anchors or priors, and grids.

        Args:
            source: The data.
            anchors: (T, 2) widths and heights as image fractions to be used; None fits some.
            strides: Of each head, such as `recipe.derived_setup` gives; None takes the class's own.

        Raises:
            ValueError: The loss takes no anchors, or has another number of heads.
        """
        del source, strides
        if anchors is not None:
            raise ValueError(f"{cls.__name__} has no anchors; received some in loss.anchors.")
        return {}

    def heads(self) -> list[Head]:
        """What a network of this project has to end in for this loss.

        Raises:
            ValueError: It has other heads than such a network.
        """
        raise NotImplementedError

    def output_shape(self, image_shape: Sequence[int]) -> tuple[int, ...]:
        """The shape that such a network puts out for a picture, without the batch.

        Args:
            image_shape: Height and width in pixels; what follows does not matter.
        """
        raise NotImplementedError

    def anchor_sizes(
        self, image_shape: Sequence[int], grids: Sequence[Sequence[int]]
    ) -> AnchorTable | None:
        """The anchors as sizes in pixels, to be edited; None where there are none.

        Args:
            image_shape: Height and width of the pictures; what follows does not matter.
            grids: (rows, columns, slots a cell) of each head.
        """
        del image_shape, grids
        return None

    def with_anchors(
        self,
        sizes: Sequence[Sequence[float]],
        image_shape: Sequence[int],
        grids: Sequence[Sequence[int]],
    ) -> dict[str, Any]:
        """The entry of its configuration for edited `anchor_sizes`.

        Raises:
            ValueError: The loss has none, or another number of them, or a size is not above zero.
        """
        del sizes, image_shape, grids
        raise ValueError(f"{type(self).__name__} has no anchors that can be edited.")

    def to_output(
        self, slots: np.ndarray, grids: Sequence[tuple[int, int, int]] | None = None
    ) -> np.ndarray:
        """The way back from `slot_predictions`: what a network hands to the loss.

        Args:
            slots: (B, P, channels) float32.
            grids: (rows, columns, slots a cell) of each head; None takes one grid as square.

        Raises:
            ValueError: The slots do not make up the grid.
        """
        raise NotImplementedError

    def encode_boxes(self, layout: SlotLayout, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The raw x, y and w, h that say given boxes.

        Args:
            layout: The slots.
            boxes: (B, P, 4) float64 x_center, y_center, width, height as image fractions.

        Returns:
            Two (B, P, 2) float64.

        Raises:
            ValueError: It is not known how, or a slot cannot hold its box.
        """
        del layout, boxes
        raise ValueError(f"how {type(self).__name__} encodes boxes is not known.")

    def encode(self, layout: SlotLayout, said: Meaning) -> np.ndarray:
        """(B, P, channels) float64 raw slot predictions that say the given.

        Raises:
            ValueError: Some slot of this loss cannot say that.
        """
        x_y, w_h = self.encode_boxes(layout, said.boxes)
        parts = {"x": x_y[..., :1], "y": x_y[..., 1:], "w": w_h[..., :1], "h": w_h[..., 1:]}
        parts["objectness"] = said.objectness[..., None]
        if self.classes_by_themselves:
            # The logit of a probability, from its logarithm.
            classes = said.classes - np.log(-np.expm1(np.minimum(said.classes, -1e-12)))
        elif said.one_class:
            classes = said.classes
        else:
            raise ValueError(
                "its class probabilities sum to 1 in every slot, and these stand each for itself."
            )
        names = [name for name in self.channel_names if not name.startswith("class ")]
        return np.concatenate([*(parts[name] for name in names), classes], axis=-1)

    def grid_labels(
        self, y_true: np.ndarray, shape: tuple[int, ...], around: Mapping[str, Any]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Label rows laid out over the slots that they train, as an older notebook has them.

        Args:
            y_true: (B, N, 5 + C) label rows.
            shape: (B, rows, columns, anchors * (5 + C)) of the predictions.
            around: The names of the file that the notebook's function stands in.

        Returns:
            (B, rows, columns, anchors, 5 + C) float32, zeros in slots without an object; and what
            the function reads from around it, by name.

        Raises:
            ValueError: The loss was never written for such labels.
        """
        del y_true, shape, around
        raise ValueError(
            "Labels as a grid of slots are those of the Keras notebook's YOLOv2: they go with "
            f"--against yolov2 or a variant of it; received {type(self).__name__}."
        )

    # For those who write a loss

    def _keep_options(self, **options: Any) -> None:
        """Keeps further options that are plain values in `self.options`."""
        self.options = {**self.options, **options}

    def _weighted(
        self,
        terms: dict[str, Tensor],
        lambdas: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The total, and the effective lambdas it was made with."""
        effective = {
            term: ops.convert_to_tensor((lambdas or {}).get(term, self.lambdas[term]))
            for term in self.term_names
        }
        return sum(effective[term] * terms[term] for term in self.term_names), effective

    def _checked(self, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
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


def __getattr__(name: str) -> Any:
    """`GridLoss`, which lay here once: files with losses of one's own import it from here.

    Raises:
        AttributeError: There is no such name.
    """
    if name == "GridLoss":
        from yolo_core.losses.grid import GridLoss

        return GridLoss
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
