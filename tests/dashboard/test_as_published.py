"""A run of one's own loss as the Compare page reads it: the anchors go along where they can."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from dashboard.components.compare.losses import as_published
from yolo_core.training.config import parse_config

ANCHORS = [[0.1, 0.2], [0.3, 0.4]]


@dataclasses.dataclass
class Seen:
    channels: tuple[str, ...]
    layout: SimpleNamespace


@pytest.mark.parametrize(
    ("first", "priors", "family", "anchors"),
    [
        ("x", True, "yolov2", [(0.1, 0.2), (0.3, 0.4)]),
        ("x", False, "yolov1", None),
        ("objectness", True, "mnist_yolo", None),
        ("background", True, "ssd", None),
    ],
)
def test_the_anchors_of_a_run_go_to_a_family_that_takes_some(first, priors, family, anchors):
    loss = {"name": "/a/b.py:Mine", "anchors": ANCHORS, "anchors_fitted": True}
    config = parse_config({"loss": loss})
    seen = Seen((first, "y"), SimpleNamespace(grids=[(3, 3, 2)], has_priors=priors))
    read = as_published(config, seen).loss
    assert (read.name, read.anchors) == (family, anchors)
