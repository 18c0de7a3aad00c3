"""Digit scenes: real handwritten digits strewn over a canvas, with boxes tight around their ink."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from yolo_core.data.config import DataConfig
from yolo_core.data.digits.resampling import resampling
from yolo_core.data.digits.source import DIGIT_SOURCES, SPLITS, DigitSource, load_digit_source
from yolo_core.data.random_words import below, permutation, random_words
from yolo_core.data.sample import Sample, split_name
from yolo_core.data.source import ANCHOR_SAMPLES, SampleSource

__all__ = ["DIGIT_SOURCES", "DigitScenes", "DigitSource", "load_digit_source", "open_scenes"]

CLASS_NAMES = tuple(str(digit) for digit in range(10))

INK_LEVEL = 64
"""A pixel of a scene is ink from this value on; a box is tight around its digit's ink."""
NOISE_LEVELS = 16
"""Every pixel of a scene carries noise of 0 to NOISE_LEVELS - 1."""
BRIGHTNESS = (160, 240)
"""Peak value of a digit, darkest and brightest. The brightest plus noise is 255 at most."""
SIDES_AT_96 = (14, 40)
"""Longer side of a digit in pixels on a canvas of 96, smallest and largest."""
TRIES = 24
"""Places that are tried for a digit before the scene does without it."""
MAX_INDEX = 2**63 - 1


class DigitScenes(SampleSource):
    """Pictures of several digits, each a pure function of (source, seed, split, index) and size.

    Nothing is remembered between two scenes, so any thread or process can render any of them in
    any order. Random choices come from `random_words`, digits are resized with `resampling`, and
    everything is made with whole numbers, so that every machine makes the same scenes.

    Args:
        source: The single digits.
        seed: Seed of the scenes, 0 to 2**32 - 1.
        image_size: Side of the square canvas in pixels, 32 to 512.
        max_objects: Most digits in a scene, at least 1. There are fewer where no room is left.
        train_scenes: The training stream repeats this many scenes, in a new order every epoch;
            None makes fresh ones for ever.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        source: DigitSource,
        *,
        seed: int,
        image_size: int = 96,
        max_objects: int = 5,
        train_scenes: int | None = None,
    ) -> None:
        for name, value, low, high in (
            ("seed", seed, 0, 2**32 - 1),
            ("image_size", image_size, 32, 512),
            ("max_objects", max_objects, 1, 100),
            ("train_scenes", 1 if train_scenes is None else train_scenes, 1, 10**6),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low} to {high}; received {value}.")
        self.source = source
        self.name = source.name
        self.seed = seed
        self.image_size = image_size
        self.image_shape = (image_size, image_size, 1)
        self.class_names = CLASS_NAMES
        self.max_objects = max_objects
        self.train_scenes = train_scenes
        self.splits = {"train": train_scenes, "val": None, "test": None}
        self.problems = ()
        self._ink = _ink_extents(source.images)
        self._epoch_order = functools.lru_cache(maxsize=4)(self._shuffle_epoch)

    def files(self, name: str) -> tuple[Path, ...]:
        """The .npz that the digits are from; all scenes are made from all digits of a split."""
        split_name(name, SPLITS)
        return () if self.name in DIGIT_SOURCES else (Path(self.name),)

    def scene(self, split: str, index: int) -> Sample:
        """Renders scene `index` of a split.

        Args:
            split: "train", "val" or "test".
            index: 0 to 2**63 - 1: scenes do not run out.

        Returns:
            A sample whose image is (image_size, image_size, 1) uint8.

        Raises:
            ValueError: There is no such split or index.
        """
        if split not in SPLITS or not 0 <= index <= MAX_INDEX:
            raise ValueError(
                f"A scene is one of {', '.join(SPLITS)} and an index of 0 to {MAX_INDEX}; "
                f"received {split!r}, {index}."
            )
        size = self.image_size
        words_a_digit = 3 + 2 * TRIES
        choices = 1 + self.max_objects * words_a_digit
        words = random_words(self.seed, split, index, choices + (size * size + 7) // 8)
        count_word, *digit_words = words[:choices].tolist()
        canvas = np.zeros((size, size), np.uint8)
        indices = self.source.splits[split]
        corners: list[tuple[int, int, int, int]] = []
        classes: list[int] = []
        for k in range(1 + below(self.max_objects, count_word)):
            pick, side, brightness, *places = digit_words[k * words_a_digit :][:words_a_digit]
            digit = int(indices[below(len(indices), pick)])
            low, high = ((2 * edge * size + 96) // 192 for edge in SIDES_AT_96)
            glyph = self._glyph(
                digit,
                side=low + below(high - low + 1, side),
                brightness=BRIGHTNESS[0] + below(BRIGHTNESS[1] - BRIGHTNESS[0] + 1, brightness),
            )
            place = _free_place(glyph.shape, size, corners, places)
            if place is None:
                continue
            left, top, right, bottom = place
            under = canvas[top:bottom, left:right]
            np.maximum(under, glyph, out=under)
            corners.append(place)
            classes.append(int(self.source.labels[digit]))
        # "<u8": bytes in one order, whatever the byte order of the machine.
        noise = words[choices:].astype("<u8").view(np.uint8)[: size * size].reshape(size, size)
        canvas += noise % NOISE_LEVELS
        edges = np.asarray(corners, np.float64)
        boxes = np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], 1)
        return Sample(
            name=f"{split}/{index}",
            image=canvas[:, :, None],
            boxes=(boxes / size).astype(np.float32),
            classes=np.asarray(classes, np.int32),
        )

    def composed(self, name: str, digits: Sequence[tuple[int, float, float, int]]) -> Sample:
        """A scene of given digits at given places, without noise.

        Args:
            name: Of the sample.
            digits: (digit, x_center, y_center, longer side) in pixels of each; what leaves the
                canvas is cut off. The centre is met to half a pixel.

        Raises:
            ValueError: A digit lies outside of the canvas.
        """
        size = self.image_size
        canvas = np.zeros((size, size), np.uint8)
        edges = np.zeros((len(digits), 4))
        for row, (digit, x, y, side) in enumerate(digits):
            first = int((self.source.labels[self.source.splits["train"]] == digit).argmax())
            index = int(self.source.splits["train"][first])
            glyph = self._glyph(index, side=side, brightness=BRIGHTNESS[1])
            height, width = glyph.shape
            left, top = math.floor(x - width / 2 + 0.5), math.floor(y - height / 2 + 0.5)
            right, bottom = min(left + width, size), min(top + height, size)
            from_left, from_top = max(-left, 0), max(-top, 0)
            left, top = left + from_left, top + from_top
            if left >= right or top >= bottom:
                raise ValueError(
                    f"A digit lies on the canvas of {size} x {size}; received one at {x}, {y}."
                )
            under = canvas[top:bottom, left:right]
            seen = glyph[from_top : from_top + bottom - top, from_left : from_left + right - left]
            np.maximum(under, seen, out=under)
            edges[row] = left, top, right, bottom
        boxes = np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], 1)
        return Sample(
            name=name,
            image=canvas[:, :, None],
            boxes=(boxes / size).astype(np.float32),
            classes=np.asarray([digit for digit, *_ in digits], np.int32),
        )

    def stream_sample(self, index: int) -> Sample:
        """Renders sample `index` of the training stream.

        Fresh scenes: it is training scene `index`. A fixed set of M: every M samples are an epoch
        that holds each of the scenes 0 to M - 1 once, in an order of its own.

        Args:
            index: Running index in the stream, 0 or more.

        Returns:
            A sample named "train/{index}", whichever scene it shows.

        Raises:
            ValueError: There is no such index.
        """
        if self.train_scenes is None or not 0 <= index <= MAX_INDEX:
            return self.scene("train", index)
        epoch, position = divmod(index, self.train_scenes)
        scene = self.scene("train", int(self._epoch_order(epoch)[position]))
        return dataclasses.replace(scene, name=f"train/{index}")

    def sample(self, name: str) -> Sample:
        """Renders the sample of that name: "val/3", "test/0", or "train/17" of the stream.

        Raises:
            ValueError: The name has another form.
        """
        split, index = split_name(name, SPLITS)
        return self.stream_sample(index) if split == "train" else self.scene(split, index)

    def training_boxes(self) -> np.ndarray:
        """(n, 4) boxes of the first training scenes, whatever `train_scenes` is."""
        boxes = [self.scene("train", index).boxes for index in range(ANCHOR_SAMPLES)]
        return np.concatenate(boxes)

    def _shuffle_epoch(self, epoch: int) -> np.ndarray:
        count = self.train_scenes or 0
        return permutation(random_words(self.seed, "epoch", epoch, count))

    def _glyph(self, digit: int, *, side: int, brightness: int) -> np.ndarray:
        """One digit, cropped to its ink (INK_LEVEL and above), its peak at `brightness`."""
        top, bottom, left, right = self._ink[digit]
        ink = self.source.images[digit, top:bottom, left:right]
        height, width = ink.shape
        # A rim of one empty pixel lets strokes fade out instead of being cut at the edge.
        crop = np.zeros((height + 2, width + 2))
        crop[1:-1, 1:-1] = ink
        longer = max(height, width)
        tall, wide = (
            max(1, (2 * (length + 2) * side + longer) // (2 * longer)) for length in (height, width)
        )
        resized = resampling(height + 2, tall) @ crop @ resampling(width + 2, wide).T
        glyph = (np.maximum(resized, 0) * brightness / resized.max()).astype(np.uint8)
        visible = glyph >= INK_LEVEL
        rows, columns = visible.any(1).nonzero()[0], visible.any(0).nonzero()[0]
        return glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def open_scenes(data: DataConfig) -> DigitScenes:
    """The digit scenes that a configuration describes.

    Raises:
        ValueError: The digits cannot be read.
    """
    return DigitScenes(
        load_digit_source(data.source),
        seed=data.seed,
        image_size=data.width_height[0],
        max_objects=data.max_objects,
        train_scenes=data.train_scenes,
    )


def _ink_extents(images: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Top, bottom, left, right of every digit: pixels of at least a quarter of its brightest."""
    ink = images >= np.maximum(images.max((1, 2), keepdims=True) // 4, 1)
    rows, columns = ink.any(2), ink.any(1)
    height, width = images.shape[1:]
    edges = (
        rows.argmax(1),
        height - rows[:, ::-1].argmax(1),
        columns.argmax(1),
        width - columns[:, ::-1].argmax(1),
    )
    return list(zip(*(edge.tolist() for edge in edges), strict=True))


def _free_place(
    shape: tuple[int, int],
    size: int,
    taken: list[tuple[int, int, int, int]],
    places: list[int],
) -> tuple[int, int, int, int] | None:
    """The first place where a digit hides little of the others and little of it is hidden.

    Args:
        shape: Height and width of the digit.
        size: Side of the canvas.
        taken: Left, top, right, bottom of the digits already there.
        places: Random words, two a try.

    Returns:
        Left, top, right, bottom; None when all tries overlap too much.
    """
    height, width = shape
    for across, down in zip(places[::2], places[1::2], strict=True):
        left, top = below(size - width + 1, across), below(size - height + 1, down)
        right, bottom = left + width, top + height
        for other_left, other_top, other_right, other_bottom in taken:
            shared_width = min(right, other_right) - max(left, other_left)
            shared_height = min(bottom, other_bottom) - max(top, other_top)
            smaller = min(width * height, (other_right - other_left) * (other_bottom - other_top))
            # More than a tenth of the smaller one: too much to tell the two apart.
            if min(shared_width, shared_height) > 0 and 10 * shared_width * shared_height > smaller:
                break
        else:
            return left, top, right, bottom
    return None
