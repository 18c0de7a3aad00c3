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
# Number of the silent bug, class of `injected`, the finding that must be there, and its likely
# cause ("" for the usual one).
PLANTED = [
    (1, "RowColumnSwapped", "cells", "exchanged"),
    (2, "OffsetsTransposed", "decoding", "place"),
    (3, "AnchorsHeightFirst", "decoding", "exchanged"),
    (3, "LabelsHeightFirst", "targets", "exchanged"),
    (4, "OldClassBitStays", "collision:classes", "two"),
    (5, "ScatterAdds", "collision:objectness", "sum"),
    (6, "EdgeDropped", "ledger:dropped", "dropped"),
    (6, "CellOfTheCorner", "cells", "corner"),
    (7, "SizesInPixels", "oracle:wh", "objects"),
    (7, "OverlapTheWrongWay", "pull", ""),
    (9, "WrongChannel", "channels:no_object", "foreign"),
    (9, "ClassOneOff", "descent:class", "class"),
    (11, "HeadsReversed", "anchor-order:order", ""),
    (11, "AnchorTwice", "anchor-order:twice", "twice"),
    (12, "IgnoresWholePlanes", "ignoring", "plane"),
    (13, "IgnoreErases", "ledger:erased", "erased"),
    (13, "PositivesAreEmptyToo", "booked:no_object object", "object"),
    (14, "IgnoredByTheBatch", "batch-split:masks", "masks"),
    (14, "FirstPictureForAll", "order:pictures", "pictures"),
    (15, "NothingIgnored", "ignoring", "none"),
    (16, "TargetMoves", "stop-gradient", ""),
    (17, "SumAndMean", "scaling:mixed", "mixed"),
    (17, "DividedTwice", "scaling:objectness", "twice"),
    (17, "DividedByObjects", "empty:wh", ""),
    (18, "ShownIsNotOptimised", "laws:total", "total"),
    (19, "SigmoidTwice", "activation:objectness", ""),
    (19, "SquaresOfSigmoidTwice", "activation:objectness", ""),
    (19, "SoftmaxTwice", "activation:classification", ""),
    (20, "ExpOverflows", "saturation", ""),
    (20, "RootOfNothing", "saturation", "gradient"),
    (23, "PositivesAmongNegatives", "mining:positives", "positives"),
    (23, "MinedOverTheBatch", "mining:count", "count"),
    (24, "ForcedLabelWithoutIndex", "ledger:lost", "lost"),
    (25, "Broadcast", "batch-split:no_object", ""),
    (25, "WeightOfTheFirstRow", "order:rows", "rows"),
]


def findings(name: str):
    remember(name)
    return examine_loss(RunConfig(loss=LossConfig(name=name))).findings


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "name", "key", "cause"), PLANTED, ids=[p[1] for p in PLANTED])
def test_a_planted_bug_is_named(bug, name, key, cause):
    found = findings(f"{FILE}:{name}")
    named = [each for each in found if each.key == key or each.check.id == key]
    assert named, [(each.key, each.what) for each in found]
    if cause:
        assert named[0].seen.cause == cause
    assert bug in named[0].check.bugs
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


@pytest.mark.slow
def test_what_follows_from_another_finding_says_so():
    found = {each.key: each for each in findings(f"{FILE}:LabelsHeightFirst")}
    assert "width and height of the labels were exchanged" in found["targets"].cause
    for key in ("overlap", "ignoring", "oracle:wh", "descent:box"):
        assert found[key].cause.startswith('Perhaps it follows from "Targets that are not the')


@pytest.mark.slow
def test_a_swapped_cell_is_told_with_its_numbers():
    name = f"{FILE}:RowColumnSwapped"
    remember(name)
    cells = [each for each in checks("loss") if each.id == "cells"]
    found = examine_loss(RunConfig(loss=LossConfig(name=name)), only=cells)
    (finding,) = found.findings
    # x 0.81 of 6 rows is row 4, y 0.22 of 10 columns is column 2; it belongs to row 1, column 8.
    assert "to (row 4, column 2) in place of (row 1, column 8)" in finding.what
    assert "Row and column are exchanged" in finding.cause
