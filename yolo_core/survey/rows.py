"""From snapshots to the rows of a survey's table."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from yolo_core.assignment import trained_slots
from yolo_core.evaluation.misses import find_objects, reachable
from yolo_core.explain.reasons import object_reason
from yolo_core.explain.report import object_status
from yolo_core.models.decode import overlaps
from yolo_core.survey.table import Ledger, Objects, Places, Samples, SurveyTable
from yolo_core.views import SampleView, Snapshot


def table_of(snapshot: Snapshot, file: str) -> SurveyTable:
    """The rows of the samples of one snapshot of kind "pinned".

    Args:
        snapshot: The snapshot.
        file: Name of its file.
    """
    whole, layout = snapshot.breakdown, snapshot.layout
    terms = tuple(whole.terms)
    pairs, place_of = np.unique(
        np.stack([layout.head, layout.anchor], axis=1), axis=0, return_inverse=True
    )
    place_of = place_of.reshape(-1)
    first = np.array([np.flatnonzero(place_of == g)[0] for g in range(len(pairs))])
    maps = np.stack([whole.maps[name] for name in terms], axis=-1).astype(np.float64)
    empty = whole.assignment.matched_object < 0
    height, width = snapshot.images.shape[1:3]
    objects: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    false = []
    for at, name in enumerate(snapshot.samples):
        view = snapshot.sample(name)
        found = find_objects(view)
        false.append(found.false_detections)
        can_be_found = reachable(view)
        for k, index in enumerate(view.objects):
            rows += _ledger_rows(view, int(index), len(objects), place_of)
            objects.append(
                {
                    **_object_row(view, int(index), maps[at]),
                    "sample": at,
                    "reachable": bool(can_be_found[k]),
                    "miss": int(found.miss[k]),
                    "best_iou": found.best_iou[k],
                    "best_score": found.best_score[k],
                }
            )
    return SurveyTable(
        step=snapshot.step,
        loss_name=snapshot.loss_name,
        class_names=snapshot.class_names,
        term_names=terms,
        lambdas=np.array(
            [np.asarray(whole.lambdas[name], np.float64).reshape(-1)[0] for name in terms]
        ),
        measure=whole.assignment.candidate_measure,
        image_size=(int(width), int(height)),
        heads=int(whole.assignment.object_status.shape[2]),
        places=Places(
            head=pairs[:, 0].astype(np.int64),
            anchor=pairs[:, 1].astype(np.int64),
            size=layout.prior[first, 2:],
        ),
        samples=Samples(
            name=np.array(snapshot.samples),
            file=np.array([file] * len(snapshot.samples)),
            total=np.asarray(whole.total, np.float64),
            terms=np.stack([np.asarray(whole.terms[t], np.float64) for t in terms], axis=1),
            place_loss=_by_place(maps, place_of, len(pairs)),
            empty_loss=_by_place(np.where(empty[..., None], maps, 0.0), place_of, len(pairs)),
            trained=_by_place(
                whole.assignment.object_mask[..., None].astype(np.int64), place_of, len(pairs)
            )[..., 0],
            false_detections=np.array(false, np.int64),
        ),
        objects=_stacked(Objects, objects, len(terms)),
        ledger=_stacked(Ledger, rows, len(terms)),
    )


def _by_place(values: np.ndarray, place_of: np.ndarray, places: int) -> np.ndarray:
    """(B, P, T) summed to (B, G, T)."""
    sums = np.zeros((values.shape[0], places, values.shape[2]), values.dtype)
    for g in range(places):
        sums[:, g] = values[:, place_of == g].sum(axis=1)
    return sums


def _object_row(view: SampleView, index: int, maps: np.ndarray) -> dict[str, Any]:
    label = view.y_true[index]
    status = object_status(view, index)
    return {
        "index": index,
        "class_index": int(label[5:].argmax()) if (label[5:] > 0).any() else -1,
        "box": label[1:5],
        "status": int(status),
        "loss": maps[view.assignment.matched_object == index].sum(axis=0),
        "reason": "" if status.is_matched else object_reason(view, index),
    }


def _ledger_rows(
    view: SampleView, index: int, at: int, place_of: np.ndarray
) -> list[dict[str, Any]]:
    ledger = view.assignment
    slots = ledger.object_slot[index]
    trained = trained_slots(ledger, index)
    taken = ledger.matched_object[trained] != index
    iou = overlaps(view.predictions["boxes"][slots], view.y_true[[index], 1:5])[:, 0]
    rows = []
    for head, slot in enumerate(slots.tolist()):
        is_candidate = (ledger.candidate_slots[index, head] == slot) & (slot >= 0)
        scores = ledger.candidate_score[index, head][is_candidate]
        here = view.layout.head[trained] == head if len(slots) > 1 else np.full(len(taken), True)
        rows.append(
            {
                "object": at,
                "status": int(ledger.object_status[index, head]),
                "place": int(place_of[slot]) if slot >= 0 else -1,
                "iou": float(iou[head]) if slot >= 0 else 0.0,
                "score": float(scores[0]) if scores.size else float("nan"),
                "slots": int(ledger.match_count[index, head]),
                "taken": int((taken & here).sum()),
            }
        )
    return rows


_SHAPES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "box": (np.float32, (4,)),
    "reachable": (bool, ()),
    "best_iou": (np.float32, ()),
    "best_score": (np.float32, ()),
    "iou": (np.float32, ()),
    "score": (np.float32, ()),
    "reason": (str, ()),
}


def _stacked(kind: type, rows: list[dict[str, Any]], terms: int) -> Any:
    """Rows as columns, of the right type and shape also where there is no row."""
    columns = {}
    for field in dataclasses.fields(kind):
        dtype, shape = _SHAPES.get(field.name, (np.int64, ()))
        if field.name == "loss":
            dtype, shape = np.float64, (terms,)
        column = np.array([row[field.name] for row in rows], dtype)
        columns[field.name] = column.reshape(len(rows), *shape)
    return kind(**columns)
