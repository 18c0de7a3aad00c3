"""YOLO text: a data.yaml that names folders and classes, and one text file of boxes a picture.

https://docs.ultralytics.com/datasets/detect/: a line is the class number and x_center, y_center,
width, height as fractions of the upright picture; with more numbers, the corners of a polygon.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from yolo_core.data.collector import Collector, Edges, NothingReadError, number, refuse
from yolo_core.data.folders import NamedFolders, common_base
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixels import SUFFIXES, Head
from yolo_core.data.reading import SMALL, EachOf, decoded, head_or_fault

MOST_BYTES = 16 * 2**20
"""A data.yaml, a label file or a list of pictures with more is not read."""

MOST_CLASSES = 100_000
SPLITS = ("train", "val", "test")

# Numbers over this are no fractions that rounding or a box over the border could explain.
_LIKE_PIXELS = 2.0
_NO_LABELS = {"classes.txt", "notes.txt", "readme.txt", "train.txt", "val.txt", "test.txt"}


def read_yolo(name: str, file: Path, pictures: Path | None, each_of: EachOf) -> AnnotatedPictures:
    """Reads a data set that a data.yaml describes.

    Args:
        name: What it is opened as.
        file: The data.yaml.
        pictures: A folder that its paths may lead to besides its own, and are looked for in first.
        each_of: Reads all label files with the heads of their pictures.

    Raises:
        ValueError: Nothing of it can be used.
    """
    roots = (file.parent,) if pictures is None else (pictures, file.parent)
    folders = NamedFolders(common_base(file.parent, roots[0]), roots)
    found = Collector(name, folders)
    own = folders.name(file)
    fields = _fields(found, own, folders.read(file, MOST_BYTES))
    labels = _classes(found, own, fields)
    pose = _pose(fields.get("kpt_shape"))
    splits = _splits(found, own, roots, fields)
    chosen = dict.fromkeys(each for listed in splits.values() for each in listed)
    if not chosen:
        raise NothingReadError(
            f"{name}: none of the folders that {own} names for {', '.join(SPLITS)} has pictures.",
            (*folders.problems, *found.problems),
        )
    label_files = {each: _label_file(folders, roots, each) for each in chosen}
    thorough = sum(each.stat().st_size for each in chosen) <= SMALL
    tasks = [
        (str(each), None if text is None else str(text), pose, thorough)
        for each, text in label_files.items()
    ]
    for (picture, text), (head, lines) in zip(
        label_files.items(), each_of(read_pair, tasks), strict=True
    ):
        _take(found, picture, text, head, lines, labels)
    _note_unused(found, label_files)
    return found.finish(
        {split: [folders.name(each) for each in listed] for split, listed in splits.items()}
    )


def _fields(found: Collector, own: str, data: bytes) -> dict[str, Any]:
    """The members of a data.yaml; every scalar of it is a text."""
    try:
        root = yaml.compose(data, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise refuse(found.name, own, f"line {line}", f"no valid YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).partition("\n")[0]
        raise refuse(found.name, own, "file", f"no valid YAML ({first})") from None
    if not isinstance(root, yaml.MappingNode):
        raise refuse(found.name, own, "line 1", "it must hold names with values, such as train:")
    fields: dict[str, Any] = {}
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name in fields:
            where = f"line {key.start_mark.line + 1}"
            found.note(own, where, f"{name} stands there twice; the last one counts")
        fields[name] = _plain(value)
    return fields


def _plain(node: yaml.Node) -> Any:
    """A text, or a list of texts or of pairs of texts; anything deeper is None."""
    if isinstance(node, yaml.ScalarNode):
        return node.value.strip()
    if isinstance(node, yaml.SequenceNode):
        return [
            each.value.strip() if isinstance(each, yaml.ScalarNode) else None for each in node.value
        ]
    scalars = yaml.ScalarNode
    return {
        key.value.strip(): each.value.strip() if isinstance(each, scalars) else None
        for key, each in node.value
        if isinstance(key, scalars)
    }


def _classes(found: Collector, own: str, fields: dict[str, Any]) -> dict[int, int]:
    """The class of each number."""
    names, count = fields.get("names"), number(fields.get("nc"))
    if isinstance(names, list):
        names = {str(index): each for index, each in enumerate(names)}
    if not names and count == count // 1 and 0 < count <= MOST_CLASSES:
        names = {str(index): str(index) for index in range(int(count))}
        found.note(own, "names", "it names no classes; they are called by their numbers")
    if not isinstance(names, dict):
        raise refuse(
            found.name, own, "names", "it must be a list of class names, or name them by number"
        )
    labels: dict[int, int] = {}
    for key, each in names.items():
        if not re.fullmatch("[0-9]{1,9}", key or "") or not each:
            found.note(own, "names", f"entry {key!r} has no number or no name; it was left out")
            continue
        if each in found.classes:
            found.note(own, "names", f"two classes are called {each}; they were made one")
        labels[int(key)] = found.label(each)
    if not labels:
        raise refuse(found.name, own, "names", "it names no classes")
    if math.isfinite(count) and count != len(names):
        found.note(own, "nc", f"it says {count:g}; names has {len(names)}")
    return labels


def _pose(shape: Any) -> int:
    """How many numbers of key points follow a box."""
    sides = [number(each) for each in shape] if isinstance(shape, list) else []
    product = math.prod(sides) if len(sides) == 2 else 0
    return int(product) if 0 < product < 10_000 else 0


def _splits(
    found: Collector, own: str, roots: Sequence[Path], fields: dict[str, Any]
) -> dict[str, list[Path]]:
    """The pictures of each split that is named and there."""
    splits: dict[str, list[Path]] = {}
    stated = _slashes(fields.get("path") or ".")
    bases = [base for root in roots for base in (_below(found.folders, root, stated), root) if base]
    if not any(_below(found.folders, root, stated) for root in roots):
        found.note(
            own, "path", f"{stated} is not in the folder of the data, which was taken instead"
        )
    for split in SPLITS if "val" in fields else ("train", "valid", "test"):
        values = fields.get(split)
        listed: list[Path] = []
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str) or value.lower() in ("", "~", "null"):
                continue
            place = next(
                filter(None, (_below(found.folders, base, _slashes(value)) for base in bases)), None
            )
            if place is None:
                found.note(own, split, f"{value} is not there, or not in the folder of the data")
            elif place.is_dir():
                inside = found.folders.files(place)
                listed += [place / each for each in inside if _is_picture(each)]
            elif place.suffix.lower() == ".txt":
                listed += _from_list(found, place, bases)
            else:
                found.note(own, split, f"{value} is neither a folder nor a list of pictures (.txt)")
        if listed:
            splits[split] = list(dict.fromkeys(listed))
    return splits


def _first(folders: NamedFolders, bases: Iterable[Path], value: str) -> Path | None:
    """What a path leads to from the first folder that has it."""
    return next(filter(None, (_below(folders, each, _slashes(value)) for each in bases)), None)


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _below(folders: NamedFolders, base: Path, value: str) -> Path | None:
    """What a path leads to, if it is there and may be read.

    As it stands, without the `../` that it begins with, or by as much of its end as leads to
    something: it may be from another computer.
    """
    parts = [each for each in PurePosixPath(value).parts if each not in ("/", ".")]
    while parts and parts[0] == "..":
        parts = parts[1:]
    tails = [base.joinpath(*parts[start:]) for start in range(len(parts) or 1)]
    for path in (base / value, *tails):
        path = Path(os.path.normpath(path))
        if folders.allows(path):
            if os.path.exists(path):  # no error where a name is too long for any file
                return path
            folders.seen.setdefault(str(path), "not there")
    return None


def _from_list(found: Collector, path: Path, bases: Sequence[Path]) -> Iterator[Path]:
    """The pictures that a list names, a path a line."""
    try:
        lines = found.folders.read(path, MOST_BYTES).decode("utf-8-sig").splitlines()
    except ValueError as error:
        found.note(path, "file", f"it was not used: {error}")
        return
    for place, line in enumerate(map(str.strip, lines), 1):
        if not line:
            continue
        picture = _first(found.folders, (path.parent, *bases), line)
        if picture is None or not picture.is_file():
            found.picture_aside(path, f"line {place}", f"there is no picture {line[:200]!r}")
        else:
            yield picture


def _label_file(folders: NamedFolders, roots: Sequence[Path], picture: Path) -> Path | None:
    """The label file of a picture, if it has one.

    It is looked for with the last folder `images` on the way replaced by `labels`, then with
    earlier ones, then beside the picture.
    """
    root = next(each for each in roots if picture.is_relative_to(each))
    name, inner = f"{picture.stem}.txt", picture.parent.relative_to(root).parts
    places = [at for at, each in enumerate(inner) if each == "images"]
    for at in reversed(places):
        folder = root.joinpath(*inner[:at], "labels", *inner[at + 1 :])
        if name in folders.listing(folder):
            return folder / name
    return picture.with_name(name) if name in folders.listing(picture.parent) else None


Line = tuple[int, str] | tuple[int, float, Edges]


def read_pair(task: tuple[str, str | None, int, bool]) -> tuple[Head | str, list[Line] | str]:
    """Reads the head of a picture and its label file.

    Args:
        task: The picture, its label file, how many numbers of key points follow a box, and whether
            to decode the picture.

    Returns:
        The head or what is wrong; and of each line its number and class number and edges as
        fractions, or what is wrong with it; or what is wrong with the file.
    """
    picture, path, pose, thorough = task
    head = head_or_fault((picture, thorough))
    if path is None:
        return head, []
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            return head, f"it has more than {MOST_BYTES:,} bytes"
        lines = decoded(data).splitlines()
    except OSError as error:
        return head, f"it cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return head, "it is no text"
    read = ((place, line.split()) for place, line in enumerate(lines, 1))
    return head, [parse_line(place, words, pose) for place, words in read if words]


def parse_line(place: int, words: Sequence[str], pose: int = 0) -> Line:
    """Reads a line of a label file.

    Args:
        place: Its number.
        words: What stands in it.
        pose: How many numbers of key points follow a box.

    Returns:
        The number with class number and xmin, ymin, xmax, ymax as fractions, or with what is wrong.
    """
    label, *values = map(number, words)
    if label != label // 1:
        return place, f"class {words[0][:40]} is not a whole number"
    if len(values) == 4 + pose:
        values = values[:4]
    is_polygon = len(values) >= 6 and len(values) % 2 == 0
    if len(values) != 4 and not is_polygon:
        return place, f"it has {len(words)} numbers; a box has 5, a polygon an odd number from 7 on"
    for word, value in zip(words[1:], values, strict=False):
        if not math.isfinite(value):
            return place, f"{word[:40]!r} is not a number"
    if is_polygon:
        xs, ys = values[::2], values[1::2]
        edges = min(xs), min(ys), max(xs), max(ys)
    else:
        x, y, width, height = values
        edges = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    for side, low, high in (("width", edges[0], edges[2]), ("height", edges[1], edges[3])):
        if low >= high:
            return place, f"its {side} is {'0' if low == high else 'negative'}"
    if max(map(abs, values)) > _LIKE_PIXELS:
        return place, "it has numbers over 1 that look like pixels"
    return place, label, edges


def _take(
    found: Collector,
    picture: Path,
    text: Path | None,
    head: Head | str,
    lines: list[Line] | str,
    labels: dict[int, int],
) -> None:
    """Takes a picture with its objects, or puts on record why not."""
    if not isinstance(head, Head):
        found.picture_aside(picture, "file", head)
        return
    if isinstance(lines, str):
        found.picture_aside(text or picture, "file", lines)
        return
    index = found.picture(picture, head)
    if text is None:
        found.note(picture, "label file", "it has none, and counts as a picture without objects")
        return
    width, height = head.size
    own = found.folders.name(text)
    for line in lines:
        where = f"line {line[0]}"
        if len(line) == 2:
            found.box_aside(own, where, line[1])
        elif line[1] not in labels:
            found.box_aside(own, where, f"class {line[1]:g} is not among the names of data.yaml")
        else:
            xmin, ymin, xmax, ymax = line[2]
            edges = xmin * width, ymin * height, xmax * width, ymax * height
            found.box(index, head, edges, labels[int(line[1])], (own, where, ""))


def _note_unused(found: Collector, label_files: dict[Path, Path | None]) -> None:
    """Says which label files have no picture."""
    used = {each for each in label_files.values() if each}
    for folder in dict.fromkeys(each.parent for each in used):
        for name in found.folders.listing(folder):
            is_label = name.endswith(".txt") and name.lower() not in _NO_LABELS
            if is_label and folder / name not in used:
                found.note(folder / name, "file", "there is no picture for this label file")
