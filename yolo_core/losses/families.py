"""The families of losses, and what is known of each without loading Keras.

A family is a folder beside this file: `__init__.py` with its label and the name of its class, and
`loss.py` with that class. Where they are there, `slips.py` says what was published otherwise and
`verbatim.py` does that, `formula.py` writes the loss down; and `__init__.py` has in RECIPE lambdas
that suit the digits, in GROWS_WITH what these depend on (`recipe.py`), in STRIDES its heads, in
ANCHORS whether it has some, and in DARKNET_HEAD which section of a `.cfg` it trains. The name of a
family stands in the first line of code below, and nowhere outside `losses/`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yolo_core.losses.slips import Slip, Variant

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss

FAMILY_NAMES = ("mnist_yolo", "yolov1", "yolov2", "yolov3", "ssd", "retinanet", "yolov5")
DEFAULT_FAMILY = "yolov2"
ONE_ANSWER_A_CELL = "yolov1"
"""The family whose slots all can be compared by: boxes without priors, one class a cell."""


@dataclasses.dataclass(frozen=True)
class Family:
    """A loss and its published variants.

    Attributes:
        name: Such as "yolov2".
        label: What it is in a few words, for a choice.
        recipe: {term: lambda} that suit the bundled digits, found by trying on validation scenes;
            the command line writes them, or what follows from them for other data, into
            `config.json`. A published variant is trained as it was published.
        grows_with: {term: (figure of `recipe.FIGURES` that it grows with, its value where the
            lambda was found)}.
        why_as_found: Why the other terms keep their lambda on other data.
        slots_said: What follows for its slots from the sides of objects in pixels, (n,) float64,
            and the strides of its heads, as a sentence; None where nothing does.
        strides: Pixels from one cell to the next of each head, for the digits.
        slots_a_cell: On each head.
        takes_anchors: Whether these are fitted to the data, or given.
        darknet_head: The section of a Darknet network that is trained with it; None for none.
        slips: The published deviations from it.
        variants: {name: variant}, names such as "yolov2/notebook".
        written: From `DetectionLoss.switches` to {term: its formula in LaTeX, without lambda} and
            sentences that say what the symbols are.
        sound: The name of its class.
        verbatim: The name of the class that has slips; None without any.
    """

    name: str
    label: str
    recipe: Mapping[str, float]
    grows_with: Mapping[str, tuple[str, float]]
    why_as_found: str
    slots_said: Callable[[Any, Sequence[int]], str] | None
    strides: tuple[int, ...]
    slots_a_cell: int
    takes_anchors: bool
    darknet_head: str | None
    slips: tuple[Slip, ...]
    variants: Mapping[str, Variant]
    written: Callable[[Mapping[str, Any]], tuple[dict[str, str], list[str]]]
    sound: str
    verbatim: str | None

    def loss_class(self, *, verbatim: bool = False) -> type[DetectionLoss]:
        """Its class, or the one that has slips, where there are any; loads Keras."""
        module, name = "loss", self.sound
        if verbatim and self.verbatim is not None:
            module, name = "verbatim", self.verbatim
        return getattr(importlib.import_module(f"{__package__}.{self.name}.{module}"), name)


@functools.cache
def _family(name: str) -> Family:
    from yolo_core.losses.heads import COARSEST, SLOTS_A_CELL  # numpy, which naming needs not

    card = importlib.import_module(f"{__package__}.{name}")
    slips, formula = (_module(f"{card.__name__}.{part}") for part in ("slips", "formula"))
    return Family(
        name=name,
        label=card.LABEL,
        recipe=getattr(card, "RECIPE", {}),
        grows_with=getattr(card, "GROWS_WITH", {}),
        why_as_found=getattr(card, "WHY_AS_FOUND", "these terms are means of what they count"),
        slots_said=getattr(card, "slots_said", None),
        strides=getattr(card, "STRIDES", (COARSEST,)),
        slots_a_cell=getattr(card, "SLOTS_A_CELL", SLOTS_A_CELL),
        takes_anchors=getattr(card, "ANCHORS", False),
        darknet_head=getattr(card, "DARKNET_HEAD", None),
        slips=getattr(slips, "SLIPS", ()),
        variants=getattr(slips, "VARIANTS", {}),
        written=getattr(formula, "written", lambda _options: ({}, [])),
        sound=card.SOUND,
        verbatim=getattr(card, "VERBATIM", None),
    )


def _module(name: str) -> Any:
    """A module; None where there is none of that name."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def __getattr__(name: str) -> Any:
    """`VARIANTS`: {name: variant} of all families.

    Raises:
        AttributeError: There is no such name.
    """
    if name == "VARIANTS":
        return {key: each for family in all_families() for key, each in family.variants.items()}
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def all_families() -> tuple[Family, ...]:
    """Every family, in the order in which they are shown."""
    return tuple(map(_family, FAMILY_NAMES))


def loss_names() -> tuple[str, ...]:
    """Every name that `published` knows: the families, then the variants."""
    return (*FAMILY_NAMES, *(name for each in all_families() for name in each.variants))


def family_of(name: str) -> Family:
    """The family of a loss, given its name or that of a variant.

    Raises:
        ValueError: There is neither a family nor a variant of that name.
    """
    if name not in loss_names():
        raise ValueError(f"There is no loss {name!r}; there are {', '.join(loss_names())}.")
    return _family(name.partition("/")[0])


def family_of_darknet_head(section: str) -> Family:
    """The family that trains a head of Darknet, [region] or [yolo].

    Raises:
        StopIteration: It is neither.
    """
    return next(each for each in all_families() if each.darknet_head == section)


def family_of_class(kind: type) -> Family | None:
    """The family of a class of loss, be it one of somebody's own under it; None without one."""
    return next((each for each in all_families() if issubclass(kind, each.loss_class())), None)


def takes_anchors(kind: type[DetectionLoss]) -> bool:
    """Whether the `setup` of a class takes anchors, and fits some where it gets none.

    Of a loss of one's own it may be that only its constructor says so.
    """
    return kind.anchor_argument == "anchors" or "anchors" in inspect.signature(kind).parameters


def variant_of(name: str) -> Variant:
    """The variant of that name; for a family one without slips, this project's sound default.

    Raises:
        ValueError: As `family_of`.
    """
    return family_of(name).variants.get(name, Variant())


def recipe_lambdas(name: str, wanted: Mapping[str, float]) -> dict[str, float]:
    """The lambdas that a run of a loss starts with: the family's recipe, then what was asked for.

    A group name that was asked for comes after the terms it sets, so that it wins.

    Args:
        name: A family, a variant, which has no recipe, or a loss of one's own.
        wanted: {term or group: weight}.
    """
    return over_recipe(_family(name).recipe if name in FAMILY_NAMES else {}, wanted)


def over_recipe(recipe: Mapping[str, float], wanted: Mapping[str, float]) -> dict[str, float]:
    """What was asked for laid over a recipe, see `recipe_lambdas`."""
    return {**{term: value for term, value in recipe.items() if term not in wanted}, **wanted}


def family_by_slots(channels: Sequence[str], heads: int, *, has_priors: bool) -> str:
    """The family whose predictions look most like these, for a loss of one's own.

    Args:
        channels: Names of the raw channels of a slot.
        heads: How many grids there are.
        has_priors: Whether slots have anchors or prior boxes.
    """
    if "background" in channels:
        return "ssd"
    if channels[0] == "objectness":
        return "mnist_yolo"
    if "objectness" not in channels and "class 0" in channels:
        return "retinanet"
    if not has_priors:
        return "yolov1"
    return "yolov2" if heads == 1 else "yolov3"
