"""What an option of a loss can be: a number from 0 to 1, a whole number, one for each class."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

# Losses are float32: beyond this a number would be infinite.
LARGEST_FLOAT32 = 3.4e38


def fraction(name: str, value: Any, *, above: bool = False) -> float:
    """An option that is a number from 0 to 1; above 0 where asked for.

    Raises:
        ValueError: It is not.
    """
    number = as_number(value)
    if number is None or not 0 <= number <= 1 or (above and not number):
        raise ValueError(
            f"{name} must be {'above 0 and up to 1' if above else '0 to 1'}; received {value!r}."
        )
    return number


def number_from(name: str, value: Any, *, above: bool = False) -> float:
    """An option that is a finite number of 0 or more; above 0 where asked for.

    Raises:
        ValueError: It is not.
    """
    number = as_number(value)
    if number is None or number < 0 or (above and not number):
        raise ValueError(
            f"{name} must be a number {'above 0' if above else 'of 0 or more'}; received {value!r}."
        )
    return number


def whole_number(name: str, value: Any) -> int:
    """An option that is a whole number of 0 or more.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 or more; received {value!r}.")
    return int(value)


def class_factors(factors: Sequence[float] | None, num_classes: int) -> np.ndarray:
    """(C,) float32: a factor for each class, ones where there are none given.

    Raises:
        ValueError: Not C numbers of zero or more.
    """
    weights = np.ones(num_classes) if factors is None else np.asarray(factors)
    if weights.shape != (num_classes,) or not (weights >= 0).all():
        raise ValueError(
            f"class_weights must be {num_classes} numbers of zero or more; received {factors!r}."
        )
    return weights.astype(np.float32)


def as_number(value: Any) -> float | None:
    """A number that float32 can hold; None of anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= LARGEST_FLOAT32 else None
