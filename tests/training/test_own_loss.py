"""A loss in somebody's own file: loaded only when it is named, refused in a sentence, trained."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.runs_by_command import ROOT, SMALL, command, curve, train, wait_for_step
from yolo_core.runs.layout import create_run, find_run
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import parse_config
from yolo_core.training.launcher import start_training
from yolo_core.training.own_loss import (
    KEPT_SOURCE,
    absolute_name,
    check_source,
    keep_source,
    load_loss_class,
    load_object,
    short_name,
    split_name,
)

FILE = Path(__file__).parents[1] / "own_losses.py"
SMALL_RUN = SMALL


def line_of(words: str) -> int:
    lines = FILE.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


@pytest.fixture(scope="module")
def build():
    from yolo_core.data.registry import open_source
    from yolo_core.training.build import build_loss

    def build(name: str, loss: dict | None = None, **arguments):
        fields = {"loss": {"name": f"{FILE}:{name}", **(loss or {})}}
        config = parse_config(fields)
        arguments.setdefault("own", load_loss_class(config.loss.name))
        loss = build_loss(config, open_source(config.data), **arguments)
        return loss, loss.heads()

    return build


def refused(name: str, sentence: str, call) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call(f"{FILE}:{name}")


def test_a_name_is_a_file_and_what_is_in_it():
    assert split_name("some/my_losses.py:MyLoss") == (Path("some/my_losses.py"), "MyLoss")
    assert absolute_name("my.py:Loss") == f"{Path.cwd()}/my.py:Loss"
    assert short_name("/some/my.py:Loss") == "my.py:Loss"
    assert short_name("yolov2/formula") == "yolov2/formula"


@pytest.mark.parametrize("name", ["my.txt:Loss", "my.py:", "my.py:not a name", ":Loss"])
def test_another_form_is_refused(name):
    with pytest.raises(ValueError, match=r"is named FILE\.py:NAME"):
        split_name(name)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"no file .*gone\.py\. Was it moved\?"):
        load_object(f"{tmp_path}/gone.py:Loss")


@pytest.mark.parametrize(
    ("text", "line", "error"),
    [
        ("x = 1\ny = (\n", 2, "SyntaxError: '(' was never closed."),
        ("import keras\nkeras.nothing_like_it()\n", 2, "AttributeError: "),
        ("a = 1\nb = 0\nc = a / b\n", 3, "ZeroDivisionError: division by zero."),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3."),
        ("\nimport no_such_library\n", 2, "No module named 'no_such_library'."),
    ],
)
def test_a_file_that_fails_names_its_line(tmp_path, text, line, error):
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"{file}, line {line}: ")) as caught:
        load_object(f"{file}:Loss")
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_may_import_its_neighbours(tmp_path):
    (tmp_path / "neighbour_of_own_loss.py").write_text("VALUE = 7\n")
    (tmp_path / "mine.py").write_text("from neighbour_of_own_loss import VALUE\n")
    assert load_object(f"{tmp_path}/mine.py:VALUE") == 7


def test_what_is_no_class_under_detection_loss():
    refused("Nothing", "has no 'Nothing'; it defines FocalLoss, TwoHeads, Corner", load_loss_class)
    refused("mean_square", f"compare {FILE}:mean_square --against yolov2", load_loss_class)
    refused("Other", "own_losses.py:Other is a subclass of object.", load_loss_class)


@pytest.mark.slow
def test_set_up_as_the_loss_it_is_derived_from(build):
    focal, heads = build("FocalLoss", {"options": {"gamma": 3}, "lambdas": {"coord": 4}})
    assert focal.gamma == 3
    assert focal.lambdas["xy"].numpy() == 4
    assert focal.anchors.shape == (3, 2)
    assert [(head.stride, len(head.bias)) for head in heads] == [(16, 45)]
    two, heads = build("TwoHeads")
    assert two.grids == ((6, 6), (12, 12))
    assert [(head.stride, len(head.bias)) for head in heads] == [(16, 45), (8, 45)]
    _, heads = build("CornerLoss")
    assert [(head.stride, len(head.bias)) for head in heads] == [(16, 45)]
    # The channel called objectness starts low, as in every loss here.
    assert heads[0].bias[4] == -3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("TermTwice", "the map of 'xy' sums to "),
        ("NoTerm", "maps must be those of term_names, xy, wh, objectness, no_object, class"),
        ("InTwoMasks", "every slot must be in exactly one of the object, no-object and ignore"),
        ("OnlyTotal", "OnlyTotal.breakdown must return a LossBreakdown; it returned a"),
        ("Misspelt", f"own_losses.py, line {line_of('# the misspelt line')}: Misspelt.breakdown"),
        ("NeedsNumbers", f"line {line_of('# the line that needs numbers')}: NeedsNumbers.break"),
        ("WantsColour", "missing 1 required keyword-only argument: 'colour'"),
    ],
)
def test_a_wrong_loss_is_refused_before_it_trains(build, name, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        build(name)
    assert str(FILE) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_loaded_for_who_does_not_bring_the_class(build):
    with pytest.raises(ValueError, match="which only the training process loads"):
        build("FocalLoss", own=None)


def test_the_browser_can_name_no_file(tmp_path):
    for arguments in (["--loss", f"{FILE}:FocalLoss"], [f"--loss={FILE}:FocalLoss"]):
        with pytest.raises(ValueError, match="on the command line alone"):
            start_training(arguments, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_changed_names_the_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("one\ntwo\nthree\n")
    one = create_run(tmp_path / "runs", "one").path
    keep_source(f"{file}:Loss", one)
    check_source(f"{file}:Loss", one)
    file.write_text("one\nzwei\nthree\n")
    with pytest.raises(ValueError, match=r"has changed since run .* first in line 2: .*old file"):
        check_source(f"{file}:Loss", one)
    file.unlink()
    with pytest.raises(ValueError, match=r"no file .* Was it moved"):
        check_source(f"{file}:Loss", one)


@pytest.fixture
def received(tmp_path):
    """received(file): a run whose loss is in that file, as somebody might send it; and a mark.

    The mark is made by the file when it is run.
    """
    mark = tmp_path / "it was run"

    def make(file: Path) -> Path:
        folder = create_run(tmp_path / "runs", "evil")
        config = parse_config({"loss": {"name": f"{file}:Evil"}})
        folder.config.write_text(config.to_json())
        source = f"open({str(mark)!r}, 'w').close()\nclass Evil: ...\n"
        for path in (file, folder.path / KEPT_SOURCE):
            path.write_text(source)
        with RunStore.create(folder) as store:
            store.record_checkpoint(0, folder.weights / "step-00000000.npz")
            (folder.weights / "step-00000000.npz").write_bytes(b"weights")
            store.set_status(state=RunState.STOPPED)
        return mark

    return make


ANYBODY = "evil' would run .*, and a run folder may come from anybody: no command line has named"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["runs/evil/own_loss.py", "elsewhere.py"])
def test_a_received_run_folder_runs_no_code(tmp_path, received, place):
    mark = received(tmp_path / place)
    with pytest.raises(ValueError, match=ANYBODY):
        start_training(["--resume", "evil"], tmp_path / "runs")
    for arguments in (("train", "--resume", "evil"), ("survey", "evil", "--count", "1")):
        done = command(*arguments, checkpoints=tmp_path / "runs")
        assert done.returncode != 0
        assert re.search(ANYBODY, done.stderr)
    assert not mark.exists()


def may_run(file: Path, runs: Path) -> bool:
    """Whether a process of its own, with no --loss, may run the file of the run "evil"."""
    script = (
        "import sys; from pathlib import Path; from yolo_core.training.own_loss import check_source"
        "\ntry: check_source(f'{sys.argv[1]}:Evil', Path(sys.argv[2]))"
        "\nexcept ValueError: sys.exit(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file), str(runs / "evil")], cwd=ROOT, check=False
    )
    assert done.returncode in (0, 3)
    return done.returncode == 0


@pytest.mark.parametrize("arguments", [("train", "--resume", "evil"), ("survey", "evil")])
def test_a_file_that_the_command_line_named_may_be_run_from_then_on(tmp_path, received, arguments):
    file, runs = tmp_path / "elsewhere.py", tmp_path / "runs"
    mark = received(file)
    assert not may_run(file, runs)
    done = command(*arguments, "--loss", f"{file}:Evil", checkpoints=runs)
    # That it is no loss is found out only where it was run.
    assert "subclass of object" in done.stderr
    assert mark.exists()
    assert may_run(file, runs)
    for path in (file, runs / "evil" / KEPT_SOURCE):
        path.write_text(path.read_text() + "# as it never was named\n")
    assert not may_run(file, runs)


def test_a_file_in_a_run_s_folder_is_run_where_the_same_command_names_it(tmp_path, received):
    file, runs = tmp_path / "runs" / "evil" / "mine.py", tmp_path / "runs"
    mark = received(file)
    done = command("survey", "evil", "--loss", f"{file}:Evil", checkpoints=runs)
    assert "subclass of object" in done.stderr
    assert mark.exists()
    assert not may_run(file, runs), "what it imports may have come with another run since"


def test_another_loss_than_the_run_has_is_refused(tmp_path, received):
    received(tmp_path / "elsewhere.py")
    for arguments in (("train", "--resume", "evil"), ("survey", "evil")):
        done = command(*arguments, "--loss", "yolov2", checkpoints=tmp_path / "runs")
        assert done.returncode == 2
        assert re.search(
            r"loss of the run is .*elsewhere\.py:Evil; received --loss yolov2", done.stderr
        )


@pytest.mark.slow
def test_it_trains_and_resumes_with_everything_the_pages_show(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FILE.read_text())
    loss = ("--loss", f"{file}:FocalLoss")
    steps = ("--steps", "30", "--checkpoint-every", "10", "--evaluate-every", "30")
    train("--run", "whole", *SMALL, *loss, *steps, checkpoints=tmp_path)
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert config["loss"]["name"] == f"{file}:FocalLoss"

    with RunStore.open(find_run(tmp_path, "whole")) as store:
        record = store.snapshots(kind="pinned", sample="val/3")[-1]
        (note,) = [event for event in store.events() if event.kind == "note"]
    assert note.detail["message"].startswith("mine.py:FocalLoss starts with the lambdas of its")
    assert note.detail["message"] in find_run(tmp_path, "whole").log.read_text()
    view = read_snapshot(record.file).sample("val/3")
    assert view.loss_name == "mine.py:FocalLoss"
    weighted = sum(view.lambdas[term] * view.maps[term].sum() for term in view.maps)
    np.testing.assert_allclose(weighted, record.total, rtol=1e-5)

    # As it was after step 12, with a checkpoint of step 10.
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    with RunStore.open(find_run(tmp_path, "cut"), writable=True) as store:
        store.truncate_after(12)
        store.set_status(state=RunState.STOPPED, step=12)
    # Changed since: refused, and nothing of the run is touched.
    text = file.read_text()
    file.write_text(text.replace("gamma=2.0", "gamma=3.0"))
    refused = command("train", "--resume", "cut", checkpoints=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {file} has changed since run 'cut' began")
    file.write_text(text)
    # As the dashboard resumes it.
    assert start_training(["--resume", "cut"], tmp_path) == "cut"
    wait_for_step(tmp_path, "cut", 30)
    expected, received = curve(tmp_path, "whole"), curve(tmp_path, "cut")
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name], err_msg=name)


def test_a_configuration_does_not_name_a_file_by_itself(tmp_path):
    config = tmp_path / "given.json"
    config.write_text(json.dumps({"loss": {"name": f"{FILE}:FocalLoss"}}))
    done = command("train", "--config", str(config), checkpoints=tmp_path)
    assert done.returncode == 2
    assert f"give --loss {FILE}:FocalLoss, too." in done.stderr
