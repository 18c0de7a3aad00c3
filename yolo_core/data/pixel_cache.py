"""Decoded and resized pictures on disk, so that from the second epoch on none is decoded again.

A file a picture: its bytes and their checksum. It is written beside its name and moved into place,
so that a process that is killed leaves nothing broken and several trainings may share the folder.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
import zlib
from pathlib import Path

import numpy as np

from yolo_core.files import replace_file

logger = logging.getLogger("yolo_core.data")

SUFFIX = ".rgb"
_CHECKSUM = 4  # bytes
_SHARE = 16  # of the space, that a process may fill before it counts again what others have taken


class PixelCache:
    """A bounded folder of decoded pictures.

    When it is full, pictures that nobody has used since this process began make room, the longest
    unused first. Where there are none, a picture is not kept: in an epoch every picture is used
    once, and to throw one out for the next would keep none until it is wanted again.

    Args:
        folder: Where they lie; made when the first one comes.
        megabytes: Space that they may take, in millions of bytes.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.limit = megabytes * 10**6
        self._opened = time.time()
        self._lock = threading.Lock()
        self._room = 0
        self._is_full = not megabytes
        self._writing: set[str] = set()

    def key(self, file: Path, size: tuple[int, int]) -> str | None:
        """What a picture is kept under: its file, how old and large that is, and the size.

        Args:
            file: The picture.
            size: Width and height that it was resized to.

        Returns:
            None where there is no such file.
        """
        try:
            stat = file.stat()
        except OSError:
            return None
        about = f"1\0{file}\0{stat.st_size}\0{stat.st_mtime_ns}\0{size}"
        return hashlib.blake2b(about.encode(errors="surrogateescape"), digest_size=16).hexdigest()

    def get(self, key: str, size: tuple[int, int]) -> np.ndarray | None:
        """The pixels that are kept under a key: (height, width, 3) uint8, not to be written to.

        Args:
            key: As of `key`.
            size: Width and height of the picture.

        Returns:
            None where there are none, or the file was damaged.
        """
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        pixels, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
        if len(pixels) != size[0] * size[1] * 3 or _checksum(pixels) != checksum:
            return None
        try:
            if path.stat().st_mtime < self._opened:
                os.utime(path)  # it is in use
        except OSError:  # another process has just removed it, or owns it
            pass
        return np.frombuffer(pixels, np.uint8).reshape(size[1], size[0], 3)

    def put(self, key: str, pixels: np.ndarray) -> None:
        """Keeps the pixels of a picture, if there is room.

        Args:
            key: As of `key`.
            pixels: (height, width, 3) uint8.
        """
        size = pixels.nbytes + _CHECKSUM
        with self._lock:
            if self._is_full or key in self._writing:
                return
            if self._room < size:
                self._make_room()
            if self._room < size:
                self._is_full = True
                return
            self._room -= size
            self._writing.add(key)
        data = pixels.tobytes()
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data + _checksum(data), durable=False)
        except (OSError, ValueError) as error:
            self._is_full = True
            logger.warning("Decoded pictures are no longer kept: %s", error)
        finally:
            with self._lock:
                self._writing.discard(key)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{SUFFIX}"

    def _make_room(self) -> None:
        """Counts what is there, removes what is idle, and says how much may come."""
        share = self.limit // _SHARE
        there = sorted(_files(self.folder))
        total = sum(size for _, size, _ in there)
        for used, size, path in there:
            if total <= self.limit - share or used >= self._opened:
                break
            try:
                os.unlink(path)
            except FileNotFoundError:
                pass  # another process was quicker
            except OSError:
                continue
            total -= size
        self._room = min(self.limit - total, share)


def _files(folder: Path) -> list[tuple[float, int, str]]:
    """When each file was last used, its size and path; those that were left half-written, too."""
    found = []
    for part in _entries(folder):
        for entry in _entries(part.path):
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            found.append((stat.st_mtime, stat.st_size, entry.path))
    return found


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM, "little")
