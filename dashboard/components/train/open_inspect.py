"""From a step or a cell on the Train page to the same one on the Inspect page."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from dashboard.components.shared import open_sample


def spot(run: str, **place: Any) -> str:
    """Where a click leads, for `open_sample.ask_for`.

    Args:
        run: Name of the run.
        **place: Query parameters of the Inspect page, such as step and sample.
    """
    return urlencode({"run": run, **place})


def leave_if_asked() -> bool:
    """Goes there; for the beginning of the page. Whether nothing else is to be drawn."""
    return open_sample.leave_if_asked(lambda asked: dict(parse_qsl(asked)))
