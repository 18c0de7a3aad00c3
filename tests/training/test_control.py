"""Live control: what each command does, when, and what it answers."""

import contextlib
import threading

import pytest

from tests.waiting import PATIENCE, wait_for
from yolo_core.runs.status import RunState, read_status


@contextlib.contextmanager
def in_the_background(function, *arguments):
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    yield thread
    thread.join(timeout=PATIENCE)
    assert not thread.is_alive()


def answer(store, sent):
    found = next(command for command in store.commands() if command.id == sent)
    return found.state, found.step, found.error


def assert_stands_still(loop, store, done):
    """It answers at that step: one that went on would answer later in the run, or never."""
    answered = store.wait_for_answer(store.send("evaluate"), PATIENCE)
    assert (answered.state, answered.step) == ("done", done)
    assert loop.called[-1] == ("evaluate", done)
    assert loop.done == done


def kinds(store):
    return [(event.kind, event.step) for event in store.events()]


def test_a_lambda_counts_from_the_next_step_and_says_so(loop, store):
    loop.run(4)
    sent = store.send("set-lambda", {"name": "xy", "value": 7.5})
    assert loop.run(1) == [7.5]
    assert answer(store, sent) == ("done", 5, None)
    (event,) = store.events()
    assert (event.kind, event.step) == ("set-lambda", 5)
    assert event.detail == {"name": "xy", "value": 7.5, "before": 1.0}


def test_a_group_sets_all_its_terms(loop, store):
    sent = store.send("set-lambda", {"name": "coord", "value": 3})
    loop.run(1)
    assert answer(store, sent) == ("done", 1, None)
    assert [float(loop.loss.lambdas[term].numpy()) for term in ("xy", "wh")] == [3, 3]


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("set-lambda", {"name": "nosuch", "value": 1.0}, "YoloV2Loss has no lambda 'nosuch'"),
        ("set-lambda", {"name": "xy", "value": 1e39}, "Lambda 'xy' must be a finite number of"),
        ("pin", {"samples": ["val/x"]}, "A sample is named"),
    ],
)
def test_what_cannot_be_done_is_answered_and_training_goes_on(loop, store, name, arguments, error):
    sent = store.send(name, arguments)
    assert len(loop.run(2)) == 2
    state, step, said = answer(store, sent)
    assert (state, step) == ("failed", None)
    assert said.startswith(error)
    assert store.events() == []


def test_a_row_that_no_sender_checked_is_answered_too(loop, store):
    with store._writing() as connection:
        connection.execute(
            "INSERT INTO commands (time, name, arguments) VALUES (0, 'set-lambda', '{}')"
        )
        connection.execute("INSERT INTO commands (time, name, arguments) VALUES (0, 'dance', '{}')")
    assert len(loop.run(1)) == 1
    assert [command.state for command in store.commands()] == ["failed", "failed"]


def test_the_learning_rate_counts_from_the_next_step(loop, store):
    loop.run(2)
    store.send("set-learning-rate", {"value": 0.125})
    loop.run(1)
    assert loop.rate.at(3) == 0.125
    assert store.events()[0].detail == {"value": 0.125, "before": 0.5}


def test_paused_it_stands_still_and_takes_commands(loop, store):
    loop.run(3)
    pause = store.send("pause")
    with in_the_background(loop.run, 5):
        assert store.wait_for_answer(pause, PATIENCE).step == 4
        assert read_status(store.folder).state is RunState.PAUSED
        assert loop.pictured == [3]
        sent = store.send("set-lambda", {"name": "xy", "value": 2.0})
        assert store.wait_for_answer(sent, PATIENCE).step == 4
        assert loop.done == 3
        store.send("resume")
    assert loop.done == 8
    assert read_status(store.folder).state is RunState.RUNNING
    assert kinds(store) == [("pause", 3), ("set-lambda", 4), ("resume", 3)]


def test_stepping_makes_exactly_so_many_steps(loop, store):
    store.send("pause")
    with in_the_background(loop.run, 100):
        for count, expected in ((1, 1), (3, 4)):
            sent = store.send("step", {"count": count})
            assert store.wait_for_answer(sent, PATIENCE).step == expected - count + 1
            wait_for(lambda expected=expected: loop.done == expected)
            assert_stands_still(loop, store, expected)
            assert read_status(store.folder).state is RunState.PAUSED
            assert loop.pictured[-1] == expected
        store.send("stop")
    assert loop.done == 4


def test_stepping_while_running_stops_after_so_many(loop, store):
    loop.run(2)
    store.send("step", {"count": 2})
    with in_the_background(loop.run, 100):
        wait_for(lambda: loop.done == 4)
        assert_stands_still(loop, store, 4)
        store.send("resume")
    assert loop.done == 102


def test_two_step_commands_at_once_add_up(loop, store):
    store.send("pause")
    store.send("step", {"count": 1})
    store.send("step", {"count": 2})
    with in_the_background(loop.run, 100):
        wait_for(lambda: loop.done == 3)
        assert_stands_still(loop, store, 3)
        store.send("stop")


def test_stop_ends_the_loop_before_another_step(loop, store):
    loop.run(2)
    sent = store.send("stop")
    assert loop.run(5) == []
    assert loop.control.stopped_by == "the command stop"
    assert answer(store, sent) == ("done", 2, None)


def test_a_signal_ends_a_pause(loop, store):
    store.send("pause")
    with in_the_background(loop.run, 5):
        wait_for(lambda: read_status(store.folder).state is RunState.PAUSED)
        loop.interrupt.by = "Ctrl-C"
    assert loop.done == 0
    assert loop.control.stopped_by == "Ctrl-C"


def test_checkpoint_evaluate_and_pin_are_done_now(loop, store):
    loop.run(2)
    sent = [store.send("checkpoint"), store.send("evaluate"), store.send("pin", {"samples": ["a"]})]
    loop.run(1)
    assert loop.called == [("checkpoint", 2), ("evaluate", 2), ("pin", ("a",))]
    assert [answer(store, one)[:2] for one in sent] == [("done", 2), ("done", 2), ("done", 3)]
    assert kinds(store) == [("checkpoint", 2), ("evaluate", 2), ("pin", 3)]


def test_what_comes_too_late_is_refused(loop, store):
    sent = store.send("pause")
    loop.control.refuse_the_rest()
    assert answer(store, sent) == ("failed", None, "The training ended before it came to this.")


def test_changes_are_made_again_at_their_steps(loop, store):
    for step, value in ((3, 30.0), (5, 50.0)):
        store.record_event(step, "set-lambda", {"name": "xy", "value": value, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    assert loop.run(6) == [1, 1, 30, 30, 50, 50]


def test_changes_before_the_checkpoint_are_in_it_already(loop, store):
    store.record_event(3, "set-lambda", {"name": "xy", "value": 30.0, "before": 1.0})
    loop.done = 3
    loop.control.replay(store.events(), after=3)
    assert loop.run(2) == [1, 1]


def test_a_run_resumed_twice_has_events_out_of_order(loop, store):
    # Killed after step 9, resumed from 0, where something was changed at step 2, and killed again.
    for step, value in ((8, 80.0), (2, 20.0), (8, 81.0)):
        store.record_event(step, "set-lambda", {"name": "xy", "value": value, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    assert loop.run(9) == [1, 20, 20, 20, 20, 20, 20, 81, 81]


def test_what_a_resumed_training_took_back_stays_taken_back(loop, store):
    """Killed after step 52 had 5.0, resumed from 0 with 9.0 from step 1 on, and killed again."""
    for step, value in ((52, 5.0), (1, 9.0)):
        store.record_event(step, "set-lambda", {"name": "no_object", "value": value, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    loop.run(60)
    assert loop.loss.lambdas["no_object"].numpy() == 9.0


def test_what_was_taken_back_before_the_checkpoint_stays_taken_back(loop, store):
    for step, value in ((52, 5.0), (41, 9.0)):
        store.record_event(step, "set-lambda", {"name": "xy", "value": value, "before": 1.0})
    loop.loss.set_lambda("xy", 9.0)
    loop.done = 50
    loop.control.replay(store.events(), after=50)
    assert loop.run(4) == [9, 9, 9, 9]


def test_of_a_group_the_terms_that_were_not_set_since_are_made_again(loop, store):
    """A group is set in the first life; in the second, one of its terms, earlier."""
    store.record_event(3, "set-lambda", {"name": "coord", "value": 7.0, "before": 1.0})
    store.record_event(2, "set-lambda", {"name": "xy", "value": 4.0, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    assert loop.run(4) == [1, 4, 4, 4]
    assert loop.loss.lambdas["wh"].numpy() == 7


def test_a_rate_and_pins_that_were_taken_back_stay_so_too(loop, store):
    for step, value in ((4, 0.25), (2, 0.125)):
        store.record_event(step, "set-learning-rate", {"value": value, "before": 0.5})
    for step, sample in ((4, "val/1"), (2, "val/2")):
        store.record_event(step, "pin", {"samples": [sample]})
    loop.control.replay(store.events(), after=0)
    loop.run(5)
    assert loop.rate.at(5) == 0.125
    assert loop.called == [("pin", ("val/2",))]


def test_an_evaluation_that_was_asked_for_is_made_again(loop, store):
    """Its row went with the steps after the checkpoint; the event says that there is one."""
    for step in (2, 4):
        store.record_event(step, "evaluate")
    loop.done = 2
    loop.control.replay(store.events(), after=2)
    loop.run(3)
    assert loop.called == [("evaluate", 4)]
    assert kinds(store) == [("evaluate", 2), ("evaluate", 4)]


def test_a_command_wins_over_a_replay_of_its_step(loop, store):
    store.record_event(1, "set-lambda", {"name": "xy", "value": 1e38, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    store.send("set-lambda", {"name": "xy", "value": 2.0})
    assert loop.run(1) == [2]


def test_what_a_new_command_sets_no_later_replay_undoes(loop, store):
    store.record_event(3, "set-lambda", {"name": "xy", "value": 7.0, "before": 1.0})
    store.record_event(3, "set-lambda", {"name": "wh", "value": 9.0, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    store.record_event(4, "set-lambda", {"name": "coord", "value": 8.0, "before": 1.0})
    loop.control.replay(store.events(), after=0)
    store.send("set-lambda", {"name": "xy", "value": 4.0})
    assert loop.run(3) == [4, 4, 4]
    assert loop.loss.lambdas["wh"].numpy() == 9
    assert loop.run(1) == [4]
    assert loop.loss.lambdas["wh"].numpy() == 8
