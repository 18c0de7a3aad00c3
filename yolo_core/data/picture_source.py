"""Annotated pictures as samples: at one size, changed at random for training, and always the same.

Sample i of a split depends on the files, the configuration, the split and i alone, augmentation
included, so that a training that resumes goes on exactly.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from yolo_core.data.augment import DETAIL, WORDS, coloured, placed
from yolo_core.data.config import PICTURE_SIZE, DataConfig
from yolo_core.data.kept import kept_folder
from yolo_core.data.opening import open_data, under_names
from yolo_core.data.pictures import AnnotatedPictures, counted
from yolo_core.data.pixel_cache import PixelCache
from yolo_core.data.random_words import permutation, random_words
from yolo_core.data.reading import Progress
from yolo_core.data.resize import PADDING, Placement, as_fractions, cut, fitted, fitted_boxes
from yolo_core.data.sample import Sample, split_name
from yolo_core.data.source import Original, SampleSource, TrainingObjects
from yolo_core.data.splits import split_up

logger = logging.getLogger("yolo_core.data")

MOST_THREADS = 8
SPLITS = ("train", "val", "test")
STRIDE = 32
"""Pixels that a side of the suggested size is a multiple of, so that every network takes it."""


class PictureSource(SampleSource):
    """Pictures of one's own as a training and its pages take them.

    Objects that the annotation calls difficult are not trained on; with the regions of groups they
    are a sample's `ignored_boxes`. A picture that can no longer be read counts as one of padding
    alone, without objects, and the log says so: it costs itself, not the training.

    Args:
        data: The pictures.
        splits: {"train", "val", "test": (n,) indices of `data.files`}.
        config: Size, fit, augmentation and seed.
        cache: Where decoded pictures are kept; None keeps none.
        notes: What of the data was decided here, such as how it was split up.

    Raises:
        ValueError: There is no picture at all.
    """

    threads = min(MOST_THREADS, os.cpu_count() or 1)

    def __init__(
        self,
        data: AnnotatedPictures,
        splits: Mapping[str, Sequence[int] | np.ndarray],
        config: DataConfig,
        *,
        cache: PixelCache | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        if not any(len(part) for part in splits.values()):
            raise ValueError(f"{data.name} has no picture that could be used.")
        self.data = data
        self.config = config
        self.name = data.name
        self.folder = data.folder
        self.class_names = data.classes
        self.size = config.width_height
        self.image_shape = (self.size[1], self.size[0], 3)
        self.notes = tuple(notes)
        self._cache = cache
        self._parts = {name: np.asarray(splits.get(name, ()), np.int64) for name in SPLITS}
        self.splits = {name: len(part) for name, part in self._parts.items()}
        counts = np.bincount(data.box_picture[~data.box_difficult], minlength=len(data.files))
        self.max_objects = max(1, int(counts.max(initial=0)))
        self._places = fitted(data.sizes, self.size, config.fit)
        self._epoch_order = functools.lru_cache(maxsize=4)(self._shuffle_epoch)
        self._unreadable: set[int] = set()

    @functools.cached_property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with the files, a sentence each."""
        return tuple(
            f"{each.file}, {each.where}: {each.about} ({each.effect})"
            if each.where
            else f"{each.file}: {each.about} ({each.effect})"
            for each in self.data.problems
        )

    def sample(self, name: str) -> Sample:
        """The sample of that name.

        Raises:
            ValueError: There is none.
        """
        index, place, words = self._found(name)
        data, size = self.data, tuple(self.data.sizes[index].tolist())
        image = self._pixels(index, wide=words is not None)
        rows = data.objects_of(index) if image is not None else slice(0, 0)
        edges, kept = cut(place.move(data.box_edges[rows], size), self.size)
        boxes, classes = as_fractions(edges, self.size), data.box_class[rows]
        difficult = data.box_difficult[rows]
        groups = np.flatnonzero(data.ignored_picture == (index if image is not None else -1))
        group_edges, group_kept = cut(place.move(data.ignored_edges[groups], size), self.size)
        return Sample(
            name=name,
            image=self._drawn(image, place, words),
            boxes=boxes[kept & ~difficult],
            classes=classes[kept & ~difficult].astype(np.int32),
            ignored_boxes=np.concatenate(
                [boxes[kept & difficult], as_fractions(group_edges, self.size)[group_kept]]
            ),
            ignored_classes=np.concatenate(
                [classes[kept & difficult], data.ignored_class[groups][group_kept]]
            ).astype(np.int32),
        )

    def stream_sample(self, index: int) -> Sample:
        """Sample `index` of the training stream: every epoch shows each picture once, in an order
        of its own.

        Raises:
            ValueError: There is no picture to train on.
        """
        return self.sample(f"train/{index}")

    def files(self, name: str) -> tuple[Path, ...]:
        """The picture that a sample was made from.

        Raises:
            ValueError: There is no such sample.
        """
        return (self.data.path(self.data.files[self._index_of(*self._split_name(name))]),)

    def original(self, name: str) -> Original:
        """The picture that a sample was made from.

        Raises:
            ValueError: There is no such sample.
        """
        index, place, _ = self._found(name)
        width, height = self.data.sizes[index].tolist()
        return Original(self.data.path(self.data.files[index]), (width, height), place)

    def content(self, name: str) -> np.ndarray:
        """Where the picture lies in what enters the network; the rest is padding.

        Returns:
            (4,) float32 x_center, y_center, width, height as fractions.

        Raises:
            ValueError: There is no such sample.
        """
        _, place, _ = self._found(name)
        return as_fractions(np.array([place.seen(self.size)], np.float64), self.size)[0]

    def training_objects(self) -> TrainingObjects:
        """Those of all training pictures, resized as for training, in the order of the files;
        without augmentation, and without making a picture.
        """
        data = self.data
        in_train = np.zeros(len(data.files), bool)
        in_train[self._parts.get("train", [])] = True
        rows = np.flatnonzero(in_train[data.box_picture] & ~data.box_difficult)
        sizes = data.sizes[data.box_picture[rows]]
        return TrainingObjects(
            boxes=fitted_boxes(data.box_edges[rows], sizes, self.size, self.config.fit),
            classes=data.box_class[rows],
            picture=data.box_picture[rows],
            pictures=int(in_train.sum()),
        )

    @property
    def parts(self) -> Mapping[str, np.ndarray]:
        """{split: (n,) indices of `data.files`}."""
        return self._parts

    def _split_name(self, name: str) -> tuple[str, int]:
        split, index = split_name(name, tuple(self.splits))
        count = self.splits[split]
        if not count or (split != "train" and index >= count):
            there = f"{split}/0 to {split}/{count - 1}" if count else f"nothing in {split}"
            raise ValueError(f"{self.name} has {there}; received {name!r}.")
        return split, index

    def _index_of(self, split: str, index: int) -> int:
        """The picture of a sample: an index of `data.files`."""
        part = self._parts[split]
        if split == "train":
            epoch, position = divmod(index, len(part))
            return int(part[self._epoch_order(epoch)[position]])
        return int(part[index])

    def _found(self, name: str) -> tuple[int, Placement, list[int] | None]:
        """Of a sample: its picture, where that lies, and its random words if it is augmented."""
        split, at = self._split_name(name)
        index = self._index_of(split, at)
        place = Placement(*self._places[index].tolist())
        changes = self.config.augmentations
        if split != "train" or not changes:
            return index, place, None
        words = random_words(self.config.seed, "augment", at, WORDS).tolist()
        return index, placed(place, self.size, words, changes), words

    def _shuffle_epoch(self, epoch: int) -> np.ndarray:
        return permutation(
            random_words(self.config.seed, "epoch", epoch, len(self._parts["train"]))
        )

    def _pixels(self, index: int, *, wide: bool) -> Image.Image | None:
        """A picture, no larger than is needed; None where it cannot be read."""
        width, height = self.data.sizes[index].tolist()
        detail = DETAIL if wide and self.config.augmentations & {"scale", "crop"} else 1
        most = np.ceil(detail * self._places[index, 2:]).astype(int).tolist()
        small = (min(width, most[0]), min(height, most[1]))
        file = self.data.path(self.data.files[index])
        key = None if self._cache is None else self._cache.key(file, small)
        if self._cache is not None and key is not None:
            kept = self._cache.get(key, small)
            if kept is not None:
                return Image.fromarray(kept)
        try:
            picture = Image.fromarray(self.data.read_picture(index))
        except ValueError as error:
            if index not in self._unreadable:
                self._unreadable.add(index)
                logger.warning("%s It is shown as an empty picture.", error)
            return None
        if small != picture.size:
            picture = picture.resize(small, Image.Resampling.BILINEAR)
        if self._cache is not None and key is not None:
            self._cache.put(key, np.asarray(picture))
        return picture

    def _drawn(
        self, picture: Image.Image | None, place: Placement, words: list[int] | None
    ) -> np.ndarray:
        if picture is None:
            return np.full(self.image_shape, PADDING, np.uint8)
        drawn = place.part(picture, self.size)
        if words is not None and "colour" in self.config.augmentations:
            drawn = coloured(drawn, words)
        return place.framed(drawn, self.size)


def open_pictures(data: DataConfig, progress: Progress | None = None) -> PictureSource:
    """The pictures that a configuration describes.

    Args:
        data: The configuration.
        progress: As of `open_data`.

    Raises:
        ValueError: They cannot be read, or there is no such class, or a class without a name.
    """
    classes = data.classes or None
    found = open_data(data.source, pictures=data.pictures, classes=classes, progress=progress)
    found = under_names(found, data.names) if data.names else found
    parts = split_up(found, data.seed)
    cache = PixelCache(kept_folder() / "pictures", data.cache_megabytes)
    notes = [*parts.notes, *_summary(found)]
    return PictureSource(found, parts.indices, data, cache=cache, notes=notes)


def suggested_size(data: AnnotatedPictures) -> str:
    """An image size of the shape that most pictures have, the longer side `PICTURE_SIZE`."""
    width, height = np.median(data.sizes, axis=0)
    sides = PICTURE_SIZE * np.array([width, height]) / max(width, height)
    wide, high = np.maximum(np.rint(sides / STRIDE) * STRIDE, STRIDE).astype(int).tolist()
    return str(wide) if wide == high else f"{wide}x{high}"


def _summary(data: AnnotatedPictures) -> Iterator[str]:
    """How much was wrong with the files, if anything was."""
    if data.problems:
        said = counted(data.problems)
        yield f"Problems in the files of {data.name}: {said}. The Data page lists them."
