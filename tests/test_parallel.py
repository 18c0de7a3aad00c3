"""Several processes share the tests out by module, and the fast ones still come first."""

from __future__ import annotations

import pytest

pytest.importorskip("xdist")


def test_a_module_stays_together_but_for_its_slow_tests() -> None:
    from tests.parallel import ModuleScheduling

    # As `pytest_collection_modifyitems` puts them: the slow tests of a module behind all fast ones.
    collection = ["a.py::one", "a.py::two[b.py::x]", "b.py::one", "a.py::slow", "b.py::slow"]
    scheduling = ModuleScheduling.__new__(ModuleScheduling)
    scheduling.collection, scheduling._units = collection, {}
    units: dict[str, list[str]] = {}
    for test in collection:
        units.setdefault(scheduling._split_scope(test), []).append(test)
    assert list(units.values()) == [
        ["a.py::one", "a.py::two[b.py::x]"],
        ["b.py::one"],
        ["a.py::slow"],
        ["b.py::slow"],
    ]
