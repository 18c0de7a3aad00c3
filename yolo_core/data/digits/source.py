"""Single handwritten digits: bundled, fetched by Keras, or from a file; divided into splits."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.data.random_words import permutation, random_words
from yolo_core.foreign_files import open_arrays

DIGIT_SOURCES = ("digits", "mnist")
"""Sources that are known by name; any other is the path of an .npz file."""

SPLITS = ("train", "val", "test")

SOURCE_SIDES = (4, 256)
"""Sides that source digits may have, in pixels."""

NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")

MOST_BYTES = 1_000_000_000
"""What the arrays of a file may take in memory; MNIST takes 55 million."""


@dataclasses.dataclass(frozen=True)
class DigitSource:
    """Single handwritten digits, divided so that no digit is in two splits.

    Attributes:
        name: What the source was loaded from.
        images: (n, height, width) uint8, ink is high. Every image has ink.
        labels: (n,) int32, 0 to 9.
        splits: {"train", "val", "test": (digits,) int64 indices into `images`}, disjoint.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    splits: dict[str, np.ndarray]


def load_digit_source(source: str) -> DigitSource:
    """Loads single digits.

    Args:
        source: "digits", scikit-learn's 1,797 bundled digits of 8x8 pixels, divided 70/15/15;
            "mnist", Keras's own loader and cache; or the path of an .npz in its layout. Of the
            latter two, `x_test` is the test split, and 15 % of `x_train` the validation split.

    Raises:
        ValueError: It cannot be fetched, there is no such file, or it holds something else; the
            message names the file and the key.
    """
    if source == "digits":
        return _bundled_digits()
    if source == "mnist":
        return _from_arrays("mnist", _fetch_mnist())
    return _from_arrays(source, _read_npz(source))


def _bundled_digits() -> DigitSource:
    from sklearn.datasets import load_digits  # Takes 1 s to import.

    bundle: Any = load_digits()
    images = np.minimum(bundle.images.astype(np.int32) * 16, 255).astype(np.uint8)  # 0 to 16
    order = permutation(random_words(0, "split", 0, len(images)))
    cuts = [len(images) * 70 // 100, len(images) * 85 // 100]
    parts = np.split(order, cuts)
    return DigitSource(
        "digits", images, bundle.target.astype(np.int32), dict(zip(SPLITS, parts, strict=True))
    )


def _fetch_mnist() -> dict[str, np.ndarray]:
    import keras  # Takes seconds, and only this source needs it.

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when the download fails.
        raise ValueError(
            "MNIST could not be fetched by keras.datasets.mnist "
            f"({' '.join(str(error).split()) or type(error).__name__}); "
            "go online once, use digits, or give the path of an .npz file."
        ) from None
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _read_npz(path: str) -> dict[str, np.ndarray]:
    expected = f"expected an .npz with the arrays {', '.join(NPZ_KEYS)}"
    if not Path(path).is_file():
        raise ValueError(f"{path} is not a file; {expected}.")
    try:
        with open_arrays(Path(path)) as archive:
            keys = [key for key in NPZ_KEYS if key in archive]
            size = sum(archive.declared_bytes(key) for key in keys)
            if size > MOST_BYTES:
                raise ValueError(f"its arrays take {size:,} bytes; at most {MOST_BYTES:,} are read")
            arrays = {key: archive[key] for key in keys}
    except Exception as error:  # A damaged file raises whatever zip, zlib or numpy trips over.
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(f"{path} cannot be read: {reason}; {expected}.") from None
    missing = [key for key in NPZ_KEYS if key not in arrays]
    if missing:
        raise ValueError(f"{path} has no array {', '.join(missing)}; {expected}.")
    return arrays


def _from_arrays(name: str, arrays: dict[str, np.ndarray]) -> DigitSource:
    """Checks the four arrays of Keras's MNIST layout and divides them into splits."""
    low, high = SOURCE_SIDES
    for part, fewest in (("train", 2), ("test", 1)):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if (
            images.dtype != np.uint8
            or images.ndim != 3
            or len(images) < fewest
            or not all(low <= side <= high for side in images.shape[1:])
        ):
            raise ValueError(
                f"{name}: x_{part} must be a uint8 array (n, height, width) with n at least "
                f"{fewest} and sides of {low} to {high}; "
                f"received {images.dtype} of shape {images.shape}."
            )
        if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{name}: y_{part} must be an integer array of shape ({len(images)},), one label "
                f"an image; received {labels.dtype} of shape {labels.shape}."
            )
        if labels.min() < 0 or labels.max() > 9:
            raise ValueError(
                f"{name}: y_{part} must hold digits 0 to 9; "
                f"received {labels.min()} to {labels.max()}."
            )
        blank = ~images.any((1, 2))
        if blank.any():
            raise ValueError(
                f"{name}: every image must hold a digit; x_{part}[{blank.argmax()}] is blank "
                f"({blank.sum()} of {len(images)} are)."
            )
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        raise ValueError(
            f"{name}: x_train and x_test must hold images of one size; received "
            f"{arrays['x_train'].shape[1:]} and {arrays['x_test'].shape[1:]}."
        )
    count = len(arrays["x_train"])
    order = permutation(random_words(0, "split", 0, count))
    held_out = max(1, count * 15 // 100)
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    return DigitSource(
        name=name,
        images=images,
        labels=np.concatenate([arrays["y_train"], arrays["y_test"]]).astype(np.int32),
        splits={
            "train": order[held_out:],
            "val": order[:held_out],
            "test": np.arange(count, len(images)),
        },
    )
