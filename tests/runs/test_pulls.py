"""What each term pulls, in numbers that fit on paper."""

from __future__ import annotations

import math

import pytest

from yolo_core.runs.layout import create_run
from yolo_core.runs.pulls import all_pulls, last_pulls
from yolo_core.runs.store import RunStore

TERMS = ("xy", "wh", "cls")
COLUMNS = (
    *(f"{group}/{term}" for group in ("term", "lambda", "pull") for term in TERMS),
    *("cosine/xy/wh", "cosine/xy/cls", "cosine/wh/cls"),
)


@pytest.fixture
def store(tmp_path):
    with RunStore.create(create_run(tmp_path, "run"), COLUMNS) as store:
        yield store


def row(pulls, terms=(1.0, 2.0, 3.0), lambdas=(2.0, 1.0, 2.0)):
    found = {}
    for group, values in (("term", terms), ("lambda", lambdas), ("pull", pulls)):
        found |= {f"{group}/{term}": value for term, value in zip(TERMS, values, strict=True)}
    return found | {"cosine/xy/wh": 0.5, "cosine/xy/cls": -1.0, "cosine/wh/cls": math.nan}


def test_shares_balance_and_verdicts(store):
    # Loss: 2, 2, 6 of 10. Gradients: 1, 10, 1000 of 1011; the cube root of 10,000 is 21.544.
    store.record_step(1, row((1.0, 10.0, 1000.0)))
    store.record_step(2, row((math.nan,) * 3))
    found = last_pulls(store)
    assert found.step == 1
    assert [each.loss_share for each in found.terms] == pytest.approx([0.2, 0.2, 0.6])
    shares = [1 / 1011, 10 / 1011, 1000 / 1011]
    assert [each.pull_share for each in found.terms] == pytest.approx(shares)
    assert [each.verdict for each in found.terms] == ["starves", "starves", "dominates"]
    balanced = [2 * 21.544, 2.1544, 2 * 0.021544]
    assert [each.balanced for each in found.terms] == pytest.approx(balanced, rel=1e-4)
    assert found.cosines["xy", "cls"] == -1
    plain = found.plain()
    assert plain["cosines"] == {"xy/wh": 0.5, "xy/cls": -1.0, "wh/cls": None}
    assert plain["terms"][0]["name"] == "xy"


def test_all_measurements_by_step_and_the_last_however_long_ago(store):
    for step in (1, 2, 5000):
        store.record_step(step, row((math.nan if step == 5000 else float(step), 4.0, 4.0)))
    assert [each.step for each in all_pulls(store)] == [1, 2]
    assert [each.step for each in all_pulls(store, first=2)] == [2]
    assert last_pulls(store).step == 2


def test_a_term_that_pulls_nothing_cannot_be_balanced(store):
    store.record_step(1, row((0.0, 4.0, 4.0)))
    found = last_pulls(store)
    assert [each.balanced for each in found.terms] == [None, pytest.approx(1), pytest.approx(2)]
    assert found.terms[0].verdict == "starves"


def test_never_measured(store, tmp_path):
    assert last_pulls(store) is None
    store.record_step(1, row((math.nan,) * 3))
    assert last_pulls(store) is None
    with RunStore.create(create_run(tmp_path, "old"), ("total",)) as old:
        old.record_step(1, {"total": 1.0})
        assert last_pulls(old) is None
