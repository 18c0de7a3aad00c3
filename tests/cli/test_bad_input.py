"""Bad input is one line on standard error, exit code 2, and nothing left on disk."""

import json
import re
import shutil

import numpy as np
import pytest

from tests.training.runs_by_command import command
from yolo_core.runs.layout import find_run
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_config, read_run_config


def assert_refused(done, pattern):
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert re.search(f"^error: {pattern}", line), line


TRAIN = {
    "--nosuch 1": "unrecognized arguments: --nosuch 1",
    "--steps": "argument --steps: expected one argument",
    "--steps many": "argument --steps: invalid int value: 'many'",
    "--steps 0": r"In the options: training\.steps: .*greater than or equal to 1; received 0",
    "--steps -5": r"In the options: training\.steps: .*; received -5",
    "--steps 99999999999999999999": r"In the options: training\.steps: .*less than",
    "--epochs 0": r"--epochs must be a number above 0; received 0\.0",
    "--epochs nan": "--epochs must be a number above 0; received nan",
    "--epochs inf": "--epochs must be a number above 0; received inf",
    "--epochs 1e300": r"In the options: training\.steps: .*less than",
    "--epochs 2 --steps 3": "--steps and --epochs say the same thing",
    "--batch-size 0": r"In the options: training\.batch_size: ",
    "--batch-size 1.5": "argument --batch-size: invalid int value: '1.5'",
    "--learning-rate 0": r"In the options: training\.learning_rate: .*greater than 0",
    "--learning-rate -1": r"In the options: training\.learning_rate: ",
    "--learning-rate nan": r"In the options: training\.learning_rate: ",
    "--seed -1": r"In the options: seed: ",
    "--image-size 50": r"In the options: data\.image_size: .*multiple of 16; received '50'",
    "--network huge": r"In the options: network\.size: .*small, medium, large,.*; received 'huge'",
    "--precision half": r"In the options: training\.precision: ",
    "--schedule random": r"In the options: training\.schedule: ",
    "--pin val/x": r"In the options: training\.pinned: A sample is named .*received 'val/x'",
    "--lambda xy": "--lambda takes NAME=VALUE; received 'xy'",
    "--lambda =3": "--lambda takes NAME=VALUE; received '=3'",
    "--lambda xy=big": "--lambda xy must be a finite number of zero or more; received 'big'",
    "--lambda xy=-1": "--lambda xy must be a finite number of zero or more; received '-1'",
    "--lambda xy=inf": "--lambda xy must be a finite number of zero or more; received 'inf'",
    "--lambda xy=nan": "--lambda xy must be a finite number of zero or more; received 'nan'",
    "--lambda nosuch=1": "YoloV2Loss has no lambda 'nosuch'; it has xy, wh",
    "--loss nosuch": "There is no loss 'nosuch'; there are mnist_yolo",
    "--loss yolov2/nosuch": "There is no loss 'yolov2/nosuch'",
    "--option nosuch=1": "Loss 'yolov2' has no option 'nosuch'; it has ",
    "--option decoded": "--option takes NAME=VALUE; received 'decoded'",
    "--option warmup_batches=abc": "warmup_batches must be",
    "--option anchors=5": r"In the options: loss\.options: anchors is no option",
    "--option num_classes=5": r"In the options: loss\.options: num_classes is no option",
    "--option lambdas=5": r"In the options: loss\.options: lambdas is no option",
    "--option name=other": r"In the options: loss\.options: name is no option",
    "--data nosuch": "The data must be digits, mnist, voc:WHERE, .*'nosuch'",
    "--data nosuch.npz": r"nosuch\.npz",
    "--config nosuch.json": r"nosuch\.json does not exist",
    "--config .": r"\. cannot be read: Is a directory",
    "--run a/b": "A run name is 1 to 64 letters, digits, - and _ .*received 'a/b'",
    "--run a.b": "A run name is .*received 'a.b'",
    "--run ..": "A run name is ",
    "--run a\\b": "A run name is ",
    "--resume nosuch": "There is no run 'nosuch': .* holds no runs",
    "--resume ../x": "A run name is .*received '../x'",
    "--resume r --steps 5": "--resume goes on as .* takes no --steps; --lambda, --learning-rate",
    "--resume r --run x --pin val/1": "--resume goes on .* takes no --run, --pin",
    "--resume r --option a=1": "--resume goes on .* takes no --option",
    "--resume r --lambda xy=-1": "--lambda xy must be a finite number",
}


@pytest.mark.parametrize("arguments", TRAIN)
def test_train_refuses(cli, tmp_path, arguments):
    assert_refused(cli("train", *arguments.split()), TRAIN[arguments])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["", " ", "a b", "-", "é", "a" * 65])
def test_names_that_are_none(cli, tmp_path, name):
    assert_refused(cli("train", f"--run={name}"), "A run name is ")
    assert not (tmp_path / "runs").exists()


CONFIGS = {
    "": "line 1, column 1: not valid JSON",
    '{"seed": 1, "data"': "line 1, column 19: not valid JSON",
    "[1, 2]": "must hold one JSON object; received list",
    '{"seed": "one"}': "seed: .*valid integer.*received 'one'",
    '{"sede": 1}': "sede: Extra inputs are not permitted; received 1",
    '{"version": 2}': "version: Input should be 1; received 2",
    '{"training": {"steps": null}}': r"training\.steps: ",
    '{"training": {"pinned": []}}': r"training\.pinned: ",
    '{"loss": {"lambdas": {"xy": -1}}}': r"loss\.lambdas\.xy: .*greater than or equal to 0",
    '{"loss": {"anchors": []}}': r"loss\.anchors: ",
    '{"loss": {"anchors": [[0.1, -0.1]]}}': r"loss\.anchors\.0\.1: ",
}


@pytest.mark.parametrize("text", CONFIGS)
def test_a_configuration_that_is_none(cli, tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    assert_refused(cli("train", "--config", str(path)), f".*config\\.json.*{CONFIGS[text]}")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"seed": ' + "1" * 5000 + "}", "a number of more than 4,300 digits"),
        ("[" * 100_000, "lists and objects nested more than 32 deep"),
    ],
    ids=["digits", "deep"],
)
def test_a_configuration_beyond_what_python_reads(cli, tmp_path, text, sentence):
    path = tmp_path / "config.json"
    path.write_text(text)
    assert_refused(cli("train", "--config", str(path)), rf".*config\.json holds {sentence}\.")


def test_an_option_of_5000_digits_is_text(cli):
    digits = "1" * 5000
    assert_refused(cli("train", "--option", f"warmup_batches={digits}"), "warmup_batches must be")


def test_a_configuration_with_the_mark_of_an_editor(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"seed": 7}', encoding="utf-8-sig")
    assert read_config(path).seed == 7


def test_a_configuration_that_is_no_text(cli, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert_refused(cli("train", "--config", str(path)), r".*config\.json is not a text file")


def test_an_npz_of_another_shape(cli, tmp_path):
    path = tmp_path / "cubes.npz"
    labels = np.zeros(4, np.uint8)
    cubes = np.zeros((4, 8, 8, 8), np.uint8)
    np.savez(path, x_train=cubes, y_train=labels, x_test=cubes, y_test=labels)
    assert_refused(cli("train", "--data", str(path)), r".*cubes\.npz.*x_train")
    path.write_bytes(path.read_bytes()[:200])
    assert_refused(cli("train", "--data", str(path)), r".*cubes\.npz")


def test_a_run_that_exists(whole):
    folder = find_run(whole[0], "whole")
    before = folder.config.read_bytes(), folder.database.stat().st_mtime
    done = command("train", "--run", "whole", checkpoints=whole[0])
    assert_refused(done, "A run named 'whole' exists already in .*; choose another name, or resume")
    assert (folder.config.read_bytes(), folder.database.stat().st_mtime) == before


def test_resuming_a_run_that_is_finished(whole):
    done = command("train", "--resume", "whole", checkpoints=whole[0])
    assert_refused(done, r"Run 'whole' is finished: it has made all of its 30 steps\.")
    assert read_status(find_run(whole[0], "whole")).state is RunState.FINISHED


@pytest.fixture
def stopped(whole, tmp_path):
    """A copy of the run that says that it was stopped, to be damaged."""
    folder = tmp_path / "runs" / "stopped"
    shutil.copytree(whole[0] / "whole", folder)
    with RunStore.open(find_run(folder.parent, "stopped"), writable=True) as store:
        store.set_status(state=RunState.STOPPED)
    return find_run(folder.parent, "stopped")


def test_resuming_with_a_lambda_that_the_loss_has_not(cli, stopped):
    done = cli("train", "--resume", "stopped", "--lambda", "nosuch=1")
    assert_refused(done, "YoloV2Loss has no lambda 'nosuch'")
    assert read_status(stopped).state is RunState.STOPPED


def test_resuming_with_a_learning_rate_that_is_none(cli, stopped):
    done = cli("train", "--resume", "stopped", "--learning-rate", "-3")
    assert_refused(done, r"In the options: training\.learning_rate: ")
    assert read_status(stopped).state is RunState.STOPPED


def test_resuming_a_run_that_trains(cli, stopped):
    with RunStore.open(stopped, writable=True) as store:
        store.set_status(state=RunState.RUNNING)
        done = cli("train", "--resume", "stopped")
    assert_refused(done, "Run 'stopped' is open for writing in this process already")


def test_resuming_with_a_corrupt_configuration(cli, stopped):
    text = stopped.config.read_text()
    stopped.config.write_text(text[: len(text) // 2])
    assert_refused(cli("train", "--resume", "stopped"), r".*config\.json, line .*not valid JSON")
    stopped.config.unlink()
    assert_refused(cli("train", "--resume", "stopped"), r".*config\.json does not exist")


@pytest.mark.parametrize("arguments", [("train", "--resume", "stopped"), ("survey", "stopped")])
def test_going_on_with_a_changed_configuration(cli, stopped, arguments):
    text = stopped.config.read_text()
    changed = text.replace('"val/1"', '"val/9"')
    assert changed != text
    stopped.config.write_text(changed)
    assert_refused(cli(*arguments), r".*config\.json is damaged or was changed since run 'stopped'")
    assert read_status(stopped).state is RunState.STOPPED


def test_a_configuration_that_is_written_otherwise_or_of_an_earlier_version_is_taken(stopped):
    fields = json.loads(stopped.config.read_text())
    stopped.config.write_text(json.dumps(dict(reversed(fields.items()))), encoding="utf-8-sig")
    assert read_run_config(stopped).seed == 3
    stopped.config.write_text(json.dumps(fields | {"seed": 4}))
    with RunStore.open(stopped, writable=True) as store:
        store.set_status(config=None)
    assert read_run_config(stopped).seed == 4


def test_resuming_when_the_data_is_gone(cli, stopped, tmp_path):
    fields = json.loads(stopped.config.read_text())
    fields["data"]["source"] = str(tmp_path / "gone.npz")
    stopped.config.write_text(json.dumps(fields))
    with RunStore.open(stopped, writable=True) as store:
        store.set_status(config=None)  # as in a run of an earlier version
    assert_refused(cli("train", "--resume", "stopped"), r".*gone\.npz")
    assert read_status(stopped).state is RunState.STOPPED


@pytest.mark.parametrize("damage", [lambda _: b"", lambda data: data[:3000], lambda _: b"SQLite"])
def test_a_corrupt_database(cli, stopped, damage):
    for part in stopped.path.glob("run.db-*"):
        part.unlink()
    stopped.database.write_bytes(damage(stopped.database.read_bytes()))
    for arguments in (
        ("train", "--resume", "stopped"),
        ("command", "stopped", "pause"),
        ("explain", "stopped", "--sample", "val/0"),
    ):
        assert_refused(cli(*arguments), r".*run\.db")
    listed = cli("runs")
    assert listed.returncode == 0
    assert re.search(r"stopped +unreadable .*run\.db", listed.stdout)


def test_a_corrupt_snapshot(cli, stopped):
    path = stopped.snapshots / "pinned-00000030.npz"
    data = path.read_bytes()
    for damaged in (b"", data[: len(data) // 2], b"PK\x03\x04" + bytes(100)):
        path.write_bytes(damaged)
        done = cli("explain", "stopped", "--sample", "val/0")
        assert_refused(done, r".*pinned-00000030\.npz")
    path.unlink()
    done = cli("explain", "stopped", "--sample", "val/0")
    assert_refused(done, r".*pinned-00000030\.npz does not exist")


def test_a_checkpoints_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    done = command("train", "--run", "x", checkpoints=tmp_path / "file")
    assert_refused(done, ".*file")
    assert command("runs", checkpoints=tmp_path / "file").returncode == 0


def test_a_disk_that_is_full_from_the_start(cli, tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    done = cli("train", "--run", "x")
    assert_refused(done, r"The disk is full, so .*config\.json cannot be written")
    assert list((tmp_path / "runs").iterdir()) == [], "the name is free again"
