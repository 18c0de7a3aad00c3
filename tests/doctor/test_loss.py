"""Each silent bug of a loss, planted, is named; a loss that is right is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import yolo_core.losses.yolov2.loss as yolov2
from tests.doctor import injected
from yolo_core.doctor.asked import examine_loss
from yolo_core.doctor.registry import checks
from yolo_core.losses.families import FAMILY_NAMES, recipe_lambdas
from yolo_core.training.config import LossConfig, RunConfig
from yolo_core.training.own_loss import remember

FILE = Path(injected.__file__)
# Class of `injected`, the finding that must be there, and its likely cause ("" for the usual one).
PLANTED = [
    ("RowColumnSwapped", "cells", "exchanged"),
    ("OffsetsTransposed", "decoding", "place"),
    ("AnchorsHeightFirst", "decoding", "exchanged"),
    ("OldClassBitStays", "collision:classes", "two"),
    ("ScatterAdds", "collision:objectness", "sum"),
    ("EdgeDropped", "ledger:dropped", "dropped"),
    ("CellOfTheCorner", "cells", "corner"),
    ("SizesInPixels", "oracle:wh", "objects"),
    ("WrongChannel", "channels:no_object", "foreign"),
    ("IgnoresWholePlanes", "ignoring", "plane"),
    ("IgnoreErases", "ledger:erased", "erased"),
    ("IgnoredByTheBatch", "batch-split:masks", "masks"),
    ("NothingIgnored", "ignoring", "none"),
    ("TargetMoves", "stop-gradient", ""),
    ("SumAndMean", "scaling:mixed", "mixed"),
    ("DividedTwice", "scaling:objectness", "twice"),
    ("DividedByObjects", "empty:wh", ""),
    ("ShownIsNotOptimised", "laws:total", "total"),
    ("SigmoidTwice", "activation:objectness", ""),
    ("SquaresOfSigmoidTwice", "activation:objectness", ""),
    ("SoftmaxTwice", "activation:classification", ""),
    ("ExpOverflows", "saturation", ""),
    ("RootOfNothing", "saturation", "gradient"),
    ("PositivesAmongNegatives", "mining:positives", "positives"),
    ("MinedOverTheBatch", "mining:count", "count"),
    ("ForcedLabelWithoutIndex", "ledger:lost", "lost"),
    ("Broadcast", "batch-split:no_object", ""),
]


def findings(name: str):
    remember(name)
    return examine_loss(RunConfig(loss=LossConfig(name=name))).findings


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key", "cause"), PLANTED, ids=[each[0] for each in PLANTED])
def test_a_planted_bug_is_named(name, key, cause):
    found = findings(f"{FILE}:{name}")
    named = [each for each in found if each.key == key or each.check.id == key]
    assert named, [(each.key, each.what) for each in found]
    if cause:
        assert named[0].seen.cause == cause
    assert named[0].cause
    assert named[0].what
    assert named[0].tries


@pytest.mark.slow
@pytest.mark.parametrize(
    ("iou", "cause"), [("pairwise_of_corners", "corners"), ("pairwise_wrong_index", "")]
)
def test_a_wrong_iou_is_named(monkeypatch, iou, cause):
    monkeypatch.setattr(yolov2, "pairwise_iou", getattr(injected, iou))
    found = [each for each in findings_of("yolov2") if each.check.id == "overlap"]
    assert [each.seen.cause for each in found] == [cause]


def findings_of(family: str):
    lambdas = recipe_lambdas(family, {})
    return examine_loss(RunConfig(loss=LossConfig(name=family, lambdas=lambdas))).findings


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_loss_that_is_right_is_left_alone(family):
    assert [(each.key, each.what) for each in findings_of(family)] == []


def test_a_swapped_cell_is_told_with_its_numbers():
    name = f"{FILE}:RowColumnSwapped"
    remember(name)
    cells = [each for each in checks("loss") if each.id == "cells"]
    found = examine_loss(RunConfig(loss=LossConfig(name=name)), only=cells)
    (finding,) = found.findings
    # x 0.81 of 6 rows is row 4, y 0.22 of 10 columns is column 2; it belongs to row 1, column 8.
    assert "to (row 4, column 2) in place of (row 1, column 8)" in finding.what
    assert "Row and column are exchanged" in finding.cause
