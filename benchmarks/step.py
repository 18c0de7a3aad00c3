"""Cost of a training step against the same network under a plain mean-square loss.

Both are compiled train steps of Keras on the same batch of digit scenes, with the same optimizer;
they take turns in one process. The goal is a ratio of medians of at most 1.05.

A third one measures what each term pulls besides. What that costs depends on how seldom it is done:
printed is the share of the training time at the default of `--pulls-every`, with the goal of at
most 2 %, and the smallest number of steps that keeps to it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.timing import interleaved
from yolo_core.data.batches import training_batches
from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig, TrainingConfig, parse_config

LOSSES = ("mnist_yolo", "yolov2")
PULLS_COST = 0.02


def step_of(
    model: keras.Model, images: tf.Tensor, labels: tf.Tensor, *, pulls: bool = False
) -> Callable[[], float]:
    """One call is one step on that batch; reading the loss back waits for a GPU to be done."""
    batch = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())
    model.make_train_function()

    def step() -> float:
        model.wants_pulls = pulls
        return float(model.train_function(batch)["loss"])

    return step


def plain(network: keras.Model, config: RunConfig, *, xla: bool) -> keras.Model:
    """A copy of the network, compiled with Keras's own mean-square loss."""
    copy = keras.models.clone_model(network)
    copy.compile(
        optimizer=keras.optimizers.Adam(config.training.learning_rate),
        loss="mean_squared_error",
        jit_compile=xla,
    )
    return copy


def measure(config: RunConfig, source: SampleSource, rounds: int) -> tuple[float, ...]:
    """Median milliseconds of our step and the plain one, and the median ratios of paired rounds:
    of ours to the plain one, and of one that measures what pulls to ours.
    """
    detector = build_detector(config, build_loss(config, source), source)
    images, labels = next(
        iter(training_batches(source, batch_size=config.training.batch_size, batches=1))
    )
    predictions = detector(images)
    seconds = interleaved(
        {
            "detector": step_of(detector, images, labels),
            "pulls": step_of(detector, images, labels, pulls=True),
            "plain": step_of(
                plain(detector.network, config, xla=bool(detector.jit_compile)),
                images,
                tf.zeros_like(predictions),
            ),
        },
        rounds=rounds,
        warm_up=10,
    )
    ours, theirs = (1000 * float(np.median(seconds[name])) for name in ("detector", "plain"))
    paired = [seconds[a] / seconds[b] for a, b in (("detector", "plain"), ("pulls", "detector"))]
    return ours, theirs, *(float(np.median(each)) for each in paired)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    rounds, batch_size = vars(parser.parse_args()).values()
    every = TrainingConfig().pulls_every
    print(
        f"{'loss':12}{'step ms':>10}{'plain ms':>10}{'ratio':>8}{'paired':>8}"
        f"{'pulls':>8}{f'every {every}':>12}{'2 % from':>10}"
    )
    for name in LOSSES:
        config = parse_config({"loss": {"name": name}, "training": {"batch_size": batch_size}})
        ours, theirs, paired, pulls = measure(config, open_source(config.data), rounds)
        print(
            f"{name:12}{ours:>10.2f}{theirs:>10.2f}{ours / theirs:>8.3f}{paired:>8.3f}"
            f"{pulls:>8.3f}{(pulls - 1) / every:>12.3%}"
            f"{max(1, math.ceil((pulls - 1) / PULLS_COST)):>10}"
        )


if __name__ == "__main__":
    main()
