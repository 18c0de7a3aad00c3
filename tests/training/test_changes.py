"""Dials set for a later step, by schedules, and taken back: which step has which lambda."""

from __future__ import annotations

import pytest

from tests.training.control_loop import Loop
from tests.training.test_control import answer
from yolo_core.runs.changes import changes_of, undoable
from yolo_core.runs.layout import create_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.changes import Changes
from yolo_core.training.schedule import DialSchedule, LearningRate


def tell(loop, store, command, /, **arguments):
    """What the command answers when it is carried out before the next step."""
    sent = store.send(command, arguments)
    loop.control.between(loop.done)
    return answer(store, sent)


def test_at_step_it_waits_for_that_step(loop, store):
    assert tell(loop, store, "set-lambda", name="xy", value=5.0, at_step=3) == ("done", 3, None)
    assert loop.run(4) == [1, 1, 5, 5]
    state, _, error = tell(loop, store, "set-lambda", name="xy", value=5.0, at_step=4)
    assert (state, error) == ("failed", "Step 4 is made already; the next one is step 5.")


def test_a_value_set_by_hand_takes_the_place_of_what_was_planned(loop, store):
    tell(loop, store, "set-lambda", name="xy", value=5.0, at_step=3)
    tell(loop, store, "set-lambda", name="xy", value=2.0)
    assert loop.run(4) == [2, 2, 2, 2]


def test_a_linear_schedule_ends_at_its_last_step_and_stays_there(loop, store):
    # It stands at 1 and goes to 9 in four steps: 1, 3, 5, 7, 9.
    assert tell(loop, store, "schedule", name="xy", shape="linear", last=5, stop=9.0)[0] == "done"
    assert loop.run(7) == [1, 3, 5, 7, 9, 9, 9]
    (event,) = store.events()
    assert event.detail == {
        **{"name": "xy", "shape": "linear", "first": 1, "last": 5, "start": 1.0, "stop": 9.0},
        **{"jumps": 4, "before": 1.0},
    }


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("constant", [8, 8, 8, 8, 8, 8]),
        ("linear", [0, 2, 4, 6, 8, 8]),
        ("cosine", [0, 4 - 2**2.5 / 2, 4, 4 + 2**2.5 / 2, 8, 8]),
        ("steps", [0, 0, 4, 4, 8, 8]),
        ("warm-up", [0, 2, 4, 6, 8, 8]),
    ],
)
def test_shapes_from_zero_to_eight_over_steps_one_to_five(shape, values):
    schedule = DialSchedule(shape=shape, first=1, last=5, start=0.0, stop=8.0, jumps=2)
    assert [schedule.at(step) for step in range(1, 7)] == pytest.approx(values)


def test_a_run_begins_with_the_schedules_of_its_configuration(loop):
    schedules = {"coord": DialSchedule(shape="warm-up", last=3, stop=4.0)}
    changes = Changes(loop.loss, loop.rate, loop.pin, schedules)
    seen = []
    for step in (1, 2, 3, 4):
        changes.before_step(step)
        seen.append([float(loop.loss.lambdas[term].numpy()) for term in ("xy", "wh")])
    assert seen == [[0, 0], [2, 2], [4, 4], [4, 4]]


def test_a_value_set_by_hand_ends_a_schedule_and_undo_takes_it_up_again(loop, store):
    tell(loop, store, "schedule", name="xy", shape="linear", last=5, stop=9.0)
    assert loop.run(1) == [1]
    tell(loop, store, "set-lambda", name="xy", value=2.0)
    assert loop.run(1) == [2]
    assert tell(loop, store, "undo", name="xy") == ("done", 3, None)
    assert loop.run(3) == [5, 7, 9]


@pytest.mark.parametrize("after", range(6))
def test_resumed_anywhere_it_goes_on_as_it_would_have(tmp_path, after):
    """Scheduled before step 1, planned for step 5, killed later, resumed after any step."""
    with RunStore.create(create_run(tmp_path, "run")) as store:
        store.set_status(state=RunState.RUNNING)
        loop = Loop(store)
        tell(loop, store, "schedule", name="xy", shape="linear", last=4, stop=7.0)
        whole = loop.run(2)
        tell(loop, store, "set-lambda", name="wh", value=6.0)
        tell(loop, store, "set-lambda", name="xy", value=3.0, at_step=5)
        whole += loop.run(4)
        assert whole == [1, 3, 5, 7, 3, 3]
        again = Loop(store)
        again.done = after
        again.control.replay(store.events(), after=after)
        again.loss.set_lambda("xy", whole[after - 1] if after else 1.0)
        assert again.run(6 - after) == whole[after:]


def test_undo_after_the_schedule_would_have_ended_gives_what_it_ended_at(loop, store):
    tell(loop, store, "schedule", name="xy", shape="linear", last=3, stop=5.0)
    assert loop.run(1) == [1]
    tell(loop, store, "set-lambda", name="xy", value=2.0)
    assert loop.run(4) == [2, 2, 2, 2]
    assert tell(loop, store, "undo", name="xy") == ("done", 6, None)
    assert loop.run(2) == [5, 5]


def test_a_lambda_whose_schedule_has_ended_is_left_alone(loop, store):
    tell(loop, store, "schedule", name="xy", shape="linear", last=3, stop=5.0)
    assert loop.run(2) == [1, 3]
    assert loop.control.is_asked
    assert loop.run(1) == [5]
    assert not loop.control.is_asked
    assert loop.run(1) == [5]


def test_the_rate_stays_where_its_schedule_ended(store):
    loop = Loop(store)
    loop.rate = LearningRate(1.0, "cosine", 100)
    loop.control = loop.new_control()
    tell(loop, store, "schedule", name="learning_rate", shape="linear", last=3, stop=0.25)
    loop.run(20)
    assert loop.rate.at(loop.done) == pytest.approx(0.25)


def test_undo_takes_back_one_dial_after_another(loop, store):
    for name, value in (("xy", 2.0), ("wh", 3.0), ("xy", 4.0)):
        tell(loop, store, "set-lambda", name=name, value=value, by="page")
        loop.run(1)
    assert undoable(store.events()).detail["value"] == 4.0
    assert undoable(store.events(), "wh").detail["value"] == 3.0
    tell(loop, store, "undo")
    assert loop.run(1) == [2]
    tell(loop, store, "undo", name="xy")
    assert loop.run(1) == [1]
    state, _, error = tell(loop, store, "undo", name="xy")
    assert (state, error) == (
        "failed",
        "Nothing of xy was changed that is not taken back already.",
    )
    tell(loop, store, "undo", by="command line")
    assert loop.loss.lambdas["wh"].numpy() == 1
    table = [(c.dial, c.old, c.new, c.by, c.undone) for c in changes_of(store.events())]
    assert table == [
        ("xy", 1, 2, "page", True),
        ("wh", 1, 3, "page", True),
        ("xy", 2, 4, "page", True),
        ("xy", 4, 2, "", False),
        ("xy", 2, 1, "", False),
        ("wh", 3, 1, "command line", False),
    ]


def test_undo_gives_each_term_of_a_group_its_own_back(loop, store):
    tell(loop, store, "set-lambda", name="wh", value=3.0)
    tell(loop, store, "set-lambda", name="coord", value=9.0)
    tell(loop, store, "undo")
    assert [float(loop.loss.lambdas[term].numpy()) for term in ("xy", "wh")] == [1, 3]
    again = Loop(store)
    again.control.replay(store.events(), after=0)
    again.run(1)
    assert [float(again.loss.lambdas[term].numpy()) for term in ("xy", "wh")] == [1, 3]


def test_undo_of_what_is_only_planned_cancels_it(loop, store):
    tell(loop, store, "set-lambda", name="xy", value=5.0, at_step=3)
    tell(loop, store, "undo")
    assert loop.run(4) == [1, 1, 1, 1]
    again = Loop(store)
    again.control.replay(store.events(), after=0)
    assert again.run(4) == [1, 1, 1, 1]


def test_undo_of_the_rate_is_the_rate_that_there_would_have_been(store):
    loop = Loop(store)
    loop.rate = LearningRate(1.0, "cosine", 100)
    loop.rate.warms_up = False
    loop.control = loop.new_control()
    would_be = LearningRate(1.0, "cosine", 100)
    would_be.warms_up = False
    loop.run(10)
    tell(loop, store, "set-learning-rate", value=0.125)
    loop.run(20)
    tell(loop, store, "undo", name="learning_rate")
    assert loop.rate.at(50) == pytest.approx(would_be.at(50))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": "nosuch", "shape": "linear", "last": 5, "stop": 1.0}, "no lambda 'nosuch'"),
        ({"name": "xy", "shape": "zigzag", "last": 5, "stop": 1.0}, "shape: Input should be"),
        ({"name": "xy", "shape": "linear", "last": 5, "first": 6, "stop": 1.0}, "before it begins"),
    ],
)
def test_a_schedule_that_cannot_be_followed_is_refused(loop, store, arguments, error):
    state, _, said = tell(loop, store, "schedule", **arguments)
    assert state == "failed"
    assert error in said
    assert loop.run(1) == [1]
    assert store.events() == []


def test_a_schedule_below_zero_is_refused_where_it_is_sent(store):
    with pytest.raises(ValueError, match="a finite number of at least 0 as stop; received -1"):
        store.send("schedule", {"name": "xy", "shape": "linear", "last": 5, "stop": -1})
