"""What a survey says: where the loss is, what the ledger adds up to, which samples are worst.

Numpy alone, from the table alone. Everything here is conserved, and tested to be: the groups of
`loss_by` add up to the survey's total whatever it is grouped by, and every object is in exactly one
status, one miss and one size.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from yolo_core.assignment import LARGEST_LABEL, ObjectStatus
from yolo_core.evaluation.misses import Miss
from yolo_core.survey.spots import FALSE, Spot
from yolo_core.survey.table import SurveyTable

GROUPINGS = ("class", "size", "head", "anchor")
EMPTY = "no object"
_SIZE_BINS = 6


@dataclasses.dataclass(frozen=True)
class Group:
    """A part of the survey's loss.

    Attributes:
        label: What it is called, such as "7" (a class) or "16 to 24 px".
        loss: (T,) float64, lambda x term, added up over all samples with a finite loss.
        objects: Objects in it; None for a group that is none of objects.
        worst: Row of the sample that adds most to it; -1 where none adds anything.
        spots: (T,) where most of each term of it is; None where there is nothing of the term.
    """

    label: str
    loss: np.ndarray
    objects: int | None
    worst: int
    spots: tuple[Spot | None, ...]


@dataclasses.dataclass(frozen=True)
class LedgerSummary:
    """The ledger over all samples.

    Attributes:
        objects: Objects in all.
        by_status: {status: objects}, adding up to `objects`.
        by_miss: {miss: objects}, likewise.
        trained: Objects that some slot is trained for.
        collisions: Objects that share their slot or lost it to another one.
        reachable: Objects that could all be found at once, see `misses.reachable`.
        false_detections: Detections that find no object.
        slots: (O,) int, how many slots each object trains, on all heads; zeros where a survey of
            before does not say.
        taken: How many of all these are booked on another object that trains them, too.
    """

    objects: int
    by_status: dict[ObjectStatus, int]
    by_miss: dict[Miss, int]
    trained: int
    collisions: int
    reachable: int
    false_detections: int
    slots: np.ndarray
    taken: int

    @property
    def slots_sentence(self) -> str:
        """How many slots objects train; "" where none trains more than one."""
        if self.slots.max(initial=0) < 2:
            return ""
        some = self.slots[self.slots > 0]
        parts = [
            f"Slots for each object: {some.mean():.1f} on average, {some.min()} to {some.max()}",
            f"objects without any: {int((self.slots == 0).sum()):,}",
        ]
        if self.taken:
            parts.append(
                f"of all {int(some.sum()):,} another object that trains the slot, too, decides "
                f"over the objectness of {self.taken:,}"
            )
        return f"{'; '.join(parts)}."

    @property
    def found(self) -> int:
        """Objects that the network finds."""
        return self.by_miss.get(Miss.FOUND, 0)

    def share(self, count: int) -> float:
        """Part of the objects; NaN where there are none."""
        return count / self.objects if self.objects else math.nan


def finite(table: SurveyTable) -> np.ndarray:
    """(S,) bool: samples whose loss is a number, with all of its parts."""
    parts = np.isfinite(table.samples.place_loss).all(axis=(1, 2))
    return np.isfinite(table.samples.total) & np.isfinite(table.samples.terms).all(1) & parts


def total(table: SurveyTable) -> float:
    """The recorded totals of all samples with a finite loss, added up."""
    return float(table.samples.total[finite(table)].sum())


def loss_by(table: SurveyTable, grouping: str) -> list[Group]:
    """The loss in parts.

    By class and size, what is booked on the slots of an object belongs to its class and size, and
    the rest, the slots of no object, is a group of its own, `EMPTY`. By head and anchor, a part is
    all that its slots add, with an object or without.

    Args:
        table: The survey.
        grouping: One of `GROUPINGS`.

    Returns:
        All groups that there are, in order, those that add nothing included.
    """
    samples, objects, places = table.samples, table.objects, table.places
    good = finite(table)
    group_of, slots = np.zeros(0, np.int64), []
    if grouping in ("class", "size"):
        labels, group_of = classes_of(table) if grouping == "class" else sizes_of(table)
        loss = np.zeros((len(labels) + 1, len(samples.name), len(table.term_names)))
        np.add.at(loss, (group_of, objects.sample), objects.loss)
        loss[-1] = samples.empty_loss.sum(axis=1)
        counts = [*np.bincount(group_of, minlength=len(labels)).tolist(), None]
        slots = [{} for _ in labels] + [{"empty": True}]
        labels = [*labels, EMPTY]
    elif grouping == "head":
        heads = np.unique(places.head)
        slots = [{"head": int(head)} for head in heads]
        labels, counts = [f"head {head}" for head in heads], [None] * len(heads)
        loss = np.stack([samples.place_loss[:, places.head == head].sum(axis=1) for head in heads])
    elif grouping == "anchor":
        labels, counts = place_names(table), [None] * len(places.head)
        pairs = zip(places.head.tolist(), places.anchor.tolist(), strict=True)
        slots = [{"head": head, "anchor": anchor} for head, anchor in pairs]
        loss = np.moveaxis(samples.place_loss, 1, 0)
    else:
        raise ValueError(f"Loss is grouped by {', '.join(GROUPINGS)}; received {grouping!r}.")
    loss = np.where(good[None, :, None], loss, 0.0) * table.lambdas
    by_sample = loss.sum(axis=2)
    return [
        Group(
            label=label,
            loss=loss[g].sum(axis=0),
            objects=count,
            worst=int(by_sample[g].argmax()) if by_sample[g].any() else -1,
            spots=tuple(
                _spot(table, loss[g, :, t], t, np.flatnonzero(group_of == g), slots[g])
                for t in range(len(table.term_names))
            ),
        )
        for g, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]


def sample_spots(table: SurveyTable, rows: np.ndarray, by: str) -> list[Spot]:
    """Where to look on samples that `worst_first` ordered.

    Args:
        table: The survey.
        rows: (n,) rows of the samples.
        by: What they were ordered by.
    """
    objects = table.objects
    lost = objects.miss != Miss.FOUND
    loss = np.nan_to_num((objects.loss * table.lambdas).sum(axis=1), nan=np.inf)
    spots = []
    for row in rows.tolist():
        name = str(table.samples.name[row])
        mine = np.flatnonzero(lost & (objects.sample == row))
        if by == "missed" and len(mine):
            spots.append(Spot(name, object=int(objects.index[mine[loss[mine].argmax()]])))
        else:
            spots.append(Spot(name, by=by if by == FALSE or by in table.term_names else None))
    return spots


def _spot(
    table: SurveyTable, loss: np.ndarray, term: int, members: np.ndarray, slots: dict
) -> Spot | None:
    """Where most of one term of a group is.

    Args:
        table: The survey.
        loss: (S,) what each sample adds to it.
        term: Number of the term.
        members: Rows of the objects of the group.
        slots: Which slots are meant otherwise, as fields of `Spot`.
    """
    if not loss.any():
        return None
    sample = int(loss.argmax())
    name, by = str(table.samples.name[sample]), table.term_names[term]
    mine = members[table.objects.sample[members] == sample]
    if slots or not len(mine):
        return Spot(name, by=by, **slots)
    worst = mine[table.objects.loss[mine, term].argmax()]
    return Spot(name, object=int(table.objects.index[worst]), by=by)


def classes_of(table: SurveyTable) -> tuple[list[str], np.ndarray]:
    """Names of the classes that there are, and (O,) which one each object has."""
    present, group_of = np.unique(table.objects.class_index, return_inverse=True)
    names = [table.class_names[k] if k >= 0 else "no class" for k in present.tolist()]
    return names, group_of.reshape(-1)


def sizes_of(table: SurveyTable) -> tuple[list[str], np.ndarray]:
    """Names of the sizes that there are, and (O,) which one each object has.

    The size is the side of a square of the same area, in pixels, in some six steps of a round
    width. Objects without a usable area come last.
    """
    side = sides(table)
    usable = np.isfinite(side) & (side > 0)
    if not usable.any():
        return (["no area"], np.zeros(len(side), np.int64)) if len(side) else ([], np.zeros(0, int))
    width = _round_width((side[usable].max() - side[usable].min()) / _SIZE_BINS)
    first = math.floor(side[usable].min() / width)
    step = np.zeros(len(side), np.int64)
    step[usable] = np.floor(side[usable] / width).astype(np.int64) - first
    bins = int(step[usable].max()) + 1
    labels = [f"{(first + k) * width:g} to {(first + k + 1) * width:g} px" for k in range(bins)]
    if not usable.all():
        labels.append("no area")
        step[~usable] = bins
    return labels, step


def sides(table: SurveyTable) -> np.ndarray:
    """(O,) float64: the side of a square of each object's area, in pixels; NaN without one."""
    box = table.objects.box[:, 2:].astype(np.float64)
    usable = ((box > 0) & (box <= LARGEST_LABEL)).all(axis=1)
    size = box * table.image_size
    with np.errstate(all="ignore"):
        return np.where(usable, np.sqrt(size[:, 0] * size[:, 1]), np.nan)


def summary(table: SurveyTable) -> LedgerSummary:
    """Counts over all objects."""
    objects = table.objects
    status = {each: int((objects.status == each).sum()) for each in ObjectStatus}
    return LedgerSummary(
        objects=len(objects.sample),
        by_status={each: count for each, count in status.items() if count},
        by_miss={each: int((objects.miss == each).sum()) for each in Miss},
        trained=sum(count for each, count in status.items() if each.is_matched),
        collisions=status[ObjectStatus.SHARED] + status[ObjectStatus.OVERWRITTEN],
        reachable=int(objects.reachable.sum()),
        false_detections=int(table.samples.false_detections.sum()),
        slots=np.bincount(
            table.ledger.object, table.ledger.slots, minlength=len(objects.sample)
        ).astype(np.int64),
        taken=int(table.ledger.taken.sum()),
    )


def missed(table: SurveyTable) -> np.ndarray:
    """(S,) int: objects of each sample that the network does not find."""
    lost = table.objects.miss != Miss.FOUND
    return np.bincount(table.objects.sample[lost], minlength=len(table.samples.name))


def worst_first(table: SurveyTable, by: str) -> np.ndarray:
    """(S,) rows of the samples, the worst first; those whose loss is no number before all others.

    Args:
        table: The survey.
        by: "total", "missed", "false detections", or a term's name (lambda x term).

    Raises:
        ValueError: There is no such order.
    """
    if by == "total":
        values = table.samples.total
    elif by == "missed":
        # Of equal ones the one with the larger loss.
        return np.lexsort((-np.nan_to_num(table.samples.total), -missed(table)))
    elif by == FALSE:
        values = table.samples.false_detections.astype(np.float64)
    elif by in table.term_names:
        at = table.term_names.index(by)
        values = table.samples.terms[:, at] * table.lambdas[at]
    else:
        raise ValueError(f"Samples are not ordered by {by!r}.")
    return np.argsort(-np.where(np.isfinite(values), values, np.inf), kind="stable")


def trained_rows(table: SurveyTable) -> np.ndarray:
    """(L,) bool: ledger rows with a slot that is trained for the object."""
    matched = [int(each) for each in ObjectStatus if each.is_matched]
    return np.isin(table.ledger.status, matched) & (table.ledger.place >= 0)


def place_names(table: SurveyTable) -> list[str]:
    """(G,) such as "anchor 2 (21 × 30 px)", with the head where there are several."""
    several = len(np.unique(table.places.head)) > 1
    word = "anchor" if table.has_priors else "predictor"
    names = []
    for head, anchor, size in zip(
        table.places.head, table.places.anchor, table.places.size, strict=True
    ):
        width, height = size * table.image_size
        pixels = f" ({width:.0f} × {height:.0f} px)" if table.has_priors else ""
        names.append((f"head {head}, " if several else "") + f"{word} {anchor}{pixels}")
    return names


def _round_width(least: float) -> float:
    """The smallest of 1, 2, 4, 5, 8, 10, 20, ... that is at least that."""
    if not least > 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * k for k in (1, 2, 4, 5, 8, 10) if power * k >= least * (1 - 1e-9))
