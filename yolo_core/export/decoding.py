"""A loss's reading of raw predictions as a Keras layer, so that an exported network says boxes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from yolo_core.losses.base import DetectionLoss
from yolo_core.training.recorded import described_loss, made_loss

OUTPUTS = {
    "boxes": "(batch, slots, 4) x_center, y_center, width, height as fractions of the input",
    "objectness": "(batch, slots) 0 to 1",
    "class_probabilities": "(batch, slots, classes) 0 to 1",
}
"""What it gives, and what that is."""


@keras.saving.register_keras_serializable(package="yolo_core")
class Decode(keras.layers.Layer):
    """From raw predictions to `OUTPUTS`, by name.

    It is the loss's own `breakdown` that reads them; what else that computes a graph leaves out.

    Args:
        loss: The loss that the network was trained with.
        **options: Keras's layer options.
    """

    def __init__(self, loss: DetectionLoss, **options: Any) -> None:
        super().__init__(**{"dtype": "float32", **options})
        self.loss = loss
        # Named here, they are tracked: the trace of a breakdown takes them up.
        self.loss_variables = [*loss.lambdas.values(), loss.step]

    def call(self, raw: Any) -> dict[str, Any]:
        """The predictions."""
        batch = ops.shape(keras.tree.flatten(raw)[0])[0]
        no_objects = ops.zeros((batch, 1, 5 + self.loss.num_classes), "float32")
        said = self.loss.breakdown(no_objects, raw).predictions
        return {name: said[name] for name in OUTPUTS}

    def compute_output_spec(self, raw: Any) -> dict[str, keras.KerasTensor]:
        """Shapes, without tracing the loss."""
        shapes = keras.tree.map_structure(lambda each: tuple(each.shape), raw)
        slots = self.loss.slots(shapes).count
        batch = keras.tree.flatten(raw)[0].shape[0]
        ends = {"boxes": (4,), "class_probabilities": (self.loss.num_classes,)}
        return {
            name: keras.KerasTensor((batch, slots, *ends.get(name, ())), "float32")
            for name in OUTPUTS
        }

    def get_config(self) -> dict[str, Any]:
        """Keras's hook."""
        return {**super().get_config(), **described_loss(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Decode:
        """Keras's hook. Only losses of this package are made.

        Raises:
            LookupError: It names another one.
        """
        parts = {name: config.pop(name) for name in ("loss_class", "loss", "layout")}
        return cls(made_loss(**parts), **config)
