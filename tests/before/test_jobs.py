"""The two searches as processes of their own."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data.made_set import made
from yolo_core.before.folder import DUPLICATES, LOST, BeforeFolder, folder_of, start
from yolo_core.before.jobs import Search, read_groups, write_groups
from yolo_core.before.lost_table import read_table
from yolo_core.data.duplicates import Group
from yolo_core.data.overview import overview_of, pictures_of
from yolo_core.data.registry import open_source
from yolo_core.jobs.status import JobState, read_job
from yolo_core.losses import FAMILY_NAMES
from yolo_core.training.config import RunConfig, parse_config

ROOT = Path(__file__).parents[2]


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yolo_core", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ended(folder: BeforeFolder) -> JobState:
    deadline = time.monotonic() + 60
    while read_job(folder.status).is_live and time.monotonic() < deadline:
        time.sleep(0.05)
    return read_job(folder.status).state


def test_the_same_question_has_the_same_folder(tmp_path: Path) -> None:
    one = parse_config({"loss": {"name": "yolov3", "lambdas": {"xy": 2}}})
    assert folder_of(tmp_path, LOST, one) == folder_of(
        tmp_path, LOST, parse_config({"loss": {"name": "yolov3"}, "training": {"steps": 3}})
    )
    assert folder_of(tmp_path, LOST, one) != folder_of(tmp_path, LOST, RunConfig())
    # Which loss is trained makes no duplicates.
    assert folder_of(tmp_path, DUPLICATES, one) == folder_of(tmp_path, DUPLICATES, RunConfig())


@pytest.mark.slow
def test_a_started_search_ends_with_a_table(tmp_path: Path) -> None:
    config = RunConfig()
    folder = folder_of(tmp_path, LOST, config)
    start(folder, config)
    assert ended(folder) is JobState.FINISHED, folder.log.read_text()
    overview = overview_of(open_source(config.data))
    table = read_table(folder.result, overview.data)
    assert len(table.object) == len(overview.data.box_class)
    assert read_job(folder.status).done == 1500


@pytest.mark.slow
def test_what_cannot_be_looked_for_says_why(tmp_path: Path) -> None:
    config = parse_config({"loss": {"name": "yolov1", "anchors": [[0.1, 0.1]]}})
    folder = folder_of(tmp_path, LOST, config)
    start(folder, config)
    assert ended(folder) is JobState.FAILED
    assert "has no anchors" in read_job(folder.status).message


@pytest.fixture(scope="module")
def printed() -> dict[str, list[str]]:
    """What the command prints of each loss, and what it has loaded by then, in one process."""
    code = (
        "import sys, yolo_core.__main__ as m\n"
        f"for name in {FAMILY_NAMES!r}:\n"
        "    code = m.main(['lost', 'digits', '--loss', name, '--json'])\n"
        "    print(code, 'tensorflow' in sys.modules, 'jax' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    return {name: lines[2 * at : 2 * at + 2] for at, name in enumerate(FAMILY_NAMES)}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_the_command_prints_what_is_lost_without_tensorflow(
    name: str, printed: dict[str, list[str]]
) -> None:
    said, last = printed[name]
    # Where JAX is installed, Keras's NumPy backend loads it.
    assert last == f"0 False {importlib.util.find_spec('jax') is not None}"
    found = json.loads(said)
    lost = sum(
        count
        for reason, count in found["by_reason"].items()
        if reason in ("overwritten", "outside", "zero area", "below threshold", "invalid")
    )
    assert found["lost"] == lost
    assert len(found["found"]) == sum(found["by_reason"].values())


@pytest.mark.slow
def test_data_or_a_configuration_must_be_named() -> None:
    done = command("lost")
    assert (done.returncode, "takes DATA or --config" in done.stderr) == (2, True)


@pytest.mark.slow
def test_duplicates_of_a_source_and_stopping(tmp_path: Path) -> None:
    config = RunConfig()
    folder = folder_of(tmp_path, DUPLICATES, config)
    folder.path.mkdir(parents=True)
    assert Search(folder, config).run(lambda: True).state is JobState.STOPPED
    assert not folder.result.exists()
    assert Search(folder, config).run().state is JobState.FINISHED
    assert read_groups(folder.result, pictures_of(open_source(config.data))) == []


def test_groups_are_read_back_and_refused_for_other_data(tmp_path: Path) -> None:
    data, path = made({"a": [], "b": [], "c": []}), tmp_path / "groups.json"
    groups = [Group((0, 2), exact=False, alike=0.97)]
    write_groups(path, groups, data)
    assert read_groups(path, data) == groups
    with pytest.raises(ValueError, match="have changed"):
        read_groups(path, made({"a": [], "b": []}))
    path.write_text(json.dumps({"digest": 1, "groups": [[[0, "x"], True, 1]]}))
    with pytest.raises(ValueError, match="no groups"):
        read_groups(path, data)


def test_keras_on_numpy_leaves_a_loaded_keras_alone() -> None:
    import keras

    from yolo_core.losses.on_numpy import load_keras_on_numpy

    before = keras.config.backend()
    load_keras_on_numpy()
    assert keras.config.backend() == before
    assert np.asarray(keras.ops.ones(2)).tolist() == [1, 1]
