"""How a function of somebody's own is called: the options of every command that takes one."""

from __future__ import annotations

import argparse
import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.compare.own.labels import LABELS

if TYPE_CHECKING:
    from yolo_core.losses.base import DetectionLoss


def add_handing_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--labels`, `--activated`, `--channels-first` and `--with`."""
    parser.add_argument(
        "--labels",
        choices=tuple(LABELS),
        default="rows",
        help="what your function takes. "
        + "; ".join(f"{name}: {words}" for name, words in LABELS.items())
        + " (default: rows)",
    )
    parser.add_argument(
        "--activated",
        action=argparse.BooleanOptionalAction,
        help="hand over activated predictions: x and y in the cell, w and h of the picture, "
        "objectness and class probabilities (compare finds it out where the answer is clear)",
    )
    parser.add_argument(
        "--channels-first",
        action="store_true",
        help="hand over grids as (batch, channels, rows, columns)",
    )
    parser.add_argument(
        "--with",
        dest="given",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument of your class, as Python writes it; repeatable",
    )


def given_arguments(written: list[str]) -> dict[str, Any]:
    """{name: value} of --with.

    Raises:
        ValueError: One of them has another form.
    """
    found = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--with takes NAME=VALUE, such as num_classes=20; received {each!r}.")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def usual_arguments(loss: DetectionLoss) -> dict[str, Any]:
    """What classes of such losses ask for, by the names that they give it."""
    classes = loss.num_classes
    names = ("num_classes", "n_classes", "classes", "C", "nb_class")
    found: dict[str, Any] = dict.fromkeys(names, classes)
    anchors = getattr(loss, "anchors", None)
    if isinstance(anchors, np.ndarray):
        found["anchors"] = anchors
    return found
