"""A note and a star beside a run, whoever writes them and whatever lies there."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.runs.layout import RunFolder, create_run
from yolo_core.runs.note import MOST_CHARACTERS, RunNote, read_note, write_note
from yolo_core.runs.store import RunStore


def test_nothing_was_put_down_about_a_run_of_any_earlier_version(folder: RunFolder) -> None:
    assert read_note(folder) == RunNote("", starred=False)


def test_text_and_star_change_each_by_itself(folder: RunFolder) -> None:
    assert write_note(folder, text=" better anchors \n") == RunNote("better anchors")
    assert write_note(folder, starred=True) == RunNote("better anchors", starred=True)
    assert write_note(folder, text="") == RunNote("", starred=True)
    assert read_note(folder) == RunNote("", starred=True)


def test_while_the_training_writes(folder: RunFolder, store: RunStore) -> None:
    store.record_step(1, {"total": 1.0})
    write_note(folder, text="seen from another process")
    store.record_step(2, {"total": 0.5})
    assert store.last_step()["step"] == 2
    assert read_note(folder).text == "seen from another process"


@given(text=st.text(max_size=60), starred=st.booleans())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, text: str, starred: bool
) -> None:
    folder = create_run(tmp_path_factory.mktemp("runs"), "one")
    write_note(folder, text=text, starred=starred)
    assert read_note(folder) == RunNote(text.strip(), starred)


def test_a_text_that_is_too_long_is_refused_and_the_old_one_stays(folder: RunFolder) -> None:
    write_note(folder, text="x" * MOST_CHARACTERS)
    with pytest.raises(ValueError, match="at most 1,000 characters; received 1,001"):
        write_note(folder, text="x" * (MOST_CHARACTERS + 1))
    assert read_note(folder).text == "x" * MOST_CHARACTERS


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"text": "torn', "not valid JSON"),
        ("[]", "must hold one JSON object"),
        ('{"text": 3}', '"text", a text'),
        ('{"text": "a", "starred": "yes"}', '"starred", true or false'),
        (json.dumps({"text": "x" * 20_000}), "holds more than 16,384 bytes"),
    ],
)
def test_a_damaged_file_is_said_and_can_be_written_anew(
    folder: RunFolder, content: str, sentence: str
) -> None:
    folder.note.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=sentence):
        read_note(folder)
    assert write_note(folder, text="again") == read_note(folder) == RunNote("again")


def test_a_text_by_another_program_is_cut(folder: RunFolder) -> None:
    folder.note.write_text(json.dumps({"text": "y" * 3000, "by": "me"}), encoding="utf-8")
    assert len(read_note(folder).text) == MOST_CHARACTERS


def test_what_is_no_file_is_not_waited_for(folder: RunFolder) -> None:
    os.mkfifo(folder.note)
    assert read_note(folder) == RunNote()
