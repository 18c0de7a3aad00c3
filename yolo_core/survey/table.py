"""The table of a survey: a row a sample, a row an object, a row of the ledger.

It is made from snapshots alone (numpy, no TensorFlow), so that whatever stands in it can be made
again from the snapshot files beside it. S samples, O objects, L ledger rows, G places (a place is
an anchor of a head), T terms.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.evaluation.misses import Miss
from yolo_core.files import replace_file
from yolo_core.foreign_files import Arrays, check_array, check_texts, parse_json
from yolo_core.runs.array_files import open_file

_FORMAT = "detector-debugger survey"
_VERSION = 1
_MOST_TEXT = 100_000_000  # characters: numpy gives every text the room of the longest one


@dataclasses.dataclass(frozen=True)
class Samples:
    """One row a sample.

    Attributes:
        name: (S,) such as "val/3".
        file: (S,) name of its snapshot file.
        total: (S,) float64, the loss of a batch of this one sample, as the loss object gave it.
        terms: (S, T) float64, likewise, unweighted.
        place_loss: (S, G, T) float64, sums of the unweighted maps over the slots of each place.
        empty_loss: (S, G, T) float64, the part of it on slots that are booked on no object.
        trained: (S, G) int64, slots responsible for an object.
        false_detections: (S,) int64, detections that find no object.
    """

    name: np.ndarray
    file: np.ndarray
    total: np.ndarray
    terms: np.ndarray
    place_loss: np.ndarray
    empty_loss: np.ndarray
    trained: np.ndarray
    false_detections: np.ndarray


@dataclasses.dataclass(frozen=True)
class Objects:
    """One row an object.

    Attributes:
        sample: (O,) int64, row of its sample.
        index: (O,) int64, row of the object in the sample's labels.
        class_index: (O,) int64, -1 where the label names none.
        box: (O, 4) float32, x_center, y_center, width, height as image fractions.
        status: (O,) int64 `ObjectStatus`: the first one with which it is trained, else that of
            the first head.
        reachable: (O,) bool, see `reachable`.
        miss: (O,) int64 `Miss`.
        best_iou: (O,) float32, see `Found`.
        best_score: (O,) float32, see `Found`.
        loss: (O, T) float64, sums of the unweighted maps over the slots that are booked on it. A
            slot that several objects share is booked on one of them.
        reason: (O,) why it is trained by no slot, in sentences; "" for one that is.
    """

    sample: np.ndarray
    index: np.ndarray
    class_index: np.ndarray
    box: np.ndarray
    status: np.ndarray
    reachable: np.ndarray
    miss: np.ndarray
    best_iou: np.ndarray
    best_score: np.ndarray
    loss: np.ndarray
    reason: np.ndarray


@dataclasses.dataclass(frozen=True)
class Ledger:
    """One row an object on each head that matches by itself.

    Attributes:
        object: (L,) int64, row of the object.
        status: (L,) int64 `ObjectStatus`.
        place: (L,) int64, place of its slot; -1 where it has none.
        iou: (L,) float32, IoU of the object with the box that its slot predicts; 0 without one.
        score: (L,) float32, what the slot won with (see `measure`); NaN where it has none.
        slots: (L,) int64, how many slots it trains.
        taken: (L,) int64, how many of these are booked on another object that trains them, too.
    """

    object: np.ndarray
    status: np.ndarray
    place: np.ndarray
    iou: np.ndarray
    score: np.ndarray
    slots: np.ndarray
    taken: np.ndarray


@dataclasses.dataclass(frozen=True)
class Places:
    """The anchors of the heads, G in all.

    Attributes:
        head: (G,) int64.
        anchor: (G,) int64, its number in its cell.
        size: (G, 2) float32, width and height as image fractions; NaN for losses without priors.
    """

    head: np.ndarray
    anchor: np.ndarray
    size: np.ndarray


@dataclasses.dataclass(frozen=True)
class SurveyTable:
    """What the statistics of a survey are made of.

    Attributes:
        step: Updates that the weights had.
        loss_name: Name of the loss.
        class_names: (C,) names.
        term_names: (T,) names.
        lambdas: (T,) float64, the effective weights.
        measure: What the matching compared, see `Assignment.candidate_measure`.
        image_size: Width and height of a picture in pixels.
        heads: Ledger rows an object.
        places: The anchors.
        samples: A row a sample.
        objects: A row an object.
        ledger: A row a ledger row.
    """

    step: int
    loss_name: str
    class_names: tuple[str, ...]
    term_names: tuple[str, ...]
    lambdas: np.ndarray
    measure: str
    image_size: tuple[int, int]
    heads: int
    places: Places
    samples: Samples
    objects: Objects
    ledger: Ledger

    @property
    def has_priors(self) -> bool:
        """Whether the places have prior boxes."""
        return not bool(np.isnan(self.places.size).any())


_PARTS: dict[str, type] = {
    "places": Places,
    "samples": Samples,
    "objects": Objects,
    "ledger": Ledger,
}
_WORDS = ("step", "loss_name", "class_names", "term_names", "measure", "image_size", "heads")


def joined(tables: Sequence[SurveyTable]) -> SurveyTable:
    """Tables of several snapshots as one, in their order.

    Raises:
        ValueError: There is none, or they are not of one loss at one step.
    """
    if not tables:
        raise ValueError("There is no table to join.")
    head = tables[0]
    for each in tables[1:]:
        different = [name for name in _WORDS if getattr(each, name) != getattr(head, name)]
        if different or len(each.places.head) != len(head.places.head):
            raise ValueError(
                f"The snapshot files of a survey do not fit together: {', '.join(different)} "
                "differ. Delete the survey's folder and start it again."
            )
    offset = np.cumsum([0, *(len(each.samples.name) for each in tables)])
    objects_before = np.cumsum([0, *(len(each.objects.sample) for each in tables)])
    moved = [
        dataclasses.replace(
            each,
            objects=dataclasses.replace(each.objects, sample=each.objects.sample + offset[k]),
            ledger=dataclasses.replace(each.ledger, object=each.ledger.object + objects_before[k]),
        )
        for k, each in enumerate(tables)
    ]
    parts = {
        part: kind(
            **{
                field.name: np.concatenate(
                    [getattr(getattr(each, part), field.name) for each in moved]
                )
                for field in dataclasses.fields(kind)
            }
        )
        for part, kind in _PARTS.items()
        if part != "places"
    }
    return dataclasses.replace(head, **parts)


def first_samples(table: SurveyTable, count: int) -> SurveyTable:
    """The rows of the first samples of a table; all of it where it has no more."""
    if count >= len(table.samples.name):
        return table
    objects = table.objects.sample < count
    # Rows of objects and of the ledger are in the order of the samples: their numbers stay.
    kept = {"samples": slice(count), "objects": objects, "ledger": objects[table.ledger.object]}
    parts = {
        part: _PARTS[part](
            **{
                field.name: getattr(getattr(table, part), field.name)[rows]
                for field in dataclasses.fields(_PARTS[part])
            }
        )
        for part, rows in kept.items()
    }
    return dataclasses.replace(table, **parts)


def write_table(path: Path, table: SurveyTable) -> None:
    """Writes a table; a reader sees all of it or nothing.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    meta = {"format": _FORMAT, "version": _VERSION, **{n: getattr(table, n) for n in _WORDS}}
    arrays: dict[str, Any] = {
        f"{part}.{field.name}": getattr(getattr(table, part), field.name)
        for part, kind in _PARTS.items()
        for field in dataclasses.fields(kind)
    }
    # numpy gives every text the room of the longest one.
    arrays = {name: _packed(column) for name, column in arrays.items()}
    arrays["lambdas"] = table.lambdas
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    replace_file(path, file.getbuffer(), durable=False)


def read_table(path: Path) -> SurveyTable:
    """Reads a table.

    Raises:
        ValueError: The file is missing, damaged, of another version, or no table of a survey.
    """
    with open_file(path, form=_FORMAT, version=_VERSION, what="table of a survey") as (
        meta,
        arrays,
    ):
        table = SurveyTable(
            lambdas=arrays["lambdas"],
            **{name: _frozen(meta[name]) for name in _WORDS},
            **{
                part: kind(
                    **{
                        f.name: _column(f"{part}.{f.name}", arrays)
                        for f in dataclasses.fields(kind)
                    }
                )
                for part, kind in _PARTS.items()
            },
        )
        _check(table)
    return table


def _packed(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind != "U":
        return column
    return np.frombuffer(json.dumps(column.tolist()).encode(), np.uint8)


def _column(name: str, arrays: Arrays) -> np.ndarray:
    if name in _LATER and name not in arrays:
        return np.zeros_like(arrays["ledger.object"])
    column = arrays[name]
    if _COLUMNS[name][0] != "U":
        return column
    texts = parse_json(column.tobytes())
    check_texts(name, texts)
    if len(texts) * max(map(len, texts), default=0) > _MOST_TEXT:
        raise ValueError(f"{name} holds more text than fits in memory")
    return np.array(texts, str)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Kinds of number, axes ("2" and "4" are lengths), least and most of every column; "U" is text, and
# an axis for the most says that these are rows of it.
_COLUMNS: dict[str, tuple[Any, ...]] = {
    "samples.name": ("U", "S"),
    "samples.file": ("U", "S"),
    "samples.total": ("f", "S"),
    "samples.terms": ("f", "ST"),
    "samples.place_loss": ("f", "SGT"),
    "samples.empty_loss": ("f", "SGT"),
    "samples.trained": ("iu", "SG", 0, None),
    "samples.false_detections": ("iu", "S", 0, None),
    "objects.sample": ("iu", "O", 0, "S"),
    "objects.index": ("iu", "O", 0, None),
    "objects.class_index": ("iu", "O", -1, "C"),
    "objects.box": ("f", "O4"),
    "objects.status": ("iu", "O", 0, int(max(ObjectStatus))),
    "objects.reachable": ("b", "O"),
    "objects.miss": ("iu", "O", 0, int(max(Miss))),
    "objects.best_iou": ("f", "O"),
    "objects.best_score": ("f", "O"),
    "objects.loss": ("f", "OT"),
    "objects.reason": ("U", "O"),
    "ledger.object": ("iu", "L", 0, "O"),
    "ledger.status": ("iu", "L", 0, int(max(ObjectStatus))),
    "ledger.place": ("iu", "L", -1, "G"),
    "ledger.iou": ("f", "L"),
    "ledger.score": ("f", "L"),
    "ledger.slots": ("iu", "L", 0, None),
    "ledger.taken": ("iu", "L", 0, None),
    "places.head": ("iu", "G", 0, None),
    "places.anchor": ("iu", "G", 0, None),
    "places.size": ("f", "G2"),
}
# Columns that surveys of before have not.
_LATER = ("ledger.slots", "ledger.taken")


def _check(table: SurveyTable) -> None:
    """Refuses a table that is not what `SurveyTable` says it is."""
    for name in ("class_names", "term_names"):
        check_texts(name, getattr(table, name))
    check_texts("loss_name and measure", (table.loss_name, table.measure))
    whole = (table.step, table.heads, *table.image_size)
    if len(whole) != 4 or not all(type(each) is int and each >= 0 for each in whole):
        raise ValueError(f"step, heads and image_size must be whole numbers; received {whole}")
    sizes = {
        "S": len(table.samples.name),
        "T": len(table.term_names),
        "C": len(table.class_names),
        "O": len(table.objects.sample),
        "L": len(table.ledger.object),
        "G": len(table.places.head),
    }
    if not table.heads or not sizes["T"] or not sizes["G"]:
        raise ValueError("it is of no head, no term or no place")
    check_array("lambdas", table.lambdas, (sizes["T"],))
    for name, (kinds, axes, *limits) in _COLUMNS.items():
        part, _, field = name.partition(".")
        least, most = limits or (None, None)
        check_array(
            name,
            getattr(getattr(table, part), field),
            tuple(sizes[axis] if axis in sizes else int(axis) for axis in axes),
            kinds,
            least,
            sizes[most] - 1 if most in sizes else most,
        )
