"""The slips of the published losses as switches that can be thrown on a picture.

No Keras in here, except inside `apply_slips`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from yolo_core.compare.slip_table import SLIPS, Slip
from yolo_core.variants import variant_options

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss


def slips_of(name: str) -> tuple[Slip, ...]:
    """The slips of a family, given its name or that of a variant."""
    family = name.split("/")[0]
    return tuple(slip for slip in SLIPS if slip.family == family)


def slips_in(name: str) -> tuple[str, ...]:
    """The names of the slips that a loss has as it comes: a family's defaults, or a variant.

    Raises:
        ValueError: There is no such loss.
    """
    variant = variant_options(name)
    return tuple(slip.name for slip in slips_of(name) if _has(variant, slip))


def options_with(
    name: str, slips: Iterable[str], *, situations: Iterable[str] = ()
) -> dict[str, Any]:
    """The keyword options that give a loss exactly these slips; see `apply_slips`.

    Returns:
        What differs from the loss of that name, to be handed to `published` with it.

    Raises:
        ValueError: There is no such loss or slip, or two of them exclude each other.
    """
    variant = variant_options(name)
    known = {slip.name: slip for slip in slips_of(name)}
    wanted, situations = dict.fromkeys(slips), dict.fromkeys(situations)
    for each in (*wanted, *situations):
        if each not in known:
            raise ValueError(f"{name} has no slip {each!r}; it has {', '.join(known) or 'none'}.")
    options: dict[str, Any] = {}
    for each in (*wanted, *situations):
        if each in situations or not _has(variant, known[each]):
            _lay_over(options, known[each].situation)
    for slip in known.values():
        if slip.name not in wanted and _has(variant, slip):
            _lay_over(options, slip.off)
    taken: dict[str, str] = {}
    for each in wanted:
        for option in known[each].on:
            other = taken.setdefault(option, each)
            if option != "lambdas" and other != each:
                raise ValueError(
                    f"{known[each].title} and {known[other].title} exclude each other; "
                    "switch one of them off."
                )
        _lay_over(options, known[each].on)
    return options


def apply_slips(
    name: str,
    slips: Iterable[str],
    *,
    situations: Iterable[str] = (),
    anchors: Any = None,
    num_classes: int,
    **options: Any,
) -> DetectionLoss:
    """A loss with exactly these slips: all others of its family are off.

    Args:
        name: A family or variant, as in `published`.
        slips: Names of slips of that family. The loss is put in the situation of those that it
            does not come with.
        situations: Names of further slips whose situation the loss is put in:
            `apply_slips(name, [], situations=["x"])` beside `apply_slips(name, ["x"],
            situations=["x"])` shows what "x" does.
        anchors: As in `published`.
        num_classes: C.
        **options: Further keyword options of the loss; where a slip sets one of them, or a
            lambda, the slip wins.

    Raises:
        ValueError: As `options_with` and `published`.
    """
    from yolo_core.losses import published

    _lay_over(options, options_with(name, slips, situations=situations))
    return published(name, anchors=anchors, num_classes=num_classes, **options)


def _has(variant: Mapping[str, Any], slip: Slip) -> bool:
    default = slip.on if slip.by_default else slip.off
    for option, value in slip.on.items():
        if option == "lambdas":
            lambdas = {**default["lambdas"], **variant.get("lambdas", {})}
            if any(lambdas[name] != number for name, number in value.items()):
                return False
        elif variant.get(option, default[option]) != value:
            return False
    return True


def _lay_over(options: dict[str, Any], others: Mapping[str, Any]) -> None:
    """Lambdas one by one, everything else as it is."""
    for option, value in others.items():
        if option == "lambdas":
            value = {**options.get("lambdas", {}), **value}
        options[option] = value
