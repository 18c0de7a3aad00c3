"""A data set in a ZIP: unpacked once, beside the indices, and read there as any other.

An archive may be anybody's: no name in it leads out of its folder, links are not made, only files
that a reader would open are taken, and what they come to is known before the first is written.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import hashlib
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

from yolo_core.data.index import index_folder
from yolo_core.data.pictures import PICTURE_SET_ASIDE, Problem
from yolo_core.data.pixels import SUFFIXES
from yolo_core.data.reading import Progress
from yolo_core.files import cannot_write

TAKEN = (*SUFFIXES, ".xml", ".json", ".txt", ".yaml", ".yml")
MOST_DIRECTORY = 512 * 2**20
"""Bytes of the list of what is in an archive: some five million files."""
MOST_ENTRY = 2 * 2**30
SMALL, MOST_TIMES = 4 * 2**30, 100
"""Bytes that an archive may always come to; beyond that so many times its own size."""
SPARED = 2**30
"""Bytes of the disk that are left free."""
_MOST_DEEP, _MOST_NAME = 40, 255


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """An archive on disk.

    Attributes:
        folder: Where it is.
        problems: What of it was not taken.
    """

    folder: Path
    problems: tuple[Problem, ...]


def unpack(archive: Path, progress: Progress | None = None) -> Unpacked:
    """Unpacks an archive, unless that was done before and it has not changed.

    Args:
        archive: The ZIP.
        progress: Hears how many files are done, and of how many; what it raises ends this, and
            nothing is left.

    Raises:
        ValueError: It is no ZIP, locked, larger than may be, or the disk has no room for it.
    """
    try:
        state = archive.stat()
        _check_directory(archive, state.st_size)
        with zipfile.ZipFile(archive) as opened:
            wanted, problems = _wanted(archive.name, opened.infolist())
            said = f"{archive.absolute()}\n{state.st_size}\n{state.st_mtime_ns}"
            digest = hashlib.blake2b(said.encode("utf-8", "backslashreplace"), digest_size=12)
            folder = index_folder() / "unpacked" / digest.hexdigest()
            damaged = folder / ".not-taken"
            if not damaged.is_file():
                _check_room(archive, state.st_size, sum(each.file_size for each in wanted.values()))
                _write(opened, wanted, folder, damaged, progress)
    except (zipfile.BadZipFile, struct.error) as error:
        raise ValueError(f"{archive} is no ZIP that can be read: {error}.") from None
    except OSError as error:
        raise ValueError(f"{archive} cannot be unpacked: {error.strerror or error}.") from None
    lost = filter(None, damaged.read_text(encoding="utf-8").split("\n"))
    problems += [_problem(archive.name, name, "it is damaged") for name in lost]
    return Unpacked(folder, tuple(problems))


@functools.lru_cache(maxsize=256)
def kinds_in(archive: Path, changed: int) -> tuple[str, ...]:  # noqa: ARG001, part of the key
    """Which of "voc", "coco" and "yolo" an archive may hold, by the names in it.

    Args:
        archive: The ZIP.
        changed: When it was changed: it is looked at anew when it was.
    """
    try:
        _check_directory(archive, archive.stat().st_size)
        with zipfile.ZipFile(archive) as opened:
            suffixes = {PurePosixPath(each).suffix.lower() for each in opened.namelist()}
    except (zipfile.BadZipFile, struct.error, OSError):
        return ()
    marks = {"voc": {".xml"}, "coco": {".json"}, "yolo": {".yaml", ".yml"}}
    return tuple(kind for kind, mark in marks.items() if mark & suffixes)


def entry_in(folder: Path, kind: str, archive: Path) -> Path:
    """The folder or file of a data set that an unpacked archive holds.

    Args:
        folder: Where it is.
        kind: "voc", "coco" or "yolo".
        archive: What the sentence names.

    Raises:
        ValueError: There is none, or more than one that can be meant.
    """
    if kind == "voc":
        while len(inside := [each for each in folder.iterdir() if each.name[0] != "."]) == 1:
            if not inside[0].is_dir() or inside[0].name.lower() == "annotations":
                break
            folder = inside[0]
        return folder
    suffixes = (".json",) if kind == "coco" else (".yaml", ".yml")
    found = sorted(each for each in folder.rglob("*") if each.suffix.lower() in suffixes)
    named = [each for each in found if each.name == "data.yaml"]
    found = named if len(named) == 1 else found
    if len(found) != 1:
        names = ", ".join(each.relative_to(folder).as_posix() for each in found[:5]) or "none"
        raise ValueError(
            f"{archive} should hold one file {' or '.join(suffixes)} of a data set; it has {names}."
            + (" Unpack it, and open one of them." if found else "")
        )
    return found[0]


def _check_directory(archive: Path, size: int) -> None:
    """The list of an archive is read whole: it may not be larger than memory."""
    with archive.open("rb") as file:
        file.seek(max(0, size - 2**17))
        end = file.read()
    at = end.rfind(b"PK\5\6")
    if at < 0 or len(end) < at + 22:
        raise zipfile.BadZipFile("its end is missing")
    (length,) = struct.unpack_from("<I", end, at + 12)
    long = end.rfind(b"PK\6\6", 0, at)
    if length == 2**32 - 1 and long >= 0:
        (length,) = struct.unpack_from("<Q", end, long + 40)
    if length > MOST_DIRECTORY:
        raise zipfile.BadZipFile(f"the list of its files has {length:,} bytes")


def _wanted(
    archive: str, entries: list[zipfile.ZipInfo]
) -> tuple[dict[str, zipfile.ZipInfo], list[Problem]]:
    """{name in the folder: entry} of what is taken, and what is wrong with the rest."""
    wanted: dict[str, zipfile.ZipInfo] = {}
    problems = []
    for entry in entries:
        raw = entry.filename.replace("\\", "/")
        name = PurePosixPath(raw)
        hidden = any(part.startswith(".") and part.strip(".") for part in name.parts)
        if entry.is_dir() or hidden or "__MACOSX" in name.parts:
            continue
        if name.suffix.lower() not in TAKEN:
            continue
        if entry.flag_bits & 1:
            raise ValueError(f"{archive} is locked with a password: unpack it first.")
        wrong = _wrong_with(entry, raw, name)
        if not wrong and str(name) in wanted:
            wrong = "it is in the archive twice, and the first one was taken"
        if wrong:
            problems.append(_problem(archive, entry.filename, wrong))
        else:
            wanted[str(name)] = entry
    return wanted, problems


def _wrong_with(entry: zipfile.ZipInfo, raw: str, name: PurePosixPath) -> str:
    if raw.startswith("/") or re.match("[A-Za-z]:", raw) or ".." in name.parts:
        return "its name leads out of the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link"
    long = any(len(part.encode("utf-8", "replace")) > _MOST_NAME for part in name.parts)
    if not raw.isprintable() or long or len(name.parts) > _MOST_DEEP:
        return "no file can have its name"
    if entry.file_size > MOST_ENTRY:
        return f"it has {entry.file_size:,} bytes; at most {MOST_ENTRY:,} are taken"
    return ""


def _check_room(archive: Path, size: int, total: int) -> None:
    if total > max(SMALL, MOST_TIMES * size):
        raise ValueError(
            f"{archive} would come to {total:,} bytes, more than {MOST_TIMES} times its own "
            f"{size:,}: it is not unpacked."
        )
    place = index_folder()
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    if total + SPARED > free:
        raise ValueError(
            f"{archive} takes {total:,} bytes unpacked, and {place} has {free:,} left."
        )


def _write(
    opened: zipfile.ZipFile,
    wanted: dict[str, zipfile.ZipInfo],
    folder: Path,
    damaged: Path,
    progress: Progress | None,
) -> None:
    """Writes beside the folder's final name; nothing is left where that is not reached."""
    beside = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    for left in folder.parent.glob("*.*.tmp"):  # by a process that was killed
        if left == beside or not psutil.pid_exists(int(left.name.split(".")[1])):
            shutil.rmtree(left, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        lost = list(_extract(opened, wanted, beside, progress))
        (beside / damaged.name).write_text("\n".join(lost), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _extract(
    opened: zipfile.ZipFile,
    wanted: dict[str, zipfile.ZipInfo],
    into: Path,
    progress: Progress | None,
) -> Iterator[str]:
    """Writes the files; gives the names of those that cannot be."""
    for done, (name, entry) in enumerate(wanted.items()):
        if progress is not None and done % 64 == 0:
            progress(done, len(wanted))
        target = into / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(entry) as source, target.open("xb") as file:
                shutil.copyfileobj(source, file, 2**20)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
            target.unlink(missing_ok=True)
            yield name
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ValueError(cannot_write(target, error)) from None
            yield name


def _problem(archive: str, name: str, about: str) -> Problem:
    return Problem(archive, name[:200], about, PICTURE_SET_ASIDE)
