"""`python -m yolo_core data`: the summary and the problems, without TensorFlow."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from yolo_core.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
FIELD = ROOT / "tests" / "field"
OUTSIDE = f"yolo:{FIELD / 'yolo-outside' / 'data.yaml'}"


def test_one_object_with_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", OUTSIDE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["objects"], found["empty"]) == (1, 2, 0)
    assert (found["widths"], found["heights"]) == ([96, 96], [64, 64])
    assert found["splits"] == {"train": 1, "val": 1}
    assert found["parts"] == {"train": 1, "val": 1}
    assert found["notes"] == ["Pictures in both train and val: 1."]
    assert found["problem_counts"] == {"note": 1, "box set aside": 4}
    assert found["problems"][1] == {
        "file": "labels/a.txt",
        "where": "line 3",
        "about": "it has numbers over 1 that look like pixels",
        "effect": "box set aside",
    }
    (row,) = [
        each for each in found["classes"] if (each["split"], each["class"]) == ("train", "kite")
    ]
    assert (row["objects"], row["medium"]) == (1, 1)
    assert row["median width, px"] == pytest.approx(40, abs=1e-3)


def test_for_reading_what_was_lost_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", OUTSIDE]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("data.yaml: 1 picture (0 without objects), 2 objects")
    (at,) = [k for k, line in enumerate(lines) if line.startswith("problems:")]
    assert lines[at] == "problems: 4 × box set aside, 1 × note"
    assert lines[at + 1].startswith("  labels/a.txt, line 3: ")
    assert lines[-1].endswith("(note)")


def test_a_table_of_the_problems(tmp_path: Path) -> None:
    assert main(["data", OUTSIDE, "--csv", str(tmp_path / "told.csv")]) == 0
    with (tmp_path / "told.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "where", "about", "effect"]
    assert len(rows) == 1 + 5


def test_chosen_classes_are_the_only_objects(capsys: pytest.CaptureFixture[str]) -> None:
    entry = f"coco:{FIELD / 'coco-category-ids' / 'annotations.json'}"
    chosen = ["--pictures", str(FIELD / "coco-category-ids" / "images"), "--classes", "boat"]
    assert main(["data", entry, *chosen, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["empty"], found["objects"]) == (2, 1, 1)
    assert main(["data", entry, *chosen[:-1], "Boat"]) == 2
    assert "the classes pear, kite, boat, lantern" in capsys.readouterr().err


def test_a_data_set_of_which_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(FIELD / "voc-filename/JPEGImages/dock.jpg", tmp_path / "a.jpg")
    (tmp_path / "a.xml").write_text("<annotation><object>")
    assert main(["data", f"voc:{tmp_path}"]) == 2
    out, err = capsys.readouterr()
    assert "problems: 1 × picture set aside" in out
    assert err.startswith("error: voc:")
    assert "a.xml, line 1: it is no valid XML" in err
    assert main(["data", f"voc:{tmp_path}", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problem_counts"] == {"picture set aside": 1}


def test_foreign_words_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(FIELD / "yolo-polygons", tmp_path / "set")
    yaml = tmp_path / "set" / "data.yaml"
    yaml.write_text('train: images\nnames: {0: "ki\\e[31mte", 1: boat}\n')
    assert main(["data", f"yolo:{yaml}"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "ki\\x1b[31mte" in out


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("voc:{0}/nowhere", "does not exist"),
        ("voc:{0}/set.zip", "is no ZIP that can be read: its end is missing"),
        ("coco:{0}", "is a folder"),
        ("voc:{0}/set.json", "is a file"),
        ("pascal:{0}", "voc:DIR, coco:FILE.json or yolo:DATA.yaml"),
        ("voc:", "voc:DIR, coco:FILE.json or yolo:DATA.yaml"),
        ("voc:{0}", "has no XML files"),
    ],
)
def test_what_is_no_data_set_is_refused_with_a_sentence(
    entry: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    (tmp_path / "set.json").write_text("{}")
    assert main(["data", entry.format(tmp_path)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_it_loads_no_tensorflow() -> None:
    code = (
        "import sys\nfrom yolo_core.__main__ import main\n"
        f"main(['data', {OUTSIDE!r}])\n"
        "print(sorted({'keras', 'tensorflow', 'streamlit'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"
