"""Snapshots: when they are written, that they add up to the recorded rows, and how many stay."""

import json

import numpy as np
import pytest

from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.runs.layout import create_run, find_run
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.checkpoint import read_checkpoint
from yolo_core.training.config import read_config
from yolo_core.training.snapshotting import Snapshotter, is_due

PINNED = [*(f"val/{i}" for i in range(8)), *(f"train/{i}" for i in range(4))]


@pytest.fixture(scope="module")
def store(whole):
    with RunStore.open(find_run(whole, "whole")) as store:
        yield store


@pytest.fixture(scope="module")
def trained(store):
    """The run's scenes, and its detector with the weights of its last step."""
    config = read_config(store.folder.config)
    scenes = open_source(config.data)
    detector = build_detector(config, build_loss(config, scenes), scenes)
    read_checkpoint(store.checkpoints()[-1].path, detector)
    return scenes, detector


def test_due_steps_are_dense_at_first():
    due = [step for step in range(501) if is_due(step, 100)]
    assert due == [0, 1, 2, 4, 8, 16, 32, 64, 100, 200, 300, 400, 500]
    assert [step for step in range(9) if is_due(step, 1)] == list(range(9))


def test_a_run_has_them_from_step_0_to_its_last(store):
    steps = [record.step for record in store.snapshots("pinned", "val/0")]
    assert steps == [0, 1, 2, 4, 8, 16, 30]
    assert sorted({record.sample for record in store.snapshots("pinned")}) == sorted(PINNED)
    assert sorted({record.step for record in store.snapshots("batch")}) == [1, 2, 4, 8, 16]


def test_a_batch_snapshot_is_the_step_s_recorded_row(store):
    rows = store.steps()
    for record in store.snapshots("batch"):
        at = record.step - 1
        assert rows["step"][at] == record.step
        assert record.total == rows["total"][at]
        for term, value in record.terms.items():
            assert value == rows[f"term/{term}"][at]
            assert record.lambdas[term] == rows[f"lambda/{term}"][at]


def test_its_samples_are_named_by_their_place_in_the_stream_and_add_up(store, trained):
    scenes, _ = trained
    record = next(record for record in store.snapshots("batch") if record.step == 8)
    snapshot = read_snapshot(record.file)
    assert snapshot.samples == ("train/28", "train/29", "train/30", "train/31")
    images, y_true = sample_batch(scenes, snapshot.samples)
    np.testing.assert_array_equal(snapshot.images, images)
    np.testing.assert_array_equal(snapshot.y_true, y_true)
    views = [snapshot.sample(name) for name in snapshot.samples]
    for term, value in record.terms.items():
        assert sum(view.terms[term] for view in views) == pytest.approx(value, rel=1e-5)
    assert sum(view.total for view in views) == pytest.approx(record.total, rel=1e-5)
    assert views[0].batch_total == record.total


def test_a_pinned_total_is_the_loss_of_a_batch_of_one(store, trained):
    scenes, detector = trained
    for record in store.snapshots("pinned"):
        if record.step != 30:
            continue
        images, y_true = sample_batch(scenes, [record.sample])
        raw = detector.network(images.astype(np.float32) / 255, training=False)
        breakdown = detector.detection_loss.breakdown(y_true, raw)
        assert record.total == pytest.approx(float(breakdown.total), rel=1e-4)
        view = read_snapshot(record.file).sample(record.sample)
        assert view.total == record.total
        np.testing.assert_array_equal(view.image, images[0])
        for term, value in view.terms.items():
            assert value == pytest.approx(float(breakdown.terms[term]), rel=1e-3, abs=1e-6)
            assert view.maps[term].sum(dtype=np.float64) == pytest.approx(value, rel=1e-5)
        assert view.total == pytest.approx(
            sum(view.lambdas[term] * value for term, value in view.terms.items()), rel=1e-5
        )
        raw = np.asarray(detector.detection_loss.slot_predictions(raw))[0]
        np.testing.assert_allclose(view.y_pred, raw, rtol=1e-3, atol=1e-4)


def test_the_kept_slots_are_those_that_survive_suppression(store):
    view = read_snapshot(store.snapshots("pinned", "val/0")[-1].file).sample("val/0")
    assert view.keep.shape == (view.layout.count,)
    assert view.keep.sum() <= view.layout.count


@pytest.fixture
def snapshotter(trained, tmp_path):
    scenes, detector = trained
    with RunStore.create(create_run(tmp_path, "run")) as store:
        yield Snapshotter(
            store, scenes, detector, loss_name="yolov2", pinned=("val/3", "val/3"), megabytes=1
        )


def test_a_sample_that_is_pinned_twice_is_there_once(snapshotter):
    snapshotter.write_pinned(0)
    assert [record.sample for record in snapshotter.store.snapshots()] == ["val/3"]


def test_pinning_others_takes_the_place_of_those_before(snapshotter):
    snapshotter.pin(("test/1", "train/5"))
    snapshotter.write_pinned(0)
    assert [record.sample for record in snapshotter.store.snapshots()] == ["test/1", "train/5"]


@pytest.mark.parametrize("name", ["val/x", "elsewhere/3", "val", "val/-1", ""])
def test_a_name_of_no_sample_is_refused_and_the_others_stay(snapshotter, name):
    with pytest.raises(ValueError, match="A sample is named"):
        snapshotter.pin(("val/1", name))
    assert snapshotter.pinned == ("val/3",)


def test_the_disk_limit_thins_them_out_and_keeps_both_ends(snapshotter):
    store = snapshotter.store
    snapshotter.pin(tuple(f"val/{i}" for i in range(8)))
    for step in range(60):
        snapshotter.write_pinned(step)
    files = list(store.folder.snapshots.iterdir())
    assert sum(file.stat().st_size for file in files) <= 1e6
    steps = [record.step for record in store.snapshots("pinned", "val/0")]
    assert steps[0] == 0
    assert steps[-1] == 59
    assert len(steps) == len(files) < 60
    assert all(record.file.exists() for record in store.snapshots())
    assert "snapshots-pruned" in [event.kind for event in store.events()]
    json.dumps(store.events()[-1].detail)
