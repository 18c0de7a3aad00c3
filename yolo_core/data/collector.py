"""What a reader finds, gathered picture by picture and box by box, then made into columns."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from yolo_core.data.folders import NamedFolders
from yolo_core.data.pictures import (
    BOX_SET_ASIDE,
    NOTE,
    PICTURE_SET_ASIDE,
    REFUSED,
    AnnotatedPictures,
    Problem,
)
from yolo_core.data.pixels import Head, read_pixels

LEAST_SIDE = 1 / 64
"""A box that is less wide or high, in pixels, has no area: float32 edges could not tell."""

# Odd numbers of 64 bits, which spread the columns of a box over one.
_PRIMES = np.random.Generator(np.random.Philox(0)).integers(0, 2**63, 6, np.uint64) * 2 + 1

Edges = tuple[float, float, float, float]


class NothingReadError(ValueError):
    """Of a data set, nothing could be used.

    Attributes:
        problems: What was wrong.
    """

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


def number(value: object) -> float:
    """The number that a text or a JSON value says; NaN where it says none."""
    if isinstance(value, str):
        if "_" in value or not value.isascii():  # Python's own ways to write one
            return math.nan
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def cut(edges: Edges, size: tuple[int, int]) -> tuple[Edges | None, str]:
    """A box without what lies outside its picture.

    Args:
        edges: Finite xmin, ymin, xmax, ymax in pixels of the upright picture.
        size: Its width and height.

    Returns:
        The edges, or None where no area is left, and what is to be said about it, if anything.
    """
    xmin, ymin, xmax, ymax = edges
    width, height = size
    if xmin >= width or ymin >= height or xmax <= 0 or ymax <= 0:
        return None, f"it is outside the picture, which is {width} x {height}"
    outside = max(-xmin, -ymin, xmax - width, ymax - height)
    inside = max(xmin, 0.0), max(ymin, 0.0), min(xmax, float(width)), min(ymax, float(height))
    if inside[2] - inside[0] < LEAST_SIDE or inside[3] - inside[1] < LEAST_SIDE:
        return None, "it has no area" + (" inside the picture" if outside >= 1 else "")
    about = f"it runs {outside:,.0f} pixels out of the picture and was cut" if outside >= 1 else ""
    return inside, about


@dataclasses.dataclass(frozen=True)
class PictureReader:
    """The pixels of the pictures of a data set, by their index.

    Attributes:
        folders: What may be read.
        files: Names of the pictures.
        sizes: (n, 2) width and height when they were indexed.
    """

    folders: NamedFolders
    files: tuple[str, ...]
    sizes: np.ndarray

    def __call__(self, index: int) -> np.ndarray:
        """(height, width, 3) uint8, upright.

        Raises:
            ValueError: It can no longer be read, or has another size by now.
        """
        file = self.files[index]
        path = self.folders.base / file
        if not self.folders.allows(path):
            raise ValueError(f"{file}: it leads out of the folder of the data.")
        try:
            pixels = read_pixels(path)
        except ValueError as error:
            raise ValueError(f"{file}: {error}.") from None
        width, height = map(int, self.sizes[index])
        if pixels.shape[:2] != (height, width):
            raise ValueError(
                f"{file} is {pixels.shape[1]} x {pixels.shape[0]} pixels by now; when the data was "
                f"read it was {width} x {height}."
            )
        return pixels


class Collector:
    """Gathers a data set.

    Args:
        name: What it is opened as.
        folders: Where it is read from.
    """

    def __init__(self, name: str, folders: NamedFolders) -> None:
        self.name = name
        self.folders = folders
        self.classes: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.index: dict[str, int] = {}
        self._sizes = array("i")
        self._objects = _Columns()
        self._regions = _Columns()

    def problem(
        self, file: str | Path, where: str, about: str, effect: str, picture: int = -1
    ) -> None:
        """Puts something wrong on record."""
        name = self.folders.name(file) if isinstance(file, Path) else file
        self.problems.append(Problem(name, where, about, effect, picture))

    def note(self, file: str | Path, where: str, about: str) -> None:
        """Puts on record what cost nothing."""
        self.problem(file, where, about, NOTE)

    def box_aside(self, file: str | Path, where: str, about: str, picture: int = -1) -> None:
        """Puts on record that a box is left out."""
        self.problem(file, where, about, BOX_SET_ASIDE, picture)

    def picture_aside(self, file: str | Path, where: str, about: str) -> None:
        """Puts on record that a picture is left out."""
        self.problem(file, where, about, PICTURE_SET_ASIDE)

    def label(self, name: str) -> int:
        """The index of a class, which is new or known."""
        return self.classes.setdefault(name, len(self.classes))

    def picture(self, path: Path, head: Head) -> int:
        """Takes a picture; its index."""
        name = self.folders.name(path)
        if name not in self.index:
            self.index[name] = len(self.index)
            self._sizes.extend(head.size)
        return self.index[name]

    def box(
        self,
        picture: int,
        head: Head,
        edges: Edges,
        label: int,
        told: tuple[str | Path, str, str],
        *,
        turn: bool = False,
        difficult: bool = False,
        region: bool = False,
    ) -> None:
        """Takes a box, cut to its picture, or puts on record why not.

        Args:
            picture: Index of its picture.
            head: That picture.
            edges: Finite xmin, ymin, xmax, ymax in pixels, xmin < xmax and ymin < ymax.
            label: Index of its class.
            told: File and place that it is from, and what a sentence on it begins with.
            turn: It is meant for the picture as stored, not for the upright one.
            difficult: Its annotation calls it so.
            region: It is of a group: no object.
        """
        inside, about = cut(head.upright(edges) if turn else edges, head.size)
        file, where, subject = told
        if about and not (region and inside):
            effect = NOTE if inside else BOX_SET_ASIDE
            self.problem(file, where, subject + about, effect, picture)
        if inside is not None:
            (self._regions if region else self._objects).add(picture, inside, label, difficult)

    def told_size(
        self, file: str | Path, where: str, head: Head, stated: tuple[float, float]
    ) -> bool:
        """Compares a size that a file states with the picture's.

        Args:
            file: The file.
            where: Where it says so.
            head: The picture.
            stated: Width and height; anything but two numbers above 0 states nothing.

        Returns:
            Whether the boxes of the file are meant for the picture before it is turned upright.
        """
        width, height = stated
        if not (width >= 1 and height >= 1) or (width, height) == head.size:
            return False
        if (width, height) == head.stored:
            self.note(
                file,
                where,
                "its size is that of the picture before its Exif entry turns it, so its boxes were "
                "turned too",
            )
            return True
        self.note(
            file,
            where,
            f"it states a size of {width:g} x {height:g}; the picture is "
            f"{head.size[0]} x {head.size[1]}, and its boxes were taken as they are",
        )
        return False

    def _note_names_alike(self) -> None:
        alike: dict[str, list[str]] = {}
        for name in self.classes:
            alike.setdefault(" ".join(name.casefold().split()), []).append(name)
        for names in alike.values():
            if len(names) > 1:
                said = " and ".join(map(repr, names))
                about = f"{said} differ in small and capital letters or blanks alone"
                self.note(self.folders.base, "classes", f"{about}, and are classes of their own")

    def finish(self, splits: Mapping[str, Iterable[str]]) -> AnnotatedPictures:
        """The data set.

        Args:
            splits: Names of pictures by split; those that were not taken are left out.

        Raises:
            NothingReadError: No picture was taken.
        """
        files = tuple(self.index)
        sizes = np.array(self._sizes, np.int32).reshape(-1, 2)
        objects, regions = self._objects.arrays(), self._regions.arrays()
        self._note_names_alike()
        for picture, count, row in same_boxes(*objects[:3]):
            name = tuple(self.classes)[int(objects[2][row])]
            edges = ", ".join(f"{edge:g}" for edge in objects[1][row].tolist())
            about = f"{count:,} of its boxes are others again, class and edges, such as {name!r} "
            self.problem(files[picture], "objects", f"{about}{edges}", NOTE, picture)
        problems = (*self.folders.problems, *self.problems)
        self.folders.forget()
        if not self.index:
            first = next((each for each in problems if each.effect != NOTE), None)
            said = f" {first.file}, {first.where}: {first.about}." if first else ""
            more = f" There are {len(problems) - 1:,} more problems." if len(problems) > 1 else ""
            raise NothingReadError(
                f"{self.name} has no picture that can be used.{said}{more}", problems
            )
        return AnnotatedPictures(
            name=self.name,
            folder=self.folders.base,
            classes=tuple(self.classes),
            files=files,
            sizes=sizes,
            splits={
                split: tuple(dict.fromkeys(each for each in listed if each in self.index))
                for split, listed in splits.items()
            },
            box_picture=objects[0],
            box_edges=objects[1],
            box_class=objects[2],
            box_difficult=objects[3],
            ignored_picture=regions[0],
            ignored_edges=regions[1],
            ignored_class=regions[2],
            problems=problems,
            read_picture=PictureReader(self.folders, files, sizes),
        )


def same_boxes(
    picture: np.ndarray, edges: np.ndarray, label: np.ndarray
) -> list[tuple[int, int, int]]:
    """Boxes that are several times in their picture, with one class and the very same edges.

    Args:
        picture: (M,) int32, in rising order.
        edges: (M, 4) float32.
        label: (M,) int32.

    Returns:
        Of each picture with some: its index, how many boxes were there before, the row of one.
    """
    rows = np.column_stack([picture, label, edges.view(np.int32)])
    # Only where two have one key are they looked at number by number.
    key = (rows.astype(np.uint64) * _PRIMES).sum(axis=1, dtype=np.uint64)
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    maybe = np.unique(order[np.union1d(twice, twice + 1)]) if len(twice) else order[:0]
    seen, again = set[bytes](), dict[int, tuple[int, int]]()
    for row in maybe.tolist():
        box = rows[row].tobytes()
        if box in seen:
            again[int(picture[row])] = again.get(int(picture[row]), (0, 0))[0] + 1, row
        seen.add(box)
    return [(index, *found) for index, found in again.items()]


class _Columns:
    """Boxes as they come, in any order of their pictures."""

    def __init__(self) -> None:
        self.picture, self.label = array("i"), array("i")
        self.edges, self.difficult = array("d"), array("b")

    def add(self, picture: int, edges: Edges, label: int, difficult: bool) -> None:
        self.picture.append(picture)
        self.edges.extend(edges)
        self.label.append(label)
        self.difficult.append(difficult)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        picture = np.array(self.picture, np.int32)
        order = np.argsort(picture, kind="stable")
        return (
            picture[order],
            np.array(self.edges, np.float32).reshape(-1, 4)[order],
            np.array(self.label, np.int32)[order],
            np.array(self.difficult, bool)[order],
        )


def refuse(name: str, file: str, where: str, about: str) -> NothingReadError:
    """The error of a data set that is refused as a whole."""
    return NothingReadError(
        f"{name}: {file}, {where}: {about}.", [Problem(file, where, about, REFUSED)]
    )
