"""Overfitting one batch: what is learned, and what stands in the way of the rest."""

from __future__ import annotations

import json

import pytest

from yolo_core.__main__ import main
from yolo_core.doctor import kept
from yolo_core.doctor.overfit import overfit
from yolo_core.runs.layout import create_run
from yolo_core.training.config import parse_config

FIELDS = {
    "data": {"image_size": 64, "max_objects": 2},
    "network": {"size": "small"},
    "training": {"pinned": ["val/0", "val/1"], "learning_rate": 5e-3},
}


def config(**loss):
    return parse_config({**FIELDS, "loss": {"name": "mnist_yolo", **loss}})


@pytest.mark.slow
def test_two_pictures_are_learned_by_heart():
    found = overfit(config(), steps=400)
    assert {each.name: each.why for each in found.objects if each.learned is None} == {}
    assert found.totals[-1] < 0.2 * found.totals[0]
    assert len(found.totals) == found.steps


@pytest.mark.slow
def test_a_term_that_nobody_weighs_is_no_term_and_its_objects_say_so():
    found = overfit(config(lambdas={"bounding_box": 0.0}), steps=60)
    assert {each.name for each in found.terms} == {"objectness", "no_object", "classification"}
    stuck = [each for each in found.objects if each.learned is None]
    assert stuck
    assert all("its box has an IoU of" in each.sentence for each in stuck)


@pytest.mark.slow
def test_as_a_job_of_a_run_it_is_kept_beside_it(tmp_path):
    run = create_run(tmp_path, "one")
    run.config.write_text(config().to_json(), encoding="utf-8")
    arguments = ["overfit", "one", "--steps", "20", "--checkpoints", str(tmp_path)]
    assert main([*arguments, "--job"]) == 0
    found = kept.read_overfit(run)
    assert found is not None
    assert found["steps"] == 20
    assert [each["name"] for each in found["terms"]][:2] == ["objectness", "xy"]
    assert len(found["objects"]) == len(found["learned"]["objects"]) > 0


def test_a_damaged_result_is_a_sentence(tmp_path):
    run = create_run(tmp_path, "one")
    assert kept.read_overfit(run) is None
    kept.keep_overfit(run, {"terms": [], "objects": [3], "totals": [], "end": "", "note": ""})
    with pytest.raises(ValueError, match="holds no result of overfitting"):
        kept.read_overfit(run)


def test_what_it_takes(capsys):
    assert main(["overfit"]) == 2
    assert "RUN, DATA or --config" in capsys.readouterr().err
    assert main(["overfit", "digits", "--steps", "0"]) == 2
    assert "from 1; received 0" in capsys.readouterr().err


def test_a_run_of_a_script_is_refused(tmp_path, capsys):
    folder = tmp_path / "script"
    folder.mkdir()
    script = {"loss_class": "YoloV2Loss", "loss": {}}
    (folder / "recorded.json").write_text(json.dumps({"script": script}), encoding="utf-8")
    assert main(["overfit", "script", "--checkpoints", str(tmp_path)]) == 2
    assert "trained by a script of its own" in capsys.readouterr().err
