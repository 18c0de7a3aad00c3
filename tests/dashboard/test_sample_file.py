"""A sample as one HTML file, and its slots as one table."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from dashboard.components.shared.csv_tables import loss_table, object_table, slot_table
from dashboard.components.shared.sample_file import sample_html
from dashboard.components.shared.share import reaches_others
from dashboard.figures.places import Cell
from yolo_core.explain.report import explain
from yolo_core.views import SampleView


def test_every_slot_is_a_row_and_the_rows_add_up_to_the_loss(view: SampleView) -> None:
    table = slot_table(view)
    assert len(table) == view.layout.count == 108
    assert table["weighted total"].sum() == pytest.approx(view.total, rel=1e-5)
    for name, value in view.terms.items():
        assert table[f"term {name}"].sum() == pytest.approx(value, rel=1e-5)
    counts = table["part"].value_counts()
    assert counts["object"] == view.assignment.object_mask.sum()
    assert counts.sum() == 108
    trained = table[table["part"] == "object"]
    assert trained["object"].notna().all()
    assert set(trained["object"]) <= set(view.objects.tolist())


def test_a_row_holds_the_numbers_of_its_slot(view: SampleView) -> None:
    slot = int(np.flatnonzero(view.assignment.object_mask)[0])
    row = slot_table(view).iloc[slot]
    place = [view.layout.head[slot], view.layout.row[slot], view.layout.column[slot]]
    assert [row["head"], row["row"], row["column"]] == place
    assert row["weighted total"] == pytest.approx(view.weighted_map[slot])
    assert row["box width, px"] == pytest.approx(view.predictions["boxes"][slot, 2] * 96)
    assert row["raw objectness"] == view.y_pred[slot, view.channels.index("objectness")]


def test_the_objects_and_terms_are_tables_of_numbers(view: SampleView) -> None:
    report = explain(view)
    objects = object_table(view, report)
    assert objects["object"].tolist() == view.objects.tolist()
    boxes = objects[["x, px", "y, px", "width, px", "height, px"]].to_numpy()
    np.testing.assert_allclose(boxes, view.y_true[view.objects, 1:5] * 96, rtol=1e-6)
    assert (objects["row"].isna() == (objects["slots"] == 0)).all()

    terms = loss_table(view, report, view.terms).set_index("term")
    assert terms.index.tolist() == [*view.terms, "total"]
    np.testing.assert_allclose(terms["sum of map"][:-1], terms["recorded"][:-1], rtol=1e-5)
    assert terms.loc["total", "weighted"] == pytest.approx(view.total, rel=1e-5)
    assert terms["share"][:-1].sum() == pytest.approx(1)


def test_a_row_holds_the_gradient_on_its_raw_numbers(view: SampleView) -> None:
    assert "gradient x" not in slot_table(view)
    ones = np.ones_like(view.y_pred)
    pulled = dataclasses.replace(view, gradients=dict.fromkeys(view.terms, ones))
    weight = sum(view.lambdas.values())
    np.testing.assert_allclose(slot_table(pulled)["gradient x"], weight)


def test_the_file_holds_everything_and_loads_nothing(view: SampleView) -> None:
    text = sample_html(
        view, explain(view), run="a-run", cell=Cell(0, 2, 3), score_cut=0.3, link="http://x/?a=1&b"
    )
    head, body = text.split("</head>")
    assert head.count("<script") == 1
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", head + body)
    assert body.count('class="plotly-graph-div"') == 2
    assert "http://x/?a=1&amp;b" in body
    for name in view.terms:
        assert name in body
    # An object a row, a term a row.
    assert body.count("<tr") >= len(view.objects) + len(view.terms)
    dark = sample_html(
        view, explain(view), run="r", cell=Cell(0, 2, 3), score_cut=0.3, scheme="dark"
    )
    assert "color-scheme: dark" in dark
    assert "color-scheme: light" in text
    assert "<a href" in body
    assert "<a href" not in dark.split("</head>")[1]


@pytest.mark.parametrize(
    ("link", "elsewhere"),
    [
        ("http://localhost:8501/inspect?run=a", False),
        ("http://127.0.0.1:8501/", False),
        ("http://[::1]:8501/", False),
        ("", False),
        ("http://gpu-box:8501/inspect?run=a", True),
        ("https://10.0.0.7/inspect", True),
    ],
)
def test_a_link_is_exported_where_it_leads_somewhere(link: str, elsewhere: bool) -> None:
    assert reaches_others(link) == elsewhere


def test_a_name_cannot_run_as_a_script(view: SampleView) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    named = dataclasses.replace(view, class_names=(evil,) * 10, loss_name=evil)
    text = sample_html(named, explain(named), run=evil, cell=Cell(0, 0, 0), score_cut=0.3)
    body = text.split("</head>")[1]
    assert "<script>alert" not in body
    assert "<img" not in body
    assert "<script>alert" not in text[: text.index("<script>")]
