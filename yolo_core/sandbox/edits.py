"""What somebody changed about a sample: objects, anchors, options and lambdas. No Keras in here."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yolo_core.data.sample import label_rows
from yolo_core.foreign_files import parse_json
from yolo_core.views import SampleView


@dataclasses.dataclass(frozen=True)
class EditedObject:
    """An object as it is to be.

    Attributes:
        row: The label row it has in the sample, or None for one that was added.
        class_index: 0 to C - 1.
        box: x_center, y_center, width, height in pixels of the picture.
    """

    row: int | None
    class_index: int
    box: tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Edits:
    """Everything that differs from the run; an empty one changes nothing.

    Attributes:
        objects: All objects of the sample as they are to be; None leaves them as they are.
        anchors: All anchors as `AnchorTable.sizes` gives them; None leaves them as they are.
        options: {option: value} of the loss, those that differ.
        lambdas: {term: weight}, those that differ.
    """

    objects: tuple[EditedObject, ...] | None = None
    anchors: tuple[tuple[float, float], ...] | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    lambdas: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is changed."""
        return self == Edits()

    def to_json(self) -> str:
        """A short text, for a link."""
        fields = {
            "objects": None
            if self.objects is None
            else [[each.row, each.class_index, *each.box] for each in self.objects],
            "anchors": self.anchors,
            "options": dict(self.options),
            "lambdas": dict(self.lambdas),
        }
        fields = {name: value for name, value in fields.items() if value not in (None, {})}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Edits:
        """What `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            fields = parse_json(text)
            objects, anchors = fields.pop("objects", None), fields.pop("anchors", None)
            edits = cls(
                objects=None if objects is None else tuple(_object(each) for each in objects),
                anchors=None
                if anchors is None
                else tuple((float(width), float(height)) for width, height in anchors),
                options=dict(fields.pop("options", {})),
                lambdas={str(k): float(v) for k, v in fields.pop("lambdas", {}).items()},
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            fields = {"": None}
        if fields:
            raise ValueError(f"The changes in the link cannot be read: {text[:80]!r}.")
        return edits


def objects_of(view: SampleView) -> tuple[EditedObject, ...]:
    """The objects of a sample as they are; an object without a class counts as class 0."""
    height, width = view.image.shape[:2]
    scale = np.array([width, height, width, height])
    objects = []
    for index in view.objects:
        x, y, box_width, box_height = (
            round(float(value), 3) for value in view.y_true[index, 1:5] * scale
        )
        objects.append(
            EditedObject(
                row=int(index),
                class_index=int(np.argmax(view.y_true[index, 5:])),
                box=(x, y, box_width, box_height),
            )
        )
    return tuple(objects)


def edited_labels(view: SampleView, objects: Sequence[EditedObject] | None) -> np.ndarray:
    """The label rows with the objects as they are to be.

    An object keeps its row, so that the ledgers before and after can be held against each other; a
    deleted one leaves a padding row behind, an added one gets a row after all others. One that was
    not changed keeps its very numbers.

    Returns:
        (N or more, 5 + C) float32.

    Raises:
        ValueError: A number is not finite, or a class is not one of the sample's.
    """
    y_true = np.asarray(view.y_true, np.float32)
    if objects is None or tuple(objects) == objects_of(view):
        return y_true
    height, width = view.image.shape[:2]
    scale = np.array([width, height, width, height])
    before = {each.row: each for each in objects_of(view)}
    num_classes = len(view.class_names)
    added = [each for each in objects if each.row is None]
    rows = np.zeros((len(y_true) + len(added), 5 + num_classes), np.float32)
    next_row = len(y_true)
    for each in objects:
        if not all(math.isfinite(value) for value in each.box):
            raise ValueError(f"An object needs four finite numbers; received {each.box}.")
        if not 0 <= each.class_index < num_classes:
            raise ValueError(
                f"A class is a number from 0 to {num_classes - 1}; received {each.class_index}."
            )
        if each.row is None:
            row, next_row = next_row, next_row + 1
        elif each.row in before:
            row = each.row
        else:
            raise ValueError(f"{view.name} has no object {each.row}.")
        if before.get(each.row) == each:
            rows[row] = y_true[row]
        else:
            rows[row] = label_rows(
                np.asarray([each.box]) / scale,
                np.asarray([each.class_index]),
                num_classes=num_classes,
                max_objects=1,
            )[0]
    return rows


def _object(fields: Sequence[Any]) -> EditedObject:
    row, class_index, x, y, width, height = fields
    return EditedObject(
        row=None if row is None else int(row),
        class_index=int(class_index),
        box=(float(x), float(y), float(width), float(height)),
    )
