"""The losses as the laws see them: add a row here, and every law holds for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from yolo_core.assignment import Assignment, ObjectStatus, trained_slots
from yolo_core.losses import published
from yolo_core.losses.base import DetectionLoss
from yolo_core.slots import SlotLayout

NUM_CLASSES = 3
GRID = (3, 4)  # rows, columns: never square by default
SLOTS = 2  # a cell


@dataclasses.dataclass(frozen=True)
class LossCase:
    """A loss on one grid.

    Attributes:
        name: For `published`.
        shape: (batch, grid, slots a cell) to the shape of its predictions.
        anchors: (grid, slots a cell) to its anchors, or None.
        options: Further keyword options, given the grid.
        shares: Whether several objects may train one slot (SHARED), or the last takes it.
        per_image: Whether the total of a batch is the mean of the totals of its images.
        square_only: Whether it puts objects in other cells on grids that are not square: the
            document's code finds rows by x, and scales both coordinates by the number of rows.
        by_prior: Whether objects go to prior boxes wherever those sit, not to a cell.
        mined: Whether slots without an object are mined: images without objects train nothing.
        first_wins: Whether of equal objects the first keeps what they all want, not the last.
        free_without_objects: Whether a batch without objects costs nothing, mined or not.
        last_decides: Whether of objects that share a slot the last one is booked on it.
        many_cells: Whether an object trains slots of several cells.
        centre_on_one: The status of an object whose centre is exactly 1.0.
        title: What it is called among the tests, where its name is there already.
    """

    name: str
    shape: Callable[[int, tuple[int, int], int], tuple[int, ...]]
    anchors: Callable[[tuple[int, int], int], Any] = lambda _grid, _slots: None
    options: Callable[[tuple[int, int]], dict[str, Any]] = lambda _grid: {}
    shares: bool = False
    per_image: bool = False
    square_only: bool = False
    by_prior: bool = False
    mined: bool = False
    first_wins: bool = False
    free_without_objects: bool = False
    last_decides: bool = False
    many_cells: bool = False
    centre_on_one: ObjectStatus = ObjectStatus.MATCHED
    title: str = ""

    def loss(self, grid=GRID, slots=SLOTS, **options) -> DetectionLoss:
        return published(
            self.name,
            anchors=self.anchors(grid, slots),
            num_classes=NUM_CLASSES,
            **self.options(grid),
            **options,
        )

    def predictions(self, batch: int, *, grid=GRID, slots=SLOTS, seed=0, scale=1.0) -> np.ndarray:
        shape = self.shape(batch, grid, slots)
        return np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)


def _all_in_the_slot(batch, grid, slots):
    return (batch, *grid, slots * (5 + NUM_CLASSES))


def _class_in_the_cell(batch, grid, slots):
    return (batch, *grid, slots * 5 + NUM_CLASSES)


def _in_cells(_grid, slots):
    return [[0.5 + 0.25 * i, 2.0 - 0.07 * i] for i in range(slots)]


def _as_fractions(grid, slots):
    return [[w / grid[1], h / grid[0]] for w, h in _in_cells(grid, slots)]


def _two_grids(grid):
    return [grid, (2 * grid[0], 2 * grid[1])]


def _two_heads(batch, grid, slots):
    cells = sum(rows * columns for rows, columns in _two_grids(grid))
    return (batch, cells * slots, 5 + NUM_CLASSES)


def _of_two_heads(grid, slots):
    return [_as_fractions(each, slots) for each in _two_grids(grid)]


def _on_two_grids(grid):
    return {"grids": _two_grids(grid)}


def _priors(grid, slots):
    """A box at every cell in each of some shapes, with no two of one overlap."""
    rows, columns = grid
    shapes = [(0.3 + 0.25 * i / slots, 0.55 - 0.2 * i / slots) for i in range(slots)]
    return [
        [(column + 0.5) / columns, (row + 0.5) / rows, w, h]
        for row in range(rows)
        for column in range(columns)
        for w, h in shapes
    ]


def _with_background(batch, grid, slots):
    return (batch, grid[0] * grid[1] * slots, 5 + NUM_CLASSES)


def _without_objectness(batch, grid, slots):
    return (batch, grid[0] * grid[1] * slots, 4 + NUM_CLASSES)


_LOSSES = [
    LossCase("mnist_yolo", _all_in_the_slot, shares=True),
    LossCase("mnist_yolo/documented", _all_in_the_slot, shares=True, square_only=True),
    LossCase("mnist_yolo/huber", _all_in_the_slot, shares=True),
    LossCase("mnist_yolo/huber_no_floor", _all_in_the_slot, shares=True),
    LossCase("mnist_yolo/cell_offsets", _all_in_the_slot, shares=True),
    LossCase("yolov1", _class_in_the_cell, per_image=True),
    LossCase(
        "yolov1/paper",
        _class_in_the_cell,
        options=lambda _grid: {"no_object": "empty_cells", "confidence_target": "one"},
        per_image=True,
    ),
    LossCase("yolov2", _all_in_the_slot, _in_cells),
    LossCase("yolov2/formula", _all_in_the_slot, _in_cells, per_image=True),
    LossCase(
        "yolov2/notebook", _all_in_the_slot, _in_cells, centre_on_one=ObjectStatus.OUTSIDE
    ),
    LossCase(
        "yolov2/notebook_stop_gradient",
        _all_in_the_slot,
        _in_cells,
        centre_on_one=ObjectStatus.OUTSIDE,
    ),
    LossCase(
        "yolov2/backend", _all_in_the_slot, _in_cells, centre_on_one=ObjectStatus.OUTSIDE
    ),
    LossCase(
        "yolov2/confidence_by_iou",
        _all_in_the_slot,
        _in_cells,
        centre_on_one=ObjectStatus.OUTSIDE,
    ),
    LossCase("yolov2/formula_pooled", _all_in_the_slot, _in_cells),
    LossCase("yolov3", _all_in_the_slot, _as_fractions),
    LossCase("yolov3", _two_heads, _of_two_heads, _on_two_grids, title="yolov3 on two heads"),
    LossCase("yolov3/pytorch", _two_heads, _of_two_heads, _on_two_grids),
    LossCase("yolov3/tf2", _two_heads, _of_two_heads, _on_two_grids),
    LossCase("ssd", _with_background, _priors, by_prior=True, mined=True),
    LossCase("ssd/multibox", _with_background, _priors, by_prior=True, mined=True),
    LossCase("ssd/multibox_stable", _with_background, _priors, by_prior=True, mined=True),
    LossCase("retinanet", _without_objectness, _priors, by_prior=True, per_image=True),
    LossCase(
        "retinanet/torchvision",
        _without_objectness,
        _priors,
        by_prior=True,
        per_image=True,
        first_wins=True,
    ),
    LossCase(
        "retinanet/kerashub",
        _without_objectness,
        _priors,
        by_prior=True,
        first_wins=True,
        free_without_objects=True,
        # No prior is forced to take an object: those of these scenes are to reach the threshold.
        options=lambda _grid: {"foreground_threshold": 0.05, "background_threshold": 0.02},
    ),
    # Anchors that take every object of these scenes.
    LossCase(
        "yolov5",
        _all_in_the_slot,
        _as_fractions,
        options=lambda _grid: {"anchor_ratio": 20.0},
        shares=True,
        last_decides=True,
        many_cells=True,
    ),
    *(
        LossCase(
            name,
            _two_heads,
            _of_two_heads,
            lambda grid: {**_on_two_grids(grid), "anchor_ratio": 30.0},
            shares=True,
            last_decides=True,
            many_cells=True,
            title=f"{name} on two heads",
        )
        for name in ("yolov5", "yolov5/v7.0")
    ),
]  # fmt: skip
# The laws of what was published are for the long run of the tests, those of the defaults for both.
CASES = [
    pytest.param(
        case, id=case.title or case.name, marks=[pytest.mark.slow] if "/" in case.name else []
    )
    for case in _LOSSES
]
DEFAULTS = [
    pytest.param(case, id=case.name) for case in _LOSSES if not case.title and "/" not in case.name
]


def label(x, y, w, h, cls=0, flag=1.0) -> list[float]:
    """One row of `y_true`."""
    return [flag, x, y, w, h, *(float(index == cls) for index in range(NUM_CLASSES))]


PADDING = [0.0] * (5 + NUM_CLASSES)


def images(*rows_of_images) -> np.ndarray:
    """Lists of rows as one `y_true`, padded to the longest and one row more."""
    count = 1 + max(map(len, rows_of_images))
    padded = [rows + [PADDING] * (count - len(rows)) for rows in rows_of_images]
    return np.asarray(padded, np.float32)


def random_scene(seed: int, batch=3, rows=6) -> np.ndarray:
    """Images with 0 to `rows` objects; the first has none, the last has all."""
    rng = np.random.default_rng(seed)
    y_true = np.zeros((batch, rows, 5 + NUM_CLASSES), np.float32)
    for image, count in zip(y_true, np.linspace(0, rows, batch).astype(int), strict=True):
        image[:count, 0] = 1
        image[:count, 1:3] = rng.uniform(0, 1, (count, 2))
        image[:count, 3:5] = rng.uniform(0.05, 0.9, (count, 2))
        image[np.arange(count), 5 + rng.integers(0, NUM_CLASSES, count)] = 1
    return y_true


def _pictures(a: Assignment) -> list[Assignment]:
    """Those of a batch."""
    return [
        Assignment(
            **{name: getattr(a, name)[image] for name in Assignment.ARRAYS},
            candidate_measure=a.candidate_measure,
        )
        for image in range(len(a.object_mask))
    ]


def _on_row(layout: SlotLayout, a: Assignment, slot: int, row: int) -> bool:
    """Whether a ledger row is about a slot: about those of its head, or all."""
    return a.object_slot.shape[-1] == 1 or layout.head[slot] == row


def assert_laws(loss: DetectionLoss, y_true: np.ndarray, y_pred: np.ndarray):
    """Checks everything that a breakdown promises, and returns it as numpy."""
    breakdown = loss.breakdown(y_true, y_pred).to_numpy()
    a = breakdown.assignment
    layout = loss.slots(y_pred.shape)
    batch, rows = y_true.shape[:2]
    slots = (batch, layout.count)

    # The parts: maps sum to terms, terms to the total, nothing else.
    assert set(breakdown.terms) == set(breakdown.maps) == set(breakdown.lambdas)
    assert set(breakdown.terms) == set(loss.term_names)
    assert np.isfinite(breakdown.total)
    total = sum(breakdown.lambdas[t] * breakdown.terms[t] for t in breakdown.terms)
    np.testing.assert_allclose(breakdown.total, total, rtol=1e-5, atol=1e-6)
    for term, values in breakdown.maps.items():
        assert values.shape == slots, term
        np.testing.assert_allclose(values.sum(), breakdown.terms[term], rtol=1e-4, atol=1e-6)

    # The masks partition the slots.
    masks = [a.object_mask, a.no_object_mask, a.ignore_mask]
    assert all(mask.shape == slots and mask.dtype == bool for mask in masks)
    assert (sum(mask.astype(int) for mask in masks) == 1).all()
    np.testing.assert_array_equal(a.matched_object >= 0, a.object_mask)
    assert (a.matched_object < max(rows, 1)).all()

    # The ledger: one status a row, and the counts add up.
    ledger = a.object_status
    assert ledger.shape[:2] == (batch, rows)
    assert np.isin(ledger, [int(status) for status in ObjectStatus]).all()
    is_object = np.broadcast_to((y_true[..., 0] != 0)[..., None], ledger.shape)
    np.testing.assert_array_equal(ledger != ObjectStatus.PADDING, is_object)
    matched = np.isin(ledger, [ObjectStatus.MATCHED, ObjectStatus.SHARED])
    np.testing.assert_array_equal(a.match_count > 0, matched)
    lost = ledger == ObjectStatus.OVERWRITTEN
    np.testing.assert_array_equal(a.overwritten_by >= 0, lost)
    np.testing.assert_array_equal(a.object_slot >= 0, matched | lost)
    if not (ledger == ObjectStatus.SHARED).any():
        np.testing.assert_array_equal(a.match_count.sum((1, 2)), a.object_mask.sum(1))
    trained = [[set(trained_slots(one, row)) for row in range(rows)] for one in _pictures(a)]
    for image, row, head in np.argwhere(matched):
        mine = {slot for slot in trained[image][row] if _on_row(layout, a, slot, head)}
        others = set().union(*trained[image][:row], *trained[image][row + 1 :])
        alone = ledger[image, row, head] == ObjectStatus.MATCHED
        assert a.object_slot[image, row, head] in mine
        assert len(mine) == a.match_count[image, row, head] or a.match_count.max() > 16
        assert alone == (mine.isdisjoint(others))
        assert not alone or (a.matched_object[image][sorted(mine)] == row).all()
    for image, row, head in np.argwhere(lost):
        winner = a.overwritten_by[image, row, head]
        assert winner != row
        assert matched[image, winner, head]

    # The evidence: at most 16 candidates, in the picture, the chosen slot the first best.
    assert a.candidate_slots.shape == a.candidate_score.shape
    assert a.candidate_slots.shape[-1] <= 16
    assert (a.candidate_slots < layout.count).all()
    for image, row, head in np.argwhere(matched):
        candidates = a.candidate_slots[image, row, head]
        open_to_it = candidates >= 0
        if a.match_count.max() > 1:  # where several slots train an object, of those
            open_to_it &= np.isin(candidates, sorted(trained[image][row]))
        best = np.argmax(np.where(open_to_it, a.candidate_score[image, row, head], -np.inf))
        assert candidates[best] == a.object_slot[image, row, head]
    compared = (a.candidate_slots >= 0).any(-1)
    below = ledger == ObjectStatus.BELOW_THRESHOLD  # compared with slots here, or with none
    np.testing.assert_array_equal(compared & ~below, matched | lost)

    assert breakdown.targets["overlap"].shape == (*slots, rows)
    assert breakdown.predictions["boxes"].shape == (*slots, 4)
    assert breakdown.predictions["objectness"].shape == slots
    assert breakdown.predictions["class_probabilities"].shape == (*slots, loss.num_classes)
    for values in breakdown.predictions.values():
        assert np.isfinite(values).all()
    return breakdown
