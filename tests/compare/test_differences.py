"""Where several losses disagree about one picture, and that they do not where they do not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from yolo_core.compare.differences import PARTS, compare_views, place_name, slot_parts
from yolo_core.explain.report import explain


def test_the_same_loss_twice_differs_nowhere(scene):
    loss = scene.loss("yolov2")
    compared = scene.compare({"one": loss, "other": loss}, scene.slots(loss))
    assert (compared.ledger, compared.masks, compared.notes) == ((), (), ())
    one, other = (each.view for each in compared.losses)
    assert one.total == other.total
    weighted = sum(one.lambdas[term] * one.maps[term].sum() for term in one.maps)
    assert weighted == pytest.approx(one.total, rel=1e-5)
    assert explain(one).masks.slots == 108


def test_rows_found_by_x_move_the_objects_off_the_diagonal(scene):
    right, slipped = scene.loss("mnist_yolo"), scene.loss("mnist_yolo", slips=["x-y-order"])
    compared = scene.compare({"right": right, "slip": slipped}, scene.slots(right))
    rows, columns = (np.floor(scene.y_true[:, [2, 1]] * 6)).astype(int).T
    moved = {int(n) for n in np.flatnonzero(rows != columns)}
    assert {each.index for each in compared.ledger} == moved
    for each in compared.ledger:
        one, other = (report.slots[0] for report in each.reports)
        assert (one.row, one.column) == (rows[each.index], columns[each.index])
        assert (other.row, other.column) == (one.column, one.row)
        assert each.name.startswith(f"object {each.index} (class ")


def test_slots_whose_part_differs_with_their_reasons(scene):
    loss, other = scene.loss("yolov2"), scene.loss("yolov2/formula")
    strict = scene.loss("yolov2")
    strict.options["ignore_threshold"] = 1.0  # which no box reaches
    compared = scene.compare({"0.6": loss, "never": strict, "formula": other}, scene.slots(loss))
    parts = [slot_parts(each.view) for each in compared.losses]
    expected = np.flatnonzero((parts[0] != parts[1]) | (parts[0] != parts[2]))
    assert [each.slot for each in compared.masks] == expected.tolist()
    assert len(compared.masks) >= 3
    for each in compared.masks:
        assert each.parts[:2] == ("ignored", "no object")
        assert each.reasons[0].startswith("ignored: ")
        assert each.reasons[1].startswith("no object: ")
        assert each.place == place_name(compared.losses[0].view, each.slot)
        assert [PARTS[part[each.slot]] for part in parts] == list(each.parts)
    assert compared.ledger == ()


def test_other_grids_are_said_and_not_compared_slot_by_slot(scene):
    one, other = scene.loss("yolov2"), scene.loss("yolov3")
    compared = scene.compare(
        {"v2": one, "v3": other}, {"v2": scene.slots(one), "v3": scene.slots(other)}
    )
    assert compared.masks == ()
    assert "v2 has 6 x 6 x 3, v3 has 6 x 6 x 3 and 12 x 12 x 3" in compared.notes[0]
    # On two heads every object has other slots.
    assert len(compared.ledger) == len(explain(compared.losses[0].view).objects)


def test_other_pictures_are_refused(scene):
    loss = scene.loss("yolov2")
    view = scene.compare({"a": loss}, scene.slots(loss)).losses[0].view
    moved = view.y_true.copy()
    moved[0, 1] += 0.1
    other = dataclasses.replace(view, y_true=moved, name="val/4")
    with pytest.raises(ValueError, match=r"a has sample val/3 and b has sample val/4 with other"):
        compare_views({"a": view, "b": other})
    # More rows of padding are the same labels.
    padded = dataclasses.replace(view, y_true=np.pad(view.y_true, [(0, 3), (0, 0)]))
    assert compare_views({"a": view, "b": padded}).ledger == ()


def test_one_to_five(scene):
    loss = scene.loss("yolov2")
    view = scene.compare({"a": loss}, scene.slots(loss)).losses[0].view
    for count in (0, 6):
        with pytest.raises(ValueError, match=f"One to 5 losses are compared; received {count}"):
            compare_views({str(k): view for k in range(count)})
