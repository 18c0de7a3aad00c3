"""Somebody's own loss: `FILE.py:NAME` on the command line, loaded from that file.

Loading a file runs it, so only a file that was named on the command line is ever loaded:

* `python -m yolo_core train --loss FILE.py:Class` loads it, writes its path and the class into
  `config.json`, and keeps a copy of the file in the run's folder.
* `--resume RUN` and `python -m yolo_core survey RUN` load the file that the run's `config.json`
  names, but a run folder may come from anybody. So the file must be, byte for byte, the one that
  the run keeps its copy of, and a `--loss` on this computer must have named that very file before:
  this is put down outside of all run folders, and the dashboard, which starts these very commands,
  may not say `--loss`. A file in a run's folder must be named by the same command. (What the file
  imports is not compared.)
* `--config FILE.json` does not count as naming the loss file in it: `--loss` must name it, too.
* Nobody else passes a class to `build_loss`, and without one it refuses such a run in a sentence.
  The pages draw the run from its snapshots, for which no loss is needed.

No Keras in here, except inside `load_loss_class`.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
import inspect
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolo_core.files import replace_file
from yolo_core.losses.families import DEFAULT_FAMILY
from yolo_core.runs.layout import RunFolder

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss

KEPT_SOURCE = "own_loss.py"
"""The copy of the loss's file in a run's folder. It is compared, never run."""
_OURS = "FILE.py:NAME, such as my_losses.py:MyLoss"
# What --loss named in this process.
_named: set[str] = set()
_IN_FILE = re.compile(r'File "(.+?)", line (\d+)')
# What TensorFlow adds to a message, and nobody outside of it can use.
_INNER = re.compile(r"\{\{.*?\}\} *| *\[Op:\w+\]| name: *$")


def is_own_loss(name: str) -> bool:
    """Whether a loss's name is that of a file: "FILE.py:NAME"."""
    return ":" in name


def split_name(name: str) -> tuple[Path, str]:
    """The file and the name in it.

    Raises:
        ValueError: The name has another form.
    """
    file, _, attribute = name.rpartition(":")
    # A method is named "Class.method"; who cannot do with one finds no such name.
    if not file.endswith(".py") or not all(each.isidentifier() for each in attribute.split(".")):
        raise ValueError(f"A loss of your own is named {_OURS}; received {name!r}.")
    return Path(file).expanduser(), attribute


def absolute_name(name: str) -> str:
    """The same with an absolute path, so that it holds from any folder."""
    path, attribute = split_name(name)
    return f"{os.path.abspath(path)}:{attribute}"


def short_name(name: str) -> str:
    """What the pages call it, such as "my_losses.py:MyLoss"; other names stay as they are."""
    return Path(name).name if is_own_loss(name) else name


def load_object(name: str) -> Any:
    """Runs a file and returns what it calls that.

    The file's folder is put in front of the module search path, so that it can import its
    neighbours.

    Args:
        name: "FILE.py:NAME", as it was given on the command line.

    Raises:
        ValueError: The file is not there, is no Python, fails while it is run (the line of it is
            named), or has no such name (those that it has are named).
    """
    path, attribute = split_name(name)
    read_source(path)
    path = Path(os.path.abspath(path))
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # A name of its own, so that it hides no installed module; listed, because AutoGraph and
    # Keras's serialisation look their classes' modules up.
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no file that Python can load.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with blamed_on(path, "it could not be loaded"):
        spec.loader.exec_module(module)
    try:
        return getattr(module, attribute)
    except AttributeError:
        defined = [
            each
            for each, value in vars(module).items()
            if not each.startswith("_") and getattr(value, "__module__", None) == spec.name
        ]
        raise ValueError(
            f"{path} has no {attribute!r}; it defines {', '.join(defined) or 'nothing'}."
        ) from None


def names_around(name: str) -> dict[str, Any]:
    """The names of a file that was loaded, to be read and set."""
    return vars(sys.modules[_module_name(split_name(name)[0])])


def _module_name(path: Path) -> str:
    return f"own_loss_{path.stem}"


def load_loss_class(name: str) -> type[DetectionLoss]:
    """The class of a loss that can be trained.

    Args:
        name: "FILE.py:Class".

    Raises:
        ValueError: As `load_object`, or it is no subclass of `DetectionLoss`.
    """
    from yolo_core.losses import DetectionLoss

    found = load_object(name)
    if not inspect.isclass(found):
        kind = "a function" if callable(found) else f"a {type(found).__name__}"
        compare = (
            f" A plain Keras loss can be compared with a published one: python -m yolo_core "
            f"compare {name} --against {DEFAULT_FAMILY}."
            if callable(found)
            else ""
        )
        raise ValueError(
            f"--loss takes a class under yolo_core.losses.DetectionLoss; {short_name(name)} is "
            f"{kind}.{compare}"
        )
    if not issubclass(found, DetectionLoss):
        bases = ", ".join(base.__name__ for base in found.__bases__)
        raise ValueError(
            f"--loss takes a subclass of DetectionLoss, GridLoss or MultiHeadLoss; "
            f"{short_name(name)} is a subclass of {bases}."
        )
    return found


def read_source(path: Path) -> bytes:
    """The bytes of a loss's file.

    Raises:
        ValueError: It is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}. Was it moved?") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None


def remember(name: str) -> None:
    """Puts down, outside of all run folders, that `--loss` on a command line named this file.

    Raises:
        ValueError: The file cannot be read.
    """
    path = split_name(name)[0]
    record = _record(path, read_source(path))
    _named.add(record)
    # Where nothing can be kept, it must be named again.
    with contextlib.suppress(OSError, RuntimeError):
        file = _named_before()
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as sink:
            sink.write(f"{record}\n")


def keep_source(name: str, folder: Path) -> None:
    """Remembers the loss's file, and keeps a copy of it in the folder of a run that begins with it.

    Raises:
        ValueError: The file cannot be read, or the folder cannot be written to.
    """
    remember(name)
    replace_file(folder / KEPT_SOURCE, read_source(split_name(name)[0]))


def check_source(name: str, folder: Path) -> None:
    """Refuses a file that is not the one a run began with, or that nobody named here.

    Args:
        name: The loss's name in the run's configuration.
        folder: The run's folder.

    Raises:
        ValueError: The file is gone, has changed (the first line that differs is named), or no
            command line has named it.
    """
    path = split_name(name)[0]
    kept = folder / KEPT_SOURCE
    try:
        before = kept.read_bytes()
    except OSError:
        raise ValueError(
            f"Run {folder.name!r} has lost its copy of {path.name} ({KEPT_SOURCE}), so nobody can "
            "tell whether the file is still the one that it was trained with. Start a new run."
        ) from None
    now = read_source(path)
    if now != before:
        raise ValueError(
            f"{path} has changed since run {folder.name!r} began, first in line "
            f"{_first_difference(before, now)}: going on with it would be another training. Start "
            f"a new run, or put the old file back: {kept}."
        )
    if not _was_named(path, now, folder.parent):
        raise ValueError(
            f"Run {folder.name!r} would run {path}, and a run folder may come from anybody: no "
            "command line has named that file as it stands, or it lies in a run's folder. If it is "
            f"yours, name it: python -m yolo_core train --resume {folder.name} --loss {name} "
            f"(or survey {folder.name} --loss {name})."
        )


def _was_named(path: Path, source: bytes, runs: Path) -> bool:
    record = _record(path, source)
    if record in _named:
        return True
    with contextlib.suppress(OSError, RuntimeError):
        place, runs = path.resolve(), runs.resolve()
        # What it imports may have come with the run.
        in_run = place.is_relative_to(runs) and RunFolder(runs / place.relative_to(runs).parts[0])
        if not (in_run and in_run.is_run):
            return record in _named_before().read_text(encoding="utf-8").splitlines()
    return False


def _record(path: Path, source: bytes) -> str:
    return json.dumps([hashlib.sha256(source).hexdigest(), os.path.abspath(path)])


def _named_before() -> Path:
    place = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.local/state"
    return Path(place).expanduser() / "detector-debugger" / "named-losses.jsonl"


@contextlib.contextmanager
def blamed_on(path: Path, what: str, hint: Callable[[str], str] = lambda _: "") -> Iterator[None]:
    """Turns whatever goes wrong inside into a sentence with the line of the file.

    Args:
        path: The file whose code is run.
        what: The beginning of the sentence, such as "it could not be loaded".
        hint: What to try, from what the error says.

    Raises:
        ValueError: The sentence.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # SystemExit among them: a script that ends itself must not end this one in silence.
        line = _line_in(path, error)
        where = f"{path}, line {line}" if line else str(path)
        raise ValueError(
            f"{where}: {what}: {type(error).__name__}: {_last_words(error)}{hint(str(error))}"
        ) from error


def _line_in(path: Path, error: BaseException) -> int | None:
    """The last line of the file that led to the error."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    # Compiled by AutoGraph, the file's own lines stand in the message.
    told = [int(line) for file, line in _IN_FILE.findall(str(error)) if file == str(path)]
    if told:
        return told[-1]
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in reversed(frames) if f.filename == str(path)), None)


def _last_words(error: BaseException) -> str:
    """What an error says, on one line."""
    if isinstance(error, SyntaxError):
        return f"{error.msg}."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("in user code"):
        # AutoGraph's list of frames, with the message behind it.
        behind = [line for line in lines[1:] if not line.startswith("File ")]
        lines = behind[-1:] or lines
    # AutoGraph writes the kind of the error into the message again.
    text = lines[0].removeprefix(f"{type(error).__name__}: ") if lines else "no message"
    text = _INNER.sub("", text)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _first_difference(before: bytes, now: bytes) -> int:
    old, new = before.splitlines(), now.splitlines()
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    return next(
        (start + 1 for tag, _, _, start, _ in matcher.get_opcodes() if tag != "equal"), len(new)
    )
