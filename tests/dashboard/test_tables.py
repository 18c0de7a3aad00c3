"""The tables hold the numbers of the snapshot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dashboard.tables import (
    candidate_table,
    cell_table,
    channel_table,
    gradient_table,
    ignore_table,
    ledger_table,
    slot_term_table,
    term_table,
)
from tests.explain.made_view import make_view
from yolo_core.assignment import NO_RULE, IgnoreRule
from yolo_core.explain.report import explain
from yolo_core.runs.snapshots import SampleView, Snapshot


def test_the_slots_of_a_cell_with_two_objects(anchored: SampleView, unanchored: SampleView) -> None:
    slots = anchored.layout.cell_slots(0, 2, 2)
    table = cell_table(anchored, slots, int(slots[1]))
    assert list(table.columns) == ["anchor 0", "▸ anchor 1", "anchor 2"]
    assert table.loc["part", "▸ anchor 1"] == "object"
    assert table.loc["trained for", "▸ anchor 1"] == "1: 7"  # object 0 was overwritten
    assert table.loc["anchor, px", "▸ anchor 1"] == "22.4 × 28.8"  # 1.4 x 1.8 cells of 16 px
    overlap = anchored.targets["overlap"][slots[1]].max()
    assert table.loc["best IoU", "▸ anchor 1"].startswith(f"{overlap:.2f} (")

    slot = int(unanchored.assignment.object_slot[0, 0])
    table = cell_table(unanchored, unanchored.layout.cell_slots(0, 2, 2), slot)
    column = f"▸ predictor {unanchored.layout.anchor[slot]}"
    assert table.loc["trained for", column] == "0: 3 and 1: 7"
    assert "anchor, px" not in table.index


def test_losses_of_all_slots_add_up_to_the_total(view: SampleView) -> None:
    together = 0.0
    for slot in range(view.layout.count):
        together += float(slot_term_table(view, slot)["weighted"].iloc[-1])
    assert together == pytest.approx(view.total, rel=1e-3)
    assert view.weighted_map.sum() == pytest.approx(view.total, rel=1e-4)


def test_a_term_of_a_slot_is_weighted_and_shared_out() -> None:
    table = slot_term_table(make_view(), 1).set_index("term")
    assert table.loc["xy"].tolist() == ["0.25", "2", "0.5", "38.1%"]
    assert table.loc["together", "of the picture"] == "38.1%"


def test_a_slot_of_a_training_batch_has_its_share_of_the_batch(
    snapshots: dict[str, Snapshot],
) -> None:
    view = dataclasses.replace(
        snapshots["yolov2"].sample("val/0"), kind="batch", batch_total=1000.0
    )
    slot = int(view.assignment.object_slot[0, 0])
    table = slot_term_table(view, slot)
    whole = view.weighted_map[slot]
    assert table["of the batch"].iloc[-1] == f"{whole / 10:.1f}%"
    assert table["of the picture"].iloc[-1] == f"{100 * whole / view.total:.1f}%"


def test_where_a_gradient_pushes_a_slot(anchored: SampleView) -> None:
    slot = int(anchored.assignment.object_slot[1, 0])
    gradients = {term: np.zeros(anchored.y_pred.shape, np.float32) for term in anchored.lambdas}
    gradients["wh"][slot, 2:4] = [-0.5, 0.01]
    gradients["no_object"][slot, 4] = 0.25
    gradients["classification"][slot, 5:] = np.linspace(-0.9, 0.9, 10)
    view = dataclasses.replace(anchored, gradients=gradients)
    table = slot_term_table(view, slot).set_index("term")["pushes"]
    assert table["xy"] == "nothing"
    assert table["wh"] == "width up"  # the other is less than a tenth of it
    assert table["no_object"] == "objectness down"
    assert table["classification"] == "class 0 up, class 9 down, class 1 up, 7 more"
    channels = channel_table(view, slot).set_index("channel")
    assert channels.loc["w", "gradient"] == f"{-0.5 * view.lambdas['wh']:.3g} ↑"
    assert channels.loc["y", "gradient"] == "0"
    numbers = gradient_table(view, slot).set_index("channel")
    assert numbers.loc["objectness"].tolist() == ["0", "0", "0", "0.25", "0", "0.25"]
    gradients["xy"][slot, 0] = np.nan
    assert slot_term_table(view, slot)["pushes"].iloc[0] == "no number"


def test_without_gradients_on_record_no_column_speaks_of_them(view: SampleView) -> None:
    assert view.gradients == {}
    assert "pushes" not in slot_term_table(view, 0)
    assert "gradient" not in channel_table(view, 0)


def test_channels_of_a_trained_slot(view: SampleView) -> None:
    slot = int(view.assignment.object_slot[view.objects[0], 0])
    table = channel_table(view, slot).set_index("channel")
    assert list(table.index) == [
        name if not name.startswith("class") else f"class {name[6:]}" for name in view.channels
    ]
    x, y, width, height = view.y_true[view.objects[0], 1:5] * 96
    for name, value in (("x", x), ("y", y), ("w", width), ("h", height)):
        assert float(table.loc[name, "wanted px"]) == pytest.approx(value, abs=0.05)
    raw = view.y_pred[slot, view.channels.index("w")]
    assert float(table.loc["w", "raw"]) == pytest.approx(raw, rel=1e-3)
    assert float(table.loc["w", "target"]) == pytest.approx(view.targets["wh"][slot, 0], rel=1e-3)
    box = view.predictions["boxes"][slot]
    assert float(table.loc["h", "px"]) == pytest.approx(box[3] * 96, abs=0.05)
    if view.layout.has_priors:
        factor = np.exp(raw)  # the anchor times e to the raw number
        assert table.loc["w", "activated"] == f"{factor:.3g} anchor"
    place = 1 / (1 + np.exp(-view.y_pred[slot, view.channels.index("x")]))
    cells = place if view.layout.has_priors else place * 6 - view.layout.column[slot]
    assert float(table.loc["x", "activated"].split()[0]) == pytest.approx(cells, abs=5e-3)
    label = int(view.y_true[view.objects[0], 5:].argmax())
    assert table.loc[f"class {label}", "target"] == "1"
    probability = view.predictions["class_probabilities"][slot, label]
    assert float(table.loc[f"class {label}", "decoded"]) == pytest.approx(probability, rel=1e-3)


def test_an_untrained_slot_has_no_box_target(anchored: SampleView) -> None:
    table = channel_table(anchored, 0).set_index("channel")
    assert table.loc["x", "target"] == "–"
    assert table.loc["w", "wanted px"] == "–"
    assert table.loc["objectness", "target"] == "0"
    assert table.loc["class 3", "target"] == "–"


def test_candidates_of_an_object_with_their_decisions(anchored: SampleView) -> None:
    slots = anchored.layout.cell_slots(0, 2, 2)
    table = candidate_table(anchored, 0, 0, int(slots[0]), most=1)
    assert table["candidate"].tolist() == ["anchor 1", "▸ anchor 0"]
    assert table["decision"].iloc[0] == "wanted, but object 1 (class 7) took it"
    table = candidate_table(anchored, 1, 0, int(slots[1]), most=6)
    assert table["decision"].iloc[0] == "taken"
    assert table["shape IoU"].astype(float).is_monotonic_decreasing
    assert candidate_table(anchored, 2, 0, 0, most=6).empty  # outside the picture


def test_the_ignore_rule_holds_a_box_against_the_objects(anchored: SampleView) -> None:
    view = dataclasses.replace(anchored, ignore_rule=IgnoreRule("predicted_box", 0.6))
    ignored = np.flatnonzero(view.assignment.ignore_mask)
    table = ignore_table(view, int(ignored[0]), most=3)
    assert table["decision"].iloc[0] == "reaches it: ignored"
    assert table["ignored from"].iloc[0] == "0.60"
    empty = int(np.flatnonzero(view.assignment.no_object_mask)[0])
    assert set(ignore_table(view, empty, most=3)["decision"]) == {"below it"}
    unknown = dataclasses.replace(anchored, ignore_rule=NO_RULE)
    assert ignore_table(unknown, empty, most=3).empty, "not without the rule"


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
        channels=(*anchored.channels[:5], *(f"class {k}" for k in range(count))),
        y_pred=np.zeros((anchored.layout.count, 5 + count), np.float32),
        y_true=y_true,
        predictions=anchored.predictions | {"class_probabilities": likely},
    )
    names = [
        name
        for name in channel_table(view, int(view.layout.cell_slots(0, 2, 2)[0]))["channel"]
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
    assert table["share"].tolist() == ["75.0%", "25.0%", "0.0%"]
