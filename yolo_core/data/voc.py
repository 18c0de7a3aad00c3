"""Pascal VOC: one XML file a picture, and lists of names for the splits.

Everingham et al., "The PASCAL Visual Object Classes Challenge 2012 Development Kit", 2011. Numbers
are taken as they are written.
"""

from __future__ import annotations

import dataclasses
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from yolo_core.data.collector import Collector, Edges, number, refuse
from yolo_core.data.folders import NamedFolders, PictureNames, common_base
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.data.pixels import SUFFIXES, Head
from yolo_core.data.reading import EachOf, head_or_fault, is_small, marked_encoding, some

MOST_BYTES = 16 * 2**20
"""An annotation file or list of names with more is not read."""

# What annotation tools write. Python knows stranger ones, some of them slow.
_ENCODINGS = re.compile(
    r"(utf-?(8|16(le|be)?|32(le|be)?)(-sig)?|(us-?)?ascii|iso-?8859-?\d+|latin-?1|(cp|windows-)\d+"
    r"|gbk|gb2312|gb18030|big5|shift[-_]?jis|euc[-_](jp|kr)|koi8[-_][ru])",
    re.IGNORECASE,
)
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class UnreadableError(ValueError):
    """An annotation file that cannot be used, and the line where that shows."""

    def __init__(self, where: str, about: str) -> None:
        super().__init__(about)
        self.where = where


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What an XML file says.

    Attributes:
        filename: The picture's name, or "".
        stated: Width and height; NaN where it states none.
        objects: Number, class name, edges and whether it is difficult, of each that has all.
        set_aside: Of each other one its number and what is wrong.
    """

    filename: str
    stated: tuple[float, float]
    objects: tuple[tuple[int, str, Edges, bool], ...]
    set_aside: tuple[tuple[int, str], ...]


def parse(data: bytes) -> Annotation:
    """Reads an annotation.

    Raises:
        UnreadableError: It is no VOC annotation.
    """
    root = _root(_text(data))
    objects, set_aside = [], []
    for place, each in enumerate(root.findall("object"), 1):
        name = (each.findtext("name") or "").strip()
        found = _edges(each.findall("bndbox"))
        if not name or isinstance(found, str):
            set_aside.append((place, found if name else "it has no name"))
        else:
            difficult = (each.findtext("difficult") or "").strip().lower() in ("1", "true", "yes")
            objects.append((place, name, found, difficult))
    width, height = (number(root.findtext(f"size/{side}") or "") for side in ("width", "height"))
    filename = (root.findtext("filename") or "").strip()
    return Annotation(filename, (width, height), tuple(objects), tuple(set_aside))


def _text(data: bytes) -> str:
    encoding = marked_encoding(data)
    if encoding is None and data.startswith((b"<\0", b"\0<")):
        encoding = "utf-16-le" if data.startswith(b"<") else "utf-16-be"
    if encoding is None:
        stated = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([^"'>]*)""", data[:256])
        encoding = stated[1].decode("ascii", "replace") if stated else "utf-8"
        if not _ENCODINGS.fullmatch(encoding):
            raise UnreadableError(
                "line 1", f"it states the encoding {encoding!r}, which is not read"
            )
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableError(
            f"line {line}", f"it should be {encoding}, but has a byte that is not"
        ) from None
    except LookupError:
        raise UnreadableError(
            "line 1", f"it states the encoding {encoding!r}, which is unknown"
        ) from None


def _root(text: str) -> ET.Element:
    for word in ("<!ENTITY", "<!ATTLIST"):
        if word in text:
            line = text[: text.index(word)].count("\n") + 1
            raise UnreadableError(f"line {line}", "it declares entities, which are not read")
    if not text.strip():
        raise UnreadableError("file", "it is empty")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        line = error.position[0]
        raise UnreadableError(f"line {line}", f"it is no valid XML: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableError("file", f"it is no valid XML: {error}") from None
    if root.tag != "annotation":
        raise UnreadableError(
            "line 1", f"it is no VOC annotation: its first element is {str(root.tag)[:40]!r}"
        )
    return root


def _edges(boxes: list[ET.Element]) -> Edges | str:
    """xmin, ymin, xmax, ymax, or what is wrong with them."""
    if len(boxes) != 1:
        return "it has no bndbox" if not boxes else f"it has {len(boxes)} elements bndbox"
    texts = [(boxes[0].findtext(corner) or "").strip() for corner in _CORNERS]
    xmin, ymin, xmax, ymax = edges = tuple(map(number, texts))
    for corner, text, value in zip(_CORNERS, texts, edges, strict=True):
        if not math.isfinite(value):
            return f"its {corner} is {text[:40]!r}, not a number" if text else f"it has no {corner}"
    swapped = [
        f"{low} {texts[at]} is larger than {high} {texts[at + 2]}"
        for at, (low, high) in enumerate((("xmin", "xmax"), ("ymin", "ymax")))
        if edges[at] > edges[at + 2]
    ]
    if swapped:
        return " and ".join(swapped)
    if xmin == xmax or ymin == ymax:
        return "its " + ("width" if xmin == xmax else "height") + " is 0"
    return xmin, ymin, xmax, ymax


Found = Annotation | UnreadableError


def read_pair(
    task: tuple[str, str | None, bool],
) -> tuple[Annotation | UnreadableError, Head | str]:
    """Reads an annotation and the head of its picture.

    Args:
        task: The XML file, its picture if its name says which, and whether to decode that.

    Returns:
        The annotation or what is wrong, and the head or what is wrong.
    """
    path, picture, thorough = task
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UnreadableError("file", f"it has more than {MOST_BYTES:,} bytes")
        annotation: Found = parse(data)
    except OSError as error:
        annotation = UnreadableError("file", f"it cannot be read: {error.strerror}")
    except UnreadableError as error:
        annotation = error
    return annotation, head_or_fault((picture, thorough)) if picture else ""


def read_voc(name: str, root: Path, pictures: Path | None, each_of: EachOf) -> AnnotatedPictures:
    """Reads a folder of VOC annotations.

    Args:
        name: What it is opened as.
        root: A folder with `Annotations`, or of the XML files.
        pictures: The folder of the pictures; by default `JPEGImages` in `root`, else `root`.
        each_of: Carries `read_pair` out for all files.

    Raises:
        ValueError: Nothing of it can be used.
    """
    annotations = _inside(root, "annotations") or root
    folder = pictures or _inside(root, "jpegimages") or root
    folders = NamedFolders(common_base(root, folder), (root, folder))
    found = Collector(name, folders)
    files = [each for each in folders.files(annotations) if each.lower().endswith(".xml")]
    if not files:
        raise refuse(name, folders.name(annotations), "folder", "it has no XML files")
    sizes = {
        each: size
        for each, size in folders.files(folder).items()
        if PurePosixPath(each).suffix.lower() in SUFFIXES
    }
    if not sizes:
        raise refuse(
            name,
            folders.name(folder),
            "folder",
            "it has no pictures; --pictures names their folder",
        )
    names = PictureNames(sizes)
    thorough = is_small(sizes)
    own = {each: names.find_stem(str(PurePosixPath(each).with_suffix(""))) for each in files}
    tasks = [
        (str(annotations / each), str(folder / taken) if taken else None, thorough)
        for each, taken in own.items()
    ]
    taken_by = {picture: file for file, picture in reversed(own.items()) if picture}
    by_stem: dict[str, str] = {}
    answers = each_of(read_pair, tasks)
    for (file, picture), (annotation, head) in zip(own.items(), answers, strict=True):
        path = annotations / file
        if isinstance(annotation, UnreadableError):
            found.picture_aside(path, annotation.where, str(annotation))
            continue
        named = names.find(annotation.filename) if annotation.filename else None
        if picture is None and named is None:
            said = f"no picture is called {annotation.filename!r} or like this file"
            found.picture_aside(path, "filename", said)
            continue
        if picture is None:
            picture = str(named)
            head = head_or_fault((str(folder / picture), thorough))
        elif named not in (None, picture):
            said = f"it names {named}; the picture of this file's own name, {picture}, was taken"
            found.note(path, "filename", said)
        if taken_by.setdefault(picture, file) != file:
            said = f"its picture, {picture}, has another annotation, {taken_by[picture]}"
            found.picture_aside(path, "filename", said)
        elif not isinstance(head, Head):
            found.picture_aside(folder / picture, "file", head)
        else:
            stem = str(PurePosixPath(file).with_suffix(""))
            by_stem[stem] = _take(found, path, annotation, folder / picture, head)
    unused = sorted(sizes.keys() - taken_by.keys())
    if unused:
        said = f"{some(unused)} without an annotation, so left out"
        found.note(folder, "pictures", said)
    return found.finish(_splits(found, root, by_stem))


def _inside(root: Path, lower: str) -> Path | None:
    """The folder of that name, in small or capital letters."""
    try:
        return next(
            (
                each
                for each in sorted(root.iterdir())
                if each.name.lower() == lower and each.is_dir()
            ),
            None,
        )
    except OSError as error:
        raise ValueError(f"{root} cannot be read: {error.strerror}.") from None


def _take(found: Collector, path: Path, annotation: Annotation, picture: Path, head: Head) -> str:
    """Takes a picture with its objects; its name."""
    index = found.picture(picture, head)
    turn = found.told_size(path, "size", head, annotation.stated)
    for place, about in annotation.set_aside:
        found.box_aside(path, f"object {place}", about)
    for place, label, edges, difficult in annotation.objects:
        told = (path, f"object {place}", "")
        found.box(index, head, edges, found.label(label), told, turn=turn, difficult=difficult)
    return found.folders.name(picture)


def _splits(found: Collector, root: Path, by_stem: Mapping[str, str]) -> dict[str, list[str]]:
    """The names in ImageSets/Main, in a file a split; those for one class are left out."""
    folder = root / "ImageSets" / "Main"
    splits: dict[str, list[str]] = {}
    if not folder.is_dir():
        return splits
    short = {PurePosixPath(stem).name: name for stem, name in by_stem.items()}
    for file in found.folders.files(folder):
        if not file.endswith(".txt"):
            continue
        path = folder / file
        try:
            lines = found.folders.read(path, MOST_BYTES).decode("utf-8-sig").splitlines()
        except ValueError as error:
            found.note(path, "file", f"it was not used: {error}")
            continue
        entries = [line.strip() for line in lines]
        if any(re.search(r"\s-?[01]$", each) for each in entries):
            continue  # of one class: whether it is in that picture
        listed, lost = [], []
        for entry in filter(None, entries):
            stem = str(PurePosixPath(entry.replace("\\", "/")))
            if PurePosixPath(stem).suffix.lower() in SUFFIXES:
                stem = str(PurePosixPath(stem).with_suffix(""))
            known = by_stem.get(stem) or short.get(PurePosixPath(stem).name)
            (lost if known is None else listed).append(known or entry)
        if lost:
            found.note(path, "lines", f"{some(lost)} not among the pictures that could be read")
        splits[PurePosixPath(file).stem] = listed
    return splits
