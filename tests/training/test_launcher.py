"""Starting a training process: it lives on its own, and what it says before it dies is told."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import PATIENCE, wait_for
from yolo_core.jobs.launch import ROOT
from yolo_core.runs.layout import find_run, list_runs
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.launcher import output_file, start_training

pytestmark = pytest.mark.slow

FAKE = (sys.executable, "-m", "tests.training.fake_worker")
SLOW = ("--steps", "100000", "--seconds-a-step", "0.05")


@pytest.fixture
def checkpoints(tmp_path):
    folder = tmp_path / "runs"
    yield folder
    for run in list_runs(folder):
        process = read_status(run).process
        if process is not None and process.is_alive():
            os.kill(process.pid, signal.SIGKILL)


def start(checkpoints, *arguments, **options):
    return start_training(arguments, checkpoints, command=FAKE, **options)


def test_returns_with_a_run_that_has_a_status(checkpoints):
    name = start(checkpoints, "--run", "one", *SLOW)
    status = read_status(find_run(checkpoints, name))
    assert (name, status.is_live) == ("one", True)


def test_the_process_has_its_own_session_and_no_input(checkpoints):
    folder = find_run(checkpoints, start(checkpoints, "--run", "one", *SLOW))
    pid = read_status(folder).process.pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert os.readlink(f"/proc/{pid}/fd/0") == os.devnull


def test_it_has_the_priority_of_whoever_started_it(checkpoints):
    folder = find_run(checkpoints, start(checkpoints, "--run", "one", *SLOW))
    pid = read_status(folder).process.pid
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)
    autogroup = Path(f"/proc/{pid}/autogroup")
    if autogroup.exists():  # Linux that shares the processor out by session
        assert autogroup.read_text(encoding="ascii").endswith("nice 0\n")


@pytest.mark.parametrize(
    ("command", "module"), [(("train",), "train"), (("survey", "gone"), "survey")]
)
def test_low_priority_is_an_option(command, module, tmp_path):
    """Each command, in a session of its own as the launcher starts it; it ends at bad input."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from yolo_core.__main__ import main\n"
        f"main([*{command!r}, '--low-priority', '--checkpoints', sys.argv[1], *sys.argv[2:]])\n"
        "print(os.getpriority(os.PRIO_PROCESS, 0))\n"
        "own = Path('/proc/self/autogroup')\n"
        "print(own.read_text().split()[-1] if own.exists() else 10)\n"
    )
    bad = ["--run", "../up"] if module == "train" else []
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *bad],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        start_new_session=True,
    )
    lower = min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    assert done.stdout.split() == [str(lower), "10"]


def test_it_outlives_the_process_that_started_it(checkpoints):
    script = (
        "import sys; from pathlib import Path; "
        "from yolo_core.training.launcher import start_training; "
        f"start_training(['--run', 'one', *{SLOW!r}], Path(sys.argv[1]), command={FAKE!r})"
    )
    subprocess.run([sys.executable, "-c", script, str(checkpoints)], cwd=ROOT, check=True)
    folder = find_run(checkpoints, "one")
    before = read_status(folder).step
    wait_for(lambda: read_status(folder).step > before)
    assert read_status(folder).is_live


def test_an_ended_child_is_no_zombie(checkpoints):
    folder = find_run(checkpoints, start(checkpoints, "--run", "one", *SLOW))
    process = read_status(folder).process
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(process.pid))
    assert read_status(folder).state is RunState.LOST


def test_without_a_name_the_next_free_one_is_taken(checkpoints):
    (checkpoints / "yolov2-backend-1").mkdir(parents=True)
    assert start(checkpoints, "--loss", "yolov2/backend", *SLOW) == "yolov2-backend-2"


@pytest.mark.parametrize("name", ["", "../up", "a.b", "-x"])
def test_a_bad_name_is_refused_before_anything_is_started(checkpoints, name):
    with pytest.raises(ValueError, match="A run name is"):
        start(checkpoints, "--run", name)
    assert not checkpoints.exists()


def test_an_option_without_its_name_is_refused(checkpoints):
    with pytest.raises(ValueError, match="A run name is"):
        start(checkpoints, "--run")


def test_bad_input_is_told_in_the_process_own_words(checkpoints):
    with pytest.raises(ValueError, match=r"^The data must be digits; received refuse\.$"):
        start(checkpoints, "--run", "one", "--data", "refuse")
    assert list(checkpoints.iterdir()) == [], "the captured output is cleared away"


def test_a_run_that_exists_is_refused(checkpoints):
    start(checkpoints, "--run", "one", *SLOW)
    with pytest.raises(ValueError, match="A run named 'one' exists already"):
        start(checkpoints, "--run", "one", *SLOW)
    assert read_status(find_run(checkpoints, "one")).is_live, "the first one is left alone"


def test_a_crash_before_the_run_is_told_by_its_last_line(checkpoints):
    with pytest.raises(ValueError, match=r"exit code 1 .* libnothing\.so cannot be loaded"):
        start(checkpoints, "--run", "one", "--data", "crash")


def test_a_process_that_stays_silent_counts_as_started(checkpoints):
    assert start(checkpoints, "--run", "one", "--data", "silent", timeout=1.0) == "one"
    for process in psutil.Process().children():
        if str(checkpoints) in process.cmdline():
            process.kill()


def test_a_program_that_is_not_there_is_told(checkpoints):
    with pytest.raises(ValueError, match="could not be started: No such file"):
        start_training(["--run", "one"], checkpoints, command=["/no/such/python"])


def test_a_checkpoints_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file cannot be written: File exists"):
        start(tmp_path / "file", "--run", "one")


def test_resuming_waits_for_the_new_process(checkpoints):
    folder = find_run(checkpoints, start(checkpoints, "--run", "one", *SLOW))
    with RunStore.open(folder) as store:
        wait_for(lambda: store.last_step() is not None)
        store.wait_for_answer(store.send("stop"), PATIENCE)
    wait_for(lambda: read_status(folder).state is RunState.STOPPED)
    old = read_status(folder).process
    start(checkpoints, "--resume", "one", *SLOW)
    status = read_status(folder)
    assert status.is_live
    assert status.process.pid != old.pid


def test_resuming_what_is_not_there_is_told(checkpoints):
    with pytest.raises(ValueError, match="There is no run 'one'"):
        start(checkpoints, "--resume", "one")


def test_what_the_process_prints_lies_in_the_run_folder(checkpoints):
    folder = find_run(checkpoints, start(checkpoints, "--run", "one", *SLOW))
    assert output_file(folder).is_file()
    assert [path.name for path in checkpoints.iterdir()] == ["one"]


def test_it_needs_no_installed_package(checkpoints, monkeypatch, tmp_path):
    """Started from anywhere, with a path of its own, the package is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert start(checkpoints, "--run", "one", *SLOW) == "one"


def test_a_run_that_fails_at_once_is_still_shown(checkpoints):
    name = start(
        checkpoints, "--run", "one", "--data", "fail", "--steps", "30", "--seconds-a-step", "0"
    )
    folder = find_run(checkpoints, name)
    wait_for(lambda: read_status(folder).state is RunState.FAILED)
    assert "NaN" in read_status(folder).message


def test_it_imports_neither_tensorflow_nor_streamlit():
    script = (
        "import sys, yolo_core.training.launcher; "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'streamlit')))"
    )
    with contextlib.chdir(ROOT):
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
