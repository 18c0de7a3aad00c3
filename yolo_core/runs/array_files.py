"""Reading .npz files of ours: numpy arrays, and under "meta" JSON that says what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yolo_core.foreign_files import Arrays, open_arrays, parse_json

SMALL = 64_000_000
"""So many bytes a file may unpack to that somebody has compressed."""


class _NotOursError(ValueError):
    """A file of something else, which is not damaged."""


@contextlib.contextmanager
def open_file(
    path: Path, *, form: str, version: int, what: str
) -> Iterator[tuple[dict[str, Any], Arrays]]:
    """The JSON of a file, and its arrays, of which each is read when it is asked for.

    Whether they fit together is for the caller to check, inside: what is raised there becomes a
    sentence about the file.

    Args:
        path: The file.
        form: What "format" must be in its JSON.
        version: Likewise "version".
        what: What such a file is called, such as "snapshot".

    Raises:
        ValueError: The file is missing, half-written, damaged, or something else.
    """
    try:
        with open_arrays(path) as arrays:
            # Ours are not compressed: so none takes more memory than its file has bytes.
            size = Path(path).stat().st_size
            if arrays.bytes > max(size, SMALL):
                raise _NotOursError(
                    f"{path} is no {what}: its {size:,} bytes would unpack to {arrays.bytes:,}, "
                    "and what this program writes is not compressed."
                )
            meta = parse_json(arrays["meta"].tobytes()) if "meta" in arrays else None
            if not isinstance(meta, dict) or meta.get("format") != form:
                raise _NotOursError(f"{path} is an .npz file, but no {what}.")
            if meta.get("version") != version:
                raise _NotOursError(
                    f"{path} is a {what} of version {meta.get('version')}; this program reads "
                    f"version {version}."
                )
            yield meta, arrays
    except _NotOursError:
        raise
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        why = str(error).rstrip(".")
        raise ValueError(f"{path} is damaged, half-written or no {what} ({why}).") from None
