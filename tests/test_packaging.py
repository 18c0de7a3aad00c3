"""What the package says of itself in two places is the same in both."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

import yolo_core

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """By name; comments, options and this project's own extras left out."""
    read = [Requirement(line) for line in lines if re.match(r"[a-z]", line)]
    return {each.name: each for each in read if each.name != PROJECT["name"]}


def bounds(requirement: Requirement) -> tuple[Version, Version]:
    """A range's lowest version, and the first one above it."""
    by = {each.operator: Version(each.version) for each in requirement.specifier}
    assert set(by) == {">=", "<"}, requirement
    return by[">="], by["<"]


def listed(file: str) -> dict[str, Requirement]:
    return requirements((ROOT / file).read_text(encoding="utf-8").splitlines())


TESTED = listed("requirements.txt")
LOSSES = requirements(PROJECT["dependencies"])
TRAIN = requirements([*EXTRAS["record"], *EXTRAS["train"]])
DASHBOARD = requirements(EXTRAS["dashboard"])
EXPORT = requirements(EXTRAS["export"])


def test_the_extras_bring_what_make_run_installs() -> None:
    assert {*LOSSES, *TRAIN, *DASHBOARD} == set(TESTED)
    assert set(LOSSES) == {"keras", "numpy"}
    assert "detector-debugger[train]" in EXTRAS["dashboard"]
    assert "detector-debugger[record]" in EXTRAS["train"]
    assert "tensorflow" not in requirements(EXTRAS["record"])


def test_what_was_tested_may_be_installed() -> None:
    tested = TESTED | listed("requirements-dev.txt")
    for declared in (LOSSES, TRAIN, DASHBOARD, EXPORT):
        for name, requirement in declared.items():
            lowest, above = bounds(requirement)
            tested_lowest, tested_above = bounds(tested[name])
            assert lowest <= tested_lowest < tested_above <= above, name


def test_training_and_pages_promise_nothing_older_than_what_was_tested() -> None:
    for declared in (TRAIN, DASHBOARD):
        for name, requirement in declared.items():
            assert bounds(requirement)[0] == bounds(TESTED[name])[0], name


def test_the_newest_entry_of_the_changelog_is_of_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (newest, *_) = re.findall(r"^## (\S+)", changes, re.MULTILINE)
    assert newest == yolo_core.__version__


def test_every_python_that_is_promised_is_tested_by_the_workflow() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    promised = {
        found[1]
        for each in PROJECT["classifiers"]
        if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each))
    }
    assert promised == {"3.11", "3.12", "3.13"}
    assert promised == set(re.findall(r'"(3\.\d+)"', workflow))
