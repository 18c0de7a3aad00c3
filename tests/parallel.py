"""Which of several processes runs which tests (`pytest -n 2`)."""

from __future__ import annotations

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling


class ModuleScheduling(LoadScopeScheduling):
    """Hands out modules one after the other, in the order that tests were put in.

    One process runs all fast tests of a module, or all slow ones, so that what they share is made
    once. pytest-xdist's own groups are of no use here: they tell a process by a mark in the name of
    a test, which pytest 9.2 no longer has changed.
    """

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)
        self._units: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        """The unit of a test: its module, as long as the tests that follow are of it, too."""
        if not self._units:
            module = ""
            for number, test in enumerate(self.collection or ()):
                if not module or test.partition("::")[0] != module.partition(" ")[0]:
                    module = f"{test.partition('::')[0]} {number}"
                self._units[test] = module
        return self._units[nodeid]
