"""The text of a Darknet `.cfg`: sections with their options, each with its line.

Read as the program reads it (pjreddie/darknet, `src/parser.c` and `src/option_list.c`): spaces and
tabs count for nothing, "#" and ";" begin comments, of a repeated option the first one counts.
Windows line ends, and comments behind a value, which that program trips over, are taken as well.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 1_000_000
MOST_SECTIONS = 1_000
LARGEST = 2**31 - 1
"""The program counts in C's ints."""

_WHOLE = re.compile(r"([+-]?\d{1,18})(?:\.0*)?")


@dataclasses.dataclass(frozen=True)
class Section:
    """One section of a `.cfg`.

    Attributes:
        name: What stands in its brackets.
        line: Where that is, from 1.
        options: {name: (value without spaces, line)}.
        file: What the file is called.
    """

    name: str
    line: int
    options: Mapping[str, tuple[str, int]]
    file: str

    def error(self, message: str, option: str | None = None) -> ValueError:
        """An error that says where: the line of an option, else of the section."""
        _, line = self.options.get(option or "", ("", self.line))
        return ValueError(f"{self.file}, line {line}, [{self.name}]: {message}")

    def whole(self, option: str, default: int, least: int = 0, most: int = LARGEST) -> int:
        """A whole number.

        Raises:
            ValueError: It is none, or below `least` or above `most`.
        """
        if option not in self.options:
            return default
        return self._whole(option, self.options[option][0], least, most)

    def wholes(self, option: str, least: int, most: int) -> tuple[int, ...] | None:
        """Whole numbers between commas; None where the option is missing.

        Raises:
            ValueError: One of them is none, or out of bounds.
        """
        if option not in self.options:
            return None
        return tuple(self._whole(option, each, least, most) for each in self._pieces(option))

    def number(self, option: str, default: float) -> float:
        """A number.

        Raises:
            ValueError: It is none.
        """
        return self._number(option, self.options[option][0]) if option in self.options else default

    def numbers(self, option: str) -> tuple[float, ...] | None:
        """Numbers between commas; None where the option is missing.

        Raises:
            ValueError: One of them is none.
        """
        if option not in self.options:
            return None
        return tuple(self._number(option, each) for each in self._pieces(option))

    def _pieces(self, option: str) -> list[str]:
        return re.split("[#;]", self.options[option][0])[0].split(",")

    def _whole(self, option: str, value: str, least: int, most: int) -> int:
        match = _WHOLE.fullmatch(re.split("[#;]", value)[0])
        if match is None or not least <= int(match[1]) <= most:
            bounds = f"from {least}" if most == LARGEST else f"from {least} to {most}"
            raise self.error(
                f"{option} must be a whole number {bounds}; received {value[:40]!r}.", option
            )
        return int(match[1])

    def _number(self, option: str, value: str) -> float:
        try:
            number = float(re.split("[#;]", value)[0])
        except ValueError:
            number = math.nan
        if not abs(number) < 1e30:
            raise self.error(f"{option} must be a number; received {value[:40]!r}.", option)
        return number


def parse_cfg(text: str, file: str) -> tuple[Section, ...]:
    """The sections of a `.cfg`, [net] first.

    Args:
        text: What it holds.
        file: What it is called in errors.

    Raises:
        ValueError: A line is neither section, option nor comment, or [net] is not the first
            section; with the line.
    """
    found: list[tuple[str, int, dict[str, tuple[str, int]]]] = []
    for line, written in enumerate(re.split("\r\n|\r|\n", text.removeprefix("\ufeff")), start=1):
        stripped = re.sub("[ \t]", "", written)
        if not stripped or stripped[0] in "#;":
            continue
        if stripped[0] == "[":
            name = re.fullmatch(r"\[([^][]*)\](?:[#;].*)?", stripped)
            if name is None:
                raise ValueError(
                    f"{file}, line {line}: a section is a name in brackets; received "
                    f"{stripped[:40]!r}."
                )
            found.append((name[1], line, {}))
            continue
        option, equals, value = stripped.partition("=")
        if not found or not option or not equals or not value:
            expected = "name=value" if found else "[net]"
            raise ValueError(
                f"{file}, line {line}: expected {expected}; received {stripped[:40]!r}."
            )
        found[-1][2].setdefault(option, (value, line))
    if not found or found[0][0] not in ("net", "network"):
        where = f"line {found[0][1]}: " if found else ""
        received = repr(f"[{found[0][0][:40]}]") if found else "none"
        raise ValueError(f"{file}, {where}the first section must be [net]; received {received}.")
    if len(found) > MOST_SECTIONS:
        raise ValueError(
            f"{file}, line {found[MOST_SECTIONS][1]}: a network may have {MOST_SECTIONS} sections; "
            f"received {len(found)}."
        )
    return tuple(Section(name, line, options, file) for name, line, options in found)


def read_cfg(path: str | Path) -> tuple[Section, ...]:
    """The sections of a `.cfg` file, [net] first.

    Raises:
        ValueError: As `read_cfg_text` and `parse_cfg`.
    """
    return parse_cfg(read_cfg_text(path), Path(path).name)


def read_cfg_text(path: str | Path) -> str:
    """The text of a `.cfg` file.

    Raises:
        ValueError: It cannot be read, or has more than `MOST_BYTES`, or zeros.
    """
    return _text(Path(path), ".cfg")


def read_names(path: str | Path) -> list[str]:
    """The names of a `.names` file, one a line; lines without one at its end are none.

    Raises:
        ValueError: As `read_cfg_text`, or there are none.
    """
    names = [line.strip() for line in _text(Path(path), ".names").rstrip().splitlines()]
    if not names:
        raise ValueError(f"{path} has no names: it should have one a line.")
    return names


def _text(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path} is no {kind}: it has more than {MOST_BYTES:,} bytes.")
    if b"\0" in data:
        raise ValueError(f"{path} is no {kind}: it is not a text file.")
    return data.decode("utf-8", errors="replace")
