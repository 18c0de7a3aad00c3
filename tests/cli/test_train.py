"""`train`: from options to a configuration, and from a configuration to the same run again."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.data.toy_source import ToySource, install_toy
from tests.training.runs_by_command import (
    ROOT,
    SMALL,
    assert_same_curves,
    command,
    curve,
    start,
    train,
)
from tests.waiting import wait_for
from yolo_core.cli.train import add_parser
from yolo_core.cli.train_config import new_config
from yolo_core.data.registry import open_source
from yolo_core.losses.families import FAMILY_NAMES, family_of
from yolo_core.losses.recipe import derived_setup
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig, parse_config, read_config
from yolo_core.training.notes import derived_notes


def config_of(*arguments):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return new_config(parser.parse_args(["train", *arguments]))


def test_without_options_it_is_the_default_with_the_recipe_of_its_loss():
    config = config_of()
    assert config.loss.lambdas == family_of("yolov2").recipe
    plain = RunConfig().model_dump()
    assert config.model_dump() == {
        **plain,
        "loss": {
            **plain["loss"],
            "lambdas": family_of("yolov2").recipe,
            "anchors": config.loss.anchors,
            "anchors_fitted": True,
        },
    }
    assert len(config.loss.anchors) == 3


def test_every_option_lands_in_its_field():
    config = config_of(
        *("--loss", "mnist_yolo", "--network", "large", "--steps", "7", "--batch-size", "3"),
        *("--learning-rate", "0.5", "--schedule", "constant", "--image-size", "64"),
        *("--max-objects", "2", "--train-scenes", "50", "--validation-scenes", "9"),
        *("--evaluate-every", "4", "--checkpoint-every", "5", "--snapshot-every", "6"),
        *("--snapshot-megabytes", "8", "--precision", "float32", "--pin", "val/9", "--seed", "11"),
        *("--option", "match_by=iou", "--option", "depth=3"),
        *("--fit", "letterbox", "--augment", "colour,flip", "--classes", "3", "chair"),
        *("--cache-megabytes", "10", "--pictures", "/x", "--patience", "12", "--until", "6"),
        *("--pulls-every", "13", "--devices", "3", "--xla", "off"),
    )
    backbone = config_of("--network", "MobileNetV2", "--alpha", "0.5", "--weights", "imagenet")
    assert backbone.network.model_dump(exclude={"strides", "darknet"}) == {
        "size": "MobileNetV2",
        "alpha": 0.5,
        "weights": "imagenet",
        "frozen": False,
    }
    assert (config.seed, config.data.seed) == (11, 11)
    assert (config.loss.name, config.network.size) == ("mnist_yolo", "large")
    assert config.loss.options == {"match_by": "iou", "depth": 3}
    assert config.data.model_dump(exclude={"seed", "source"}) == {
        "image_size": 64,
        "max_objects": 2,
        "train_scenes": 50,
        "validation_scenes": 9,
        "pictures": "/x",
        "classes": ("3", "chair"),
        "names": (),
        "fit": "letterbox",
        "augment": "flip,colour",
        "cache_megabytes": 10,
    }
    assert config.training.model_dump() == {
        "steps": 7,
        "until": 6,
        "pulls_every": 13,
        "schedules": {},
        "patience": 12,
        "batch_size": 3,
        "learning_rate": 0.5,
        "schedule": "constant",
        "evaluate_every": 4,
        "checkpoint_every": 5,
        "snapshot_every": 6,
        "snapshot_megabytes": 8,
        "pinned": ("val/9",),
        "precision": "float32",
        "xla": "off",
        "devices": 3,
    }


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (("--epochs", "1"), 63),  # 1000 scenes in batches of 16
        (("--epochs", "0.5", "--batch-size", "10"), 50),
        (("--epochs", "3", "--train-scenes", "100", "--batch-size", "10"), 30),
        (("--epochs", "0.001"), 1),
    ],
)
def test_epochs_are_steps(options, steps):
    assert config_of(*options).training.steps == steps


def test_lambdas_are_laid_over_the_recipe_in_the_order_given():
    lambdas = config_of("--lambda", "wh=3", "--lambda", "coord=4", "--lambda", "xy=5").loss.lambdas
    assert list(lambdas)[-3:] == ["wh", "coord", "xy"]
    assert lambdas["objectness"] == family_of("yolov2").recipe["objectness"]
    again = config_of("--lambda", "xy=5", "--lambda", "coord=4", "--lambda", "xy=6").loss.lambdas
    assert list(again.items())[-2:] == [("coord", 4.0), ("xy", 6.0)]


def test_a_published_variant_is_trained_as_it_was_published():
    assert config_of("--loss", "yolov2/notebook").loss.lambdas == {}


def test_the_path_of_the_data_holds_from_every_folder(tmp_path, monkeypatch):
    (tmp_path / "some.npz").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    # A loss without anchors: nothing is looked for in the file yet.
    assert config_of("--data", "some.npz", "--loss", "yolov1").data.source == str(
        tmp_path / "some.npz"
    )
    (tmp_path / "digits").mkdir()
    assert config_of("--data", "digits").data.source == "digits"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.json"
    fields = {"seed": 5, "loss": {"lambdas": {"xy": 9}, "options": {"iou_gradient": False}}}
    path.write_text(parse_config(fields).to_json())
    return str(path)


def test_a_file_alone_is_the_configuration(file, tmp_path):
    config, read = config_of("--config", file), read_config(tmp_path / "config.json")
    assert config.loss.anchors_fitted, "an old file has none"
    without = {"anchors": None, "anchors_fitted": False}
    loss = config.loss.model_copy(update=without)
    assert config.model_copy(update={"loss": loss}) == read


def test_options_are_laid_over_a_file(file):
    config = config_of("--config", file, "--steps", "9", "--lambda", "wh=2")
    assert (config.seed, config.training.steps) == (5, 9)
    assert config.loss.lambdas == {"xy": 9, "wh": 2}, "a file is complete: no recipe comes to it"
    assert config.loss.options == {"iou_gradient": False}


def test_another_loss_leaves_what_the_file_said_about_its_own(file):
    config = config_of("--config", file, "--loss", "mnist_yolo")
    assert (config.seed, config.loss.options) == (5, {})
    assert config.loss.lambdas == family_of("mnist_yolo").recipe


def test_what_json_says(whole):
    checkpoints, said = whole
    others = {"terms", "pulls", "lambdas", "notes", "metrics"}
    assert set(said) == {"run", "steps", "seconds", "total"} | others
    assert len(said["pulls"]["terms"]) == len(said["terms"])
    folder = find_run(checkpoints, "whole")
    with RunStore.open(folder) as store:
        row, status, evaluations = store.last_step(), store.status(), store.evaluations()
    assert (said["run"], said["steps"], said["seconds"]) == ("whole", 30, status.seconds)
    assert said["total"] == row["total"]
    assert said["notes"] == [], "nothing was derived for the digits"
    assert said["terms"] == {term: row[f"term/{term}"] for term in said["terms"]}
    assert said["lambdas"] == {term: row[f"lambda/{term}"] for term in said["terms"]}
    assert said["metrics"]["map50"] == evaluations["map50"][-1]
    assert {"map50", "map50_95", "recall"} <= set(said["metrics"])
    weighted = sum(said["lambdas"][term] * value for term, value in said["terms"].items())
    assert said["total"] == pytest.approx(weighted, rel=1e-5)


def test_what_a_run_leaves_behind(whole):
    folder = find_run(whole[0], "whole")
    names = sorted(path.name for path in folder.path.iterdir())
    # SQLite's own files come and go with whoever reads.
    assert [name for name in names if not name.startswith("run.db-")] == [
        "config.json",
        "environment.json",
        "run.db",
        "snapshots",
        "tb",
        "train.log",
        "weights",
    ]
    log = folder.log.read_text()
    assert re.search(r"step 30/30  total \S+  xy \S+  .*classification \S+  \d+ images/s", log)
    assert re.search(r"step 30  validation mAP50 \S+  mAP50-95 \S+  recall \S+", log)
    environment = json.loads(folder.environment.read_text())
    assert environment["devices"]
    assert environment["packages"]["tensorflow"]
    assert [path.name for path in sorted(folder.weights.iterdir())] == [
        f"step-{step:08d}.npz" for step in (10, 20, 30)
    ]
    with RunStore.open(folder) as store:
        assert [event.kind for event in store.events()] == ["started", "finished"]
        rows = store.steps()
    assert (rows["recall_average"][4], len(rows["step"])) == (
        pytest.approx(rows["recall_current"][:5].mean()),
        30,
    )
    assert (rows["images_per_second"][11:] > 0).all()


@pytest.mark.slow
def test_a_run_s_configuration_starts_an_equal_run(whole, tmp_path):
    config = str(find_run(whole[0], "whole").config)
    train("--config", config, "--run", "again", checkpoints=tmp_path)
    assert_same_curves(curve(tmp_path, "again"), curve(whole[0], "whole"))
    assert read_config(tmp_path / "again" / "config.json") == read_config(
        whole[0] / "whole" / "config.json"
    )


@pytest.mark.slow
def test_a_disk_that_fills_up_on_the_way(tmp_path, monkeypatch):
    fsync, written = os.fsync, []

    def fills_up(descriptor):
        written.append(descriptor)
        # The configuration and the environment find room, the first checkpoint does not.
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", fills_up)
    done = command("train", "--run", "full", *SMALL, checkpoints=tmp_path)
    folder = find_run(tmp_path, "full")
    sentence = f"The disk is full, so {folder.weights / 'step-00000000.npz'} cannot be written."
    assert (done.returncode, done.stderr) == (1, f"error: {sentence}\n")
    status = read_status(folder)
    assert (status.state, status.message, status.step) == (RunState.FAILED, sentence, 0)
    assert list(folder.weights.iterdir()) == []


def test_a_crash_that_nobody_foresaw_is_one_line_and_the_log_has_the_rest(tmp_path, monkeypatch):
    def crash(_self):
        raise RuntimeError("out of\nluck")

    monkeypatch.setattr("yolo_core.training.worker.Training.run", crash)
    done = command("train", "--run", "x", *SMALL, checkpoints=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: RuntimeError: out of\n")
    folder = find_run(tmp_path, "x")
    assert read_status(folder).message == "RuntimeError: out of"
    assert "Traceback" in folder.log.read_text()


def test_two_that_start_at_once_get_two_names(tmp_path, monkeypatch):
    from yolo_core.cli import train as module

    create, taken = module.create_run, []

    def quicker(checkpoints, name, fill):
        if not taken:
            taken.append(create(checkpoints, name, fill))
        return create(checkpoints, name, fill)

    monkeypatch.setattr(module, "create_run", quicker)
    monkeypatch.setattr(module, "train_run", lambda *_, **__: 0)
    assert command("train", checkpoints=tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["yolov2-1", "yolov2-2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    ["cli.replace_file", "create_database", "RunStore.set_status", "os.rename", "cli.train_run"],
)
def test_a_start_that_is_killed_leaves_its_name_or_a_run_to_resume(tmp_path, monkeypatch, place):
    script = f"""
import os
from yolo_core.__main__ import main
from yolo_core.cli import train as cli
from yolo_core.runs.database import create_database
from yolo_core.runs.store import RunStore
{place} = lambda *_, **__: os._exit(9)
RunStore.create.__globals__["database"].create_database = create_database
main(["train", "--run", "one", "--checkpoints", {str(tmp_path)!r}])
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert killed.returncode == 9
    monkeypatch.setattr("yolo_core.cli.train.train_run", lambda *_, **__: 0)
    done = command("train", "--run", "one", checkpoints=tmp_path)
    if place == "cli.train_run":
        assert "A run named 'one' exists already" in done.stderr
        done = command("train", "--resume", "one", checkpoints=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.slow
def test_ctrl_c_while_tensorflow_loads(tmp_path):
    process = start("--run", "early", *SMALL, "--json", checkpoints=tmp_path)
    folder = RunFolder(tmp_path / "early")
    wait_for(lambda: read_status(folder).process is not None)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    status = read_status(folder)
    assert (status.state, status.step) == (RunState.STOPPED, 0)
    assert status.message.startswith("Stopped by Ctrl-C ")
    said = json.loads(output.splitlines()[-1])
    assert (said["steps"], said["total"]) == (0, None)
    assert said["metrics"] == {"map50": None, "map50_95": None}


@pytest.mark.slow
def test_the_default_run_learns(tmp_path):
    """The real thing, a sixth of its length: `python -m yolo_core train`."""
    options = ("--steps", "400", "--validation-scenes", "100", "--evaluate-every", "400", "--json")
    process = start(*options, checkpoints=tmp_path)
    output, errors = process.communicate(timeout=400)
    assert (process.returncode, errors) == (0, "")
    said = json.loads(output.splitlines()[-1])
    # A network that cannot tell the classes stays below 0.2.
    assert said["metrics"]["map50"] > 0.6
    assert said["metrics"]["recall"] > 0.75
    runs = subprocess.run(
        [sys.executable, "-m", "yolo_core", "runs", "--checkpoints", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"^ *yolov2-1  finished +400/400 ", runs.stdout, re.MULTILINE)


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Another data set than digits, pictures of 48 x 80 px, as an installed source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install_toy(tmp_path)


@pytest.mark.usefixtures("toy")
def test_for_other_data_than_digits_heads_and_lambdas_are_derived_and_stand_in_the_config():
    config = config_of("--data", "toy", "--lambda", "xy=7")
    derived = derived_setup("yolov2", ToySource(0))
    assert config.network.strides == derived.strides == (8,)
    assert config.loss.lambdas == {**derived.lambdas, "xy": 7}
    assert config.loss.lambdas["objectness"] > 50, "slots of 8 px are many"
    said = [text for _, text in derived_notes(config, ToySource(0))]
    assert said == [*derived.sentences, "Otherwise than derived: xy 7."]
    given = config_of("--data", "toy", "--strides", "32")
    assert given.network.strides == (32,)
    first, *_ = (text for _, text in derived_notes(given, ToySource(0)))
    assert first.startswith("Heads of 32 px a cell, as asked for. From the data would follow: One")
    published = config_of("--data", "toy", "--loss", "yolov2/notebook")
    assert (published.network.strides, published.loss.lambdas) == (None, {})
    assert list(derived_notes(published, ToySource(0))) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY_NAMES)
@pytest.mark.usefixtures("toy")
def test_every_loss_is_built_on_the_heads_that_were_derived(name):
    config = config_of("--data", "toy", "--loss", name)
    source = ToySource(0)
    loss = build_loss(config, source)
    detector = build_detector(config, loss, source)
    assert detector.network.output_shape[1:] == loss.output_shape(source.image_shape)
    layout = loss.slots((1, *detector.network.output_shape[1:]))
    assert len(layout.grids) == len(config.network.strides)


def test_strides_that_are_none():
    for text in ("12", "16,16", "", "a"):
        with pytest.raises(ValueError, match="--strides takes some of 32,16,8, each once"):
            config_of("--strides", text or " ")
    with pytest.raises(ValueError, match="has one head; received strides of 2: 16, 8"):
        build_loss(config_of("--strides", "16,8"), open_source(RunConfig().data))
