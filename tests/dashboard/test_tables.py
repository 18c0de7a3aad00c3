"""The tables hold the numbers of the snapshot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dashboard.tables import ledger_table, loss_table, prediction_table, role_table, term_table
from tests.test_explain import make_view
from yolo_core.explain import explain
from yolo_core.runs.snapshots import SampleView


def test_roles_of_a_cell_with_two_objects(anchored: SampleView, unanchored: SampleView) -> None:
    table = role_table(anchored, anchored.layout.cell_slots(0, 2, 2))
    assert list(table.columns) == ["anchor 0", "anchor 1", "anchor 2"]
    assert table.loc["mask", "anchor 1"] == "object"
    assert table.loc["trained for", "anchor 1"] == "1: 7"  # object 0 was overwritten
    assert table.loc["anchor, px", "anchor 1"] == "22.4 × 28.8"  # 1.4 x 1.8 cells of 16 px
    overlap = anchored.targets["overlap"][anchored.layout.index(0, 2, 2, 1), 1]
    assert table.loc["IoU, 1: 7", "anchor 1"] == f"{overlap:.2f}"

    slot = int(unanchored.assignment.object_slot[0, 0])
    table = role_table(unanchored, unanchored.layout.cell_slots(0, 2, 2))
    column = f"predictor {unanchored.layout.anchor[slot]}"
    assert table.loc["trained for", column] == "0: 3 and 1: 7"
    assert "anchor, px" not in table.index


def test_losses_of_all_cells_add_up_to_the_total(view: SampleView) -> None:
    rows, columns, _ = view.layout.grids[0]
    together = 0.0
    for row in range(rows):
        for column in range(columns):
            table = loss_table(view, view.layout.cell_slots(0, row, column))
            together += table.loc["together"].astype(float).sum()
    assert together == pytest.approx(view.total, rel=1e-3)


def test_a_weighted_row_is_lambda_times_the_row_above() -> None:
    table = loss_table(make_view(), np.array([0, 1]))
    assert table.loc["xy"].tolist() == ["0", "0.25"]
    assert table.loc["2 × xy"].tolist() == ["0", "0.5"]
    assert table.loc["share of the picture's loss"].tolist() == ["0.0 %", "38.1 %"]


def test_prediction_table_of_a_trained_slot(view: SampleView) -> None:
    slot = int(view.assignment.object_slot[view.objects[0], 0])
    row, column, anchor = (
        int(getattr(view.layout, axis)[slot]) for axis in ("row", "column", "anchor")
    )
    table = prediction_table(view, view.layout.cell_slots(0, row, column))
    word = "anchor" if view.layout.has_priors else "predictor"
    part = table[f"{word} {anchor}"]
    x, y, width, height = view.y_true[view.objects[0], 1:5] * 96
    for name, value in zip(
        ("centre x, px", "centre y, px", "width, px", "height, px"),
        (x, y, width, height),
        strict=True,
    ):
        assert float(part.loc[name, "target"]) == pytest.approx(value, rel=1e-3)
    raw = view.y_pred[slot, view.channels.index("w")]
    assert float(part.loc["w", "raw"]) == pytest.approx(raw, rel=1e-3)
    assert float(part.loc["w", "target"]) == pytest.approx(view.targets["wh"][slot, 0], rel=1e-3)
    label = int(view.y_true[view.objects[0], 5:].argmax())
    assert part.loc[f"class {label}", "target"] == "1"
    probability = view.predictions["class_probabilities"][slot, label]
    assert float(part.loc[f"class {label}", "decoded"]) == pytest.approx(probability, rel=1e-3)


def test_an_untrained_slot_has_no_box_target(anchored: SampleView) -> None:
    table = prediction_table(anchored, anchored.layout.cell_slots(0, 0, 0))
    part = table["anchor 0"]
    assert part.loc["x", "target"] == "–"
    assert part.loc["width, px", "target"] == "–"
    assert part.loc["objectness", "target"] == "0"
    assert part.loc["class 3", "target"] == "–"


def test_of_many_classes_those_of_the_objects_and_the_likeliest_are_shown(
    anchored: SampleView,
) -> None:
    count = 80
    likely = np.zeros((anchored.layout.count, count), np.float32)
    likely[:, 70] = 0.9
    y_true = np.zeros((anchored.y_true.shape[0], 5 + count), np.float32)
    y_true[:, :15] = anchored.y_true
    view = dataclasses.replace(
        anchored,
        class_names=tuple(f"c{k}" for k in range(count)),
        y_true=y_true,
        predictions=anchored.predictions | {"class_probabilities": likely},
    )
    names = [
        name
        for name in prediction_table(view, view.layout.cell_slots(0, 2, 2)).index
        if name.startswith("class")
    ]
    assert len(names) == 12
    assert {"class c3", "class c7", "class c70"} <= set(names)


def test_ledger_has_one_row_an_object_with_its_reason(anchored: SampleView) -> None:
    table = ledger_table(anchored, explain(anchored))
    assert table["object"].tolist() == ["0: 3", "1: 7", "2: 1", "3: 2", "4: 9"]
    assert table["status"].tolist() == ["overwritten", "matched", "outside", "zero area", "matched"]
    assert table["trains"].tolist()[:2] == ["nothing", "cell (row 2, column 2), anchor 1"]
    assert all(reason.endswith(".") for reason in table["why"])


def test_terms_beside_what_was_recorded() -> None:
    table = term_table(
        {"a": 2.0, "b": 1.0, "c": 0.0}, {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 2.0, "b": 1.1}
    )
    assert table["recorded"].tolist() == ["2 ✓", "1.1 ✗", "–"]
    assert table["λ × Σ map"].tolist() == ["6", "2", "0"]
    assert table["share"].tolist() == ["75.0 %", "25.0 %", "0.0 %"]
