"""`pulls`: what each term pulls, for reading, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.runs.store import RunStore


@pytest.fixture
def one(tmp_path):
    return make_run(tmp_path, "one", pinned_steps=(0,), batch_steps=())


@pytest.mark.usefixtures("one")
def test_a_run_without_measurements(ask):
    assert ask("pulls", "one")[:2] == (0, "Not measured in one.\n")
    assert json.loads(ask("pulls", "one", "--json")[1]) == []


def test_the_newest_for_reading_and_all_for_programs(ask, one):
    with RunStore.open(one, writable=True) as store:
        store.add_columns(["pull/xy", "pull/wh", "cosine/xy/wh"])
        last = int(store.last_step()["step"])
        for step, cosine in ((1, 0.5), (2, math.nan)):
            row = {f"{group}/{term}": 2.0 for group in ("term", "lambda") for term in ("xy", "wh")}
            row |= {"pull/xy": 1.0, "pull/wh": 99.0 * step, "cosine/xy/wh": cosine}
            store.record_step(last + step, row)
    lines = ask("pulls", "one")[1].splitlines()
    assert lines[0] == f"step {last + 2}"
    # 1 of 199; 2 x the square root of 198.
    assert lines[2].split() == ["xy", "2", "50.0%", "0.5%", "28.1", "starves"]
    assert lines[3].split()[-1] == "dominates"
    assert lines[4] == "cosine of xy and wh: -"
    found = json.loads(ask("pulls", "one", "--json")[1])
    assert [each["step"] for each in found] == [last + 1, last + 2]
    assert found[0]["terms"][1]["pull_share"] == 0.99
    assert [each["cosines"] for each in found] == [{"xy/wh": 0.5}, {"xy/wh": None}]
    table = list(csv.DictReader(io.StringIO(ask("pulls", "one", "--csv")[1])))
    assert [(each["step"], each["name"]) for each in table][:2] == [
        (str(last + 1), "xy"),
        (str(last + 1), "wh"),
    ]
