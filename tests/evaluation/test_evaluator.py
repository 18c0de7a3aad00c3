"""Evaluation: metrics that a perfect detector fills, and the loss on the same scenes."""

import dataclasses

import numpy as np
import pytest

from yolo_core.breakdown import LossBreakdown
from yolo_core.data.digits.scenes import DigitScenes, load_digit_source
from yolo_core.evaluation.evaluator import Evaluator


@dataclasses.dataclass
class Answers:
    """Predicts what the labels say, each object in the slot of its row, moved by `shift`."""

    shift: float = 0.0
    seen: int = 0

    def inspect(self, images, y_true):
        assert images.dtype == np.float32
        assert 0 <= images.min() < images.max() <= 1
        batch, rows = y_true.shape[:2]
        self.seen += batch
        boxes = y_true[..., 1:5] + np.array([self.shift, 0, 0, 0], np.float32)
        zeros = {"xy": np.zeros((batch, rows), np.float32)}
        return np.zeros((batch, rows, 15)), LossBreakdown(
            total=np.float32(batch),
            terms={"xy": np.float32(2 * batch)},
            maps=zeros,
            lambdas={"xy": np.float32(0.5)},
            assignment=None,
            targets={},
            predictions={
                "boxes": boxes,
                "objectness": y_true[..., 0],
                "class_probabilities": y_true[..., 5:],
            },
        )


@pytest.fixture(scope="module")
def scenes():
    return DigitScenes(load_digit_source("digits"), seed=1, image_size=48)


def test_a_perfect_detector_scores_one(scenes):
    detector = Answers()
    metrics = Evaluator(scenes, 20).evaluate(detector)
    assert detector.seen == 20
    assert metrics["map50"] == pytest.approx(1.0, abs=1e-3)
    assert metrics["map50_95"] == pytest.approx(1.0, abs=1e-3)
    assert metrics["recall"] == pytest.approx(1.0)


def test_boxes_beside_their_objects_score_nothing(scenes):
    metrics = Evaluator(scenes, 20).evaluate(Answers(shift=0.5))
    assert metrics["map50"] < 0.05


def test_the_loss_is_a_mean_over_scenes_whatever_the_batches(scenes):
    metrics = Evaluator(scenes, 150).evaluate(Answers())
    # Batches of 100 and 50, whose total is their size: (100 x 100 + 50 x 50) / 150.
    assert metrics["total"] == pytest.approx(12500 / 150)
    assert metrics["term/xy"] == pytest.approx(2 * 12500 / 150)


def test_it_looks_at_the_split_it_is_told(scenes):
    assert Evaluator(scenes, 2).names == ("val/0", "val/1")
    assert Evaluator(scenes, 1, split="test").names == ("test/0",)


def test_the_scenes_are_rendered_once(scenes, monkeypatch):
    evaluator = Evaluator(scenes, 3)
    first = evaluator.evaluate(Answers())
    monkeypatch.setattr(DigitScenes, "sample", None)
    assert evaluator.evaluate(Answers()) == first
