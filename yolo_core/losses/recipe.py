"""What follows from data for a loss: its heads, and the lambdas that it starts with. Without Keras.

Lambdas were found by trying, on the digit scenes. What a term is worth depends on what it is
divided by and in which unit it is: YOLOv2's objectness is divided by all slots, so that the same
errors of as many objects make a tenth of it on ten times the slots. For each such term a family
says which figure of data and grid it grows with, and what that figure was where its lambda was
found. On other data the lambda is as much larger as the figure is smaller: the terms weigh against
each other as they did there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from yolo_core.anchors import heads_by_area, kmeans_anchors, shape_iou
from yolo_core.data.source import SampleSource, TrainingObjects
from yolo_core.losses.families import FAMILY_NAMES, Family, family_of
from yolo_core.losses.heads import STRIDES, grid_cells

SHARED_AT_MOST = 0.01
"""Part of the objects whose centre may lie in the cell of another one's."""
LEAST_FIT = 0.5
"""An anchor with less IoU by shape hardly fits an object."""
LARGE_IN_CELLS = 6
"""A head of twice the stride is for objects that are larger than that."""

FIGURES = {
    "objects_a_slot": "objects a slot",
    "empty_slots_an_object": "slots without one an object",
    "squared_cells": "squared cells that width and height of an object come to",
    "squared_sizes": "squared parts of the picture that width and height of an object come to",
    "sizes": "parts of the picture that width and height of an object come to",
    "guessing": "cross-entropy of guessing the class",
    "share_of_a_class": "share that one class is of the mean over classes",
}
"""The figures that a term can grow with, in words."""


@dataclasses.dataclass(frozen=True)
class DerivedSetup:
    """What was derived for a loss.

    Attributes:
        strides: Pixels from one cell to the next of each head.
        lambdas: {term: weight}; empty for a loss without a recipe.
        sentences: What was derived, and from which numbers.
    """

    strides: tuple[int, ...]
    lambdas: Mapping[str, float]
    sentences: tuple[str, ...]


def derived_setup(
    name: str,
    source: SampleSource,
    *,
    anchors: Sequence[Sequence[float]] | None = None,
    anchors_per_head: int | None = None,
    strides: Sequence[int] | None = None,
) -> DerivedSetup | None:
    """Heads and lambdas of a loss for data; None for a variant or a loss of one's own.

    Args:
        name: As in `published`.
        source: The data.
        anchors: (T, 2) fractions of the picture, where they are given.
        anchors_per_head: How many are fitted for each head, where they are not given.
        strides: Those of the heads, where they are given.

    Raises:
        ValueError: There is no object to train on, or fewer sizes of them than anchors.
    """
    if name not in FAMILY_NAMES:
        return None
    family, objects = family_of(name), usable_objects(source)
    sentences = []
    if strides is None:
        strides, why = chosen_strides(objects, source.image_shape, family.strides)
        sentences.append(why)
    a_cell = anchors_per_head or family.slots_a_cell
    sizes = objects.boxes[:, 2:].astype(np.float64)
    if family.takes_anchors:
        wanted = len(strides) * a_cell
        if anchors is None and len(np.unique(sizes, axis=0)) >= wanted:
            anchors = kmeans_anchors(sizes, wanted)[0].tolist()
        if anchors is not None:
            sentences.append(anchors_said(sizes, np.asarray(anchors), source.image_shape))
    if family.slots_said is not None:
        side = np.sqrt((sizes * source.image_shape[1::-1]).prod(axis=1))
        sentences.append(family.slots_said(side, strides))
    figures = data_figures(
        objects, source.image_shape, strides, a_cell, len(source.class_names), anchors
    )
    lambdas, why = derived_lambdas(family, figures)
    if lambdas:
        sentences.append(why)
    return DerivedSetup(tuple(strides), lambdas, tuple(sentences))


def anchors_said(sizes: np.ndarray, anchors: np.ndarray, image_shape: Sequence[int]) -> str:
    """Which anchors there are, and how well they fit.

    Args:
        sizes: (n, 2) widths and heights of the objects as fractions of the picture.
        anchors: (T, 2), likewise.
        image_shape: (height, width, ...) in pixels.
    """
    best = shape_iou(sizes, anchors).max(axis=1)
    shown = ", ".join(
        f"{width:.0f} x {height:.0f}" for width, height in anchors * image_shape[1::-1]
    )
    return (
        f"Anchors of {shown} px: the objects have a mean IoU of {best.mean():.2f} with the best "
        f"one, and {(best < LEAST_FIT).mean():.1%} of them one below {LEAST_FIT}."
    )


def usable_objects(source: SampleSource) -> TrainingObjects:
    """The objects of a source that have an area.

    Raises:
        ValueError: There is none.
    """
    found = source.training_objects()
    good = (np.isfinite(found.boxes) & (found.boxes[:, 2:].min(axis=1, keepdims=True) > 0)).all(1)
    if not good.any():
        raise ValueError(
            f"{source.name} has no object with an area in its training split, of {len(good)} in "
            "all: there is nothing to learn."
        )
    return TrainingObjects(
        found.boxes[good], found.classes[good], found.picture[good], found.pictures
    )


def chosen_strides(
    objects: TrainingObjects, image_shape: Sequence[int], usual: Sequence[int]
) -> tuple[tuple[int, ...], str]:
    """The heads that suit the sizes of objects, and why.

    One head: the coarsest cell of 32, 16 and 8 pixels that half of the objects of every class
    reach, in which few objects meet; 32 for large objects alone. Several heads: the usual ones, and
    one of 32 pixels for large objects.

    Args:
        objects: What is trained on.
        image_shape: (height, width, ...) in pixels.
        usual: Strides of the loss for the digits, coarse before fine or fine before coarse.
    """
    side = np.sqrt((objects.boxes[:, 2:] * image_shape[1::-1]).prod(axis=1))
    of_class = [side[objects.classes == each] for each in np.unique(objects.classes)]
    small = min(float(np.median(each)) for each in of_class)
    large = max(float(np.percentile(each, 90)) for each in of_class)
    coarse = STRIDES.index(max(usual))
    has_large = large > LARGE_IN_CELLS * max(usual) and max(usual) < max(STRIDES)
    facts = (
        f"half of the objects of the class with the smallest ones have a side of {small:.0f} px or "
        f"less, and a tenth of those of the largest {large:.0f} px or more"
    )
    if len(usual) > 1:
        coarsest = STRIDES[coarse - 1] if has_large else max(usual)
        added = [coarsest] * (coarsest not in usual)
        strides = (*added, *usual) if usual[0] > usual[-1] else (*usual, *added)
        return strides, f"Heads of {_list(strides)} px a cell: {facts}."
    for stride in STRIDES[coarse - has_large :]:
        meet = shared_cells(objects, image_shape, stride)
        if (small >= stride and meet <= SHARED_AT_MOST) or stride == min(STRIDES):
            break
    close = f"{meet:.1%} of the objects share their cell with another"
    why = f"One head of {stride} px a cell: {facts}; {close}."
    if small < stride or meet > SHARED_AT_MOST:
        why += " That is still coarse for them: larger pictures (--image-size) would help."
    return (stride,), why


def shared_cells(objects: TrainingObjects, image_shape: Sequence[int], stride: int) -> float:
    """The share of the objects whose centre lies in a cell that another one's lies in already."""
    rows, columns = grid_cells(image_shape, stride, stride)
    cell = np.clip((objects.boxes[:, :2] * [columns, rows]).astype(int), 0, [columns - 1, rows - 1])
    places = np.column_stack([objects.picture, cell])
    return 1 - len(np.unique(places, axis=0)) / len(places)


def data_figures(
    objects: TrainingObjects,
    image_shape: Sequence[int],
    strides: Sequence[int],
    slots_a_cell: int,
    classes: int,
    anchors: Sequence[Sequence[float]] | np.ndarray | None = None,
) -> dict[str, float]:
    """{figure: value} of `FIGURES`, and "objects" and "slots" of a picture.

    Args:
        objects: What is trained on.
        image_shape: (height, width, ...) in pixels.
        strides: Of each head.
        slots_a_cell: On each head, where anchors are not given.
        classes: C.
        anchors: (T, 2) fractions of the picture; None takes such as a training would.
    """
    sizes = objects.boxes[:, 2:].astype(np.float64)
    cells = np.array([grid_cells(image_shape, each, max(strides)) for each in strides])
    own = cells[np.zeros(len(sizes), int)]
    counts = [slots_a_cell] * len(strides)
    if len(strides) > 1 or anchors is not None:
        different = len(np.unique(sizes, axis=0))
        wanted = min(len(strides) * slots_a_cell, different)
        shapes = kmeans_anchors(sizes, wanted)[0] if anchors is None else np.asarray(anchors)
        head_of = np.zeros(len(shapes), int)
        for head, rows in enumerate(heads_by_area(shapes, strides)):
            head_of[rows] = head
            counts[head] = len(rows) if anchors is not None else counts[head]
        own = cells[head_of[shape_iou(sizes, shapes).argmax(axis=1)]]
    a_picture = len(sizes) / objects.pictures
    slots = int(
        sum(rows * columns * count for (rows, columns), count in zip(cells, counts, strict=True))
    )
    return {
        "objects": a_picture,
        "slots": slots,
        "objects_a_slot": a_picture / slots,
        "empty_slots_an_object": (slots - a_picture) / a_picture,
        "squared_cells": float(((sizes * own[:, ::-1]) ** 2).sum(axis=1).mean()),
        "squared_sizes": float((sizes**2).sum(axis=1).mean()),
        "sizes": float(sizes.sum(axis=1).mean()),
        "guessing": float(np.log(max(classes, 2))),
        "share_of_a_class": 1 / classes,
    }


def derived_lambdas(family: Family, figures: Mapping[str, float]) -> tuple[dict[str, float], str]:
    """{term: weight} of a family for such figures, and how they came about."""
    lambdas, said = {}, []
    for term, value in family.recipe.items():
        figure, found = family.grows_with.get(term, ("", 1.0))
        lambdas[term] = value
        if figure:
            lambdas[term] = float(f"{value * found / figures[figure]:.3g}")
            said.append(
                f"{term} {lambdas[term]:g} ({value:g} was found for {found:.3g} {FIGURES[figure]}; "
                f"here it is {figures[figure]:.3g})"
            )
    kept = [f"{term} {value:g}" for term, value in lambdas.items() if term not in family.grows_with]
    if kept:
        said.append(f"{', '.join(kept)} as found, since {family.why_as_found}")
    return lambdas, (
        f"Lambdas for {figures['objects']:.3g} objects on {figures['slots']:,} slots a picture: "
        f"{'; '.join(said)}."
    )


def _list(strides: Sequence[int]) -> str:
    return f"{', '.join(map(str, strides[:-1]))} and {strides[-1]}"
