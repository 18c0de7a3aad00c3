"""The panes of the Train page below the dials: what was changed, forks, sweeps; and dials later."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dashboard.components.shared.run_curves import markers, term_curves
from dashboard.components.train.what_if import ask, surveys
from tests.dashboard.page import button, labels, opener, plots, words
from tests.dashboard.sample_run import make_run
from tests.survey.made_up import Looker
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.records import Event
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.survey import worker
from yolo_core.survey.folder import list_surveys
from yolo_core.survey.worker import Survey
from yolo_core.training.config import config_digest
from yolo_core.training.forks import make_fork, plan_fork
from yolo_core.training.sweep import SweepFolder, SweepPlan

open_page = opener("train")
WHAT_IF, CHANGES, PULLS = "What if from here", "Changes", "What pulls"

pytestmark = pytest.mark.usefixtures("checkpoints")


@pytest.fixture
def run(checkpoints: Path) -> RunFolder:
    """A run that stopped at step 40 with a checkpoint of step 30."""
    folder = make_run(
        checkpoints, "one", pinned_steps=(0,), batch_steps=(1, 30), state=RunState.STOPPED
    )
    config = json.loads(folder.config.read_text())
    config["training"]["steps"] = 60
    folder.config.write_text(json.dumps(config))
    with RunStore.open(folder, writable=True) as store:
        store.set_status(config=config_digest(folder.config), steps=60)
        (folder.weights / "step-00000030.npz").write_bytes(b"weights")
        store.record_checkpoint(30, "step-00000030.npz")
    return folder


def numbers(values: dict[str, str]) -> np.ndarray:
    """What plotly writes for an array."""
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def test_changes_are_a_table_with_who_and_what(run):
    with RunStore.open(run, writable=True) as store:
        store.record_event(
            31, "set-lambda", {"name": "no_object", "value": 1000.0, "before": 50.0, "by": "page"}
        )
        store.record_event(55, "set-lambda", {"name": "xy", "value": 3.0, "by": "command line"})
    page = open_page(run="one", pane=CHANGES)
    _runs, table = (each.value for each in page.dataframe)
    assert table.to_dict("records")[:2] == [
        {
            **{"step": 55, "what": "set lambda", "dial": "xy", "old": "", "new": "3"},
            **{"by": "command line", "more": "not reached yet"},
        },
        {
            **{"step": 31, "what": "set lambda", "dial": "no object", "old": "50", "new": "1,000"},
            **{"by": "page", "more": ""},
        },
    ]
    # It has ended: nobody is there to take anything back.
    assert button(page, "Undo the last change").disabled
    assert not page.exception


def test_a_run_that_nobody_touched_says_so(run):
    with RunStore.open(run, writable=True) as store, store._writing() as connection:
        connection.execute("DELETE FROM events")
    assert "Nothing was changed" in words(open_page(run="one", pane=CHANGES))


def test_without_a_checkpoint_it_says_how_to_get_one(checkpoints):
    make_run(checkpoints, "bare", pinned_steps=(0,), batch_steps=())
    page = open_page(run="bare", pane=WHAT_IF)
    assert "there is none yet" in words(page)
    assert "This run has no forks yet." in words(page)
    assert not page.exception


@pytest.mark.usefixtures("run")
def test_a_fork_is_started_with_what_was_changed_alone(monkeypatch):
    called = []
    monkeypatch.setattr(ask, "start_training", lambda *a, **k: called.append((a, k)) or "x")
    page = open_page(run="one", pane=WHAT_IF)
    (no_object,) = (n for n in page.number_input if n.key == "fork/one/30/no_object")
    no_object.set_value(1000.0).run()
    button(page, "Fork").click().run()
    ((arguments, _), how), *_ = called
    assert arguments == [
        *("--run", "one-fork-1", "--step", "30", "--steps", "220", "--lambda", "no_object=1000.0"),
    ]
    assert how["command"][-2:] == ("fork", "one")


@pytest.mark.parametrize(
    ("values", "said"),
    [("5 fifty", "A sweep takes numbers with spaces"), ("", "at least one value, such as 5 50")],
)
@pytest.mark.usefixtures("run")
def test_a_sweep_of_no_numbers_is_refused(values, said):
    page = open_page(run="one", pane=WHAT_IF)
    (field,) = (each for each in page.text_input if each.label == "over")
    field.set_value(values).run()
    button(page, "Sweep").click().run()
    assert said in words(page)


def test_forks_are_listed_and_kept_or_discarded(run, checkpoints):
    for name, value in (("big", 1000.0), ("small", 5.0)):
        plan = plan_fork(checkpoints, "one", step=30, steps=10, lambdas={"no_object": value})
        make_fork(plan, checkpoints, name)
    page = open_page(run="one", pane=WHAT_IF)
    assert not page.exception
    _runs, table = (each.value for each in page.dataframe)
    assert {row["fork"]: row["step"] for row in table.to_dict("records")} == {
        "big": "30 of 40",
        "small": "30 of 40",
    }
    assert sorted(row.split(" to ")[-1] for row in table["differs"]) == ["1,000", "5"]
    curves = [f for key, f in plots(page).items() if "fork/one/curves" in key]
    assert {t.get("name") for t in curves[0]["data"]} >= {"one", "big", "small"}

    next(b for b in page.button if b.key == "discard big").click().run()
    assert "big is discarded." in words(page)
    assert {each.name for each in list_runs(checkpoints)} == {"one", "small"}
    next(b for b in page.button if b.key == "keep small").click().run()
    assert "small is now one; as it was before it is one-before-1." in words(page)
    assert {each.name for each in list_runs(checkpoints)} == {"one", "one-before-1"}
    assert run.path.is_dir()


def test_both_surveys_are_asked_for_and_shown_side_by_side(run, checkpoints, monkeypatch):
    monkeypatch.setattr(worker, "_looker", Looker())
    fork = make_fork(plan_fork(checkpoints, "one", step=30, steps=10), checkpoints, "other")
    with RunStore.open(run, writable=True) as store:
        (run.weights / "step-00000040.npz").write_bytes(b"weights")
        store.record_checkpoint(40, "step-00000040.npz")

    def start(folder, **options):
        Survey(folder, **{**options, "count": 20}).run()

    monkeypatch.setattr(surveys, "start_survey", start)
    page = open_page(run="one", pane=WHAT_IF)
    assert "Not surveyed yet: step 30 of the run, step 30 of the fork" in words(page)
    button(page, "Survey both").click().run()
    assert not page.exception
    assert [[s.name for s in list_surveys(each)] for each in (run, fork)] == [["val-30"]] * 2
    *_, counts, changed = (each.value for each in page.dataframe)
    assert list(counts.columns) == ["", "one, step 30", "other, step 30"]
    for row in counts.to_dict("records"):
        assert row["one, step 30"] == row["other, step 30"]
    assert changed["by the fork"][0].startswith("inspect?run=other&kind=survey&sample=val%2F")
    assert any("pairs/other" in key for key in plots(page))
    assert "Survey both" not in labels(page)


def test_a_sweep_is_a_picture_of_what_each_value_came_to(run, checkpoints):
    plan = SweepPlan("no_object", (5.0, 500.0), 30, 10, ("f-5", "f-500"))
    folder = SweepFolder(run, "no_object-30-1")
    folder.path.mkdir(parents=True)
    folder.plan.write_text(json.dumps(dataclasses.asdict(plan)))
    for value, name in zip(plan.values, plan.forks, strict=True):
        made = plan_fork(checkpoints, "one", step=30, steps=10, lambdas={"no_object": value})
        with RunStore.open(make_fork(made, checkpoints, name), writable=True) as store:
            store.record_step(31, {"total": 1.0})
            store.record_evaluation(31, {"map50": 0.5 + value / 1000})
    page = open_page(run="one", pane=WHAT_IF)
    assert not page.exception
    (figure,) = (f for key, f in plots(page).items() if "sweep/one" in key)
    (score,) = (trace for trace in figure["data"] if trace.get("name") == "mAP50")
    assert numbers(score["x"]).tolist() == [5.0, 500.0]
    assert numbers(score["y"]) == pytest.approx([0.505, 1.0])


def test_a_script_of_ones_own_cannot_be_forked_from_here(run):
    run.config.unlink()
    page = open_page(run="one", pane=WHAT_IF)
    assert "A script of your own recorded this run" in words(page)
    assert "Fork" not in labels(page)
    assert not page.exception


def test_marks_say_what_was_changed():
    events = [
        Event(1, 40, 0.0, "set-lambda", {"name": "no_object", "value": 1000.0, "before": 50.0}),
        Event(2, 50, 0.0, "schedule", {"name": "xy", "before": 1.0, "stop": 5.0, "last": 90}),
        Event(3, 60, 0.0, "forked", {"run": "one", "step": 60}),
    ]
    assert [(m.step, m.label) for m in markers(events)] == [
        (40, "no_object 50 → 1,000"),
        (50, "xy 1 → 5 by step 90"),
        (60, ""),
    ]


def test_the_history_weighted_with_the_lambdas_of_now(run):
    with RunStore.open(run) as store:
        curves = store.curves()
    terms = {name[5:]: values for name, values in curves.mean.items() if name.startswith("term/")}
    mean = {**curves.mean}
    for term in terms:
        mean[f"lambda/{term}"] = np.linspace(1.0, 2.0, len(curves.step))
    found = term_curves(dataclasses.replace(curves, mean=mean), weighted=True, now=True)
    assert found[0].name == "total"
    for curve in found[1:]:
        np.testing.assert_array_equal(curve.value, 2 * terms[curve.name])
    np.testing.assert_allclose(found[0].value, sum(2 * each for each in terms.values()))


@pytest.mark.usefixtures("run")
def test_a_run_without_measurements_says_when_they_are_made():
    page = open_page(run="one", pane=PULLS)
    assert "Not measured in this run" in words(page)
    assert not page.exception


def test_what_pulls_is_a_table_with_advice(run):
    with RunStore.open(run, writable=True) as store:
        terms = [name[5:] for name in store.columns if name.startswith("term/")]
        store.add_columns([f"pull/{term}" for term in terms])
        row = {f"pull/{term}": 1.0 for term in terms} | {"pull/no_object": 1000.0}
        row |= {f"{group}/{term}": 2.0 for group in ("term", "lambda") for term in terms}
        store.record_step(41, row)
    page = open_page(run="one", pane=PULLS)
    assert not page.exception
    table = page.dataframe[1].value
    assert dict(zip(table["term"], table["share of the gradient"], strict=True))["xy"] == "0.1%"
    assert "no_object moves the network nearly alone" in words(page)
    # It has ended: there is nobody to be told.
    assert all(b.disabled for b in page.button if b.label.startswith("Set λ to"))
