"""What a data set holds, by class, size and split, and which of its pictures a filter leaves."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from yolo_core.data.pictures import AnnotatedPictures, Problem
from yolo_core.data.sample import Sample
from yolo_core.data.source import SampleSource

SIZES = ("small", "medium", "large")
SMALL, MEDIUM = 32**2, 96**2
"""Areas in pixels of the picture up to which an object is small, and medium, as COCO has them."""
NO_SPLIT = "in no split"
SAMPLES = 500
"""Samples of each split that are looked at of data that is drawn and not read."""


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which pictures are asked for; whatever is empty asks for nothing.

    Attributes:
        classes: Class indices.
        sizes: Of `SIZES`. With `classes`: a picture has an object of one of these classes that has
            one of these sizes.
        splits: Names of splits.
        problems: Only pictures that something is wrong with.
        empty: Only pictures without objects.
        text: Part of the name of the file.
    """

    classes: tuple[int, ...] = ()
    sizes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    problems: bool = False
    empty: bool = False
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Overview:
    """Numbers of a data set of n pictures and M objects.

    Attributes:
        data: The data set.
        given: {split: files} where they are not those of the format.
    """

    data: AnnotatedPictures
    given: Mapping[str, Sequence[str]] | None = None

    @functools.cached_property
    def members(self) -> dict[str, np.ndarray]:
        """{split: (n,) bool}. A picture may be in several; those in none come last."""
        splits = self.data.splits if self.given is None else self.given
        masks = {}
        for name, files in splits.items():
            masks[name] = np.zeros(len(self.data.files), bool)
            masks[name][[self.data.index(file) for file in files]] = True
        rest = ~np.any([*masks.values(), np.zeros(len(self.data.files), bool)], axis=0)
        return masks | ({NO_SPLIT: rest} if rest.any() else {})

    @functools.cached_property
    def extents(self) -> np.ndarray:
        """(M, 2) float32 widths and heights in pixels."""
        return self.data.box_edges[:, 2:] - self.data.box_edges[:, :2]

    @functools.cached_property
    def fractions(self) -> np.ndarray:
        """(M, 4) float32 x_center, y_center, width, height as fractions of the picture as it is."""
        sides = np.tile(np.maximum(self.data.sizes[self.data.box_picture], 1), 2)
        edges = self.data.box_edges / sides
        centers = (edges[:, :2] + edges[:, 2:]) / 2
        return np.concatenate([centers, edges[:, 2:] - edges[:, :2]], axis=1).astype(np.float32)

    @functools.cached_property
    def size_class(self) -> np.ndarray:
        """(M,) int, index of `SIZES`."""
        return np.searchsorted([SMALL, MEDIUM], self.extents.prod(axis=1))

    @functools.cached_property
    def objects(self) -> np.ndarray:
        """(n,) int, objects of each picture."""
        return np.bincount(self.data.box_picture, minlength=len(self.data.files))

    @functools.cached_property
    def problem_picture(self) -> np.ndarray:
        """(problems,) int: the picture that each problem is about, else -1.

        A problem says which, or names the picture, or an annotation that is called as the picture
        is but for folder and suffix; with several such pictures it is none of them.
        """
        by_stem: dict[str, int] = {}
        for index, file in enumerate(self.data.files):
            stem = PurePath(file).stem
            by_stem[stem] = -1 if stem in by_stem else index
        known = {str(file): index for index, file in enumerate(self.data.files)}
        return np.array(
            [
                each.picture
                if each.picture >= 0
                else known.get(each.file, by_stem.get(PurePath(each.file).stem, -1))
                for each in self.data.problems
            ],
            np.int64,
        )

    def problems_of(self, picture: int) -> list[Problem]:
        """What was wrong with a picture."""
        return [self.data.problems[k] for k in np.flatnonzero(self.problem_picture == picture)]

    def splits_of(self, picture: int) -> list[str]:
        """The splits that a picture is in."""
        return [name for name, mask in self.members.items() if mask[picture]]

    def chosen_objects(self, wanted: Filter) -> np.ndarray:
        """(M,) bool: objects of the classes, sizes and splits that are asked for."""
        mask = np.ones(len(self.data.box_picture), bool)
        if wanted.classes:
            mask &= np.isin(self.data.box_class, wanted.classes)
        if wanted.sizes:
            mask &= np.isin(self.size_class, [SIZES.index(name) for name in wanted.sizes])
        if wanted.splits:
            mask &= self._in_splits(wanted)[self.data.box_picture]
        return mask

    def chosen_pictures(self, wanted: Filter) -> np.ndarray:
        """(k,) int, in the order of the files: the pictures that pass the whole filter."""
        mask = self._in_splits(wanted)
        if wanted.classes or wanted.sizes:
            mask &= np.isin(
                np.arange(len(mask)), self.data.box_picture[self.chosen_objects(wanted)]
            )
        if wanted.problems:
            mask &= np.isin(np.arange(len(mask)), self.problem_picture)
        if wanted.empty:
            mask &= self.objects == 0
        if wanted.text:
            text = wanted.text.casefold()
            mask &= np.array([text in file.casefold() for file in self.data.files], bool)
        return np.flatnonzero(mask)

    def _in_splits(self, wanted: Filter) -> np.ndarray:
        masks = [self.members[name] for name in wanted.splits if name in self.members]
        return np.any(masks, axis=0) if masks else np.ones(len(self.data.files), bool)

    def class_rows(self) -> list[dict[str, object]]:
        """One row a class and split: objects, pictures with one, sizes in pixels, and shares."""
        rows = []
        names = dict(enumerate(self.data.classes))
        for split, mask in self.members.items():
            inside = mask[self.data.box_picture]
            for label, name in names.items():
                mine = inside & (self.data.box_class == label)
                count, extents = int(mine.sum()), self.extents[mine]
                middle = np.median(extents, axis=0) if count else (np.nan, np.nan)
                sizes = np.bincount(self.size_class[mine], minlength=3)
                rows.append(
                    {
                        "split": split,
                        "class": name,
                        "objects": count,
                        "pictures": len(np.unique(self.data.box_picture[mine])),
                        "median width, px": float(middle[0]),
                        "median height, px": float(middle[1]),
                        **dict(zip(SIZES, sizes.tolist(), strict=True)),
                        "difficult": int(self.data.box_difficult[mine].sum()),
                    }
                )
        return rows


def pictures_of(source: SampleSource) -> AnnotatedPictures:
    """The annotated pictures of any source; of drawn samples `SAMPLES` of each split at most.

    Of a source that has some they are those. Of another they are what the network gets, boxes in
    pixels of that; the names of the samples stand for their files, and training samples are the
    first of the stream.
    """
    given = getattr(source, "data", None)
    if isinstance(given, AnnotatedPictures):
        return given
    height, width, channels = source.image_shape
    splits, samples = {}, []
    for split, size in source.splits.items():
        count = SAMPLES if size is None else min(size, SAMPLES)
        splits[split] = tuple(f"{split}/{index}" for index in range(count))
        samples += [source.sample(name) for name in splits[split]]
    files = tuple(sample.name for sample in samples)

    def read_picture(index: int) -> np.ndarray:
        image = source.sample(files[index]).image
        return image[..., :3] if channels >= 3 else np.repeat(image[..., :1], 3, axis=-1)

    box_picture, box_edges, box_class = _columns(samples, "boxes", "classes", (width, height))
    ignored = _columns(samples, "ignored_boxes", "ignored_classes", (width, height))
    return AnnotatedPictures(
        name=source.name,
        folder=Path(),
        classes=tuple(source.class_names),
        files=files,
        sizes=np.tile(np.array([[width, height]], np.int32), (len(files), 1)),
        splits=splits,
        box_picture=box_picture,
        box_edges=box_edges,
        box_class=box_class,
        box_difficult=np.zeros(len(box_picture), bool),
        ignored_picture=ignored[0],
        ignored_edges=ignored[1],
        ignored_class=ignored[2],
        problems=tuple(Problem(source.name, "", about, "note") for about in source.problems),
        read_picture=read_picture,
    )


def overview_of(source: SampleSource) -> Overview:
    """The numbers of a source, with the splits that a training has."""
    data, parts = pictures_of(source), getattr(source, "parts", None)
    if parts is None:
        return Overview(data)
    given = {split: [data.files[k] for k in part] for split, part in parts.items() if len(part)}
    return Overview(data, given)


def _columns(
    samples: Sequence[Sample], boxes: str, classes: str, sides: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, edges in pixels and class of all boxes of samples."""
    parts = [np.asarray(getattr(each, boxes), np.float32).reshape(-1, 4) for each in samples]
    found = np.concatenate([np.zeros((0, 4), np.float32), *parts])
    edges = np.concatenate([found[:, :2] - found[:, 2:] / 2, found[:, :2] + found[:, 2:] / 2], 1)
    labels = [np.zeros(0, np.int32), *(getattr(each, classes) for each in samples)]
    return (
        np.repeat(np.arange(len(samples), dtype=np.int32), [len(each) for each in parts]),
        (edges * np.tile(sides, 2)).astype(np.float32),
        np.concatenate(labels).astype(np.int32),
    )
