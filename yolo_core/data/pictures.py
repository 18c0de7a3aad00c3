"""Annotated pictures as a reader found them: files, boxes in pixels, and what was wrong."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

BOX_SET_ASIDE, PICTURE_SET_ASIDE, REFUSED, NOTE = (
    "box set aside",
    "picture set aside",
    "refused",
    "note",
)


def several(count: int, word: str, words: str = "") -> str:
    """A number with its noun: "1 object", "1,200 objects".

    Args:
        count: The number.
        word: Of one.
        words: Of any other number, where that is not `word` with an s.
    """
    return f"{count:,} {word if count == 1 else words or f'{word}s'}"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something wrong with one's data, and what was done about it.

    Attributes:
        file: The file that it is in, relative to the folder of the data.
        where: A line, a field or an object of that file, counted from 1; entries of a JSON list
            from 0.
        about: A sentence: what is wrong.
        effect: What was done: `BOX_SET_ASIDE`, `PICTURE_SET_ASIDE`, `REFUSED` or `NOTE`.
        picture: Index of the picture that it is about, where `file` is not of one picture alone;
            else -1.
    """

    file: str
    where: str
    about: str
    effect: str
    picture: int = -1


def counted(problems: Iterable[Problem]) -> str:
    """How many problems there are of each effect, what was lost first: "2 × box set aside"."""
    counts = Counter(each.effect for each in problems)
    order = (PICTURE_SET_ASIDE, BOX_SET_ASIDE, REFUSED, NOTE)
    return ", ".join(f"{counts[effect]:,} × {effect}" for effect in order if counts[effect])


@dataclasses.dataclass(frozen=True)
class AnnotatedPictures:
    """A data set: columns of M objects in n pictures.

    Boxes are edges in pixels of the upright picture: 0, 0 is the outer corner of its first pixel.

    Attributes:
        name: What it was opened as, such as "voc:DIR".
        folder: The folder of the data set; nothing outside it was read.
        classes: (C,) class names.
        files: (n,) pictures, relative to `folder`, or absolute where they lie elsewhere.
        sizes: (n, 2) int32 width and height in pixels of the upright pictures.
        splits: {"train", "val", "test" or another name of the format: files}; empty where the
            format has none.
        box_picture: (M,) int32, indices of `files`, in rising order.
        box_edges: (M, 4) float32 xmin, ymin, xmax, ymax.
        box_class: (M,) int32, indices of `classes`.
        box_difficult: (M,) bool, objects that the annotation calls difficult.
        ignored_picture: (m,) int32, indices of `files`: regions of group annotations (`iscrowd`),
            which are no objects.
        ignored_edges: (m, 4) float32, as `box_edges`.
        ignored_class: (m,) int32.
        problems: What was wrong.
        read_picture: The pixels of the picture of an index, (height, width, 3) uint8, upright.
    """

    name: str
    folder: Path
    classes: tuple[str, ...]
    files: tuple[str, ...]
    sizes: np.ndarray
    splits: Mapping[str, tuple[str, ...]]
    box_picture: np.ndarray
    box_edges: np.ndarray
    box_class: np.ndarray
    box_difficult: np.ndarray
    ignored_picture: np.ndarray
    ignored_edges: np.ndarray
    ignored_class: np.ndarray
    problems: tuple[Problem, ...]
    read_picture: Callable[[int], np.ndarray]

    @functools.cached_property
    def _index(self) -> dict[str, int]:
        return {file: index for index, file in enumerate(self.files)}

    def index(self, file: str) -> int:
        """The place of a picture in `files`.

        Raises:
            ValueError: There is no such picture.
        """
        found = self._index.get(str(file))
        if found is None:
            raise ValueError(f"{self.name} has no picture {str(file)!r}.")
        return found

    def objects_of(self, index: int) -> slice:
        """Where the objects of the picture of that index stand in the `box_` columns."""
        first, last = np.searchsorted(self.box_picture, [index, index + 1])
        return slice(int(first), int(last))

    def path(self, file: str) -> Path:
        """Where a picture lies."""
        return self.folder / file

    def boxes(self, file: str) -> list[tuple[str, float, float, float, float]]:
        """Class name, xmin, ymin, xmax, ymax of each object of a picture, in pixels.

        Raises:
            ValueError: There is no such picture.
        """
        rows = self.objects_of(self.index(file))
        edges = self.box_edges[rows].tolist()
        names = [self.classes[label] for label in self.box_class[rows]]
        return [(name, *each) for name, each in zip(names, edges, strict=True)]

    def picture(self, file: str) -> np.ndarray:
        """(height, width, 3) uint8, upright.

        Raises:
            ValueError: There is no such picture, or it can no longer be read.
        """
        return self.read_picture(self.index(file))
