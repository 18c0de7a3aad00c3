"""The first change on the way along one number: of an object's box, or a threshold of the loss.

By search alone, with the loss itself as the judge, so it holds for any loss. A box is changed in
steps of 0.01 pixel: every pixel is looked at (in larger pictures every 1/128 of them), then the gap
before the first change is divided until one step is left. A threshold is changed in steps of 0.01:
every tenth is looked at, then the gap is halved. What flips and flips back within one gap is not
seen; what is reported is always true: it holds at the value, and one step before it does not.

No Keras in here: the judge is handed in.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from yolo_core.assignment import LARGEST_LABEL
from yolo_core.explain.whatif.outcomes import ObjectFate, Outcomes, SlotRole, Subject
from yolo_core.views import SampleView

BOX_NUMBERS = ("x", "y", "width", "height")
STEPS_A_PIXEL = 100
STEPS_A_THRESHOLD = 100
_LOOKS_A_PICTURE = 128
_PARTS = 10

Judge = Callable[[np.ndarray, dict[str, float]], Outcomes]
"""(V, N, 5 + C) versions of the labels, and thresholds that differ, to what comes of them."""


@dataclasses.dataclass(frozen=True)
class Change:
    """The first change of an outcome on the way along one number.

    Attributes:
        subject: Whose outcome.
        number: "x", "y", "width" or "height" of an object, in pixels; or a threshold's name.
        up: Whether the number grows on the way.
        start: The number now.
        value: Where the outcome first differs; one step nearer it does not.
        step: That step.
        before: The outcome now.
        after: The outcome at `value`.
        index: Row of the object whose box is changed; -1 for a threshold.
    """

    subject: Subject
    number: str
    up: bool
    start: float
    value: float
    step: float
    before: ObjectFate | SlotRole
    after: ObjectFate | SlotRole
    index: int = -1

    @property
    def move(self) -> float:
        """How far it is from the start to the value; not negative."""
        return abs(self.value - self.start)


@dataclasses.dataclass(frozen=True)
class _Ray:
    """One number in one direction: `count` steps from the `start`."""

    number: str
    up: bool
    start: float
    count: int

    def value(self, step: int) -> float:
        """The number after some steps. Sizes are round there, centres a round way off."""
        sign = 1 if self.up else -1
        if self.number in ("x", "y"):
            return self.start + sign * step / STEPS_A_PIXEL
        first = (
            math.floor(self.start * STEPS_A_PIXEL)
            if self.up
            else math.ceil(self.start * STEPS_A_PIXEL)
        )
        return (first + sign * step) / STEPS_A_PIXEL


def labels_with(view: SampleView, index: int, number: str, value: float) -> np.ndarray:
    """(N, 5 + C): the sample's label rows with one number of one box changed.

    Args:
        view: The sample.
        index: Row of the object.
        number: "x", "y", "width" or "height".
        value: What it becomes, in pixels.
    """
    height, width = view.image.shape[:2]
    axis = BOX_NUMBERS.index(number)
    y_true = view.y_true.copy()
    y_true[index, 1 + axis] = np.float32(value / (width, height)[axis % 2])
    return y_true


def box_changes(
    judge: Judge, view: SampleView, index: int, subjects: Sequence[Subject]
) -> list[Change]:
    """The first change of each subject along x, y, width and height of an object, both ways.

    Args:
        judge: The loss; see `Judge`.
        view: The sample.
        index: Row of the object whose box is changed.
        subjects: Whose outcome is watched.

    Returns:
        At most eight a subject, the nearest first; empty where the box is no numbers.
    """
    rays = list(_rays(view, index))
    if not rays:
        return []
    height, width = view.image.shape[:2]
    gap = max(STEPS_A_PIXEL, math.ceil(max(height, width) * STEPS_A_PIXEL / _LOOKS_A_PICTURE))
    now = judge(view.y_true[None], {})

    def look(points: Sequence[tuple[_Ray, int]]) -> Outcomes:
        versions = [labels_with(view, index, ray.number, ray.value(k)) for ray, k in points]
        return judge(np.stack(versions), {})

    looks = [[*range(gap, ray.count, gap), ray.count] for ray in rays]
    points = [(ray, k) for ray, ks in zip(rays, looks, strict=True) for k in ks]
    found = look(points)
    # (subject, ray) -> steps before and at the first change.
    open_gaps: dict[tuple[int, int], tuple[int, int]] = {}
    for s, subject in enumerate(subjects):
        changed = _changed(subject, found, now)
        at = 0
        for r, ks in enumerate(looks):
            mine = np.flatnonzero(changed[at : at + len(ks)])
            if mine.size:
                first = int(mine[0])
                open_gaps[s, r] = (ks[first - 1] if first else 0, ks[first])
            at += len(ks)
    while any(high - low > 1 for low, high in open_gaps.values()):
        inner = {key: _between(low, high) for key, (low, high) in open_gaps.items()}
        found = look([(rays[r], k) for (_, r), ks in inner.items() for k in ks])
        at = 0
        for (s, r), ks in inner.items():
            changed = _changed(subjects[s], found, now)[at : at + len(ks)]
            low, high = open_gaps[s, r]
            edges = [low, *ks, high]
            first = int(np.flatnonzero([*changed, True])[0])
            open_gaps[s, r] = (edges[first], edges[first + 1])
            at += len(ks)
    if not open_gaps:
        return []
    found = look([(rays[r], high) for (_, r), (_, high) in open_gaps.items()])
    changes = [
        Change(
            subject=subjects[s],
            number=rays[r].number,
            up=rays[r].up,
            start=rays[r].start,
            value=rays[r].value(high),
            step=1 / STEPS_A_PIXEL,
            before=subjects[s].outcome(now, 0),
            after=subjects[s].outcome(found, version),
            index=index,
        )
        for version, ((s, r), (_, high)) in enumerate(open_gaps.items())
    ]
    return sorted(changes, key=lambda change: change.move)


def _beside(name: str, thresholds: dict[str, float], least: int, most: int) -> tuple[int, int]:
    """Hundredths that a threshold may have beside another: background never above foreground."""
    other = {
        "foreground_threshold": "background_threshold",
        "background_threshold": "foreground_threshold",
    }.get(name)
    if other not in thresholds:
        return least, most
    bound = round(thresholds[other] * STEPS_A_THRESHOLD)
    return (max(least, bound), most) if name[0] == "f" else (least, min(most, bound))


def threshold_changes(
    judge: Judge, view: SampleView, thresholds: dict[str, float], subjects: Sequence[Subject]
) -> list[Change]:
    """The first change of each subject along every threshold of the loss, both ways.

    Args:
        judge: The loss; see `Judge`.
        view: The sample.
        thresholds: {name: value} as the loss has them: between 0 and 1, or a ratio of 1 and more,
            which is looked for up to twice what it is.
        subjects: Whose outcome is watched.
    """
    changes = []
    now = judge(view.y_true[None], {})
    seen: dict[tuple[str, int], Outcomes] = {}

    def at(name: str, hundredths: int) -> Outcomes:
        if (name, hundredths) not in seen:
            value = hundredths / STEPS_A_THRESHOLD
            seen[name, hundredths] = judge(view.y_true[None], {name: value})
        return seen[name, hundredths]

    for name, start in thresholds.items():
        for up in (True, False):
            sign = 1 if up else -1
            here = (math.floor if up else math.ceil)(round(start * STEPS_A_THRESHOLD, 6))
            least, most = (1, STEPS_A_THRESHOLD) if start <= 1 else (101, 2 * here)
            least, most = _beside(name, thresholds, least, most)
            last = most if up else least
            looks = [*range(here + sign, last, sign * _PARTS), last]
            for subject in subjects:
                low = here
                for high in looks if sign * (last - here) > 0 else ():
                    if _changed(subject, at(name, high), now)[0]:
                        break
                    low = high
                else:
                    continue
                while abs(high - low) > 1:
                    middle = (low + high) // 2
                    if _changed(subject, at(name, middle), now)[0]:
                        high = middle
                    else:
                        low = middle
                changes.append(
                    Change(
                        subject=subject,
                        number=name,
                        up=up,
                        start=start,
                        value=high / STEPS_A_THRESHOLD,
                        step=1 / STEPS_A_THRESHOLD,
                        before=subject.outcome(now, 0),
                        after=subject.outcome(at(name, high), 0),
                    )
                )
    return sorted(changes, key=lambda change: change.move)


def _rays(view: SampleView, index: int) -> Iterator[_Ray]:
    height, width = view.image.shape[:2]
    for axis, number in enumerate(BOX_NUMBERS):
        side = (width, height)[axis % 2]
        fraction = float(view.y_true[index, 1 + axis])
        if not abs(fraction) <= LARGEST_LABEL:
            continue
        start = fraction * side
        is_size = number in ("width", "height")
        # A size of nothing is no box, and what lies outside the picture is no longer asked.
        lowest, highest = (1 / STEPS_A_PIXEL if is_size else 0.0), float(side)
        for up in (True, False):
            way = highest - start if up else start - lowest
            count = math.floor(way * STEPS_A_PIXEL + (1e-6 if is_size else -1e-6))
            if is_size and not up:
                count = math.ceil(start * STEPS_A_PIXEL) - 1
            if count > 0:
                yield _Ray(number, up, start, count)


def _changed(subject: Subject, outcomes: Outcomes, now: Outcomes) -> np.ndarray:
    """(V,) bool."""
    return (subject.codes(outcomes) != subject.codes(now)).any(axis=1)


def _between(low: int, high: int) -> list[int]:
    """Up to nine whole numbers that part the gap evenly."""
    inner = np.linspace(low, high, _PARTS + 1)[1:-1].round().astype(int)
    return [k for k in dict.fromkeys(inner.tolist()) if low < k < high]
