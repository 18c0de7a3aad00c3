"""`export`: a real run, and what other programs make of its files."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from faster_coco_eval import COCO, COCOeval_faster

from tests.export.written_about import written_about
from tests.training.runs_by_command import ROOT, command
from tests.waiting import wait_for
from yolo_core.data.batches import stack_samples
from yolo_core.data.registry import open_source
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.evaluation.metrics import detections_in
from yolo_core.evaluation.table import read_table
from yolo_core.export.job import start_export
from yolo_core.jobs.status import JobState, read_job, stop_job
from yolo_core.models.decode import nms_keep
from yolo_core.models.foreign_network import load_keras
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore
from yolo_core.training.config import read_run_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(whole, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to write into."""
    checkpoints = tmp_path_factory.mktemp("exported") / "runs"
    shutil.copytree(whole[0], checkpoints)
    return checkpoints


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(runs: Path, *arguments: str) -> str:
    done = command("export", "whole", *arguments, checkpoints=runs)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_onnx_finds_what_the_evaluation_found(runs: Path) -> None:
    assert export(runs, "--to", "onnx") == "Exported to whole-30.onnx."
    assert export(runs, "--to", "coco-json", "--split", "val") == (
        "Exported to whole-val-30.json and whole-val-30-objects.json."
    )
    folder = find_run(runs, "whole")
    config = read_run_config(folder)
    source = open_source(config.data)
    table = read_table(EvaluationFolder(folder, "val", 30).table)
    samples = [source.sample(name) for name in table.samples]
    images, _ = stack_samples(source, samples)
    session = onnxruntime.InferenceSession("whole-30.onnx")
    names = ["boxes", "objectness", "class_probabilities"]
    said = session.run(names, {"image": source.network_inputs(images)})
    found = detections_in(*said, nms_keep(*said))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = readme.split("before suppression. ")[1].split("```python\n")[1].split("```")[0]
    script = {"session": session, "pictures": source.network_inputs(images)}
    exec(lines, script)
    surest = [sorted(each.boxes[each.scores >= 0.25].tolist()) for each in found]
    assert [sorted(each.tolist()) for each in script["detections"]] == surest
    counts = np.bincount(table.found.sample, minlength=len(samples))
    assert [len(each.scores) for each in found] == counts.tolist()
    assert counts.any()
    for at, each in enumerate(found):
        order = np.argsort(-each.scores, kind="stable")
        rows = table.found.sample == at
        np.testing.assert_array_equal(each.classes[order], table.found.class_index[rows])
        np.testing.assert_allclose(each.boxes[order], table.found.box[rows], atol=1e-5)
        np.testing.assert_allclose(each.scores[order], table.found.score[rows], atol=1e-5)
    about = written_about("whole-30.onnx")
    assert about["class_names"] == list(source.class_names)
    assert (about["run"], about["step"]) == ("whole", 30)

    truth = COCO("whole-val-30-objects.json")
    counting = COCOeval_faster(truth, truth.loadRes("whole-val-30.json"), "bbox")
    counting.run()
    assert counting.stats[1] == pytest.approx(table.scores.whole.map50, abs=1e-6)


def test_which_checkpoint_and_where_to(runs: Path, here: Path) -> None:
    with RunStore.open(find_run(runs, "whole")) as store:
        first, *_, last = [each.step for each in store.checkpoints()]
    assert first < last
    out = here / "mine.keras"
    export(runs, "--to", "keras", "--step", str(first), "--out", str(out))
    assert written_about(out)["step"] == first
    done = command("export", "whole", "--to", "keras", "--out", str(out), checkpoints=runs)
    assert (done.returncode, done.stdout) == (2, "")
    assert "mine.keras is there already: --force replaces it" in done.stderr
    export(runs, "--to", "keras", "--step", "last", "--raw", "--out", str(out), "--force")
    assert written_about(out)["step"] == last
    assert list(load_keras(out).output) == ["raw"]
    assert os.listdir(here) == ["mine.keras"]


def test_tables(runs: Path, here: Path) -> None:
    assert export(runs, "--to", "csv", "--out", "rows") == "Exported to rows."
    steps = (here / "rows" / "steps.csv").read_text().splitlines()
    assert len(steps) == 1 + 30
    assert sorted(os.listdir("rows")) == ["evaluations.csv", "events.csv", "steps.csv"]


def test_it_tells_the_dashboard_how_it_is(runs: Path, here: Path) -> None:
    status = str(here / "status.json")
    for how, code, state in (((), 0, "finished"), ((), 1, "failed"), (("--force",), 0, "finished")):
        done = command("export", "whole", "--to", "csv", "--status", status, *how, checkpoints=runs)
        assert done.returncode == code
        assert json.loads(Path(status).read_text())["state"] == state


def test_as_a_job_it_can_be_stopped(runs: Path) -> None:
    folder = start_export(find_run(runs, "whole"), "onnx", step="last", timeout=60)
    stop_job(folder.status)
    wait_for(lambda: not read_job(folder.status).is_live)
    status = read_job(folder.status)
    assert (status.state, status.message) == (
        JobState.STOPPED,
        "Stopped; nothing of it is kept.",
    )
    assert os.listdir(folder.made) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "keras", "--step", "7"), "has no checkpoint of step 7; it has those of"),
        (("--to", "darknet"), "Only a network of Darknet .* is exported to darknet"),
        (("--to", "csv", "--raw"), "--raw is of --to keras, saved_model, onnx; received --to csv"),
        (("--to", "onnx", "--split", "val"), "--split is of --to coco-json"),
        (("--to", "csv", "--out", "no/where"), "There is no folder .*no to export into"),
        (("--to", "torch"), "invalid choice: 'torch'"),
    ],
)
def test_what_it_refuses(arguments: tuple[str, ...], said: str, runs: Path) -> None:
    done = command("export", "whole", *arguments, checkpoints=runs)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert re.search(said, line), line
    assert os.listdir() == []
