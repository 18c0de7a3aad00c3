"""Reading many files: what each reader does for one, done for all of them."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from yolo_core.data.pixels import Head, read_head

SMALL = 64 * 2**20
"""Pictures of so many bytes together are decoded while they are indexed, to find damaged ones."""

Progress = Callable[[int, int], None]


class EachOf(Protocol):
    """Carries a function out for each task of a list, and gives the answers in its order."""

    def __call__(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        """The answers."""
        ...


def one_by_one(progress: Progress | None = None) -> EachOf:
    """Reads in this process.

    Args:
        progress: Hears now and then how many files are done, and of how many.
    """

    def each_of(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        for done, task in enumerate(tasks):
            if progress is not None and done % 64 == 0:
                progress(done, len(tasks))
            yield function(task)
        if progress is not None:
            progress(len(tasks), len(tasks))

    return each_of


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def marked_encoding(data: bytes) -> str | None:
    """The encoding that the byte order mark of a text file tells, if it has one."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def decoded(data: bytes) -> str:
    """A text file, in UTF-8 if no mark at its beginning says otherwise.

    Raises:
        UnicodeDecodeError: It is in another encoding, or no text.
    """
    return data.decode(marked_encoding(data) or "utf-8")


def head_or_fault(task: tuple[str, bool]) -> Head | str:
    """The head of a picture, or what is wrong with it.

    Args:
        task: Its path, and whether to decode it.
    """
    path, thorough = task
    try:
        return read_head(path, thorough=thorough)
    except ValueError as error:
        return str(error)


def is_small(sizes: Mapping[str, int]) -> bool:
    """Whether pictures of so many bytes each are few enough to decode them all."""
    return sum(sizes.values()) <= SMALL


def some(names: Iterable[str]) -> str:
    """How many there are, and the first of them."""
    names = list(names)
    first = ", ".join(names[:3])
    if len(names) == 1:
        return f"{first} is"
    return f"{len(names):,} are ({first}{', ...' if len(names) > 3 else ''})"
