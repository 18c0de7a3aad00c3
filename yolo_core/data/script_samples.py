"""Samples that a script hands over as arrays, and the file in which a run keeps them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.data.config import DataConfig
from yolo_core.data.sample import Sample
from yolo_core.data.source import SampleSource, TrainingObjects
from yolo_core.files import replace_file
from yolo_core.foreign_files import check_array, check_texts, open_arrays, parse_json

KEPT_BYTES = 200_000_000
KEPT_SAMPLES = 64
"""Samples of a split that are kept of a source, which may have very many."""
RECORDED = "recorded"
"""The kind of source that such a file is."""
_FORMAT, _VERSION = "detector-debugger samples", 1
_STEPS = 255.0


class KeptSamples(SampleSource):
    """Samples as arrays: what a network takes, and pictures of it that can be drawn.

    Args:
        names: (n,) names of the samples.
        images: (n, height, width, 1 or 3) uint8, to be drawn.
        labels: (n, N, 5 + C) label rows.
        class_names: (C,) names of the classes.
        span: What a network takes for the darkest and the brightest picture value.
        inputs: (n, ...) float32, what the network takes, where `span` does not say it exactly.
        name: What the data is called.

    Raises:
        ValueError: The arrays do not fit together.
    """

    problems = ()

    def __init__(
        self,
        names: Sequence[str],
        images: np.ndarray,
        labels: np.ndarray,
        class_names: Sequence[str],
        *,
        span: tuple[float, float] = (0.0, 1.0),
        inputs: np.ndarray | None = None,
        name: str = "samples of a script",
    ) -> None:
        self.name = name
        self.names = tuple(names)
        self.class_names = tuple(class_names)
        check_texts("names", self.names)
        check_texts("class_names", self.class_names)
        count = len(self.names)
        if images.ndim != 4 or images.shape[-1] not in (1, 3):
            raise ValueError(f"images must be (n, height, width, 1 or 3); received {images.shape}.")
        check_array("images", images, (count, *images.shape[1:]), "iu", 0, 255)
        rows = labels.shape[1] if labels.ndim == 3 else 0
        check_array("labels", labels, (count, rows, 5 + len(self.class_names)), "biuf")
        if inputs is not None:
            check_array("inputs", inputs, (count, *inputs.shape[1:]), "f")
        low, high = (float(each) for each in span)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"span must be two numbers, the lower one first; received {span}.")
        self.images, self.labels, self.inputs = images, labels, inputs
        self.span = (low, high)
        self.image_shape: tuple[int, int, int] = images.shape[1:]
        self.max_objects = max(rows, 1)
        self._at = {each: at for at, each in enumerate(self.names)}
        self.splits = {"val": sum(each.startswith("val/") for each in self.names)}

    def sample(self, name: str) -> Sample:
        """The sample of that name.

        Raises:
            ValueError: There is none.
        """
        at = self._index(name)
        rows = self.labels[at]
        rows = rows[rows[:, 0] != 0]
        # A row without a class stays one.
        classes = np.where((rows[:, 5:] > 0).any(-1), rows[:, 5:].argmax(-1), -1)
        return Sample(name, self.images[at], rows[:, 1:5].astype(np.float32), classes)

    def stream_sample(self, index: int) -> Sample:
        """None: what is trained on is not from here."""
        return self.sample(f"train/{index}")

    def files(self, name: str) -> tuple[Path, ...]:
        """None that are known."""
        self._index(name)
        return ()

    def network_inputs(self, images: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
        """As `SampleSource.network_inputs`; exactly what was handed over for samples of these.

        Raises:
            ValueError: The network takes other channels than can be made of a picture.
        """
        if self.inputs is not None and names and all(each in self._at for each in names):
            return self.inputs[[self._at[each] for each in names]]
        if self.inputs is not None and self.inputs.shape[1:] not in (
            self.image_shape,
            _channels_first(self.image_shape),
        ):
            raise ValueError(
                f"The network of this run takes arrays of {self.inputs.shape[1:]}, which cannot be "
                f"made of a picture of {self.image_shape}: only its own samples can be looked at."
            )
        values = _spanned(images, self.span)
        if self.inputs is not None and self.inputs.shape[1:] != self.image_shape:
            values = np.moveaxis(values, -1, 1)
        return values

    def training_objects(self) -> TrainingObjects:
        """Those of all samples: they stand for the pictures of the training."""
        samples = [self.sample(name) for name in self.names]
        return TrainingObjects(
            boxes=np.concatenate([each.boxes for each in samples]),
            classes=np.concatenate([each.classes for each in samples]).astype(np.int32),
            picture=np.repeat(range(len(samples)), [len(each.boxes) for each in samples]),
            pictures=len(samples),
        )

    def _index(self, name: str) -> int:
        if name not in self._at:
            ends = " to ".join(dict.fromkeys((self.names[0], self.names[-1])))
            raise ValueError(f"This run keeps the samples {ends}; received {name!r}.")
        return self._at[name]


def from_arrays(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str] | None = None
) -> KeptSamples:
    """Samples "val/0", "val/1", ... from what a network takes, and its labels.

    Args:
        images: (n, height, width, channels), or (n, channels, height, width) with 1 or 3 channels:
            numbers of any range. They are given to the network as they are.
        labels: (n, N, 5 + C), rows [object, x_center, y_center, width, height, one-hot class].
        class_names: (C,) names of the classes; None calls them "0" and so on.

    Raises:
        ValueError: The shapes are others.
    """
    if images.ndim != 4 or not images.size:
        raise ValueError(
            "Samples need images of shape (samples, height, width, channels), at least one; "
            f"received {images.shape}."
        )
    if labels.ndim != 3 or len(labels) != len(images) or labels.shape[-1] < 6:
        raise ValueError(
            f"{len(images)} images need labels of shape ({len(images)}, objects, 5 + classes), "
            "rows [object, x_center, y_center, width, height, one-hot class]; received "
            f"{labels.shape}."
        )
    count = labels.shape[-1] - 5
    names = [str(at) for at in range(count)] if class_names is None else list(class_names)
    if len(names) != count:
        raise ValueError(f"The labels have {count} classes; received {len(names)} class names.")
    pictures, span = drawable(images)
    inputs = images.astype(np.float32)
    exact = np.array_equal(_spanned(pictures, span), inputs)
    return KeptSamples(
        [f"val/{at}" for at in range(len(images))],
        pictures,
        labels.astype(np.float32),
        names,
        span=span,
        inputs=None if exact else inputs,
    )


def drawable(
    images: np.ndarray, span: tuple[float, float] | None = None
) -> tuple[np.ndarray, tuple[float, float]]:
    """Pictures of what a network takes.

    Args:
        images: (n, height, width, channels), or channels first where there are 1 or 3 of them.
        span: The values that shall become 0 and 255; None for those said below.

    Returns:
        (n, height, width, 1 or 3) uint8, and the values that became 0 and 255: the first of
        0 and 1, -1 and 1, 0 and 255 between which all lie, else the least and the largest.
    """
    if images.shape[-1] not in (1, 3) and images.shape[1] in (1, 3):
        images = np.moveaxis(images, 1, -1)
    if images.shape[-1] not in (1, 3):
        images = images[..., : 3 if images.shape[-1] > 3 else 1]
    if images.dtype == np.uint8:
        return images, (0.0, _STEPS)
    values = images.astype(np.float32)
    if span is None:
        low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
            low, high = float(values.min()), float(values.max())
        span = next(
            (s for s in ((0.0, 1.0), (-1.0, 1.0)) if s[0] <= low and high <= s[1]),
            (0.0, _STEPS) if low >= 0 and high <= _STEPS else (low, max(high, low + 1.0)),
        )
    values -= np.float32(span[0])
    values *= np.float32(_STEPS / (span[1] - span[0]))
    np.rint(np.clip(values, 0, _STEPS, out=values), out=values)
    return np.nan_to_num(values, copy=False).astype(np.uint8), span


def _spanned(pictures: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """What a network takes for uint8 pictures."""
    low, high = span
    # Divided, as whoever makes fractions of pictures does.
    if span == (0.0, _STEPS):
        return pictures.astype(np.float32)
    values = pictures.astype(np.float32) / np.float32(_STEPS)
    return values * np.float32(high - low) + np.float32(low)


def kept_of(source: SampleSource, pinned: Sequence[str]) -> KeptSamples:
    """The first validation samples of a source and those that are pinned, as a run keeps them."""
    if isinstance(source, KeptSamples):
        size = source.images[0].nbytes + (0 if source.inputs is None else source.inputs[0].nbytes)
        most = max(KEPT_BYTES // size, 1)
        if most >= len(source.names):
            return source
        return KeptSamples(
            source.names[:most],
            source.images[:most],
            source.labels[:most],
            source.class_names,
            span=source.span,
            inputs=None if source.inputs is None else source.inputs[:most],
        )
    from yolo_core.data.batches import sample_batch

    size = source.splits.get("val", 0)
    most = max(min(KEPT_SAMPLES, KEPT_BYTES // math.prod(source.image_shape)), 1)
    first = [f"val/{at}" for at in range(most if size is None else min(most, size))]
    names = tuple(dict.fromkeys([*first, *pinned]))
    images, labels = sample_batch(source, names)
    return KeptSamples(names, images, labels, source.class_names, name=source.name)


def write_samples(path: Path, kept: KeptSamples) -> None:
    """Writes the file that `read_samples` reads.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    meta = {
        "format": _FORMAT,
        "version": _VERSION,
        "name": kept.name,
        "names": list(kept.names),
        "class_names": list(kept.class_names),
        "span": list(kept.span),
    }
    arrays: dict[str, Any] = {"images": kept.images, "labels": kept.labels}
    if kept.inputs is not None:
        arrays["inputs"] = kept.inputs
    file = io.BytesIO()
    np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    replace_file(path, file.getbuffer())


def read_samples(path: Path) -> KeptSamples:
    """The samples that a run keeps.

    Raises:
        ValueError: The file is missing, damaged, or of something else.
    """
    try:
        with open_arrays(path) as arrays:
            # Ours are not compressed: none takes more memory than its file has bytes.
            if arrays.bytes > path.stat().st_size:
                raise ValueError("it is compressed")
            meta = parse_json(arrays["meta"].tobytes())
            if not isinstance(meta, dict) or (meta.get("format"), meta.get("version")) != (
                _FORMAT,
                _VERSION,
            ):
                raise ValueError("it is of another format or version")
            low, high = meta["span"]
            has_inputs = "inputs" in arrays
            inputs = arrays["inputs"] if has_inputs else None
            return KeptSamples(
                meta["names"],
                arrays["images"],
                arrays["labels"],
                meta["class_names"],
                span=(low, high),
                inputs=inputs,
                name=str(meta["name"]),
            )
    except FileNotFoundError:
        raise ValueError(
            f"{path} does not exist: the script that recorded this run gave no samples "
            "(RunRecorder(..., samples=...)), so there is nothing to look at anew."
        ) from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no samples of a run ({str(error).rstrip('.')}).") from None


def open_recorded(data: DataConfig) -> SampleSource:
    """The samples of the run in the folder that "recorded:FOLDER" names.

    Raises:
        ValueError: As `read_samples`.
    """
    _, _, folder = data.source.partition(":")
    return read_samples(Path(folder) / "samples.npz")


def _channels_first(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    return shape[2], *shape[:2]
