"""What was published otherwise than it should be, as data: slips, and the variants that have them.

A slip is a deviation of published code from this project's sound reading of a loss. It has a name,
under which a verbatim loss has it or not, and a number in `docs/losses.md`. `published` also takes
it under the keyword that it was first known by. No Keras in here: the pages read it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Slip:
    """One slip.

    Attributes:
        name: Its key, such as "floor-corners".
        number: Its number in `docs/losses.md`, such as "A-2".
        title: A few words, for the switch.
        sentence: What is done otherwise and what comes of it, in one or two plain sentences.
        shows: On which pictures it can be seen at all.
        option: The keyword of `published` that switches it; "" where it is a matter of lambdas.
        on: That keyword's value with the slip.
        off: Its value without.
        lambdas: The weights that it is, by term or group.
        situation: Keyword options that a loss gets with the slip and without, or there is nothing
            to be seen on one picture.
        words: What a loss is called that has it, and one that has it no more, to stand after
            "with"; its title where empty.
    """

    name: str
    number: str
    title: str
    sentence: str
    shows: str
    option: str = ""
    on: Any = True
    off: Any = False
    lambdas: Mapping[str, float] = dataclasses.field(default_factory=dict)
    situation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    words: tuple[str, str] = ("", "")

    @property
    def with_words(self) -> str:
        """What a loss has that has it."""
        return self.words[0] or f'the slip "{self.title}" ({self.number})'

    @property
    def without_words(self) -> str:
        """What a loss has in which it is taken back."""
        return self.words[1] or f'the slip "{self.title}" ({self.number}) undone'


@dataclasses.dataclass(frozen=True)
class Variant:
    """A loss as it was published.

    Attributes:
        slips: Names of its slips.
        lambdas: Weights that differ from the family's, but for those that are slips.
        options: Keyword options of the loss.
        absent: Options that the published code does not have, so that they must stay as they are.
    """

    slips: tuple[str, ...] = ()
    lambdas: Mapping[str, float] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    absent: tuple[str, ...] = ()


def check_slips(known: Iterable[Slip], names: Iterable[str], owner: str) -> frozenset[str]:
    """The names, each of a known slip, no two of which exclude each other.

    Args:
        known: The slips of a family.
        names: Names of slips.
        owner: What the sentences call the loss.

    Raises:
        ValueError: There is no such slip, or two set one option.
    """
    by_name = {slip.name: slip for slip in known}
    taken: dict[str, Slip] = {}
    for name in dict.fromkeys(names):
        if name not in by_name:
            raise ValueError(
                f"{owner} has no slip {name!r}; it has {', '.join(by_name) or 'none'}."
            )
        slip = by_name[name]
        other = taken.setdefault(slip.option or name, slip)
        if other is not slip:
            raise ValueError(
                f"{slip.title} and {other.title} exclude each other; switch one of them off."
            )
    return frozenset(slip.name for slip in taken.values())


def switches(known: Iterable[Slip], names: Collection[str]) -> dict[str, Any]:
    """{keyword of `published`: its value} of a loss that has the named slips of those known."""
    found: dict[str, Any] = {}
    for slip in known:
        if slip.option and (slip.name in names or slip.option not in found):
            found[slip.option] = slip.on if slip.name in names else slip.off
    return found


def switch_values(known: Iterable[Slip]) -> dict[str, tuple[Any, ...]]:
    """{keyword of `published`: the values that it can have}, the sound one first."""
    found: dict[str, tuple[Any, ...]] = {}
    for slip in known:
        if slip.option:
            found[slip.option] = (*found.get(slip.option, (slip.off,)), slip.on)
    return found


def switch_choices(known: Iterable[Slip]) -> dict[str, tuple[Any, ...]]:
    """As `switch_values`, of the keywords that are not plain switches."""
    values = switch_values(known)
    return {keyword: each for keyword, each in values.items() if {*each} != {True, False}}


def after_switching(
    known: Iterable[Slip], names: Iterable[str], keywords: Mapping[str, Any]
) -> frozenset[str]:
    """The slips that a loss has once keywords of `published` were set.

    Args:
        known: The slips of a family.
        names: Those that the loss has.
        keywords: {keyword: value}, all of `switch_values`.

    Raises:
        ValueError: A keyword cannot have that value.
    """
    known, has = tuple(known), set(names)
    values = switch_values(known)
    for keyword, value in keywords.items():
        if not any(value is one or value == one for one in values[keyword]):
            raise ValueError(
                f"{keyword} must be one of {', '.join(map(str, values[keyword]))}; "
                f"received {value!r}."
            )
        for slip in known:
            if slip.option == keyword:
                (has.add if slip.on == value else has.discard)(slip.name)
    return frozenset(has)
