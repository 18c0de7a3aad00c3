"""The table of an evaluation: a row a detection, a row an object, and what was measured.

S samples, D detections, O objects and regions, C classes. Numpy alone: whoever reads it needs no
TensorFlow. Whatever else is said of an evaluation is made from it.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.evaluation.metrics import Detections, Objects, Score, Scores
from yolo_core.files import replace_file
from yolo_core.foreign_files import check_array, check_texts
from yolo_core.runs.array_files import open_file

_FORMAT = "detector-debugger evaluation"
_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Found:
    """One row a detection, by sample, and of each sample the surest first.

    Attributes:
        sample: (D,) int64, row of its sample.
        slot: (D,) int64, its slot; -1 where it is not known.
        class_index: (D,) int64.
        score: (D,) float64, 0 to 1.
        box: (D, 4) float64 x_center, y_center, width, height as fractions of the network's input.
    """

    sample: np.ndarray
    slot: np.ndarray
    class_index: np.ndarray
    score: np.ndarray
    box: np.ndarray


@dataclasses.dataclass(frozen=True)
class Truth:
    """One row an object or ignored region, by sample.

    Attributes:
        sample: (O,) int64, row of its sample.
        index: (O,) int64, its label row; -1 for a region.
        class_index: (O,) int64.
        box: (O, 4) float64, as `Found.box`.
        ignored: (O,) bool: a region in which detections of its class count neither as right nor
            as wrong.
    """

    sample: np.ndarray
    index: np.ndarray
    class_index: np.ndarray
    box: np.ndarray
    ignored: np.ndarray


@dataclasses.dataclass(frozen=True)
class EvaluationTable:
    """An evaluation.

    Attributes:
        step: Updates that the weights had.
        split: Such as "test".
        of: Samples that the split has; None where they never run out.
        loss_name: Name of the run's loss.
        class_names: (C,) names.
        image_size: Width and height of the network's input in pixels: sizes are counted in these.
        grids: (rows, columns, slots a cell) of each head: where a detection's slot is.
        samples: (S,) names.
        losses: {"total" or "term/NAME": mean over the samples}.
        scores: By the rules of COCO.
        found: A row a detection.
        truth: A row an object.
    """

    step: int
    split: str
    of: int | None
    loss_name: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    grids: tuple[tuple[int, int, int], ...]
    samples: tuple[str, ...]
    losses: dict[str, float]
    scores: Scores
    found: Found
    truth: Truth


def rows_of(
    detections: Sequence[Detections],
    objects: Sequence[Objects],
    slots: Sequence[np.ndarray] | None = None,
) -> tuple[Found, Truth]:
    """The rows of S samples; boxes that are not finite are left out, as in the scores.

    Args:
        detections: One entry a sample.
        objects: One entry a sample.
        slots: The slot of each detection, one array a sample; None where they have none.
    """
    found: list[tuple[Any, ...]] = []
    truth: list[tuple[Any, ...]] = []
    for at, (seen, there) in enumerate(zip(detections, objects, strict=True)):
        of = np.full(len(seen.scores), -1) if slots is None else slots[at]
        good = np.isfinite(seen.boxes).all(-1) & np.isfinite(seen.scores)
        for k in np.argsort(-np.asarray(seen.scores), kind="stable"):
            if good[k]:
                found.append((at, of[k], seen.classes[k], seen.scores[k], seen.boxes[k]))
        rows = [
            *((at, k, c, box, False) for k, (c, box) in _pairs(there.classes, there.boxes)),
            *(
                (at, -1, c, box, True)
                for _, (c, box) in _pairs(there.ignored_classes, there.ignored_boxes)
            ),
        ]
        truth += [row for row in rows if np.isfinite(row[3]).all()]
    return _columns(Found, found), _columns(Truth, truth)


def _pairs(classes: np.ndarray, boxes: np.ndarray) -> Any:
    return enumerate(zip(classes, boxes, strict=True))


def _columns(kind: type, rows: list[tuple[Any, ...]]) -> Any:
    dtypes = {"score": np.float64, "box": np.float64, "ignored": bool}
    columns = {}
    for at, field in enumerate(dataclasses.fields(kind)):
        column = np.array([row[at] for row in rows], dtypes.get(field.name, np.int64))
        columns[field.name] = column.reshape(len(rows), *([4] if field.name == "box" else []))
    return kind(**columns)


_PARTS: dict[str, type] = {"found": Found, "truth": Truth}
_WORDS = ("step", "split", "of", "loss_name", "class_names", "image_size", "grids", "samples")


def write_table(path: Path, table: EvaluationTable) -> None:
    """Writes a table; a reader sees all of it or nothing.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    meta = {"format": _FORMAT, "version": _VERSION, **{n: getattr(table, n) for n in _WORDS}}
    meta |= {"losses": table.losses, "scores": dataclasses.asdict(table.scores)}
    arrays = {
        f"{part}.{field.name}": getattr(getattr(table, part), field.name)
        for part, kind in _PARTS.items()
        for field in dataclasses.fields(kind)
    }
    file = io.BytesIO()
    np.savez(file, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
    replace_file(path, file.getbuffer(), durable=False)


def read_table(path: Path) -> EvaluationTable:
    """Reads a table.

    Raises:
        ValueError: The file is missing, damaged, of another version, or no evaluation.
    """
    with open_file(path, form=_FORMAT, version=_VERSION, what="evaluation") as (meta, arrays):
        for name in ("class_names", "samples"):
            check_texts(name, meta[name])
        check_texts("split and loss_name", [meta["split"], meta["loss_name"]])
        table = EvaluationTable(
            step=int(meta["step"]),
            split=meta["split"],
            of=None if meta["of"] is None else int(meta["of"]),
            loss_name=meta["loss_name"],
            class_names=tuple(meta["class_names"]),
            image_size=_whole(meta["image_size"], 2),
            grids=tuple(_whole(grid, 3) for grid in meta["grids"]),
            samples=tuple(meta["samples"]),
            losses={str(name): float(value) for name, value in meta["losses"].items()},
            scores=_scores(meta["scores"], len(meta["class_names"])),
            **{
                part: kind(**{f.name: arrays[f"{part}.{f.name}"] for f in dataclasses.fields(kind)})
                for part, kind in _PARTS.items()
            },
        )
        _check(table)
    return table


def _whole(values: Any, count: int) -> Any:
    numbers = tuple(int(each) for each in values)
    if len(numbers) != count or min(numbers) < 1:
        raise ValueError(f"expected {count} whole numbers from 1; received {values}")
    return numbers


def _scores(meta: dict[str, Any], classes: int) -> Scores:
    def score(fields: dict[str, Any]) -> Score:
        numbers = {
            name: None if fields[name] is None else float(fields[name])
            for name in ("map50", "map50_95", "recall")
        }
        return Score(**numbers, objects=int(fields["objects"]))

    if len(meta["by_class"]) != classes:
        raise ValueError(f"scores of {len(meta['by_class'])} classes, not of {classes}")
    return Scores(
        whole=score(meta["whole"]),
        by_class=tuple(score(each) for each in meta["by_class"]),
        by_size={str(name): score(each) for name, each in meta["by_size"].items()},
    )


def _check(table: EvaluationTable) -> None:
    slots = sum(rows * columns * anchors for rows, columns, anchors in table.grids)
    limits = {
        "sample": len(table.samples),
        "class_index": len(table.class_names),
        "slot": slots,
        "index": None,
    }
    for part in _PARTS:
        rows = getattr(table, part)
        count = len(rows.sample)
        for name, column in vars(rows).items():
            label = f"{part}.{name}"
            if name in ("box", "score"):
                check_array(label, column, (count, 4) if name == "box" else (count,))
                if not np.isfinite(column).all():
                    raise ValueError(f"{label} must be finite")
            elif name == "ignored":
                check_array(label, column, (count,), "b")
            else:
                least = -1 if name in ("slot", "index") else 0
                most = None if limits[name] is None else limits[name] - 1
                check_array(label, column, (count,), "iu", least, most)
        if (np.diff(rows.sample) < 0).any():
            raise ValueError(f"{part}.sample must not fall")
