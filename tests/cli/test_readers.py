"""`runs`, `explain` and `command`: what they print, and how they refuse."""

import json
import re

import pytest

from tests.training.runs_by_command import command
from yolo_core.__main__ import main
from yolo_core.runs.layout import create_run, find_run
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore


@pytest.fixture
def ask(whole):
    return lambda *arguments: command(*arguments, checkpoints=whole[0])


def test_runs_as_a_table(ask):
    line = r"  whole  finished +30/30  mAP50 0\.\d{3}, best 0\.\d{3} +\d+\.\d MB\n"
    assert re.fullmatch(line, ask("runs").stdout)


def test_runs_as_json(ask):
    (run,) = json.loads(ask("runs", "--json").stdout)
    assert (run["run"], run["state"], run["step"], run["steps"]) == ("whole", "finished", 30, 30)
    assert run["pid"] is None
    assert run["seconds"] > 0


def test_no_runs(cli):
    assert cli("runs").stdout.startswith("No runs in ")
    assert json.loads(cli("runs", "--json").stdout) == []


def test_explain_as_json(ask, whole):
    report = json.loads(ask("explain", "whole", "--sample", "val/3", "--json").stdout)
    assert {"objects", "masks", "terms", "lambdas", "total", "recorded_total"} <= set(report)
    assert (report["sample"], report["step"], report["kind"]) == ("val/3", 30, "pinned")
    assert report["objects"]
    for each in report["objects"]:
        assert {"index", "class", "box", "status", "slots", "reason"} <= set(each)
        assert each["reason"]
        for slot in each["slots"]:
            assert {"head", "row", "column", "anchor", "iou"} <= set(slot)
    masks = report["masks"]
    assert masks["slots"] == 27 == masks["object"] + masks["no_object"] + masks["ignore"]
    with RunStore.open(find_run(whole[0], "whole")) as store:
        record = store.snapshots("pinned", "val/3")[-1]
    assert report["recorded_total"] == record.total
    assert report["total"] == pytest.approx(record.total, rel=1e-5)
    assert set(report["terms"]) == set(report["lambdas"]) == set(record.terms)


def test_explain_at_an_earlier_step(ask):
    report = json.loads(
        ask("explain", "whole", "--sample", "val/3", "--step", "0", "--json").stdout
    )
    assert report["step"] == 0


def test_explain_for_reading(ask):
    text = ask("explain", "whole", "--sample", "val/3").stdout
    assert text.startswith("val/3 at step 30: 27 slots = ")
    assert re.search(r"\nobject 0, class \d, box \(.*\): [A-Z_]+\. \w", text)
    total, recorded = re.search(r"total (\S+); the training recorded (\S+)\.\n$", text).groups()
    assert float(total) == pytest.approx(float(recorded), rel=1e-4)


def test_explain_prefers_the_sample_s_own_loss_to_a_share(ask):
    # train/0 is pinned, and in the training batch of step 1 as well.
    arguments = ("explain", "whole", "--step", "1", "--json", "--sample")
    alone = json.loads(ask(*arguments, "train/0").stdout)
    assert (alone["kind"], alone["recorded_total"]) == ("pinned", pytest.approx(alone["total"]))


def test_explain_of_a_sample_of_a_training_batch(ask):
    report = json.loads(ask("explain", "whole", "--sample", "train/30", "--json").stdout)
    assert (report["kind"], report["step"], report["recorded_total"]) == ("batch", 8, None)
    text = ask("explain", "whole", "--sample", "train/30").stdout
    assert re.search(r"total \S+; its share of \S+, the recorded loss of that step's batch", text)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (
            "explain nosuch --sample val/0",
            "There is no run 'nosuch' in .*; the runs there are whole",
        ),
        (
            "explain whole --sample val/99",
            "Run 'whole' has no snapshot of 'val/99'; it has train/0",
        ),
        ("explain whole --sample nonsense", "Run 'whole' has no snapshot of 'nonsense'"),
        (
            "explain whole --sample val/0 --step 3",
            r"There is no .*; there is at 0, 1, 2, 4, .*30\.",
        ),
        ("explain whole --sample val/0 --step -1", "--step takes a number or last; received '-1'"),
        ("explain whole --sample val/0 --step x", "--step takes a number or last; received 'x'"),
        ("explain whole", "the following arguments are required: --sample"),
        ("command whole pause", "Run 'whole' takes no commands, it is finished"),
        ("command nosuch pause", "There is no run 'nosuch'"),
        ("command whole dance", "argument name: invalid choice: 'dance'"),
        ("command whole step", "step takes COUNT; received none"),
        ("command whole step x", "step takes a whole number as count; received 'x'"),
        ("command whole step 1 2", "step takes COUNT; received 1 2"),
        ("command whole step 0", "The command step needs a whole number of at least 1 as count"),
        ("command whole set-lambda xy", "set-lambda takes NAME VALUE; received xy"),
        ("command whole set-lambda xy high", "set-lambda takes a number as value; received 'high'"),
        (
            "command whole set-lambda xy -1",
            "The command set-lambda needs a finite number of at lea",
        ),
        (
            "command whole set-lambda xy nan",
            "The command set-lambda needs a finite number of at le",
        ),
        (
            "command whole set-learning-rate 0",
            "The command set-learning-rate needs a finite number",
        ),
        ("command whole pin", r"pin takes SAMPLES\.\.\.; received none"),
        ("command whole pause now", "pause takes no value; received now"),
        ("command whole pause --timeout nan", "--timeout takes seconds from 0; received nan"),
        ("dance", "argument COMMAND: invalid choice: 'dance'"),
    ],
)
def test_refused_in_one_line(ask, arguments, pattern):
    done = ask(*arguments.split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert re.search(f"^error: {pattern}", line), line


@pytest.fixture
def running(tmp_path):
    """A run whose training process is this one, and answers when told to."""
    with RunStore.create(create_run(tmp_path / "runs", "live")) as store:
        store.set_status(state=RunState.RUNNING)
        yield store


def test_a_command_waits_for_its_answer(cli, running, monkeypatch):
    wait = RunStore.wait_for_answer

    def answered(store, sent, timeout):
        running.answer(running.pending_commands()[0].id, step=8)
        return wait(store, sent, timeout)

    monkeypatch.setattr(RunStore, "wait_for_answer", answered)
    done = cli("command", "live", "set-lambda", "xy", "2.5")
    assert (done.returncode, done.stdout) == (0, "set-lambda: took effect at step 8.\n")
    assert running.commands()[0].arguments == {
        **{"name": "xy", "value": 2.5},
        "by": "command line",
    }


def test_an_error_in_the_answer_is_an_error(cli, running, monkeypatch):
    wait = RunStore.wait_for_answer

    def answered(store, sent, timeout):
        running.answer(sent, error="YoloV2Loss has no lambda 'zz'.")
        return wait(store, sent, timeout)

    monkeypatch.setattr(RunStore, "wait_for_answer", answered)
    done = cli("command", "live", "set-lambda", "zz", "1")
    assert (done.returncode, done.stderr) == (2, "error: YoloV2Loss has no lambda 'zz'.\n")


def test_no_answer_in_time(cli, running):
    done = cli("command", "live", "pin", "val/1", "val/2", "--timeout", "0.05")
    assert done.returncode == 2
    assert "has not answered within 0.05 seconds; the command stands" in done.stderr
    assert running.pending_commands()[0].arguments == {
        "samples": ["val/1", "val/2"],
        "by": "command line",
    }


def test_a_run_that_ends_before_it_answers(cli, running, monkeypatch):
    def ends(store, sent, _timeout):
        running.set_status(state=RunState.STOPPED, message="Stopped by Ctrl-C after step 5.")
        return next(each for each in store.commands() if each.id == sent)

    monkeypatch.setattr(RunStore, "wait_for_answer", ends)
    done = cli("command", "live", "pause")
    assert "Run 'live' ended before it answered: it is stopped. Stopped by Ctrl-C" in done.stderr


@pytest.mark.usefixtures("running")
def test_ctrl_c_while_waiting_is_no_traceback(cli, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunStore, "wait_for_answer", interrupted)
    done = cli("command", "live", "pause")
    assert (done.returncode, done.stderr) == (130, "")


def test_no_command_at_all(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: the following arguments are required")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in ("train", "runs", "command", "explain"))


def test_the_checkpoints_folder_comes_from_the_environment(whole, monkeypatch, capsys):
    monkeypatch.setenv("DETECTOR_CHECKPOINTS", str(whole[0]))
    assert main(["runs"]) == 0
    assert "whole" in capsys.readouterr().out
