"""What recording costs: the same training with the recorder and without, in turns.

Two models of one kind train on the same batch by `fit`, so many steps a turn, one with a
`RunRecorder` that snapshots 12 samples and its batches as usual. Printed is the ratio of the two
over all turns after the first, which compiles; goal: at most 1.02 where a step takes 100 ms or
more. The first steps are pictured densely (0, 1, 2, 4, 8, ...), in the first turn; later ones every
100. On a machine that does other things the ratio of seconds says little, and that of the seconds
that this process's processors were busy says more. The last line is the time inside of the recorder
itself, as a share of the steps; it does not hold that a step whose batch is pictured computes
gradients as well, once in 100 steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from yolo_core import RunRecorder, YoloV2Loss

ANCHORS = [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 2.0), (2.0, 4.0)]
CLASSES, PINNED = 20, 12


class Timed(RunRecorder):
    """Knows how long its own work took."""

    seconds = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """As before, on the clock."""
        self._timed(super().on_train_batch_begin, batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """As before, on the clock."""
        self._timed(super().on_train_batch_end, batch, logs)

    def _timed(self, hook: Callable[[int, Any], None], batch: int, logs: Any) -> None:
        start = time.perf_counter()
        hook(batch, logs)
        self.seconds += time.perf_counter() - start


def model(side: int, width: int, *, detector: bool) -> keras.Model:
    """A network of stride 16, with the loss, compiled."""
    layers = keras.layers
    network = keras.Sequential([keras.Input((side, side, 3))])
    for depth in range(4):
        network.add(layers.Conv2D(width * 2**depth, 3, strides=2, padding="same", use_bias=False))
        network.add(layers.BatchNormalization())
        network.add(layers.LeakyReLU(0.1))
    network.add(layers.Conv2D(len(ANCHORS) * (5 + CLASSES), 1))
    loss = YoloV2Loss(ANCHORS, num_classes=CLASSES)
    if not detector:
        network.compile("adam", loss=loss)
        return network
    from yolo_core import Detector

    made = Detector(network, loss)
    made.compile("adam")
    return made


def batch(side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with three objects each."""
    random = np.random.default_rng(0)
    labels = np.zeros((count, 8, 5 + CLASSES), np.float32)
    labels[:, :3, 0] = labels[:, :3, 5] = 1
    labels[:, :3, 1:5] = random.uniform(0.2, 0.6, (count, 3, 4))
    return random.random((count, side, side, 3), np.float32), labels


def measure(
    side: int, width: int, size: int, *, steps: int, turns: int, detector: bool
) -> np.ndarray:
    """(turns, 2, 3) of each turn, without the recorder and with it: seconds, those that processors
    were busy, and those inside of the recorder.
    """
    images, labels = batch(side, size)
    given = batch(side, PINNED)
    plain, recorded = (model(side, width, detector=detector) for _ in range(2))

    def fit(trained: keras.Model, callbacks: list[keras.callbacks.Callback]) -> list[float]:
        start, inside = (time.perf_counter(), time.process_time()), recorder.seconds
        trained.fit(
            np.concatenate([images] * steps),
            np.concatenate([labels] * steps),
            batch_size=size,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )
        seconds = [time.perf_counter() - start[0], time.process_time() - start[1]]
        return [*seconds, recorder.seconds - inside]

    with tempfile.TemporaryDirectory() as folder:
        pinned = [f"val/{at}" for at in range(PINNED)]
        with Timed(Path(folder) / "run", given, pinned=pinned) as recorder:
            return np.array([(fit(plain, []), fit(recorded, [recorder])) for _ in range(turns)])


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--width", type=int, default=32, help="of the first layer")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--steps", type=int, default=100, help="a turn")
    parser.add_argument("--turns", type=int, default=6, help="the first of which compiles")
    parser.add_argument("--compile", action="store_true", help="Keras's own, without a Detector")
    given = parser.parse_args()
    seconds = measure(
        given.side,
        given.width,
        given.batch_size,
        steps=given.steps,
        turns=given.turns,
        detector=not given.compile,
    )
    for turn, (without, with_it) in enumerate(seconds):
        ratio, busy = (with_it / np.maximum(without, 1e-9))[:2]
        ms = 1000 * without[0] / given.steps
        print(
            f"turn {turn}: {ms:.1f} ms a step, with the recorder x {ratio:.3f}, busy x {busy:.3f}"
        )
    without, with_it = seconds[1:].sum(axis=0)
    ratio, busy = (with_it / np.maximum(without, 1e-9))[:2]
    print(f"all turns after the first: x {ratio:.4f}, busy x {busy:.4f}")
    print(f"of which inside of the recorder: {with_it[2] / with_it[0]:.4f}")


if __name__ == "__main__":
    main()
