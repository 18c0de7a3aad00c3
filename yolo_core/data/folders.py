"""The folders that a data set may be read from, and what was looked at in them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from yolo_core.data.pictures import PICTURE_SET_ASIDE, Problem
from yolo_core.data.pixels import SUFFIXES

MOST_FILES = 2_000_000
"""A folder with more, in all its folders, is refused."""


class NamedFolders:
    """The folders that somebody named: nothing outside them is opened, no link leads out of them.

    Args:
        base: Names of files are relative to this one, where they lie in it.
        allowed: The folders that may be read.
    """

    def __init__(self, base: Path, allowed: Iterable[Path]) -> None:
        self.base = Path(os.path.abspath(base))
        self.allowed = tuple(dict.fromkeys(os.path.realpath(each) for each in allowed))
        self.seen: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._scanned: dict[str, dict[str, int]] = {}

    def name(self, path: str | Path) -> str:
        """What a file is called: relative to `base`, or absolute where it lies elsewhere."""
        path = os.path.abspath(path)
        inside = path == str(self.base) or path.startswith(os.path.join(self.base, ""))
        return Path(os.path.relpath(path, self.base) if inside else path).as_posix()

    def allows(self, path: str | Path) -> bool:
        """Whether a file or folder may be opened, its links followed."""
        real = os.path.realpath(path)
        return any(real == each or real.startswith(os.path.join(each, "")) for each in self.allowed)

    def read(self, path: Path, most_bytes: int) -> bytes:
        """The bytes of a file.

        Raises:
            ValueError: It may not or cannot be read, or has more bytes.
        """
        name = self.name(path)
        if not self.allows(path):
            raise ValueError(f"{name} leads out of the folder of the data, so it was not opened.")
        try:
            with open(path, "rb") as file:
                found = os.fstat(file.fileno())
                self.seen[str(path)] = f"{found.st_size} {found.st_mtime_ns}"
                if found.st_size > most_bytes:
                    raise ValueError(
                        f"{name} has {found.st_size:,} bytes; at most {most_bytes:,} are read."
                    )
                return file.read(most_bytes)
        except OSError as error:
            raise ValueError(f"{name} cannot be read: {error.strerror}.") from None

    def files(self, folder: Path) -> dict[str, int]:
        """The files of a folder and of all folders in it, in order of their names.

        Returns:
            {name relative to the folder: bytes}.

        Hidden ones are left out, and so is what a link would lead out to, which `problems` tells.

        Raises:
            ValueError: The folder cannot be read, or holds more than `MOST_FILES`.
        """
        key = os.path.abspath(folder)
        if key not in self._scanned:
            self._scanned[key], self.seen[key] = self._scan(key)
        return self._scanned[key]

    def listing(self, folder: Path) -> dict[str, int]:
        """The files of a folder alone; none where it is not there. Else as `files`."""
        key = os.path.join(os.path.abspath(folder), ".")  # the dot says that it is not for `files`
        if key not in self._scanned:
            there = self.allows(folder) and os.path.isdir(folder)
            self._scanned[key], self.seen[key] = self._scan(key) if there else ({}, "not there")
        return self._scanned[key]

    def forget(self) -> None:
        """Lets go of the names of files; what was seen stays known."""
        self._scanned.clear()

    def unchanged(self, seen: dict[str, str]) -> bool:
        """Whether all that was looked at is as it was then."""
        return all(self._state(path) == state for path, state in seen.items())

    def _state(self, path: str) -> str:
        try:
            if os.path.isdir(path):
                return self._scan(path)[1]
            found = os.stat(path)
        except (OSError, ValueError):
            return "not there"
        return f"{found.st_size} {found.st_mtime_ns}"

    def _scan(self, top: str) -> tuple[dict[str, int], str]:
        found: list[tuple[str, int, int]] = []
        left, visited = [""], set[str]()
        deep = not top.endswith("/.")
        while left:
            inner = left.pop()
            if (real := os.path.realpath(os.path.join(top, inner))) in visited:
                continue  # a link back to where we are
            visited.add(real)
            if inner and not deep:
                break
            try:
                with os.scandir(real) as entries:
                    for entry in entries:
                        self._take(entry, inner, found, left)
            except OSError as error:
                raise ValueError(
                    f"{self.name(os.path.join(top, inner))} cannot be read: {error.strerror}."
                ) from None
            if len(found) > MOST_FILES:
                raise ValueError(f"{top} has more than {MOST_FILES:,} files.")
        found.sort()
        digest = hashlib.blake2b(repr(found).encode("utf-8", "surrogateescape"), digest_size=16)
        return {name: size for name, size, _ in found}, digest.hexdigest()

    def _take(
        self,
        entry: os.DirEntry[str],
        inner: str,
        found: list[tuple[str, int, int]],
        left: list[str],
    ) -> None:
        name = f"{inner}/{entry.name}" if inner else entry.name
        if entry.name.startswith(".") or entry.name == "__MACOSX":
            return
        if entry.is_symlink() and not self.allows(entry.path):
            self._aside(entry.path, "the link leads out of the folder of the data")
        elif not entry.name.isprintable():
            self._aside(entry.path, "its name has bytes or characters that are not to be read")
        elif entry.is_dir():
            left.append(name)
        elif entry.is_file():
            state = entry.stat()
            found.append((name, state.st_size, state.st_mtime_ns))

    def _aside(self, path: str, about: str) -> None:
        name = self.name(path).encode("utf-8", "backslashreplace").decode()
        problem = Problem(name, "file", f"{about}; it was not opened", PICTURE_SET_ASIDE)
        if problem not in self.problems:
            self.problems.append(problem)


def common_base(folder: Path, pictures: Path) -> Path:
    """The folder that names of files are relative to: of the data set, with its pictures."""
    common = Path(os.path.commonpath([folder, pictures]))
    return common if len(common.parts) >= 3 else folder  # not where everything lies


class PictureNames:
    """Finds the file that an annotation means, by the name that it has for it.

    Args:
        files: Names relative to the folder of the pictures, with "/".
    """

    def __init__(self, files: Iterable[str]) -> None:
        self._exact = set(files)
        self._by: dict[str, list[str]] = {}
        for name in sorted(self._exact):
            path = PurePosixPath(name.lower())
            keys = {str(path), path.name, str(path.with_suffix("")), path.stem}
            for key in keys:
                self._by.setdefault(key, []).append(name)

    def find_stem(self, stem: str) -> str | None:
        """The file that an annotation of that name, without its ending, is meant for."""
        for key in (stem.lower(), PurePosixPath(stem).name.lower()):
            found = [
                each
                for each in self._by.get(key, ())
                if _without_suffix(PurePosixPath(each)).lower().endswith(key)
            ]
            if len(found) == 1:
                return found[0]
        return None

    def find(self, name: str) -> str | None:
        """The file meant by a name that may be from another computer.

        The name as it stands comes first. Else what follows a folder of another computer, or
        another case or extension of the same name, if no two files could be meant.
        """
        if name in self._exact:
            return name
        parts = [each for each in re.split(r"[\\/]+", name.strip()) if each not in ("", ".")]
        if ".." in parts:
            parts = parts[len(parts) - parts[::-1].index("..") :]
        tails = [PurePosixPath(*parts[start:]) for start in range(len(parts))]
        for tail in tails:
            if str(tail) in self._exact:
                return str(tail)
        for key in (str, _without_suffix):
            for tail in tails:
                found = self._by.get(key(tail).lower(), ())
                if len(found) == 1:
                    return found[0]
        return None


def _without_suffix(path: PurePosixPath) -> str:
    return str(path.with_suffix("")) if path.suffix.lower() in SUFFIXES else str(path)
