"""Opens a data set by a word for its format and the place where it lies."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from yolo_core.data.archives import entry_in, unpack
from yolo_core.data.coco import Key, read_coco, read_ids
from yolo_core.data.index import index_file, load_index, save_index
from yolo_core.data.many_files import several_processes
from yolo_core.data.pictures import AnnotatedPictures, Problem
from yolo_core.data.reading import Progress
from yolo_core.data.voc import read_voc
from yolo_core.data.yolo_txt import read_yolo

FORMATS = {"voc": read_voc, "coco": read_coco, "yolo": read_yolo}
WORTH_KEEPING = 0.3
"""Seconds: what is read sooner is read again, and no index of it is written."""
_PLACES = "voc:DIR, coco:FILE.json or yolo:DATA.yaml"


def open_data(
    entry: str,
    *,
    pictures: str | Path | None = None,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> AnnotatedPictures:
    """Reads a data set of one's own.

    Args:
        entry: "voc:DIR", "coco:FILE.json" or "yolo:DATA.yaml", or a ZIP with that in it.
        pictures: The folder of the pictures, where the format does not say it. Nothing is read but
            what is in it and in the folder of the entry.
        classes: Only these are objects, in this order; by default all.
        progress: Hears now and then how many files are done, and of how many.

    Returns:
        What could be used, and in its `problems` what could not.

    Raises:
        ValueError: The data set cannot be read, or has no such class.
    """
    kind, place, folder, problems = _place(entry, pictures, progress)
    index = index_file(entry, place, folder)
    data = load_index(index)
    if data is None:
        began = time.monotonic()
        data = FORMATS[kind](entry, place, folder, several_processes(progress))
        if time.monotonic() - began > WORTH_KEEPING:
            save_index(index, data)
    data = dataclasses.replace(data, name=entry, problems=(*problems, *data.problems))
    return data if classes is None else only(data, classes)


def ids_of_coco(
    entry: str, pictures: str | Path | None
) -> tuple[dict[Path, Key], dict[str, Key]] | None:
    """The ids of the pictures and the classes of a data set, where its format gives them some.

    Args:
        entry: As of `open_data`.
        pictures: Likewise.

    Returns:
        As `read_ids`; None of another format.

    Raises:
        ValueError: It cannot be read.
    """
    if not entry.startswith("coco:"):
        return None
    _, place, folder, _ = _place(entry, pictures, None)
    return read_ids(entry, place, folder)


def _place(
    entry: str, pictures: str | Path | None, progress: Progress | None
) -> tuple[str, Path, Path | None, tuple[Problem, ...]]:
    """Format, place and folder of the pictures of an entry; and what was wrong with its ZIP."""
    kind, _, where = entry.partition(":")
    if kind not in FORMATS or not where:
        raise ValueError(f"Data of your own is opened as {_PLACES}; received {entry!r}.")
    place = Path(os.path.abspath(where))
    folder = None if pictures is None else Path(os.path.abspath(pictures))
    if folder is not None and not os.path.isdir(folder):
        raise ValueError(f"The folder of the pictures, {pictures}, is not there.")
    if not os.path.exists(place):  # no error where a name is too long for any file
        raise ValueError(f"{where} does not exist; data is opened as {_PLACES}.")
    problems: tuple[Problem, ...] = ()
    if place.suffix.lower() == ".zip" and place.is_file():
        unpacked = unpack(place, progress)
        problems, place = unpacked.problems, entry_in(unpacked.folder, kind, place)
        if kind == "coco" and folder is None:
            folder = unpacked.folder
    if place.is_dir() != (kind == "voc"):
        what = "a folder" if place.is_dir() else "a file"
        raise ValueError(f"{where} is {what}; data is opened as {_PLACES}.")
    return kind, place, folder, problems


def only(data: AnnotatedPictures, classes: Sequence[str]) -> AnnotatedPictures:
    """The same pictures with the objects of some classes; others are no objects then.

    Raises:
        ValueError: There is no such class, or none is named, or one twice.
    """
    unknown = [each for each in classes if each not in data.classes]
    if unknown or not classes or len(set(classes)) < len(classes):
        raise ValueError(
            f"{data.name} has the classes {', '.join(data.classes) or 'none'}, each to be named "
            f"once; received {', '.join(classes) or 'none'}."
        )
    return _relabelled(data, classes)


def under_names(data: AnnotatedPictures, names: tuple[str, ...]) -> AnnotatedPictures:
    """The same pictures and objects with the classes of a network, in its order.

    Raises:
        ValueError: A class has no such name, or a name stands twice.
    """
    lost = [each for each in data.classes if each not in names]
    if lost:
        raise ValueError(
            f"Each class of {data.name} must be one of the network's names; received "
            f"{', '.join(data.classes)}, and among the {len(names)} names, {names[0]} to "
            f"{names[-1]}, there is no {', no '.join(lost)}."
        )
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise ValueError(f"Each name of a network's class stands once; received {twice} twice.")
    return _relabelled(data, names)


def _relabelled(data: AnnotatedPictures, classes: Sequence[str]) -> AnnotatedPictures:
    """With other classes in another order; objects of none of them are dropped."""
    place = {name: index for index, name in enumerate(classes)}
    to = np.array([place.get(each, -1) for each in data.classes], np.int32)
    kept, regions = to[data.box_class] >= 0, to[data.ignored_class] >= 0
    return dataclasses.replace(
        data,
        classes=tuple(classes),
        box_picture=data.box_picture[kept],
        box_edges=data.box_edges[kept],
        box_class=to[data.box_class[kept]],
        box_difficult=data.box_difficult[kept],
        ignored_picture=data.ignored_picture[regions],
        ignored_edges=data.ignored_edges[regions],
        ignored_class=to[data.ignored_class[regions]],
    )
