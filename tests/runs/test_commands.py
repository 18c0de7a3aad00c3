from __future__ import annotations

import math
import threading

import pytest

from yolo_core.runs.store import RunStore

from .processes import end, kill, start


def test_a_command_is_sent_read_and_answered(store):
    with RunStore.open(store.folder) as page:
        first = page.send("set-lambda", {"name": "xy", "value": 2.5})
        second = page.send("pause")
        waiting = store.pending_commands()
        assert [(c.id, c.name, c.arguments, c.state) for c in waiting] == [
            (first, "set-lambda", {"name": "xy", "value": 2.5}, "pending"),
            (second, "pause", {}, "pending"),
        ]
        store.answer(first, step=121)
        store.answer(second, error="It is paused already.")
        assert store.pending_commands() == []
        done = page.wait_for_answer(first, timeout=0)
        failed = page.wait_for_answer(second, timeout=0)
        assert (done.state, done.step, done.error) == ("done", 121, None)
        assert (failed.state, failed.step, failed.error) == (
            "failed",
            None,
            "It is paused already.",
        )
        assert [command.id for command in page.commands()] == [second, first]
        assert [command.id for command in page.commands(limit=1)] == [second]


def test_waiting_ends_with_the_answer_or_with_the_time(store):
    with RunStore.open(store.folder) as page:
        command = page.send("stop")
        assert page.wait_for_answer(command, timeout=0.1).state == "pending"
        threading.Timer(0.1, store.answer, [command], {"step": 3}).start()
        assert page.wait_for_answer(command, timeout=30).step == 3
        with pytest.raises(ValueError, match=r"run\.db has no command 99"):
            page.wait_for_answer(99, timeout=0)


def test_an_answer_and_its_event_are_put_down_together_or_not_at_all(store):
    command = store.send("set-lambda", {"name": "xy", "value": 2.5})
    with pytest.raises(ValueError, match="object cannot be written as JSON"):
        store.answer(command, step=8, event=("set-lambda", {"value": object()}))
    assert [c.id for c in store.pending_commands()] == [command]
    store.answer(command, step=8, event=("set-lambda", {"value": 2.5}))
    (event,) = store.events()
    assert (event.step, event.kind, event.detail) == (8, "set-lambda", {"value": 2.5})


def test_an_answer_is_given_once(store):
    command = store.send("checkpoint")
    store.answer(command, step=5)
    with pytest.raises(ValueError, match=f"No command {command} waits for an answer"):
        store.answer(command, step=6)
    with pytest.raises(ValueError, match="No command 99 waits"):
        store.answer(99)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set-lambda", {"name": "xy", "value": 0}),
        ("set-learning-rate", {"value": 1e-9}),
        ("pause", {}),
        ("resume", {}),
        ("step", {"count": 3}),
        ("stop", {}),
        ("checkpoint", {}),
        ("evaluate", {}),
        ("pin", {"samples": ["val/3", "train/17"]}),
    ],
)
def test_every_command_goes_through(store, name, arguments):
    store.send(name, arguments)
    (command,) = store.pending_commands()
    assert (command.name, command.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("jump", {}, "Commands are set-lambda, .*; received 'jump'"),
        ("pause", {"count": 1}, "The command pause takes no arguments; received count"),
        ("set-lambda", {"name": "xy"}, "takes name, value; received name"),
        ("set-lambda", {"name": "xy", "value": -1}, "a finite number of at least 0 .*received -1"),
        ("set-lambda", {"name": "xy", "value": math.nan}, "received nan"),
        ("set-lambda", {"name": "xy", "value": "2"}, "received '2'"),
        ("set-lambda", {"name": "xy", "value": True}, "received True"),
        ("set-lambda", {"name": "", "value": 1}, "needs the name of a term as name"),
        ("set-learning-rate", {"value": 0}, "a finite number above 0 as value; received 0"),
        ("set-learning-rate", {"value": math.inf}, "received inf"),
        ("step", {"count": 0}, "a whole number of at least 1 as count; received 0"),
        ("step", {"count": 1.5}, "received 1.5"),
        ("pin", {"samples": []}, r"a list of sample names as samples; received \[\]"),
        ("pin", {"samples": "val/3"}, "received 'val/3'"),
    ],
)
def test_what_no_process_would_understand_is_refused(store, name, arguments, message):
    with pytest.raises(ValueError, match=message):
        store.send(name, arguments)
    assert store.commands() == []


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_a_run_that_is_over_takes_no_commands(store, state):
    store.set_status(state=state)
    with pytest.raises(ValueError, match=f"Run 'yolov2-1' takes no commands, it is {state}"):
        store.send("pause")


def test_a_command_that_a_killed_process_never_read_does_not_stop_the_next_one(folder):
    process = start(
        """
store = RunStore.create(folder, ["total"])
say("ready")
time.sleep(60)
""",
        folder.path,
    )
    assert process.stdout.readline() == "ready\n"
    with RunStore.open(folder) as page:
        command = page.send("stop")
        kill(process)
        with pytest.raises(
            ValueError, match=r"takes no commands, it is lost\. The training process"
        ):
            page.send("stop")
        with RunStore.open(folder, writable=True) as store:
            assert store.pending_commands() == []
        answer = page.wait_for_answer(command, timeout=0)
        assert answer.state == "failed"
        assert answer.error == (
            "The training process ended before it answered this; send it again if it is still "
            "wanted."
        )


def test_a_command_survives_the_hand_over_inside_one_process(store):
    """The command line claims the run, then the training loop opens it again."""
    store.send("pause")
    store.close()
    with RunStore.open(store.folder, writable=True) as again:
        assert [command.name for command in again.pending_commands()] == ["pause"]


def test_commands_cross_processes(folder):
    process = start(
        """
store = RunStore.create(folder, ["total"])
say("ready")
answered = 0
while answered < 20:
    for command in store.pending_commands():
        store.answer(command.id, step=command.arguments["count"])
        answered += 1
""",
        folder.path,
    )
    assert process.stdout.readline() == "ready\n"
    with RunStore.open(folder) as page:
        for count in range(1, 21):
            answer = page.wait_for_answer(page.send("step", {"count": count}), timeout=30)
            assert (answer.state, answer.step) == ("done", count)
    end(process)
