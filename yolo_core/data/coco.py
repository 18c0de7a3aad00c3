"""COCO: one JSON file with lists of images, categories and annotations.

Lin et al., "Microsoft COCO: Common Objects in Context", 2014; https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from yolo_core.data.collector import Collector, Edges, number, refuse
from yolo_core.data.folders import NamedFolders, PictureNames, common_base
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixels import Head
from yolo_core.data.reading import EachOf, head_or_fault, is_small, some
from yolo_core.foreign_files import json_members

MOST_BYTES = 2 * 2**30
"""A larger file is not read: its text alone would take the memory of a small machine."""

Key = int | str
_LISTS = ("images", "categories", "annotations")
_SIDES = ("x", "y", "width", "height")


def read_coco(name: str, file: Path, pictures: Path | None, each_of: EachOf) -> AnnotatedPictures:
    """Reads a file of COCO instances.

    Args:
        name: What it is opened as.
        file: The JSON file.
        pictures: The folder of the pictures; by default the file's.
        each_of: Reads the heads of all pictures.

    Raises:
        ValueError: Nothing of it can be used.
    """
    folder = pictures or file.parent
    folders = NamedFolders(common_base(file.parent, folder), (file.parent, folder))
    found = Collector(name, folders)
    own = folders.name(file)
    images, categories, annotations = _lists(name, own, _text(name, folders, file))
    if not categories:
        has = (
            "its annotations have captions instead of boxes"
            if any(isinstance(each, _Row) and each.captioned for each in annotations[:1])
            else "so no box has a class"
        )
        raise refuse(name, own, "categories", f"the file has no categories, {has}")
    labels = _labels(found, own, categories)
    by_id = _pictures(found, own, folder, images, each_of)
    for index, each in enumerate(annotations):
        _take(found, own, index, each, by_id, labels)
    return found.finish({})


def read_ids(
    name: str, file: Path, pictures: Path | None
) -> tuple[dict[Path, Key], dict[str, Key]]:
    """The ids by which a file of COCO instances names its pictures and classes.

    Args:
        name: What it is opened as.
        file: The JSON file.
        pictures: The folder of the pictures; by default the file's.

    Returns:
        {picture: id} and {class name: id}, of several ids the first.

    Raises:
        ValueError: It cannot be read.
    """
    folder = pictures or file.parent
    folders = NamedFolders(common_base(file.parent, folder), (file.parent, folder))
    images, categories, _ = _lists(name, folders.name(file), _text(name, folders, file))
    names = PictureNames(folders.files(folder))
    of_pictures: dict[Path, Key] = {}
    of_classes: dict[str, Key] = {}
    for fields in filter(lambda row: isinstance(row, dict), images):
        key, word = _key(fields.get("id")), names.find(_name_of(fields.get("file_name")))
        if key is not None and word:
            of_pictures.setdefault(folder / word, key)
    for fields in filter(lambda row: isinstance(row, dict), categories):
        key, word = _key(fields.get("id")), _name_of(fields.get("name"))
        if key is not None and word:
            of_classes.setdefault(word, key)
    return of_pictures, of_classes


def _text(name: str, folders: NamedFolders, file: Path) -> str:
    data = folders.read(file, MOST_BYTES)
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise refuse(name, folders.name(file), f"line {line}", "it is no text in UTF-8") from None


def _lists(name: str, own: str, text: str) -> tuple[list[Any], list[Any], list[Any]]:
    """The images, categories and annotations; of these only the fields that are needed."""
    lists: dict[str, list[Any]] = {}
    if text.lstrip()[:1] == "[":
        raise refuse(name, own, "line 1", "it is a list; a COCO file is one object with lists")
    try:
        for member, index, value in json_members(text, _LISTS):
            if member not in _LISTS:
                continue
            if index < 0:
                if not isinstance(value, list):
                    raise refuse(name, own, member, "it must be a list")
                lists[member] = []  # the last of two of one name counts, as in every JSON reader
            elif member == "annotations" and isinstance(value, dict):
                lists[member].append(_needed(value))
            else:
                lists[member].append(value)
    except ValueError as error:
        if hasattr(error, "problems"):
            raise
        where, _, about = str(error).rpartition(": ")
        raise refuse(name, own, where or "file", about) from None
    for member in ("images", "annotations"):
        if member not in lists:
            raise refuse(name, own, member, f"the file has no list of {member}")
    return lists["images"], lists.get("categories", []), lists["annotations"]


class _Row(NamedTuple):
    """What is needed of an annotation."""

    id: Any
    image_id: Any
    category_id: Any
    bbox: Any
    crowd: bool
    captioned: bool


def _needed(fields: dict[str, Any]) -> _Row:
    get = fields.get
    bbox = get("bbox")
    if bbox is None and get("segmentation"):
        bbox = _around(fields["segmentation"])
    crowd = number(get("iscrowd", 0)) == 1 or get("iscrowd") is True
    return _Row(get("id"), get("image_id"), get("category_id"), bbox, crowd, "caption" in fields)


def _around(polygons: Any) -> list[float] | None:
    """x, y, width, height of the box around polygons [[x, y, x, y, ...], ...]."""
    if not isinstance(polygons, list) or not all(isinstance(each, list) for each in polygons):
        return None
    xs = [number(value) for each in polygons for value in each[::2]]
    ys = [number(value) for each in polygons for value in each[1::2]]
    if len(xs) != len(ys) or len(xs) < 3 or not all(map(math.isfinite, xs + ys)):
        return None
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _key(value: Any) -> Key | None:
    """An id, the same for 7, 7.0 and "7"; None where it is none."""
    if isinstance(value, str):
        digits = value.strip()
        plain = digits.isascii() and digits.isdecimal() and len(digits) < 19
        return int(digits) if plain and str(int(digits)) == digits else value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _name_of(value: Any) -> str:
    """A name without the blanks around it; "" where it is none that can be written anywhere."""
    name = value.strip() if isinstance(value, str) else ""
    return name if not any("\ud800" <= each <= "\udfff" for each in name) else ""


def _labels(found: Collector, own: str, categories: list[Any]) -> dict[Key, int | str]:
    """The class of each category id, or why it has none."""
    labels: dict[Key, int | str] = {}
    names: dict[Key, str] = {}
    for index, each in enumerate(categories):
        where = f"categories[{index}]"
        fields = each if isinstance(each, dict) else {}
        key, name = _key(fields.get("id")), _name_of(fields.get("name"))
        if key is None or not name:
            found.note(own, where, f"it has no {'id' if key is None else 'name'}")
            if key is not None:
                labels[key] = f"category_id {key} has no name"
        elif key in names and names[key] != name:
            labels[key] = f"category_id {key} is of two categories, {names[key]} and {name}"
            found.note(own, where, f"its id, {key}, is that of {names[key]} too")
        elif key not in labels:
            if name in found.classes:
                found.note(own, where, f"another category is called {name}; they were made one")
            names[key], labels[key] = name, found.label(name)
    return labels


def _pictures(
    found: Collector, own: str, folder: Path, images: list[Any], each_of: EachOf
) -> dict[Key, tuple[int, Head, bool] | str]:
    """Index, head and whether its boxes are to be turned, of each image id; or why it has none."""
    files = found.folders.files(folder)
    names = PictureNames(files)
    listed: list[tuple[int, Key, str, tuple[float, float]]] = []
    by_id: dict[Key, tuple[int, Head, bool] | str] = {}
    owner: dict[Key, str] = {}
    elsewhere: list[str] = []
    meant: dict[str, str] = {}
    for index, each in enumerate(images):
        where = f"images[{index}]"
        fields = each if isinstance(each, dict) else {}
        key, name = _key(fields.get("id")), _name_of(fields.get("file_name"))
        if key is None or not name:
            found.picture_aside(own, where, f"it has no {'id' if key is None else 'file_name'}")
            if key is not None:
                by_id.setdefault(key, f"image_id {key} has no file_name")
            continue
        file = names.find(name)
        if file is None:
            found.picture_aside(own, f"{where}.file_name", f"there is no picture {name!r}")
            by_id.setdefault(key, f"image_id {key} is a picture that is not there")
            continue
        if meant.setdefault(file, name) != name:
            said = f"{name!r} and {meant[file]!r} both seem to be the picture {file}"
            found.picture_aside(own, f"{where}.file_name", said)
            by_id.setdefault(key, f"image_id {key} is a picture that is not there")
            continue
        if owner.setdefault(key, file) != file:
            said = f"its id, {key}, is that of {owner[key]} too, so neither has boxes of its own"
            found.picture_aside(own, where, said)
            by_id[key] = f"image_id {key} is of two pictures"
            continue
        if file != name:
            elsewhere.append(name)
        size = number(fields.get("width")), number(fields.get("height"))
        listed.append((index, key, file, size))
    if elsewhere:
        found.note(own, "images", f"{some(elsewhere)} under another name or folder on the disk")
    chosen = sorted({file for _, _, file, _ in listed})
    thorough = is_small({file: files[file] for file in chosen})
    heads = dict(
        zip(
            chosen,
            each_of(head_or_fault, [(str(folder / file), thorough) for file in chosen]),
            strict=True,
        )
    )
    told: set[str] = set()
    for index, key, file, size in listed:
        head, where = heads[file], f"images[{index}]"
        if isinstance(by_id.get(key), str):
            continue
        if not isinstance(head, Head):
            if file not in told:
                found.picture_aside(folder / file, "file", head)
            by_id[key] = f"image_id {key} is a picture that cannot be read"
        else:
            if file in told:
                found.note(own, where, f"{file} is listed twice; it was made one picture")
            turn = found.told_size(own, where, head, size)
            by_id[key] = found.picture(folder / file, head), head, turn
        told.add(file)
    return by_id


def _take(
    found: Collector,
    own: str,
    index: int,
    row: Any,
    by_id: dict[Key, tuple[int, Head, bool] | str],
    labels: dict[Key, int | str],
) -> None:
    """Takes the box of an annotation, or puts on record why not."""
    where = f"annotations[{index}]"
    if not isinstance(row, _Row):
        found.box_aside(own, where, "it is no object with fields")
        return
    subject = f"annotation {row.id}: " if isinstance(row.id, (int, str)) else ""
    meant: list[Any] = []
    for field, value, known in (
        ("image_id", row.image_id, by_id),
        ("category_id", row.category_id, labels),
    ):
        key = _key(value)
        taken = None if key is None else known.get(key)
        if key is None:
            taken = f"it has no {field}"
        elif taken is None:
            of = "images" if field == "image_id" else "categories"
            taken = f"{field} {str(key)[:40]} is not among the {of}"
        if isinstance(taken, str):
            found.box_aside(own, where, subject + taken)
            return
        meant.append(taken)
    (picture, head, turn), label = meant
    edges = _edges(row.bbox)
    if row.crowd:
        about = f"{subject}it is a group region (iscrowd 1), not one object"
        found.box_aside(own, where, about, picture)
    elif isinstance(edges, str):
        found.box_aside(own, f"{where}.bbox", subject + edges, picture)
    if not isinstance(edges, str):
        told = (own, f"{where}.bbox", subject)
        found.box(picture, head, edges, label, told, turn=turn, region=row.crowd)


def _edges(bbox: Any) -> Edges | str:
    """xmin, ymin, xmax, ymax, or what is wrong with x, y, width, height."""
    if not isinstance(bbox, list):
        return "it has no bbox"
    if len(bbox) != 4:
        return f"its bbox has {len(bbox)} numbers instead of four"
    x, y, width, height = values = tuple(map(number, bbox))
    for side, value, given in zip(_SIDES, values, bbox, strict=True):
        if not math.isfinite(value):
            return f"its {side} is {str(given)[:40]}, not a finite number"
    wrong = [
        f"its {side} is {'0' if value == 0 else 'negative'}"
        for side, value in (("width", width), ("height", height))
        if value <= 0
    ]
    if wrong:
        return " and ".join(wrong)
    if not (math.isfinite(x + width) and math.isfinite(y + height)):
        return "it is wider or higher than any number can say"
    return x, y, x + width, y + height
