"""JSON and arrays out of files that anybody may have made: bounded, and errors are sentences.

A run folder, a survey or a data file may have come by mail. Reading one shall never cost more than
its format can need, nor end in anything but its content or a ValueError.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

MOST_NESTED = 32
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: It is no JSON, or is nested deeper than `MOST_NESTED`, which nothing of ours is
            and Python can neither read nor write; without a full stop.
    """
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    if not isinstance(text, str):  # a database may hold anything
        raise ValueError(f"no text, but {text!r}")
    deep = f"lists and objects nested more than {MOST_NESTED} deep"
    try:
        value = json.loads(text.removeprefix("\ufeff"))  # some editors begin a file with this
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})"
        ) from None
    except RecursionError:
        raise ValueError(deep) from None
    except ValueError:  # Python's limit, and its advice to programmers
        raise ValueError("a number of more than 4,300 digits") from None
    if text.count("[") + text.count("{") > MOST_NESTED and _is_deep(value):
        raise ValueError(deep)
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text with half a character in it") from None
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_NESTED):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for one in inside for each in one if isinstance(each, (list, dict))]
    return bool(level)


def read_json(path: Path, *, most_bytes: int | None = None) -> dict[str, Any]:
    """The object that a JSON file holds.

    Args:
        path: The file.
        most_bytes: A larger one is refused; None takes any.

    Raises:
        ValueError: The file is missing, cannot be read, is too large, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(-1 if most_bytes is None else most_bytes + 1)
        if most_bytes is not None and len(data) > most_bytes:
            raise ValueError(f"more than {most_bytes:,} bytes")
        fields = parse_json(data)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file.") from None
    except ValueError as error:
        link = ", " if str(error).startswith("line") else " holds "
        raise ValueError(f"{path}{link}{error}.") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{path} must hold one JSON object; received {type(fields).__name__}.")
    return fields


def read_json_in_zip(path: Path, member: str, *, most_bytes: int) -> Any:
    """What a JSON file within a ZIP says.

    Args:
        path: The ZIP.
        member: The file in it.
        most_bytes: A larger one is refused.

    Raises:
        ValueError: Any of them is not there, cannot be read, is too large, or is no JSON.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            data = file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise ValueError(f"more than {most_bytes:,} bytes")
        return parse_json(data)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise ValueError(f"{path}: {member}: {error}.") from None
    except Exception:  # whatever a damaged one makes zipfile and zlib raise
        raise ValueError(f"{path} is no zip archive with a {member} that can be read.") from None


class Arrays:
    """The arrays of an open .npz file, each read when it is asked for.

    Args:
        archive: The file.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def __contains__(self, name: str) -> bool:
        return f"{name}.npy" in self._archive.NameToInfo

    @property
    def bytes(self) -> int:
        """What all of them take once they are unpacked, as the file says: no more is ever read."""
        return sum(each.file_size for each in self._archive.infolist())

    def declared_bytes(self, name: str) -> int:
        """What one takes once it is unpacked.

        Raises:
            LookupError: There is none of that name.
        """
        return self._archive.getinfo(f"{name}.npy").file_size

    def __getitem__(self, name: str) -> np.ndarray:
        """One array, of numbers or truth values.

        Raises:
            LookupError: There is none of that name.
            ValueError: It is damaged, or of something else.
        """
        info = self._archive.getinfo(f"{name}.npy")
        try:
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("it is compressed in another way than numpy does")
            with self._archive.open(info) as file:
                version = npy.read_magic(file)
                if version not in _HEADERS:
                    raise ValueError(f"it is an array of version {version}")
                shape, by_columns, dtype = _HEADERS[version](file)
                if dtype.kind not in "biuf" or dtype.itemsize > 8:
                    raise ValueError(f"expected an array of numbers; received {dtype}")
                size = math.prod(shape) * dtype.itemsize
                if min(shape, default=0) < 0 or file.tell() + size != info.file_size:
                    raise ValueError(f"{shape} {dtype} is not what {info.file_size} bytes hold")
                data = bytearray(file.read())
        except Exception as error:
            # Whatever a damaged zip makes zipfile, zlib and numpy raise (a dozen kinds), the file
            # is at fault.
            raise ValueError(f"{name}: {str(error).rstrip('.') or type(error).__name__}") from None
        array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
        if dtype.kind == "b":
            return array.view(np.uint8) != 0  # any other byte would be no truth value
        return array.astype(dtype.newbyteorder("="), copy=False)


@contextlib.contextmanager
def open_arrays(path: Path) -> Iterator[Arrays]:
    """Opens an .npz file.

    Raises:
        OSError: The file is missing or cannot be read.
        ValueError: It is no .npz file.
    """
    try:
        archive = zipfile.ZipFile(path)
    except OSError:
        raise
    except Exception:  # a damaged one raises what zipfile trips over
        raise ValueError("it is no zip archive") from None
    with archive:
        yield Arrays(archive)


def read_array(path: Path) -> np.ndarray:
    """The numbers of an .npy file, which are read from it when they are used.

    Raises:
        ValueError: It cannot be read, or is something else.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception:  # whatever numpy trips over in a damaged one
        array = None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise ValueError(f"{path} is no array of numbers in an .npy file.")
    return array


def check_array(
    name: str,
    value: Any,
    shape: tuple[int, ...],
    kinds: str = "f",
    least: int | None = None,
    most: int | None = None,
) -> None:
    """Refuses an array that is not what it must be.

    Args:
        name: What it is called.
        value: The array.
        shape: The shape it must have.
        kinds: The kinds of numpy type it may have: "b" (bool), "iu", "f", or any of them, "biuf".
        least: No entry may be smaller.
        most: No entry may be larger.

    Raises:
        ValueError: Names the array, what it must be, and what it is.
    """
    value = np.asarray(value)
    if value.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; received {value.shape}.")
    if value.dtype.kind not in kinds:
        raise ValueError(f"{name} must hold {_KINDS[kinds]}; received {value.dtype}.")
    if not value.size:
        return
    if least is not None and value.min() < least:
        raise ValueError(f"{name} must be {least} or more; received {value.min()}.")
    if most is not None and value.max() > most:
        raise ValueError(f"{name} must be at most {most}; received {value.max()}.")


_KINDS = {"b": "truth values", "iu": "whole numbers", "f": "floats", "biuf": "numbers"}
_KINDS["U"] = "texts"


def check_texts(name: str, values: Any) -> None:
    """Refuses what is no list of texts.

    Raises:
        ValueError: Names it, and what it is.
    """
    if not isinstance(values, (list, tuple)) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"{name} must be a list of texts; received {str(values)[:80]!r}.")


def json_members(text: str, in_pieces: Collection[str]) -> Iterator[tuple[str, int, Any]]:
    """The members of a large JSON object one after the other, so that none need be kept.

    Args:
        text: The object.
        in_pieces: Members that are lists and come entry by entry.

    Yields:
        A member's name, -1 and its value; for those of `in_pieces` the index of an entry and the
        entry, and before the first of them the index -1 with an empty list.

    Raises:
        ValueError: It is no JSON object, with the line; or is nested too deep to be read.
    """
    space = re.compile(r"[ \t\n\r\ufeff]*")
    decoder, of_any_length = json.JSONDecoder(), json.JSONDecoder(parse_int=lambda _: math.inf)

    def skip(at: int) -> int:
        return space.match(text, at).end()  # pyright: ignore[reportOptionalMemberAccess]

    def expect(characters: str, at: int) -> tuple[str, int]:
        at = skip(at)
        if text[at : at + 1] not in tuple(characters):
            raise json.JSONDecodeError(f"Expecting {' or '.join(characters)}", text, at)
        return text[at], skip(at + 1)

    def value(at: int) -> tuple[Any, int]:
        try:
            return decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number of more than 4,300 digits
            return of_any_length.raw_decode(text, at)

    try:
        end, at = expect("{", 0)
        if text[at : at + 1] == "}":
            end, at = "}", skip(at + 1)
        while end != "}":
            name, at = value(at)
            if not isinstance(name, str):
                raise json.JSONDecodeError("Expecting a name in quotes", text, at)
            _, at = expect(":", at)
            if name in in_pieces and text[at : at + 1] == "[":
                yield name, -1, []
                at, index = skip(at + 1), 0
                inner = "]" if text[at : at + 1] == "]" else ","
                at = skip(at + 1) if inner == "]" else at
                while inner != "]":
                    entry, at = value(at)
                    yield name, index, entry
                    index += 1
                    inner, at = expect(",]", at)
            else:
                member, at = value(at)
                yield name, -1, member
            end, at = expect(",}", at)
        if at < len(text):
            raise json.JSONDecodeError("Extra data", text, at)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})"
        ) from None
    except RecursionError:
        raise ValueError("lists and objects nested too deep to be read") from None
