"""What the README says that the doctor knows is what it knows."""

from __future__ import annotations

import re
import string
from pathlib import Path

from tests.doctor.test_loss import PLANTED
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


def test_every_silent_bug_is_planted_and_named():
    bugs = (ROOT / "docs/silent_bugs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|[^|]+\|([^|]+)\|([^|]+)\|$", bugs, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 26))
    by_id = {check.id: check for check in EVERY}
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))
    listed = set()
    for number, named, where in rows:
        ids, places = (re.findall(r"`([\w-]+)`", cell) for cell in (named, where))
        assert all(int(number) in by_id[each].bugs for each in ids), number
        listed |= {(int(number), each) for each in places if not each.startswith("test_")}
        assert all(f"def {each}(" in tests for each in places if each.startswith("test_")), number
        mine = {key.partition(":")[0] for bug, _, key, _ in PLANTED if bug == int(number)}
        assert mine <= set(ids), number
    assert listed == {(bug, name) for bug, name, *_ in PLANTED}


def test_each_check_says_all_there_is_to_say():
    assert len({check.id for check in EVERY}) == len(EVERY)
    for check in EVERY:
        assert "" in check.causes or len(check.causes) > 1, check.id
        for sentence in (check.title, check.means, check.what, check.tries, *check.causes.values()):
            list(string.Formatter().parse(sentence))
        assert check.means.endswith("."), check.id
        assert check.tries.endswith("."), check.id
