"""The loss of a run on edited samples: what was recorded, and what the loss says of the edits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from yolo_core.breakdown import LossBreakdown
from yolo_core.compare.side_by_side import sample_view
from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.losses import FAMILY_NAMES, DetectionLoss
from yolo_core.sandbox.changes import compare_edits
from yolo_core.sandbox.edits import EditedObject, Edits, objects_of
from yolo_core.sandbox.recompute import edited_loss, recompute
from yolo_core.training.build import build_loss
from yolo_core.training.config import LossConfig, RunConfig
from yolo_core.views import SampleView

FAMILIES = FAMILY_NAMES


def anchors_of(loss, view):
    return loss.anchor_sizes(view.image.shape, view.layout.grids)


@dataclasses.dataclass(frozen=True)
class Start:
    loss: DetectionLoss
    view: SampleView


@pytest.fixture(scope="module")
def starts() -> dict[str, Start]:
    """val/3 under every loss, with made-up predictions."""
    config = RunConfig()
    scenes = open_source(config.data)
    images, y_true = sample_batch(scenes, ["val/3"])
    found = {}
    for name in FAMILIES:
        loss = build_loss(config.model_copy(update={"loss": LossConfig(name=name)}), scenes)
        shape = (1, *loss.output_shape((96, 96)))
        raw = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
        view = sample_view(
            loss,
            image=images[0],
            y_true=y_true[0],
            y_pred=raw,
            class_names=scenes.class_names,
            loss_name=name,
            name="val/3",
            step=100,
        )
        found[name] = Start(loss, view)
    return found


@pytest.fixture(params=FAMILIES)
def start(request: pytest.FixtureRequest, starts: dict[str, Start]) -> Start:
    return starts[request.param]


@pytest.mark.slow
def test_without_edits_it_is_what_was_recorded(start: Start) -> None:
    again = recompute(start.loss, start.view, Edits())
    assert again.total == pytest.approx(start.view.total, rel=1e-6)
    for name, values in start.view.maps.items():
        np.testing.assert_allclose(again.maps[name], values, rtol=1e-5, atol=1e-7)
    assert compare_edits(start.view, again).masks == ()
    assert compare_edits(start.view, again).ledger == ()


def test_a_doubled_lambda_adds_its_term_once_more_and_moves_no_slot(start: Start) -> None:
    term = "classification"
    was = start.view.lambdas[term]
    after = recompute(start.loss, start.view, Edits(lambdas={term: 2 * was}))
    more = was * start.view.terms[term]
    assert after.total == pytest.approx(start.view.total + more, rel=1e-5)
    assert compare_edits(start.view, after).masks == ()


def test_the_edited_sample_is_what_the_loss_says_of_the_edited_labels(start: Start) -> None:
    objects = list(objects_of(start.view))
    x, y, width, height = objects[0].box
    objects[0] = dataclasses.replace(objects[0], box=(96 - x, 96 - y, width, height))
    objects.append(EditedObject(None, 5, (20.0, 70.0, 18.0, 30.0)))
    after = recompute(start.loss, start.view, Edits(objects=tuple(objects)))
    shape = (1, *start.loss.output_shape((96, 96)))
    raw = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
    whole: LossBreakdown = start.loss.breakdown(after.y_true[None], raw).to_numpy()
    assert after.total == pytest.approx(float(whole.total), rel=1e-6)
    # Conservation holds for what is shown.
    assert sum(after.lambdas[t] * after.maps[t].sum() for t in after.maps) == pytest.approx(
        after.total, rel=1e-4
    )
    comparison = compare_edits(start.view, after)
    words = [each.words for each in comparison.ledger]
    assert words[0].startswith("moved")
    assert words[-1] == "added"
    changed = {each.slot for each in comparison.masks}
    trained = np.flatnonzero(after.assignment.matched_object == len(start.view.y_true))
    assert len(trained)
    assert set(trained.tolist()) <= changed


def test_a_deleted_object_trains_nothing_and_is_named(start: Start) -> None:
    kept = objects_of(start.view)[1:]
    after = recompute(start.loss, start.view, Edits(objects=kept))
    assert compare_edits(start.view, after).ledger[0].words == "deleted"
    assert not (after.assignment.matched_object == 0).any()


@pytest.mark.parametrize("name", ["yolov2", "yolov3", "ssd"])
def test_an_edited_anchor_is_that_size_in_pixels(name: str, starts: dict[str, Start]) -> None:
    start = starts[name]
    table = anchors_of(start.loss, start.view)
    assert table is not None
    sizes = ((40.0, 60.0), *table.sizes[1:])
    edited = edited_loss(start.loss, start.view, Edits(anchors=sizes))
    now = anchors_of(edited, start.view)
    assert now is not None
    np.testing.assert_allclose(now.sizes, sizes, atol=1e-3)
    if name != "ssd":
        after = recompute(start.loss, start.view, Edits(anchors=sizes))
        widest = after.layout.prior[:, 2].max() * 96
        assert widest == pytest.approx(40.0, rel=1e-5)


def test_anchors_that_were_not_edited_keep_their_digits(starts: dict[str, Start]) -> None:
    start = starts["yolov2"]
    table = anchors_of(start.loss, start.view)
    assert table is not None
    same = start.loss.with_anchors(table.sizes, start.view.image.shape, start.view.layout.grids)
    assert same["anchors"] == start.loss.get_config()["anchors"]


@pytest.mark.parametrize("name", ["mnist_yolo", "yolov1"])
def test_a_loss_without_anchors_says_so(name: str, starts: dict[str, Start]) -> None:
    assert anchors_of(starts[name].loss, starts[name].view) is None
    with pytest.raises(ValueError, match="has no anchors that can be edited"):
        recompute(starts[name].loss, starts[name].view, Edits(anchors=((1.0, 1.0),)))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (Edits(options={"ignore": 1}), "has no option 'ignore'; it has .*ignore_threshold"),
        (Edits(options={"box_unit": "feet"}), "box_unit must be one of cells, image"),
        (Edits(options={"ignore_threshold": "high"}), "ignore_threshold must be 0 to 1"),
        (Edits(lambdas={"xyz": 1.0}), "has no lambda 'xyz'"),
        (Edits(anchors=((1.0, 1.0),)), "takes 3 anchors"),
        (Edits(anchors=((1.0, 1.0), (0.0, 1.0), (1.0, 1.0))), "above zero"),
    ],
)
def test_wrong_edits_are_refused(edits: Edits, said: str, starts: dict[str, Start]) -> None:
    with pytest.raises(ValueError, match=said):
        recompute(starts["yolov2"].loss, starts["yolov2"].view, edits)


def test_a_higher_ignore_threshold_ignores_fewer_slots(starts: dict[str, Start]) -> None:
    start = starts["yolov2"]
    counts = []
    for threshold in (0.1, 0.4, 0.9):
        after = recompute(start.loss, start.view, Edits(options={"ignore_threshold": threshold}))
        counts.append(int(after.assignment.ignore_mask.sum()))
    assert counts[0] > counts[1] >= counts[2]
