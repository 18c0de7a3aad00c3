"""A snapshot or survey table that somebody changed: a sentence, or all pages can show it."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dashboard.page import assert_sound, opener
from tests.dashboard.readers import read_snapshot_whole, read_survey
from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import read_snapshot, write_snapshot
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import read_table, write_table

LOSSES = ("yolov2", "mnist_yolo", "yolov3/tf2")
NUMBERS = (float("nan"), float("inf"), -float("inf"), -2, -1, 0, 1, 8, 1e6, 2**31 - 1, 1e30, 1e308)
TYPES = (
    "?",
    "i1",
    "u1",
    "i4",
    "u4",
    "i8",
    "u8",
    "f2",
    "f4",
    "f8",
    ">f4",
    "c8",
    "M8[s]",
    "S4",
    "U3",
)
WORDS: tuple[Any, ...] = (None, True, -1, 3, 1.5, float("inf"), float("nan"), "", "x", "class 99")
WORDS += ([], {}, ["x"], [1], [None], {"x": 1}, [[6, 6, 3]], [[1, 2]])


@functools.cache
def good(loss: str, what: str) -> dict[str, np.ndarray]:
    """The arrays of a snapshot, or of the table of a survey, of a picture with every status."""
    maker = make_loss(loss)
    snapshot = make_snapshot(maker, 20, "pinned", ("val/1",))
    slopes = np.random.default_rng(0).normal(size=snapshot.y_pred.shape).astype(np.float32)
    snapshot = dataclasses.replace(
        snapshot,
        ignore_rule=maker.ignore_rule,
        thresholds=maker.thresholds,
        breakdown=dataclasses.replace(
            snapshot.breakdown, gradients=dict.fromkeys(snapshot.breakdown.terms, slopes)
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        if what == "snapshot":
            write_snapshot(path, snapshot)
        else:
            write_table(path, table_of(snapshot, "a.npz"))
        with np.load(path) as file:
            return dict(file)


class Crafted(dict):
    """Good arrays of which some were changed; a failing test says how, and not all numbers."""

    def __init__(self, loss: str, what: str) -> None:
        super().__init__(good(loss, what))
        self.changes = [loss]

    def __repr__(self) -> str:
        return f"<{'; '.join(self.changes)}>"


@st.composite
def crafted(draw: st.DrawFn, what: str) -> Crafted:
    """One or two changes: type, shape or numbers of an array, or a word of the JSON."""
    arrays = Crafted(draw(st.sampled_from(LOSSES)), what)
    meta = json.loads(arrays["meta"].tobytes())
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        if name == "meta" or draw(st.integers(0, 4)) == 0:
            arrays.changes.append(_change_word(draw, meta))
        else:
            arrays[name], change = _changed_array(draw, arrays[name])
            arrays.changes.append(f"{name}: {change}")
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    return arrays


def _change_word(draw: st.DrawFn, meta: dict[str, Any]) -> str:
    key = draw(st.sampled_from(sorted(set(meta) - {"format", "version"})))
    value, word = meta[key], draw(st.sampled_from(WORDS))
    if isinstance(value, list) and value and draw(st.booleans()):
        at = draw(st.integers(0, len(value) - 1))
        word = [*value[:at], word, *value[at + 1 :]]
    elif isinstance(value, dict) and value and draw(st.booleans()):
        word = value | {draw(st.sampled_from(sorted(value))): word}
    meta[key] = word
    return f"{key} = {word!r}"


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "without its last": lambda value: value[:-1],
    "twice": lambda value: np.concatenate([value, value]),
    "nothing": lambda value: value[:0],
    "flat": lambda value: value.reshape(-1),
    "turned": lambda value: value.T,
    "with an axis more": lambda value: value[..., None],
}


def _changed_array(draw: st.DrawFn, value: np.ndarray) -> tuple[np.ndarray, str]:
    how = draw(st.sampled_from(("type", "shape", "all", "some")))
    if value.dtype.kind not in "biuf":  # changed before
        return value, "the same"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that the type has not
        if how == "type":
            kind = draw(st.sampled_from(TYPES))
            return value.astype(kind), kind
        number = draw(st.sampled_from(NUMBERS))
        if how == "all":
            return np.full_like(value, np.array(number).astype(value.dtype)), f"all {number}"
        if how == "some" and value.size:
            at = draw(st.lists(st.integers(0, value.size - 1), min_size=1, max_size=3))
            value = value.copy()
            value.reshape(-1)[at] = np.array(number).astype(value.dtype)
            return value, f"{number} at {at}"
    shape = draw(st.sampled_from(sorted(SHAPES)))
    return SHAPES[shape](value if value.ndim else value[None]), shape


def check(arrays: dict[str, np.ndarray], what: str) -> bool:
    """Reads a file of these arrays, and all that pages make of it; False if it was refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        file = io.BytesIO()
        np.savez(file, **arrays)
        path.write_bytes(file.getvalue())
        try:
            found = read_snapshot(path) if what == "snapshot" else read_table(path)
        except ValueError as error:
            refusal = str(error)
        else:
            refusal = ""
        if refusal:
            assert refusal.startswith(f"{path} is ")
            assert refusal.endswith(".")
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that are none
            if what == "snapshot":
                read_snapshot_whole(found, Path(folder))
            else:
                read_survey(found)
    return True


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("what", ["snapshot", "table"])
def test_good_files_are_shown(loss: str, what: str) -> None:
    assert check(good(loss, what), what)


@pytest.mark.slow
@given(arrays=crafted("snapshot"))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_changed_snapshot_is_refused_or_shown(arrays: Crafted) -> None:
    check(arrays, "snapshot")


@pytest.mark.slow
@given(arrays=crafted("table"))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_changed_table_is_refused_or_shown(arrays: Crafted) -> None:
    check(arrays, "table")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["inspect", "sandbox", "compare", "survey", "train"])
@pytest.mark.parametrize("file", ["config.json", "meta", "status.json"])
def test_json_nested_without_end_is_a_sentence_on_every_page(
    add_finished: Callable[[str], Path], page: str, file: str
) -> None:
    folder = RunFolder(add_finished("received"))
    deep = b"[" * 100_000
    survey = SurveyFolder(folder, "val", 40)
    survey.path.mkdir(parents=True)
    if file == "meta":
        for path in folder.snapshots.iterdir():
            np.savez(path, meta=np.frombuffer(deep, np.uint8))
        np.savez(survey.table, meta=np.frombuffer(deep, np.uint8))
    else:
        (folder.config if file == "config.json" else survey.status).write_bytes(deep)
    shown = opener(page)(run="received")
    assert_sound(shown)
    told = [
        sentence.value for sentence in shown.error if "nested more than 32 deep" in sentence.value
    ]
    expected = {
        "config.json": ("sandbox", "compare", "survey", "train"),
        "status.json": ("survey",),
    }
    expected["meta"] = ("inspect", "sandbox", "compare", "survey")
    assert bool(told) == (page in expected[file]), shown.error
