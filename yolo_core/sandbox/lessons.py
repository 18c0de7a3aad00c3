"""Lessons opened: the loss and the sample of each, its change as edits, and what it says.

Keras is imported where one is made.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from yolo_core.compare.differences import PARTS, slot_parts
from yolo_core.data.config import DataConfig
from yolo_core.data.digits.scenes import open_scenes
from yolo_core.data.sample import label_rows
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.explain.report import object_status
from yolo_core.losses.lessons import SIDE, Lesson
from yolo_core.sandbox.edits import Edits, objects_of
from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss

_LOGIT = 6.0  # of what is predicted: nearly certain


def lesson_words(lesson: Lesson, before: SampleView, after: SampleView) -> list[str]:
    """The three sentences of a lesson for its sample as it is and as it is after the change."""
    facts = {"before": Facts(before, lesson.watch), "after": Facts(after, lesson.watch)}
    said = [sentence.format(**facts) for sentence in lesson.sentences]
    return [sentence[0].upper() + sentence[1:] for sentence in said]


def lesson_edits(lesson: Lesson, view: SampleView) -> Edits:
    """The change of a lesson as edits of its sample."""
    change, objects = lesson.change, list(objects_of(view))
    for index, (x, y) in change.moved.items():
        at_x, at_y, width, height = objects[index].box
        objects[index] = dataclasses.replace(
            objects[index], box=(at_x + x, at_y + y, width, height)
        )
    for index, box in change.boxes.items():
        objects[index] = dataclasses.replace(objects[index], box=box)
    return Edits(
        objects=tuple(objects) if change.moved or change.boxes else None,
        anchors=change.anchors,
        options=change.options,
        lambdas=change.lambdas,
    )


class Facts:
    """What the sentences of a lesson say of a sample."""

    def __init__(self, view: SampleView, watch: tuple[int, int, int, int]) -> None:
        head, row, column, number = watch
        slot = int(view.layout.cell_slots(head, row, column)[number])
        own = view.assignment.object_mask
        self.total = view.total
        self.terms, self.lambdas = view.terms, view.lambdas
        self.trained, self.ignored = int(own.sum()), int(view.assignment.ignore_mask.sum())
        self.slots = view.layout.count
        self.slot = place(view, slot)
        self.part = PARTS[slot_parts(view)[slot]]
        self.adds = float(view.weighted_map[slot])
        self.objects = [_ObjectFacts(view, int(index)) for index in view.objects]


class _ObjectFacts:
    def __init__(self, view: SampleView, index: int) -> None:
        assignment = view.assignment
        self.status = object_status(view, index).word
        slots = assignment.object_slot[index]
        self.slot = place(view, int(slots[slots >= 0][0])) if (slots >= 0).any() else "no slot"
        scores = assignment.candidate_score[index]
        self.score = float(np.nanmax(scores)) if np.isfinite(scores).any() else float("nan")
        self.count = int((assignment.matched_object == index).sum())
        self.x = float(view.y_true[index, 1] * SIDE)


def place(view: SampleView, slot: int) -> str:
    """A slot, such as "anchor 1 of cell (row 2, column 3)"."""
    return f"{slot_word(view.layout)} {view.layout.anchor[slot]} of {cell_name(view.layout, slot)}"


def open_lesson(lesson: Lesson) -> tuple[DetectionLoss, SampleView]:
    """The loss and the sample of a lesson, before its change. Imports Keras."""
    from yolo_core.compare.side_by_side import sample_view
    from yolo_core.losses import published
    from yolo_core.losses.families import family_of

    source = open_scenes(DataConfig(image_size=SIDE))
    sample = source.composed(lesson.title, lesson.digits)
    anchors = None if lesson.anchors is None else np.asarray(lesson.anchors) / SIDE
    options = {**family_of(lesson.loss).loss_class().setup(source, anchors), **lesson.options}
    loss = published(lesson.loss, num_classes=len(source.class_names), **options)
    loss.step.assign(np.int32(lesson.step))
    view = sample_view(
        loss,
        image=sample.image,
        y_true=label_rows(
            sample.boxes,
            sample.classes,
            num_classes=len(source.class_names),
            max_objects=source.max_objects,
        ),
        y_pred=_prediction(loss, lesson, source.image_shape),
        class_names=source.class_names,
        loss_name=lesson.loss,
        name=lesson.title,
        step=lesson.step,
    )
    return loss, view


def _prediction(
    loss: DetectionLoss, lesson: Lesson, image_shape: tuple[int, int, int]
) -> np.ndarray:
    """Raw zeros, but for the slot to watch where that predicts a box."""
    from yolo_core.losses.meaning import read_meaning

    raw = np.zeros((1, *loss.output_shape(image_shape)), np.float32)
    if lesson.predicts is None:
        return raw
    layout = loss.slots(raw.shape)
    head, row, column, number = lesson.watch
    slot = int(layout.cell_slots(head, row, column)[number])
    said = read_meaning(loss, raw)
    said.boxes[0, slot] = np.asarray(lesson.predicts) / SIDE
    said.objectness[0, slot] = _LOGIT
    slots = np.array(loss.slot_predictions(raw))
    slots[0, slot] = loss.encode(layout, said)[0, slot]
    return loss.to_output(slots, layout.grids)
