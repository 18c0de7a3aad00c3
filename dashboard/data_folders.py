"""The data that a page offers: what lies in the folders that the server was started with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from yolo_core.data.archives import kinds_in

VARIABLE = "DETECTOR_DEBUGGER_DATA"
"""Names the folders, with `os.pathsep` between them."""
_MOST = 500
_ANNOTATIONS = ("annotations", "Annotations")


def data_folders() -> list[Path]:
    """The folders that the server was started with."""
    given = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(each).expanduser().resolve() for each in given if each]


def is_inside(path: Path) -> bool:
    """Whether a file or folder lies in one of those folders, its links followed."""
    try:
        real = path.resolve()
    except (OSError, ValueError):  # links in a circle, or what is no path
        return False
    return any(real.is_relative_to(folder) for folder in data_folders())


def data_choices() -> dict[str, str]:
    """{what `--data` takes: what it is called}: the digits, and what lies in those folders.

    A folder, and each folder in it, is looked at for Pascal VOC (XML files, or a folder Annotations
    of them), COCO (JSON files, or annotations/ with some), YOLO (a .yaml file), and ZIPs of those.
    """
    found = {"digits": "digits, bundled"}
    for folder in data_folders():
        for place in (folder, *_inside(folder)):
            for entry in _entries(place):
                name = Path(entry.partition(":")[2])
                if not is_inside(name):
                    continue
                shown = name.relative_to(folder.parent) if folder in (name, *name.parents) else name
                found[entry] = f"{entry.partition(':')[0]}: {shown.as_posix()}"
    return found


def _inside(folder: Path) -> list[Path]:
    names = (each for each in _listed(folder) if each.name not in _ANNOTATIONS)
    return [each for each in names if each.is_dir() and not each.name.startswith(".")]


def _entries(place: Path) -> Iterator[str]:
    listed = _listed(place)
    by_suffix = {suffix: [f for f in listed if f.suffix.lower() == suffix] for suffix in _SUFFIXES}
    annotations = [each for each in listed if each.name in _ANNOTATIONS and each.is_dir()]
    inner = [each for folder in annotations for each in _listed(folder)]
    if by_suffix[".xml"] or any(each.suffix.lower() == ".xml" for each in inner):
        yield f"voc:{place}"
    for file in (*by_suffix[".json"], *(f for f in inner if f.suffix.lower() == ".json")):
        yield f"coco:{file}"
    for file in (*by_suffix[".yaml"], *by_suffix[".yml"]):
        yield f"yolo:{file}"
    for file in by_suffix[".zip"]:
        if is_inside(file):
            yield from (f"{kind}:{file}" for kind in kinds_in(file, file.stat().st_mtime_ns))


_SUFFIXES = (".xml", ".json", ".yaml", ".yml", ".zip")


def _listed(folder: Path) -> list[Path]:
    """What is in a folder by name, `_MOST` at most; nothing where it cannot be looked into."""
    try:
        return sorted(islice(folder.iterdir(), _MOST))
    except OSError:
        return []
