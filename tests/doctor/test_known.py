"""What the README says that the doctor knows is what it knows."""

from __future__ import annotations

import re
import string
from pathlib import Path

from yolo_core.doctor.registry import checks

ROOT = Path(__file__).resolve().parents[2]
EVERY = [check for of in ("loss", "data", "run") for check in checks(of)]  # pyright: ignore[reportArgumentType]


def test_the_readme_lists_every_check():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = readme.split("<!-- checks -->")[1].split("<!-- end of checks -->")[0]
    rows = [line for line in listed.splitlines() if "`" in line]
    assert rows == [
        f"| {check.title} | {check.of} | `{check.id}` | {', '.join(map(str, check.bugs))} |"
        for check in EVERY
    ]


def test_every_silent_bug_has_a_check():
    bugs = (ROOT / "docs/silent_bugs.md").read_text(encoding="utf-8")
    numbers = {int(number) for number in re.findall(r"^\| (\d+) \|", bugs, re.MULTILINE)}
    assert numbers == set(range(1, 26))
    assert {number for check in EVERY for number in check.bugs} == numbers


def test_each_check_says_all_there_is_to_say():
    assert len({check.id for check in EVERY}) == len(EVERY)
    for check in EVERY:
        assert "" in check.causes or len(check.causes) > 1, check.id
        for sentence in (check.title, check.means, check.what, check.tries, *check.causes.values()):
            list(string.Formatter().parse(sentence))
        assert check.means.endswith("."), check.id
        assert check.tries.endswith("."), check.id
