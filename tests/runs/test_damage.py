"""Whatever happened to the file, a reader gets an answer or a sentence that names the file."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.runs.snapshot_cases import assert_same
from yolo_core.runs import database
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore

READS: dict[str, Callable[[RunStore], object]] = {
    "columns": lambda store: store.columns,
    "last_step": lambda store: store.last_step(),
    "steps": lambda store: store.steps(),
    "curves": lambda store: store.curves(),
    "coarse curves": lambda store: store.curves(points=20),
    "evaluations": lambda store: store.evaluations(),
    "events": lambda store: store.events(),
    "checkpoints": lambda store: store.checkpoints(),
    "snapshots": lambda store: store.snapshots(),
    "commands": lambda store: store.commands(),
    "wait_for_answer": lambda store: store.wait_for_answer(1, 0),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with something in every table, closed."""
    folder = RunFolder(tmp_path_factory.mktemp("checkpoints") / "healthy")
    for place in (folder.path, folder.snapshots):
        place.mkdir()
    with RunStore.create(folder, [f"term/{i}" for i in range(12)]) as store:
        for step in range(1, 301):
            store.record_step(step, {f"term/{i}": step * i for i in range(12)})
        for step in range(0, 300, 10):
            store.record_evaluation(step, {"map50": 0.5, "map50_95": 0.25})
            store.record_event(step, "set-lambda", {"name": "xy", "value": 2.0, "before": 1.0})
            store.record_checkpoint(step, f"step-{step}.npz")
            for sample in range(8):
                file = f"pinned-{step:08d}.npz"
                store.record_snapshot(
                    step,
                    "pinned",
                    f"val/{sample}",
                    file,
                    1.0,
                    terms={"xy": 1.0},
                    lambdas={"xy": 5.0},
                )
            store.answer(store.send("step", {"count": 1}), step=step)
        store.set_status(state="finished", message="Done.")
    assert not Path(f"{folder.database}-wal").exists()
    return folder


@pytest.fixture
def copy(healthy: RunFolder, tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "checkpoints" / "copy")
    shutil.copytree(healthy.path, folder.path)
    return folder


def complaints_of(store: RunStore) -> list[str]:
    """Calls every method that reads; returns the sentences of those that complained."""
    found = []
    for read in READS.values():
        try:
            read(store)
        except ValueError as error:
            found.append(str(error))
    return found


def complaints(folder: RunFolder) -> list[str]:
    """Opens and reads a run in every way; returns the sentences of what complained."""
    found = []
    status = read_status(folder)
    if status.state is RunState.UNREADABLE:
        found.append(status.message)
    for writable in (False, True):
        try:
            store = RunStore.open(folder, writable=writable)
        except ValueError as error:
            found.append(str(error))
            continue
        found += complaints_of(store)
        try:
            store.close()
        except ValueError as error:
            found.append(str(error))
    assert [run.name for run in list_runs(folder.path.parent)] == ["copy"]
    for sentence in found:
        assert str(folder.database) in sentence
        assert sentence.endswith(".")
    return found


def test_a_sound_file_brings_no_complaint(copy):
    assert complaints(copy) == []


def overwrite(path: Path, at: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def sql(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda p: p.write_bytes(b""), "run.db is empty."),
        (lambda p: p.write_bytes(b"{}"), "is not a SQLite database"),
        (lambda p: p.write_bytes(b"\0" * 8192), "is not a SQLite database"),
        (lambda p: p.write_bytes(p.read_bytes()[:60]), "is half-written: it ends"),
        (lambda p: p.write_bytes(p.read_bytes()[:4096]), "is damaged or half-written"),
        (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "is damaged or half"),
        (lambda p: overwrite(p, 0, b"x"), "is not a SQLite database"),
        (lambda p: overwrite(p, 4096, b"\xff" * 40000), "is damaged or half-written"),
        (lambda p: (p.unlink(), sql(p, "CREATE TABLE a (b)")), "is a SQLite database, but not of"),
        (lambda p: sql(p, "PRAGMA user_version = 7"), "version 7; this program reads version 1"),
        (lambda p: sql(p, "DROP TABLE steps"), "is incomplete or damaged (no such table: steps)"),
        (lambda p: sql(p, "DROP TABLE buckets_32"), "(no such table: buckets_32)"),
        (lambda p: sql(p, "DROP TABLE status"), "(no such table: status)"),
        (lambda p: sql(p, "DROP TABLE events"), "(no such table: events)"),
        (lambda p: sql(p, "DROP TABLE commands"), "(no such table: commands)"),
        (lambda p: sql(p, "DROP TABLE snapshots"), "(no such table: snapshots)"),
        (lambda p: sql(p, "DROP TABLE evaluations"), "(no such table: evaluations)"),
        (lambda p: sql(p, "DROP TABLE checkpoints"), "(no such table: checkpoints)"),
        (lambda p: sql(p, "DELETE FROM status"), "there is no status row"),
        (lambda p: sql(p, "UPDATE status SET state = 'walking'"), "'walking' is not a valid"),
        (lambda p: sql(p, "UPDATE status SET seconds = 'x'"), "could not convert string"),
        (lambda p: sql(p, "UPDATE status SET step = x'ff'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE events SET detail = '{'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE events SET detail = '[]'"), "expected a JSON object"),
        (lambda p: sql(p, "UPDATE snapshots SET terms = x'ff'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE commands SET arguments = 'no'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE steps SET \"term/3\" = 'x'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE buckets_8 SET \"term/3|low\" = 'x'"), "a row does not read"),
        (lambda p: sql(p, "UPDATE evaluations SET value = 'x'"), "a row does not read"),
        (
            lambda p: sql(p, "UPDATE events SET kind = CAST(x'ff' AS TEXT)"),
            "is incomplete or damaged (Could not decode to UTF-8",
        ),
    ],
)
def test_damage_is_told_in_a_sentence(copy, damage, message):
    damage(copy.database)
    found = complaints(copy)
    assert any(message in sentence for sentence in found), found


ELSEWHERE = ("../../precious.npz", "/precious.npz", "step-1.npz/../../precious.npz", "", "x-1")


@pytest.mark.parametrize("file", ELSEWHERE)
@pytest.mark.parametrize(
    ("row", "read"),
    [
        ("INSERT INTO checkpoints VALUES (999, 0, ?)", RunStore.checkpoints),
        ("INSERT INTO snapshots VALUES ('val/3', 'pinned', 999, ?, 1, '{}', '{}')",
         RunStore.snapshots),
    ],
    ids=["checkpoint", "snapshot"],
)  # fmt: skip
def test_no_row_leads_to_a_file_elsewhere(copy, row, read, file):
    """A received run folder must not be able to have files of others deleted."""
    precious = copy.path.parent / "precious.npz"
    precious.write_bytes(b"precious")
    (copy.path / "precious.npz").write_bytes(b"precious")
    connection = sqlite3.connect(copy.database, isolation_level=None)
    connection.execute(row, (file,))
    connection.close()
    with RunStore.open(copy, writable=True) as store:
        with pytest.raises(ValueError, match=r"expected a file (step|pinned)-NUMBER\.npz, found"):
            read(store)
        store.truncate_after(100)
        assert read(store)[-1].step == 100
    assert precious.exists()
    assert (copy.path / "precious.npz").exists()


def test_a_row_of_another_kind_leads_nowhere(copy):
    sql(copy.database, "UPDATE snapshots SET kind = '../x', file = '../x-1.npz' WHERE step = 10")
    assert any("found '../x-1.npz'" in sentence for sentence in complaints(copy))


def test_a_missing_database_and_a_folder_in_its_place(copy):
    copy.config.write_text("{}")
    copy.database.unlink()
    with pytest.raises(ValueError, match=r"run\.db does not exist"):
        RunStore.open(copy)
    copy.database.mkdir()
    with pytest.raises(ValueError, match=r"run\.db does not exist"):
        RunStore.open(copy, writable=True)


PAGE = 4096


def outcomes(store: RunStore) -> dict[str, object]:
    """What every method reads; the sentence of one that complains."""
    found: dict[str, object] = {}
    for name, read in READS.items():
        try:
            found[name] = read(store)
        except ValueError as error:
            found[name] = str(error)
    return found


def assert_told_or_as_written(copy: RunFolder, healthy: RunFolder) -> int:
    """What is read of a damaged file is what was written, or a sentence; gives how many."""
    with RunStore.open(healthy) as store:
        written = outcomes(store)
    try:
        with RunStore.open(copy) as store:
            found = outcomes(store)
    except ValueError as error:
        found = dict.fromkeys(READS, str(error))
    told = [value for value in found.values() if isinstance(value, str)]
    assert all(str(copy.database) in sentence for sentence in told)
    for name, value in found.items():
        if not isinstance(value, str):
            assert_same(with_own_paths(value, copy), with_own_paths(written[name], healthy))
    return len(told)


def with_own_paths(value: object, folder: RunFolder) -> object:
    """Without where the folder lies."""
    if isinstance(value, list):
        return {at: with_own_paths(each, folder) for at, each in enumerate(value)}
    fields = getattr(value, "__dict__", None)
    if fields is None:
        return value
    return {
        name: each.relative_to(folder.path) if isinstance(each, Path) else each
        for name, each in fields.items()
    }


@pytest.mark.slow
def test_a_file_that_is_cut_off_is_always_told(copy, healthy):
    content = copy.database.read_bytes()
    lengths = np.random.default_rng(0).integers(1, len(content), 40).tolist()
    for length in [*lengths, *range(0, len(content), PAGE), len(content) - 1]:
        copy.database.write_bytes(content[:length])
        assert assert_told_or_as_written(copy, healthy) > 0, length


@pytest.mark.slow
@pytest.mark.parametrize("fill", ["zeros", "ones", "noise"])
def test_pages_that_are_lost_are_told_or_were_not_needed(copy, healthy, fill):
    """As after a power cut. What changes within a page may pass: SQLite has no checksums."""
    content = copy.database.read_bytes()
    rng = np.random.default_rng(0)
    told = []
    for at in range(0, len(content), PAGE):
        lost = {"zeros": bytes(PAGE), "ones": b"\xff" * PAGE, "noise": rng.bytes(PAGE)}[fill]
        copy.database.write_bytes(content)
        overwrite(copy.database, at, lost)
        told.append(assert_told_or_as_written(copy, healthy))
    assert told[0] == len(READS)  # the page with the header
    # Others hold indexes that nothing here is looked up in, or nothing at all.
    assert sum(each > 0 for each in told) > len(told) / 2


@pytest.mark.parametrize("seed", range(40))
def test_no_random_damage_escapes_as_anything_but_a_sentence(copy, seed):
    rng = np.random.default_rng(seed)
    size = copy.database.stat().st_size
    for _ in range(int(rng.integers(1, 30))):
        length = int(rng.integers(1, 200))
        overwrite(copy.database, int(rng.integers(16, size)), rng.bytes(length))
    complaints(copy)  # holds its sentences to their form, and raises whatever is none


def test_a_database_that_is_damaged_while_it_is_open(copy):
    with RunStore.open(copy) as store:
        copy.database.write_bytes(b"\xff" * copy.database.stat().st_size)
        found = complaints_of(store)
    assert len(found) == len(READS)
    assert all(str(copy.database) in sentence for sentence in found)


def test_a_full_disk_is_a_sentence_and_what_was_kept_back_is_not_lost(copy):
    with RunStore.open(copy, writable=True) as store:
        connection = store._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for step in range(301, 1001):
            with contextlib.suppress(ValueError):
                store.record_step(step, {"term/1": step})
        with pytest.raises(ValueError, match=r"The disk is full, so .*run\.db cannot be written"):
            store.flush()
        with RunStore.open(copy) as reader:
            assert reader.last_step()["step"] == 300
        connection.execute("PRAGMA max_page_count = 1000000")
        store.flush()
        with RunStore.open(copy) as reader:
            assert reader.last_step()["term/1"] == 1000


def test_a_disk_error_on_a_full_disk_is_a_full_disk(tmp_path, monkeypatch):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    for free, sentence in (
        (40_000, f"The disk is full, so {tmp_path}/run.db cannot be written."),
        (2_000_000, f"{tmp_path}/run.db cannot be opened, read or written (disk I/O error)."),
    ):
        monkeypatch.setattr(
            database.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free)
        )
        told = pytest.raises(ValueError, match="^" + re.escape(sentence))
        with told, database.sentences(tmp_path / "run.db"):
            raise error


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_that_is_deleted_under_a_run_ends_it(copy, replaced):
    """Else it would train to its end and record nothing."""
    with contextlib.suppress(ValueError), RunStore.open(copy, writable=True) as store:
        store.record_step(301, {})
        other = copy.database.read_bytes()
        copy.database.unlink()
        if replaced:
            copy.database.write_bytes(other)
        with pytest.raises(ValueError, match=r"run\.db was deleted or replaced while run 'copy'"):
            store.flush()
        store._flushed -= 1.0
        with pytest.raises(ValueError, match=r"run\.db was deleted or replaced"):
            store.heartbeat()


def test_a_store_that_cannot_commit_while_it_closes_still_lets_the_run_go(copy):
    store = RunStore.open(copy, writable=True)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    store.set_status(message="x" * 100)
    with pytest.raises(ValueError, match="The disk is full"):
        store.record_event(300, "note", {"text": "x" * 1_000_000})
    store._rows = [(step, 0.0, *[1.0] * 12) for step in range(301, 5001)]
    with pytest.raises(ValueError, match="The disk is full"):
        store.close()
    with RunStore.open(copy, writable=True) as again:
        assert again.last_step()["step"] == 300


def test_a_locked_database_is_a_sentence(copy, monkeypatch):
    monkeypatch.setattr("yolo_core.runs.database.BUSY_SECONDS", 0.1)
    other = sqlite3.connect(copy.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match=r"run\.db was locked by another process for more than"):
        RunStore.open(copy, writable=True)
    other.close()
