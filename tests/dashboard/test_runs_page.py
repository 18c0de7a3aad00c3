"""The Runs page in its states: none, one, many, hostile, running."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dashboard.components.runs import exported, kept
from dashboard.components.runs.listed import matches, sorted_runs
from dashboard.components.shared import jobs
from dashboard.components.shared.run_curves import one_curve, relative, run_curves, series_names
from dashboard.components.shared.run_table import runs_table
from dashboard.figures.curves import Curve
from tests.dashboard.hostile_run import EVIL, make_hostile_run
from tests.dashboard.page import assert_sound, button, labels, opener, plots, table_with, words
from tests.dashboard.sample_run import make_run
from tests.dashboard.test_plain_words import drawn
from tests.waiting import wait_for
from yolo_core.export.job import ExportFolder, start_export
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, JobStatus, read_job, write_job
from yolo_core.runs.disk import disk_use
from yolo_core.runs.layout import RunFolder, create_run, find_run, list_runs
from yolo_core.runs.note import RunNote, read_note, write_note
from yolo_core.runs.overview import run_overview
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore

open_page = opener("runs")
SHORT = {"pinned_steps": (), "batch_steps": ()}


@pytest.fixture
def three(checkpoints: Path) -> Path:
    """Runs a, b and c: b has a star, c another loss and a metric."""
    for name in ("a", "b"):
        make_run(checkpoints, name, **SHORT)
    folder = make_run(checkpoints, "c", loss_name="mnist_yolo", state=RunState.STOPPED, **SHORT)
    with RunStore.open(folder, writable=True) as store:
        store.record_evaluation(10, {"map50": 0.25})
        store.record_evaluation(40, {"map50": 0.5})
    write_note(RunFolder(checkpoints / "b"), text="wide anchors", starred=True)
    return checkpoints


def listed(page) -> list[str]:
    return page.dataframe[0].value["run"].tolist()


def curves(page) -> list[dict]:
    (figure,) = (each for key, each in plots(page).items() if key.endswith("runs/curves"))
    return [trace for trace in figure["data"] if trace.get("name")]


@pytest.mark.usefixtures("checkpoints")
def test_without_runs_it_says_what_to_press() -> None:
    page = open_page()
    assert_sound(page)
    assert "No runs yet. Open **Train**" in words(page)


def test_one_run(checkpoints: Path) -> None:
    make_run(checkpoints, "only", **SHORT)
    page = open_page(ticked="only")
    assert_sound(page)
    assert listed(page) == ["only"]
    assert "One run; all take" in words(page)
    assert [trace["name"] for trace in curves(page)] == ["only"]
    assert "Tick another run" in words(page)


@pytest.mark.usefixtures("three")
def test_search_sort_and_ticks_come_from_the_address() -> None:
    page = open_page()
    assert_sound(page)
    assert {*listed(page)} == {"a", "b", "c"}
    assert "Tick runs in the first column" in words(page)
    assert listed(open_page(search="WIDE yolov2")) == ["b"]
    assert listed(open_page(starred="true")) == ["b"]
    assert listed(open_page(sort="name")) == ["a", "b", "c"]
    assert listed(open_page(sort="name", turned="true")) == ["c", "b", "a"]
    assert listed(open_page(sort="mAP50"))[0] == "c"
    page = open_page(search="nothing like it", ticked="c,nosuch,a")
    assert_sound(page)
    assert page.query_params["ticked"] == "c,a"
    assert "No run is like that" in words(page)
    assert "ticked, but not listed: c, a" in words(page)


@pytest.mark.usefixtures("three")
def test_ticked_runs_in_one_figure_each_in_its_colour() -> None:
    page = open_page(ticked="a,c")
    assert_sound(page)
    assert [trace["name"] for trace in curves(page)] == ["a", "c"]
    assert len({trace["line"]["color"] for trace in curves(page)}) == 2
    page.selectbox(key="series").set_value("mAP50").run()
    assert [trace["name"] for trace in curves(page)] == ["c"]
    assert "Without it: a." in words(page)
    for key in ("relative", "log"):
        page.toggle(key=key).set_value(True).run()
    page.button_group(key="across").set_value("minutes trained").run()
    assert_sound(page)
    assert [trace["name"] for trace in curves(page)] == ["c"]


@pytest.mark.usefixtures("three")
def test_configurations_and_metrics_side_by_side() -> None:
    page = open_page(ticked="a,c")
    differs = table_with(page, "loss.name")
    assert differs.loc["loss.name"].tolist() == ["yolov2", "mnist\\_yolo"]
    assert "seed" not in differs.index
    metrics = table_with(page, "mAP50, last")
    assert metrics.loc["mAP50, last"].tolist() == ["–", "0.5"]
    assert metrics.loc["mAP50, best"].tolist() == ["–", "0.5 \\(step 40\\)"]
    disk = table_with(page, "weights", "snapshots", "database")
    assert disk.columns.tolist() == ["a", "c", "all 3 runs"]
    assert "same in every field" in words(open_page(ticked="a,b"))


def test_star_and_note(three: Path) -> None:
    page = open_page(ticked="b")
    button(page, "★").click().run()
    assert read_note(find_run(three, "b")) == RunNote("wide anchors")
    page.text_input[1].set_value(EVIL).run()
    assert_sound(page)
    assert read_note(find_run(three, "b")).text == EVIL
    assert page.dataframe[0].value.set_index("run")["note"]["b"] == EVIL


def test_rename(three: Path) -> None:
    page = open_page(ticked="b,a")
    page.text_input(key="new name of b").set_value("new").run()
    page.button(key="rename b").click().run()
    assert_sound(page)
    assert {*listed(page)} == {"a", "new", "c"}
    assert page.query_params["ticked"] == "new,a"
    page.text_input(key="new name of a").set_value("c").run()
    page.button(key="rename a").click().run()
    assert "There is a run or a file 'c' already" in words(page)
    assert find_run(three, "a").is_run


def test_delete_after_a_question(three: Path) -> None:
    page = open_page(ticked="a,b")
    assert "Delete **a, b**, 0 MB, with all weights" in words(page)
    button(page, "Yes, delete 2 runs").click().run()
    assert_sound(page)
    assert [run.name for run in list_runs(three)] == ["c"]
    assert "ticked" not in page.query_params


def test_never_one_that_trains(checkpoints: Path) -> None:
    folder = create_run(checkpoints, "live")
    make_run(checkpoints, "ended", **SHORT)
    with RunStore.create(folder, ("total",)) as store:
        store.record_step(1, {"total": 1.0})
        store.set_status(state=RunState.RUNNING)
        page = open_page(ticked="ended,live")
        assert_sound(page)
        # Its buttons may have been drawn before it was resumed.
        button(page, "Yes, delete 2 runs").click().run()
        assert_sound(page)
        assert "Run 'live' is running: stop it first." in words(page)
        assert [run.name for run in list_runs(checkpoints)] == ["live"]
        assert "rename live" not in [each.key for each in page.button]
        store.set_status(state=RunState.STOPPED)


@pytest.mark.usefixtures("three")
def test_resume_starts_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(kept, "ask_for_training", lambda given, **_: asked.append(given))
    page = open_page(ticked="a,c")
    assert labels(page).count("Resume") == 1  # c was stopped, a is finished
    page.button(key="resume c").click().run()
    assert asked == [["--resume", "c"]]


def test_export_is_asked_for_seen_and_downloaded(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple] = []

    def start(run: RunFolder, kind: str, *, step: str, raw: bool) -> None:
        asked.append((run.name, kind, step, raw))
        if kind == "csv":
            raise ValueError("The disk is full.")
        folder = ExportFolder(run, "onnx-last-raw")
        folder.made.mkdir(parents=True)
        (folder.made / "b.onnx").write_bytes(b"o" * 300_000)
        write_job(folder.status, JobStatus(JobState.FINISHED, total=1, done=1))

    monkeypatch.setattr(exported, "start_export", start)
    page = open_page(ticked="b")
    page.button(key="export b").click().run()
    assert_sound(page)
    assert "The disk is full." in words(page)
    page.selectbox(key="export of b").set_value("onnx").run()
    page.button_group(key="export step of b").set_value("last").run()
    page.toggle(key="export raw of b").set_value(True).run()
    page.button(key="export b").click().run()
    assert_sound(page)
    assert asked == [("b", "csv", "best", False), ("b", "onnx", "last", True)]
    (button,) = page.get("download_button")
    assert button.proto.label == "onnx-last-raw, 0.3 MB"
    folder = ExportFolder(find_run(three, "b"), "onnx-last-raw")
    assert folder.to_download() == ("b.onnx", b"o" * 300_000)
    write_job(folder.status, JobStatus(JobState.FAILED, "It needs tf2onnx."))
    page.run()
    assert "onnx-last-raw: It needs tf2onnx." in words(page)
    stopped: list[Path] = []
    monkeypatch.setattr(jobs, "stop_job", stopped.append)
    write_job(folder.status, JobStatus(JobState.STARTING, "Exporting.", ProcessIdentity.current()))
    page.run()
    page.button(key=f"stop {folder.status}").click().run()
    assert_sound(page)
    assert stopped == [folder.status]
    assert page.button(key=f"stop {folder.status}").disabled
    write_job(folder.status, JobStatus(JobState.STOPPED, "Stopped; nothing of it is kept."))
    page.run()
    assert "onnx-last-raw: Stopped; nothing of it is kept." in words(page)
    assert not page.error


@pytest.mark.slow
def test_an_export_runs_as_a_process(three: Path) -> None:
    folder = start_export(find_run(three, "b"), "csv", step="best", timeout=60)
    wait_for(lambda: not read_job(folder.status).is_live)
    assert read_job(folder.status).state is JobState.FINISHED
    name, data = folder.to_download()
    assert name == "b-csv-best.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert "b-csv-best/steps.csv" in names
        assert archive.read("b-csv-best/steps.csv").startswith(b"step,")
    assert start_export(find_run(three, "b"), "csv", step="best", timeout=60) == folder


@pytest.mark.slow
def test_nothing_in_a_received_run_is_drawn(checkpoints: Path) -> None:
    folder = make_hostile_run(checkpoints, "received", "yolov2", data={"source": EVIL})
    write_note(folder, text=EVIL)
    make_hostile_run(checkpoints, "other", "yolov2", loss={"name": f"/a/{EVIL}.py:Mine"})
    (create_run(checkpoints, "torn").database).write_bytes(b"torn")
    assert drawn(open_page(ticked="received,other,torn")) == []


def test_orders_put_last_what_is_not_known(three: Path) -> None:
    found = {f.name: (run_overview(f), disk_use(f)) for f in list_runs(three)}
    names = sorted(found)
    assert sorted_runs(found, names, "mAP50", turned=False) == ["c", "a", "b"]
    assert sorted_runs(found, names, "mAP50", turned=True) == ["c", "a", "b"]
    assert sorted_runs(found, names, "loss", turned=False) == ["c", "a", "b"]
    assert sorted_runs(found, names, "loss", turned=True) == ["a", "b", "c"]
    assert matches(found["b"][0], "wide ANCHORS")
    assert not matches(found["b"][0], "wide narrow")
    assert runs_table([]).empty


def test_relative_is_by_the_first_value_that_can_divide() -> None:
    curve = Curve("x", np.arange(4), np.array([np.nan, 0.0, 4.0, 2.0]), "#000000")
    assert relative(curve).value.tolist()[1:] == [0.0, 1.0, 0.5]
    nothing = Curve("x", np.arange(2), np.array([0.0, np.nan]), "#000000")
    assert relative(nothing) is nothing


def test_series_of_a_run(add_finished: Callable[[str], Path]) -> None:
    run = run_curves(RunFolder(add_finished("one")), points=100)
    names = series_names([run])
    assert names[0] == "total"
    assert {"xy", "λ × xy"} <= {*names}
    assert one_curve(run, "total").value.tolist() == run.curves.mean["total"].tolist()
    assert one_curve(run, "nothing like it") is None
