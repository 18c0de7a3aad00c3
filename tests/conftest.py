"""What every test runs under: fast tests first, and no quiet skip in CI."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Generator

import pytest
from hypothesis import settings

# Before anything imports TensorFlow: its start-up remarks drown a failing test's output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# What tests name as losses of their own is nothing to remember for whoever runs them.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="state-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)
# Tracing a step makes hundreds of thousands of objects that stay: searched for circles after every
# 700 of them, as Python does, they took a seventh of what a training in these tests costs.
gc.set_threshold(100_000, 50, 100)
# No clock decides a test: on a busy machine an example may take any time.
settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")


LONG_ONES = ("test_main_path.py", "test_dials.py", "test_screens.py", "test_train_screen.py")
"""Modules of browser tests that take the longest."""
WHOLE_RUN = "whole"
"""The fixture of the one undisturbed training. Whoever waits for it is no fast test."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Moves slow tests behind the fast ones, and browser tests to the very end.

    Of these, those go first that would leave the other process without work if they came last.
    """
    for item in items:
        if WHOLE_RUN in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            item.get_closest_marker("slow") is not None,
            item.get_closest_marker("browser") is None or item.path.name not in LONG_ONES,
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """What `-n 2` asks for: see `ModuleScheduling`."""
    from tests.parallel import ModuleScheduling

    return ModuleScheduling(config, log)


@pytest.fixture(scope="module", autouse=True)
def freeze() -> None:
    """Takes what is in memory by now out of the garbage collector's sight.

    TensorFlow and Keras are 400,000 objects. Streamlit has all of them searched after every run of
    a page, which took as long as the page, and every traced function has them searched as well.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps each phase's report on its item, and turns a test that CI skips into a failure.

    The second for tests whose marker `.ci/run` requires: there, a browser or a backend that cannot
    be found is a broken build, not a reason to test less.
    """
    report = yield
    item.stash.setdefault(REPORTS, {})[report.when] = report
    for marker, variable in REQUIRED_BY.items():
        if report.skipped and item.get_closest_marker(marker) and os.environ.get(variable):
            report.outcome = "failed"
            report.longrepr = f"{variable} is set, but {item.nodeid} was skipped: {report.longrepr}"
    return report


REQUIRED_BY = {"browser": "REQUIRE_BROWSER", "backend": "REQUIRE_BACKENDS"}
"""The environment variable with which a skipped test of that marker fails."""

REPORTS: pytest.StashKey[dict[str, pytest.TestReport]] = pytest.StashKey()
"""The reports of a test by phase ("setup", "call"): fixtures ask here whether their test failed."""
