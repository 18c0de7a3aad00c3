"""What is kept of the doctor's work beside a run: findings as sentences, and what was dismissed.

`checkpoints/<run>/doctor/`. The database has one writer, the training; whoever looks at a run may
write these at any time. A run folder may come from anybody: what is read is checked. No Keras.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yolo_core.doctor.finding import Examination, Finding
from yolo_core.files import cannot_write, replace_file
from yolo_core.foreign_files import read_json
from yolo_core.runs.layout import RunFolder

MOST_CHARACTERS = 1000
_MOST_BYTES = 1_000_000
_MOST_FINDINGS = 500


@dataclasses.dataclass(frozen=True)
class Told:
    """A finding as it is told.

    Attributes:
        key: What it is dismissed by.
        check: Id of the check.
        of: "loss", "data" or "run".
        title: A few words.
        what: What was found.
        means: What that means.
        cause: The likely cause; "" where none is known.
        tries: What to try.
        step: Since which step; None for what was so before the first.
        link: {"page": title, query parameter: value} of the view that shows it.
    """

    key: str
    check: str
    of: str
    title: str
    what: str
    means: str
    cause: str
    tries: str
    step: int | None = None
    link: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Before:
    """What was found before the first step.

    Attributes:
        found: The findings.
        passed: Ids of the checks that found nothing.
        not_tried: {id: why} of those that could not look.
        time: When, seconds since 1970.
    """

    found: tuple[Told, ...]
    passed: tuple[str, ...]
    not_tried: Mapping[str, str]
    time: float


def told(finding: Finding) -> Told:
    """A finding with its sentences made."""
    seen = finding.seen
    return Told(
        key=finding.key,
        check=finding.check.id,
        of=finding.check.of,
        title=finding.check.title,
        what=finding.what,
        means=finding.check.means,
        cause=finding.cause,
        tries=finding.tries,
        step=seen.step,
        link=dict(seen.link),
    )


def keep_before(folder: RunFolder, found: Examination) -> None:
    """Keeps what was found before the first step.

    Raises:
        ValueError: The folder cannot be written to.
    """
    fields = {
        "time": time.time(),
        "found": [dataclasses.asdict(told(each)) for each in found.findings],
        "passed": list(found.passed),
        "not_tried": dict(found.not_tried),
    }
    _write(folder, "before.json", fields)


def read_before(folder: RunFolder) -> Before | None:
    """What was found before the first step; None where nobody looked.

    Raises:
        ValueError: The file is damaged.
    """
    path = folder.doctor / "before.json"
    fields = _kept(path)
    if fields is None:
        return None
    try:
        return Before(
            found=tuple(_told(each) for each in fields["found"][:_MOST_FINDINGS]),
            passed=tuple(map(str, fields["passed"])),
            not_tried={str(key): str(why) for key, why in fields["not_tried"].items()},
            time=float(fields["time"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(f"{path} holds no findings of the doctor; delete it.") from None


def _told(fields: Any) -> Told:
    texts = {
        field.name: fields[field.name]
        for field in dataclasses.fields(Told)
        if field.name not in ("step", "link")
    }
    link = fields["link"]
    step = fields["step"]
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    if wrong or not isinstance(link, dict) or not (step is None or isinstance(step, int)):
        raise ValueError(f"{wrong or 'link or step'} has another type")
    return Told(**texts, step=step, link={str(key): str(each) for key, each in link.items()})


def dismissed(folder: RunFolder) -> dict[str, str]:
    """{key of a finding: the note it was dismissed with}.

    Raises:
        ValueError: The file is damaged.
    """
    path = folder.doctor / "dismissed.json"
    fields = _kept(path)
    if fields is None:
        return {}
    if not all(isinstance(note, str) for note in fields.values()):
        raise ValueError(f"{path} must hold a note for each finding, as texts; delete it.")
    return {key: note[:MOST_CHARACTERS] for key, note in fields.items()}


def dismiss(folder: RunFolder, key: str, note: str | None) -> None:
    """Puts a finding aside, with a note; a note of None takes it up again.

    Raises:
        ValueError: The note is too long, or the folder cannot be written to.
    """
    if note is not None and len(note) > MOST_CHARACTERS:
        raise ValueError(
            f"A note has at most {MOST_CHARACTERS:,} characters; received {len(note):,}."
        )
    before: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a damaged file is written anew
        before = dismissed(folder)
    before.pop(key, None)
    _write(folder, "dismissed.json", before if note is None else {**before, key: note.strip()})


def keep_overfit(folder: RunFolder, found: Mapping[str, Any]) -> None:
    """Keeps what came of overfitting the pinned batch, as `Overfitted.to_json` gives it.

    Raises:
        ValueError: The folder cannot be written to.
    """
    _write(folder, "overfit.json", {"time": time.time(), **found})


def read_overfit(folder: RunFolder) -> dict[str, Any] | None:
    """What came of it; None where nobody tried.

    Raises:
        ValueError: The file is damaged.
    """
    path = folder.doctor / "overfit.json"
    fields = _kept(path)
    if fields is None:
        return None
    try:
        rows = {
            part: [{key: str(row[key]) for key in keys} for row in fields[part][:_MOST_FINDINGS]]
            for part, keys in _OVERFIT_ROWS.items()
        }
        learned = {
            part: [row["learned_at"] is not None for row in fields[part][:_MOST_FINDINGS]]
            for part in _OVERFIT_ROWS
        }
        totals = [float("nan") if each is None else float(each) for each in fields["totals"]]
        words = {key: str(fields[key]) for key in ("end", "note")}
        return {**words, **rows, "learned": learned, "totals": totals, "steps": len(totals)}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path} holds no result of overfitting; delete it.") from None


_OVERFIT_ROWS = {"terms": ("name", "verdict"), "objects": ("sample", "index", "object", "verdict")}


def _kept(path: Path) -> dict[str, Any] | None:
    """What a file holds; None where there is none."""
    return read_json(path, most_bytes=_MOST_BYTES) if path.is_file() else None


def _write(folder: RunFolder, name: str, fields: Mapping[str, Any]) -> None:
    try:
        folder.doctor.mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(cannot_write(folder.doctor, error)) from None
    replace_file(folder.doctor / name, json.dumps(fields) + "\n", durable=False)
