"""A loss's reading of raw predictions as a Keras layer, so that an exported network says boxes."""

from __future__ import annotations

import json
from typing import Any

import keras
from keras import ops

from yolo_core.losses.base import DetectionLoss
from yolo_core.training.recorded import kept_class

OUTPUTS = ("boxes", "objectness", "class_probabilities")


@keras.saving.register_keras_serializable(package="yolo_core")
class Decode(keras.layers.Layer):
    """From raw predictions to boxes (B, P, 4), objectness (B, P), class probabilities (B, P, C).

    Boxes are x_center, y_center, width, height as image fractions. It is the loss's own `breakdown`
    that reads them; what else that computes is pruned from the graph.

    Args:
        loss: The loss that the network was trained with.
    """

    def __init__(self, loss: DetectionLoss, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})
        self.loss = loss
        # Named here, they are tracked: the trace of a breakdown takes them up.
        self.loss_variables = [*loss.lambdas.values(), loss.step]

    def call(self, raw: Any) -> list[Any]:
        """The predictions, in the order of `OUTPUTS`."""
        batch = ops.shape(keras.tree.flatten(raw)[0])[0]
        no_objects = ops.zeros((batch, 1, 5 + self.loss.num_classes), "float32")
        said = self.loss.breakdown(no_objects, raw).predictions
        return [said[name] for name in OUTPUTS]

    def compute_output_spec(self, raw: Any) -> list[keras.KerasTensor]:
        """Shapes, without tracing the loss."""
        shapes = keras.tree.map_structure(lambda each: tuple(each.shape), raw)
        slots = self.loss.slots(shapes).count
        ends = ((4,), (), (self.loss.num_classes,))
        batch = keras.tree.flatten(raw)[0].shape[0]
        return [keras.KerasTensor((batch, slots, *end), "float32") for end in ends]

    def get_config(self) -> dict[str, Any]:
        """Keras's hook.

        Raises:
            ValueError: The loss is a class of somebody's own, which no file may name.
        """
        kind = type(self.loss).__name__
        if kept_class(kind) is not type(self.loss):
            raise ValueError(
                f"The decoding of {kind}, a loss of your own, cannot be kept in a .keras file; "
                "export the raw predictions (--raw), or to saved_model or onnx."
            )
        plain = json.loads(json.dumps(self.loss.get_config(), default=lambda each: each.tolist()))
        return {**super().get_config(), "loss": {"class": kind, "config": plain}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Decode:
        """Keras's hook. Only losses of this package are made.

        Raises:
            ValueError: It names another one.
        """
        loss = config.pop("loss")
        kind = kept_class(str(loss["class"]))
        if kind is None:
            raise ValueError(f"There is no loss {loss['class']!r} in this package.")
        return cls(kind.from_config(loss["config"]), **config)
