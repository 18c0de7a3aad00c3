"""`changes`: the table of what was changed, for reading, as CSV and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.dashboard.sample_run import make_run
from yolo_core.runs.store import RunStore


@pytest.fixture
def one(tmp_path):
    return make_run(tmp_path, "one", pinned_steps=(0,), batch_steps=())


def test_a_run_that_nobody_touched(ask, one):
    with RunStore.open(one, writable=True) as store, store._writing() as connection:
        connection.execute("DELETE FROM events WHERE kind LIKE 'set-%'")
    assert ask("changes", "one")[:2] == (0, "Nothing was changed while one trained.\n")


def test_each_change_with_its_step_and_who_made_it(ask, one):
    with RunStore.open(one, writable=True) as store:
        with store._writing() as connection:
            connection.execute("DELETE FROM events")
        store.record_event(
            7, "set-lambda", {"name": "xy", "value": 5.0, "before": 1.0, "by": "page"}
        )
        first = store.events()[0].id
        store.record_event(
            9, "set-lambda", {"name": "xy", "value": 1.0, "before": 5.0, "undoes": first}
        )
        store.record_event(12, "forked", {"run": "b\x1bad", "step": 12})
    assert ask("changes", "one")[1] == (
        "step         7  set-lambda  xy  1 to 5  page  taken back\n"
        "step         9  set-lambda  xy  5 to 1  undo\n"
        "step        12  forked  from step 12 of b ad\n"
    )
    table = ask("changes", "one", "--csv")[1].splitlines()
    assert table[0] == "event,step,time,kind,dial,old,new,by,undone,words"
    assert table[1].startswith(f"{first},7,")
    assert table[1].endswith(",set-lambda,xy,1.0,5.0,page,True,")
    found = json.loads(ask("changes", "one", "--json")[1])
    assert [each["undone"] for each in found] == [True, False, False]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("pause", "--at-step", "3"), "--at-step is an option of set-lambda and set-learning-rate"),
        (("schedule", "xy", "linear"), "schedule takes NAME SHAPE LAST STOP; received xy linear."),
        (("undo", "xy", "wh"), "undo takes no value; received xy wh."),
    ],
)
@pytest.mark.usefixtures("one")
def test_options_that_belong_to_another_command(ask, words, error):
    code, _, said = ask("command", "one", *words)
    assert code == 2
    assert error in said


@pytest.mark.usefixtures("one")
def test_the_answer_as_json(ask, monkeypatch):
    monkeypatch.setattr(RunStore, "send", lambda *_: 1)
    done = type("Done", (), {"state": "done", "error": None, "step": 9})
    monkeypatch.setattr(RunStore, "wait_for_answer", lambda *_: done)
    words = ("command", "one", "set-lambda", "xy", "2", "--at-step", "9")
    assert ask(*words)[1] == "set-lambda: takes effect at step 9.\n"
    arguments = {"name": "xy", "value": 2.0, "at_step": 9, "by": "command line"}
    assert json.loads(ask(*words, "--json")[1]) == {
        **{"run": "one", "command": "set-lambda", "step": 9, "arguments": arguments}
    }


@pytest.mark.usefixtures("one")
def test_what_is_sent_says_who_sent_it(ask, monkeypatch):
    sent = []
    monkeypatch.setattr(RunStore, "send", lambda _, *what: sent.append(what) or 1)
    done = type("Done", (), {"state": "done", "error": None, "step": 3})
    monkeypatch.setattr(RunStore, "wait_for_answer", lambda *_: done)
    for words in ("set-lambda xy 2 --at-step 9", "schedule xy cosine 90 5 --start 1", "undo xy"):
        assert ask("command", "one", *words.split())[0] == 0
    by = {"by": "command line"}
    assert sent == [
        ("set-lambda", {"name": "xy", "value": 2.0, "at_step": 9, **by}),
        ("schedule", {"name": "xy", "shape": "cosine", "last": 90, "stop": 5, "start": 1, **by}),
        ("undo", {"name": "xy", **by}),
    ]
