"""Times several things against one another in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np

Key = TypeVar("Key", bound=Hashable)


def interleaved(
    calls: Mapping[Key, Callable[[], object]], *, rounds: int, warm_up: int = 3
) -> dict[Key, np.ndarray]:
    """Seconds of each call in each round, (rounds,) by name.

    The calls take turns, each round in another order, so that a machine that slows down slows all
    of them, and none always runs in the wake of the same one.
    """
    names = list(calls)
    for _ in range(warm_up):
        for name in names:
            calls[name]()
    seconds = {name: np.empty(rounds) for name in names}
    order = np.random.default_rng(0)
    for turn in range(rounds):
        for index in order.permutation(len(names)):
            name = names[index]
            start = time.perf_counter()
            calls[name]()
            seconds[name][turn] = time.perf_counter() - start
    return seconds
