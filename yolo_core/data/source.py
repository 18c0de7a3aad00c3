"""Where samples come from: what every data set can do, and what is asked of any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from yolo_core.anchors import kmeans_anchors
from yolo_core.data.sample import Sample, split_name

if TYPE_CHECKING:
    from yolo_core.data.resize import Placement

ANCHOR_SAMPLES = 500
"""Training samples whose boxes anchors are fitted to."""


PINNED = (*(f"val/{index}" for index in range(8)), *(f"train/{index}" for index in range(4)))
"""The samples that are snapshotted where nobody says which."""


class TrainingObjects(NamedTuple):
    """The objects that a training learns from.

    Attributes:
        boxes: (n, 4) float32 x_center, y_center, width, height as image fractions.
        classes: (n,) int32.
        picture: (n,) int, which picture each is in.
        pictures: How many there are, those without objects among them.
    """

    boxes: np.ndarray
    classes: np.ndarray
    picture: np.ndarray
    pictures: int


class Original(NamedTuple):
    """The picture that a sample was made from.

    Attributes:
        file: Where it lies; the sample's name where it is no file.
        size: Its width and height in pixels, upright.
        place: Where it lies in what enters the network.
    """

    file: Path
    size: tuple[int, int]
    place: Placement


class SampleSource(Protocol):
    """Samples by name, and in the order in which a training sees them.

    A sample is a pure function of (source, seed, split, index), augmentation included: any thread
    or process may ask for any of them in any order, and a training that resumes gets the same.

    Attributes:
        name: What the data is called.
        image_shape: Height, width and channels of every picture. It need not be square.
        class_names: (C,) names of the classes.
        max_objects: Most objects that a sample has, N of the label rows.
        splits: {"train", "val", "test": number of samples, or None where they never run out}. Each
            of that many training samples is in the stream again and again.
        problems: What could not be used, a sentence each.
        notes: What of the data was decided here, a sentence each.
        folder: The folder of the data, where it has one; files are shown relative to it.
        threads: Threads that samples are worth making in: several where most of the work is done
            outside of Python.
    """

    name: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    max_objects: int
    splits: Mapping[str, int | None]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    folder: Path | None = None
    threads: int = 1

    def sample(self, name: str) -> Sample:
        """The sample of that name: "val/3", "test/0", or "train/17" of the training stream.

        Raises:
            ValueError: There is none.
        """
        ...

    def stream_sample(self, index: int) -> Sample:
        """Sample `index`, 0 or more, of the training stream, which has no end: "train/{index}"."""
        ...

    def files(self, name: str) -> tuple[Path, ...]:
        """The files that a sample was made from; none where it was made up or is bundled.

        Raises:
            ValueError: There is no such sample.
        """
        ...

    def content(self, name: str) -> np.ndarray:
        """Where the picture lies in what enters the network; the rest is padding.

        Returns:
            (4,) float32 x_center, y_center, width, height as fractions: here the whole.
        """
        del name
        return np.array([0.5, 0.5, 1, 1], np.float32)

    def original(self, name: str) -> Original:
        """The picture that a sample was made from: here what enters the network itself."""
        from yolo_core.data.resize import Placement  # Pillow, which a loss alone has no need of

        height, width = self.image_shape[:2]
        return Original(Path(name), (width, height), Placement(0, 0, width, height))

    def network_inputs(self, images: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
        """What a network of these samples takes for pictures.

        Args:
            images: (B, height, width, channels) uint8.
            names: Of the samples that they are; empty for pictures of something else.

        Returns:
            (B, height, width, channels) float32: here numbers of 0 to 1.
        """
        del names
        return images.astype(np.float32) / 255.0

    def training_boxes(self) -> np.ndarray:
        """Boxes to fit anchors to, in an order that stays.

        Returns:
            (n, 4) float32 x_center, y_center, width, height as image fractions: here of the first
            training samples. A source that knows them without making the pictures is quicker.
        """
        return self.training_objects().boxes

    def training_objects(self) -> TrainingObjects:
        """Those boxes with their classes and pictures: heads and lambdas follow from them."""
        count = min(self.splits.get("train") or ANCHOR_SAMPLES, ANCHOR_SAMPLES)
        samples = [self.stream_sample(index) for index in range(count)]
        return TrainingObjects(
            boxes=np.concatenate([sample.boxes for sample in samples]),
            classes=np.concatenate([sample.classes for sample in samples]),
            picture=np.repeat(range(count), [len(sample.boxes) for sample in samples]),
            pictures=count,
        )


class GivenSamples(SampleSource):
    """Samples that are there already, such as those of a script of one's own.

    Args:
        samples: Their names are "val/0", "val/1", ...; their pictures have one shape.
        class_names: (C,) names of the classes.
        name: What the data is called.

    Raises:
        ValueError: There is none, a name is missing, or a picture has another shape.
    """

    problems = ()

    def __init__(
        self, samples: Sequence[Sample], class_names: Sequence[str], *, name: str = "given"
    ) -> None:
        self.name = name
        self.class_names = tuple(class_names)
        self._samples = {sample.name: sample for sample in samples}
        expected = [f"val/{index}" for index in range(max(len(samples), 1))]
        shapes = {sample.image.shape for sample in samples}
        if list(self._samples) != expected or len(shapes) > 1:
            raise ValueError(
                f"Samples must be named {expected[0]} to {expected[-1]} in this order, and have "
                f"pictures of one shape; received {', '.join(self._samples) or 'none'}, of shape "
                f"{' and '.join(map(str, sorted(shapes))) or 'none'}."
            )
        (self.image_shape,) = shapes
        self.max_objects = max(1, *(len(sample.boxes) for sample in samples))
        self.splits = {"val": len(samples)}

    def sample(self, name: str) -> Sample:
        """The sample of that name.

        Raises:
            ValueError: There is none.
        """
        if name not in self._samples:
            last = len(self._samples) - 1
            raise ValueError(f"{self.name} has val/0 to val/{last}; received {name!r}.")
        return self._samples[name]

    def stream_sample(self, index: int) -> Sample:
        """None: what is trained on is not from here."""
        return self.sample(f"train/{index}")

    def files(self, name: str) -> tuple[Path, ...]:
        """None that are known."""
        self.sample(name)
        return ()


def first_names(source: SampleSource, split: str, count: int) -> tuple[str, ...]:
    """Names of the first samples of a split: `count` of them, or all if there are fewer.

    Raises:
        ValueError: The source has no such split, or nothing in it.
    """
    size = source.splits.get(split, 0)
    if size == 0:
        there = ", ".join(name for name, each in source.splits.items() if each != 0)
        raise ValueError(f"{source.name} has no samples in {split}; it has some in {there}.")
    return tuple(f"{split}/{index}" for index in range(min(count, size or count)))


def first_pinned(source: SampleSource) -> tuple[str, ...]:
    """The samples of `PINNED` that a source has; the training stream of one has no end."""

    def is_there(name: str) -> bool:
        split, index = split_name(name)
        size = source.splits.get(split, 0)
        return size is None or index < size or (split == "train" and size > 0)

    return tuple(name for name in PINNED if is_there(name))


def default_anchors(source: SampleSource, count: int = 3) -> np.ndarray:
    """Anchors that suit the training boxes.

    Returns:
        (count, 2) float32 widths and heights as image fractions, the smallest area first.

    Raises:
        ValueError: `count` is less than 1, or more than there are different boxes.
    """
    return kmeans_anchors(source.training_boxes()[:, 2:], count, seed=0)[0]
