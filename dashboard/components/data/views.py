"""The views of the Data page, one at a time, so that only what is looked at is computed."""

from __future__ import annotations

from dashboard.components.shared.address import UrlChoice

PICTURES, NUMBERS, PROBLEMS, DUPLICATES, LOST, ANCHORS = VIEWS = (
    "Pictures",
    "Numbers",
    "Problems",
    "Duplicates",
    "Lost objects",
    "Anchors",
)
VIEW = UrlChoice("view", bound=False)
