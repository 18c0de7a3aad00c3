"""Small data sets with the faults that people meet, and what a good reader gives: tests/field.

`expected.json` beside each says it. Boxes and images of `may` and `may_images` may be there too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yolo_core.data import open_data

FIELD = Path(__file__).resolve().parents[1] / "field"
CASES = sorted(path.parent.name for path in FIELD.glob("*/expected.json"))
WITHIN = 1.0  # pixels
COLOURS_WITHIN = 45


def is_same(box: list[Any], other: list[Any]) -> bool:
    return box[:2] == other[:2] and np.allclose(box[2:], other[2:], rtol=0, atol=WITHIN)


def test_all_cases_are_there() -> None:
    assert len(CASES) == 20


@pytest.mark.parametrize("case", CASES)
def test_reading_it_gives_what_is_expected(case: str) -> None:
    folder = FIELD / case
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    outcomes = {expected["outcome"], *expected.get("outcome_may", [])}
    entry = f"{expected['format']}:{folder / expected['entry']}"
    pictures = folder / expected["pictures"] if "pictures" in expected else None
    if outcomes == {"refused"}:
        with pytest.raises(ValueError, match=expected["problems"][0]["file"]):
            open_data(entry, pictures=pictures)
        return
    data = open_data(entry, pictures=pictures)

    assert data.folder == folder
    assert all(not os.path.isabs(file) for file in data.files)
    told = {(each.file, each.effect) for each in data.problems}
    lost = any(effect in ("box set aside", "picture set aside") for _, effect in told)
    assert ("set_aside" if lost else "read") in outcomes

    images = [[file, *reversed(data.picture(file).shape[:2])] for file in data.files]
    assert images == [[file, *size] for file, size in zip(data.files, data.sizes, strict=True)]
    assert all(image in images for image in expected["images"])
    assert all(image in expected["images"] + expected.get("may_images", []) for image in images)

    left = [[file, *box] for file in data.files for box in data.boxes(file)]
    for box in expected["boxes"]:
        (found, *_) = [each for each in left if is_same(each, box)]
        left.remove(found)
    assert all(any(is_same(box, may) for may in expected.get("may", [])) for box in left)

    assert {(each["file"], each["effect"]) for each in expected["problems"]} <= told
    for file, x, y, *colour in expected.get("pixels", []):
        seen = data.picture(file)[y, x].astype(int)
        assert np.abs(seen - colour).max() <= COLOURS_WITHIN, (file, seen, colour)
    if "classes" in expected:
        assert sorted(data.classes) == sorted(expected["classes"])
    for split, files in expected.get("splits", {}).items():
        assert sorted(data.splits[split]) == sorted(files)
