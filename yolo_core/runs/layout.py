"""Where the files of a run lie, and how a run folder comes into being and is found again."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil

from yolo_core.files import cannot_write

GOING = ".gone-"
"""How the name of a folder begins that was a run and is being deleted."""

RECORDED_FILE = "recorded.json"
"""What a run of somebody's own script has in place of a configuration."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_BESIDE = ".new-"


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one run, `checkpoints/<name>/`, and the files in it.

    Attributes:
        path: The folder. It need not exist.
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    @property
    def name(self) -> str:
        """The run's name, which is the folder's."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The complete configuration, which alone restarts the run; or what `is_recorded` says."""
        recorded = self.path / RECORDED_FILE
        return recorded if recorded.is_file() else self.path / "config.json"

    @property
    def is_recorded(self) -> bool:
        """Whether a script of somebody's own trained: what is known of it restarts nothing."""
        return self.config.name == RECORDED_FILE

    @property
    def restarts(self) -> bool:
        """Whether a training can be started from its configuration."""
        return self.config.is_file() and not self.is_recorded

    @property
    def samples(self) -> Path:
        """The samples that a recorded run keeps."""
        return self.path / "samples.npz"

    @property
    def network(self) -> Path:
        """The network of a recorded run, as Keras writes it down without its weights."""
        return self.path / "network.json"

    @property
    def environment(self) -> Path:
        """Versions of Python and the packages that trained."""
        return self.path / "environment.json"

    @property
    def database(self) -> Path:
        """Steps, evaluations, events, commands, status, checkpoints, snapshots (SQLite)."""
        return self.path / "run.db"

    @property
    def note(self) -> Path:
        """What somebody put down about the run; mostly there is none."""
        return self.path / "note.json"

    @property
    def doctor(self) -> Path:
        """The folder of what the doctor found, and of what was dismissed; mostly there is none."""
        return self.path / "doctor"

    @property
    def weights(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "weights"

    @property
    def snapshots(self) -> Path:
        """The folder of the snapshots."""
        return self.path / "snapshots"

    @property
    def log(self) -> Path:
        """Standard output and error of the training process."""
        return self.path / "train.log"

    @property
    def tensorboard(self) -> Path:
        """The folder of the TensorBoard event files."""
        return self.path / "tb"

    @property
    def is_run(self) -> bool:
        """Whether the folder holds a run: a configuration or a database."""
        return self.config.is_file() or self.database.is_file()


def check_run_name(name: str) -> str:
    """Returns `name` if a run may be called that.

    Raises:
        ValueError: It may not; the message says what a name looks like.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            "A run name is 1 to 64 letters, digits, - and _ and starts with a letter or a digit, "
            f"such as first-3; received {name!r}."
        )
    return name


def new_run_name(checkpoints: Path, stem: str) -> str:
    """The first free name of the form "stem-number".

    Args:
        checkpoints: The folder that holds the run folders.
        stem: Beginning of the name, such as a loss's name; what a name may not hold becomes "-".
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:50] or "run"
    number = 1
    while os.path.lexists(Path(checkpoints) / f"{stem}-{number}"):
        number += 1
    return check_run_name(f"{stem}-{number}")


def create_run(
    checkpoints: Path, name: str, fill: Callable[[RunFolder], None] = lambda _: None
) -> RunFolder:
    """Makes the folder of a new run, with its subfolders and whatever else a run begins with.

    It is filled beside its name and moved there when it is complete: a start that is killed on the
    way leaves no half a run that could neither be resumed nor started again.

    Args:
        checkpoints: The folder that holds the run folders.
        name: The run's name.
        fill: Makes the run's first files, in the folder that it is given.

    Raises:
        ValueError: The name is bad or taken, the disk is full, or the place is not writable.
    """
    folder = RunFolder(Path(checkpoints) / check_run_name(name))
    beside = RunFolder(folder.path.with_name(f"{_BESIDE}{name}.{os.getpid()}"))
    try:
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_what_was_killed(folder.path.parent)
        if os.path.lexists(folder.path):
            raise FileExistsError
        for part in (beside.weights, beside.snapshots, beside.tensorboard):
            part.mkdir(parents=True)
        fill(beside)
        # Of two that come at once, one finds a folder that is not empty.
        os.rename(beside.path, folder.path)
    except OSError as error:
        if not os.path.lexists(folder.path):
            place = folder.path if folder.path.parent.is_dir() else folder.path.parent
            raise ValueError(cannot_write(place, error)) from None
        way = "resume it" if folder.database.is_file() else "delete the folder: it has no run.db"
        raise ValueError(
            f"A run named {name!r} exists already in {folder.path.parent}; "
            f"choose another name, or {way}."
        ) from None
    finally:
        shutil.rmtree(beside.path, ignore_errors=True)
    return folder


def _sweep_what_was_killed(checkpoints: Path) -> None:
    for path in (*checkpoints.glob(f"{_BESIDE}*"), *checkpoints.glob(f"{GOING}*")):
        pid = path.name.rpartition(".")[2]
        if not (pid.isdecimal() and psutil.pid_exists(int(pid))):
            shutil.rmtree(path, ignore_errors=True)


def find_run(checkpoints: Path, name: str) -> RunFolder:
    """The folder of an existing run.

    Raises:
        ValueError: There is no such run; the message names those that there are.
    """
    folder = RunFolder(Path(checkpoints) / check_run_name(name))
    if folder.is_run:
        return folder
    names = [run.name for run in list_runs(checkpoints)]
    if not names:
        raise ValueError(f"There is no run {name!r}: {checkpoints} holds no runs.")
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    raise ValueError(f"There is no run {name!r} in {checkpoints}; the runs there are {shown}.")


def list_runs(checkpoints: Path) -> list[RunFolder]:
    """All runs, newest first by the age of their configuration.

    Folders that are no run, that have a name no run can have, or that cannot be looked into are
    left out; a missing `checkpoints` holds no runs.
    """
    found = []
    try:
        entries = list(Path(checkpoints).iterdir())
    except OSError:
        return []
    for path in entries:
        folder = RunFolder(path)
        try:
            if not _NAME.fullmatch(path.name) or not folder.is_run:
                continue
            dated = folder.config if folder.config.is_file() else folder.database
            found.append((dated.stat().st_mtime_ns, path.name, folder))
        except OSError:
            continue
    return [folder for _, _, folder in sorted(found, key=lambda item: item[:2], reverse=True)]
