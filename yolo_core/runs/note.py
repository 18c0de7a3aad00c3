"""What people put down about a run: a note and a star, in a file of their own.

The database has one writer, the training; whoever looks at a run may write this file at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json

from yolo_core.files import replace_file
from yolo_core.foreign_files import read_json
from yolo_core.runs.layout import RunFolder

MOST_CHARACTERS = 1000
_MOST_BYTES = 16_384


@dataclasses.dataclass(frozen=True)
class RunNote:
    """What somebody put down about a run.

    Attributes:
        text: Any text of at most `MOST_CHARACTERS`, or empty.
        starred: Whether it is one to come back to.
    """

    text: str = ""
    starred: bool = False


def read_note(folder: RunFolder) -> RunNote:
    """What was put down about a run; nothing where there is no such file.

    Raises:
        ValueError: The file is damaged, or larger than one of ours can be.
    """
    if not folder.note.is_file():
        return RunNote()
    fields = read_json(folder.note, most_bytes=_MOST_BYTES)
    text, starred = fields.get("text", ""), fields.get("starred", False)
    if not isinstance(text, str) or not isinstance(starred, bool):
        raise ValueError(
            f'{folder.note} must hold "text", a text, and "starred", true or false; '
            f"received {text!r:.80} and {starred!r:.80}."
        )
    return RunNote(text[:MOST_CHARACTERS], starred)


def write_note(
    folder: RunFolder, *, text: str | None = None, starred: bool | None = None
) -> RunNote:
    """Changes what is put down about a run; what is None stays as it is.

    Args:
        folder: The run, in whatever state.
        text: The note; "" takes it away.
        starred: Whether it has a star.

    Returns:
        What is there now.

    Raises:
        ValueError: The text is too long, or the file cannot be written.
    """
    before = RunNote()
    with contextlib.suppress(ValueError):  # a damaged file is written anew
        before = read_note(folder)
    text = before.text if text is None else text.strip()
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"A note has at most {MOST_CHARACTERS:,} characters; received {len(text):,}."
        )
    note = RunNote(text, before.starred if starred is None else starred)
    replace_file(folder.note, json.dumps(dataclasses.asdict(note)) + "\n", durable=False)
    return note
