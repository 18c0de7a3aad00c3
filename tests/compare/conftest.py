"""The digit scenes, and every loss on the one grid that all of them can share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from yolo_core.losses import DetectionLoss
from yolo_core.losses.heads import SLOTS_A_CELL
from yolo_core.training.config import RunConfig

SAMPLE = "val/3"


@dataclasses.dataclass(frozen=True)
class Scene:
    """One picture, and losses to look at it with."""

    config: RunConfig
    scenes: Any
    image: np.ndarray
    y_true: np.ndarray

    def loss(self, name: str, **options) -> DetectionLoss:
        from yolo_core.compare.setup import loss_like

        return loss_like(name, self.config, self.scenes, **options)

    def slots(self, loss: DetectionLoss, seed: int = 0) -> np.ndarray:
        """(1, P, channels) made-up predictions."""
        from yolo_core.compare.own.random_predictions import random_predictions

        try:
            shape = loss.output_shape(self.scenes.image_shape)
        except ValueError:  # on the one grid, as no network here has it
            shape = (36 * SLOTS_A_CELL, len(loss.channel_names))
        return random_predictions(loss, loss.slots((1, *shape)), self.y_true[None], seed=seed)

    def compare(self, losses: dict[str, DetectionLoss], y_pred: Any):
        from yolo_core.compare.side_by_side import compare

        return compare(
            losses,
            image=self.image,
            y_true=self.y_true,
            y_pred=y_pred,
            class_names=self.scenes.class_names,
            name=SAMPLE,
        )


@pytest.fixture(scope="session")
def scene() -> Scene:
    from yolo_core.data.batches import sample_batch
    from yolo_core.data.registry import open_source

    config = RunConfig()
    scenes = open_source(config.data)
    images, y_true = sample_batch(scenes, [SAMPLE])
    return Scene(config, scenes, images[0], y_true[0])


@pytest.fixture(scope="session")
def on_one_grid(scene: Scene) -> Callable[[str], DetectionLoss]:
    made: dict[str, DetectionLoss] = {}

    def loss(name: str) -> DetectionLoss:
        if name not in made:
            made[name] = scene.loss(name, one_grid=True)
        return made[name]

    return loss
