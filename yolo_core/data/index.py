"""What was read of a data set, kept beside the runs, so that it is read again only when it changed.

Nothing is written in the folder of the data.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from yolo_core.data.collector import PictureReader
from yolo_core.data.folders import NamedFolders
from yolo_core.data.pictures import AnnotatedPictures, Problem
from yolo_core.files import replace_file
from yolo_core.foreign_files import check_array, open_arrays, parse_json

MOST_KEPT = 32
_TEXTS = ("name", "classes", "files", "splits", "problems")
_ARRAYS = {
    "sizes": ("iu", (2,)),
    "box_picture": ("iu", ()),
    "box_edges": ("f", (4,)),
    "box_class": ("iu", ()),
    "box_difficult": ("b", ()),
    "ignored_picture": ("iu", ()),
    "ignored_edges": ("f", (4,)),
    "ignored_class": ("iu", ()),
}


def index_folder() -> Path:
    """The folder of the indices: `.data` beside the runs."""
    return Path(os.environ.get("DETECTOR_CHECKPOINTS", "checkpoints")).absolute() / ".data"


def index_file(entry: str, place: Path, pictures: Path | None) -> Path:
    """Where the index of a data set is."""
    said = json.dumps([_readers(), entry.partition(":")[0], str(place), str(pictures)])
    name = hashlib.blake2b(said.encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()
    return index_folder() / f"{name}.npz"


@functools.cache
def _readers() -> list[list[str | int]]:
    """What tells these readers from older ones, whose indices are not used."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    states = ((each, each.stat()) for each in modules)
    return [[PIL.__version__], *([each.name, s.st_size, s.st_mtime_ns] for each, s in states)]


def save_index(path: Path, data: AnnotatedPictures) -> None:
    """Keeps what was read. Where nothing can be written, the next one reads it again."""
    reader = data.read_picture
    if not isinstance(reader, PictureReader) or reader.folders.allows(path.parent):
        return  # the runs lie in the folder of the data
    folders = reader.folders
    texts: dict[str, Any] = {name: getattr(data, name) for name in _TEXTS}
    texts["problems"] = [dataclasses.astuple(each) for each in data.problems]
    texts |= {"base": str(folders.base), "allowed": folders.allowed, "seen": folders.seen}
    arrays = {name: getattr(data, name) for name in _ARRAYS}
    arrays["texts"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, file.getbuffer(), durable=False)
        by_age = sorted(path.parent.glob("*.npz"), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def load_index(path: Path) -> AnnotatedPictures | None:
    """What was read of a data set; None where nothing is kept or a file has changed since."""
    try:
        with open_arrays(path) as stored:
            texts = parse_json(stored["texts"].tobytes())
            folders = NamedFolders(Path(texts["base"]), map(Path, texts["allowed"]))
            folders.seen = dict(texts["seen"])
            if not folders.unchanged(folders.seen):
                return None
            arrays = {name: stored[name] for name in _ARRAYS}
        files, classes = tuple(map(str, texts["files"])), tuple(map(str, texts["classes"]))
        for name, (kinds, shape) in _ARRAYS.items():
            group, _, column = name.partition("_")
            count = len(arrays[f"{group}_class"]) if column else len(files)
            most = {"picture": len(files) - 1, "class": len(classes) - 1}.get(column)
            least = 0 if kinds == "iu" else None
            check_array(name, arrays[name], (count, *shape), kinds, least, most)
        return AnnotatedPictures(
            name=str(texts["name"]),
            folder=folders.base,
            classes=classes,
            files=files,
            splits={str(name): tuple(listed) for name, listed in texts["splits"].items()},
            problems=tuple(_problem(each, len(files)) for each in texts["problems"]),
            read_picture=PictureReader(folders, files, arrays["sizes"]),
            **arrays,
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _problem(fields: list[Any], pictures: int) -> Problem:
    file, where, about, effect, picture = fields
    if not -1 <= int(picture) < pictures:
        raise ValueError(f"a problem of picture {picture}")
    return Problem(str(file), str(where), str(about), str(effect), int(picture))
