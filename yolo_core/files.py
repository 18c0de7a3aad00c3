"""Writing files so that nobody ever sees a part of one."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path


def replace_file(path: Path, data: bytes | memoryview | str, *, durable: bool = True) -> None:
    """Writes a file so that a reader sees the old one or the new one, never a part.

    Args:
        path: The file's final name.
        data: What it shall hold; text is written as UTF-8.
        durable: Wait until the disk has it, so that a power cut cannot lose or tear it.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            beside.unlink(missing_ok=True)
        raise ValueError(cannot_write(path, error)) from None


def cannot_write(path: Path, error: OSError) -> str:
    """Why a file or folder cannot be written, as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full, so {path} cannot be written."
    return f"{path} cannot be written: {error.strerror or error}."
