from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest

from yolo_core.assignment import Assignment, ObjectStatus
from yolo_core.runs import snapshots
from yolo_core.runs.snapshots import read_snapshot, snapshot_path, write_snapshot
from yolo_core.views import Snapshot

from .snapshot_cases import LAMBDAS, assert_same, make_snapshot


@pytest.fixture
def file(folder):
    return snapshot_path(folder, "pinned", 120)


def test_the_name_of_a_file_tells_its_kind_and_step(folder):
    assert snapshot_path(folder, "pinned", 120) == folder.snapshots / "pinned-00000120.npz"
    assert snapshot_path(folder, "batch", 0).name == "batch-00000000.npz"


@pytest.mark.parametrize("kind", ["pinned", "batch"])
def test_reading_gives_back_what_was_written(file, kind):
    snapshot = make_snapshot(kind=kind)
    write_snapshot(file, snapshot)
    assert_same(read_snapshot(file), snapshot)
    assert os.listdir(file.parent) == [file.name]


def test_the_files_of_pictures_and_where_they_lie_are_kept(file):
    contents = np.float32([[0.5, 0.5, 1, 0.75], [0.25, 0.5, 0.5, 1]])
    snapshot = changed(files=("JPEGImages/a.jpg", ""), contents=contents)
    write_snapshot(file, snapshot)
    again = read_snapshot(file)
    assert_same(again, snapshot)
    one, other = (again.sample(name) for name in again.samples)
    assert (one.file, other.file) == ("JPEGImages/a.jpg", "")
    np.testing.assert_array_equal(other.content, contents[1])
    plain = make_snapshot().sample("val/0")
    assert (plain.file, plain.content) == ("", None)


@pytest.mark.parametrize("kind", ["pinned", "batch"])
def test_a_loss_of_ones_own_is_kept_beside_the_published_one(file, kind):
    snapshot = make_snapshot(kind=kind, own="my_loss")
    write_snapshot(file, snapshot)
    again = read_snapshot(file)
    assert_same(again, snapshot)
    own, view = again.breakdown.own, again.sample("val/1").own
    assert (view.name, view.gradient.shape) == ("my_loss", (12, 7))
    np.testing.assert_array_equal(view.gradient, own.gradient[1])
    assert view.total == (own.total[1] if kind == "pinned" else own.total)
    assert make_snapshot().sample("val/1").own is None


@pytest.mark.parametrize("names", [("../x", "a/b"), ("", "meta"), ("file", "λ"), ("0", "terms.0")])
def test_terms_may_be_called_anything(file, names):
    write_snapshot(file, make_snapshot(terms=names))
    assert tuple(read_snapshot(file).breakdown.maps) == names


def test_gradients_take_the_room_of_what_is_in_them(file):
    snapshot = make_snapshot(terms=("xy", "wh"))
    wh = snapshot.breakdown.gradients["wh"]
    wh[:] = 0
    wh[1, 3, 2] = np.nan
    write_snapshot(file, snapshot)
    assert_same(read_snapshot(file), snapshot)
    with np.load(file) as arrays:
        assert arrays["gradients.0.values"].shape == (2, 2)
        assert arrays["gradients.1.values"].shape == (1, 1)


def test_a_snapshot_from_before_there_were_gradients_opens_without(file):
    write_snapshot(file, make_snapshot())
    with np.load(file) as old:
        arrays = {name: old[name] for name in old.files if not name.startswith("gradients.")}
    meta = json.loads(arrays["meta"].tobytes())
    del meta["gradients"]
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(file, **arrays)
    snapshot = read_snapshot(file)
    assert snapshot.breakdown.gradients == {}
    assert snapshot.sample("val/0").gradients == {}


def test_a_pinned_sample_has_its_own_total(file):
    snapshot = make_snapshot(samples=("val/0", "train/17"))
    write_snapshot(file, snapshot)
    view = read_snapshot(file).sample("train/17")
    assert (view.name, view.step, view.kind, view.loss_name) == (
        "train/17",
        120,
        "pinned",
        "yolov2",
    )
    assert view.total == float(snapshot.breakdown.total[1])
    assert view.terms["xy"] == float(snapshot.breakdown.terms["xy"][1])
    assert (view.batch_total, view.batch_terms) == (view.total, view.terms)
    assert view.lambdas == LAMBDAS
    assert view.image.shape == (8, 8, 1)
    assert view.y_true.shape == (3, 7)
    assert view.y_pred.shape == (12, 7)
    assert view.keep.shape == (12,)
    assert view.layout.count == 12
    assert view.class_names == ("zero", "one")
    assert view.channels[4] == "objectness"


def test_a_view_is_every_array_without_its_batch_axis():
    snapshot = make_snapshot(samples=("val/0", "val/1", "val/2"))
    view, whole = snapshot.sample("val/2"), snapshot.breakdown
    for group in ("maps", "targets", "predictions", "gradients"):
        assert list(getattr(view, group)) == list(getattr(whole, group))
        for name, value in getattr(whole, group).items():
            np.testing.assert_array_equal(getattr(view, group)[name], value[2])
    for name in Assignment.ARRAYS:
        expected = getattr(whole.assignment, name)[2]
        np.testing.assert_array_equal(getattr(view.assignment, name), expected)
    assert view.assignment.candidate_measure == "shape IoU"
    for name in ("images", "y_true", "y_pred", "keep"):
        expected = getattr(snapshot, name)[2]
        np.testing.assert_array_equal(getattr(view, name.removesuffix("s")), expected)


def test_the_shares_of_a_batch_add_up_to_the_batch():
    snapshot = make_snapshot(kind="batch", samples=tuple(f"train/{i}" for i in range(5)))
    views = [snapshot.sample(name) for name in snapshot.samples]
    for name, term in snapshot.breakdown.terms.items():
        assert sum(view.terms[name] for view in views) == pytest.approx(float(term), rel=1e-6)
    total = float(snapshot.breakdown.total)
    assert sum(view.total for view in views) == pytest.approx(total, rel=1e-6)
    assert all(view.batch_total == total for view in views)
    assert views[0].batch_terms["xy"] == float(snapshot.breakdown.terms["xy"])


def test_lambdas_may_be_one_a_sample():
    snapshot = make_snapshot()
    each = {name: np.array([1.0, 2.0], np.float32) for name in snapshot.breakdown.lambdas}
    breakdown = dataclasses.replace(snapshot.breakdown, lambdas=each)
    view = dataclasses.replace(snapshot, breakdown=breakdown).sample("val/1")
    assert set(view.lambdas.values()) == {2.0}


def test_objects_are_the_rows_that_are_not_padding():
    snapshot = make_snapshot()
    status = snapshot.breakdown.assignment.object_status
    assert snapshot.sample("val/0").objects.tolist() == [0]
    status[1, 2] = ObjectStatus.INVALID
    assert snapshot.sample("val/1").objects.tolist() == [0, 2]
    status[:] = ObjectStatus.PADDING
    assert snapshot.sample("val/0").objects.tolist() == []


def test_a_sample_that_is_not_there_names_those_that_are():
    with pytest.raises(ValueError, match="step 120 does not hold 'val/9'; it holds val/0, val/1"):
        make_snapshot().sample("val/9")


def changed(**fields: object) -> Snapshot:
    return dataclasses.replace(make_snapshot(), **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "odd"}, "kind must be pinned or batch; received 'odd'"),
        ({"samples": ("val/0",)}, r"y_true must have shape \(1, 3, 7\); received \(2, 3, 7\)"),
        ({"y_true": np.zeros(3)}, r"y_true must be \(B, N, 5 \+ C\); received \(3,\)"),
        ({"channels": ("x",)}, r"y_pred must have shape \(2, 12, 1\); received \(2, 12, 7\)"),
        ({"keep": np.zeros((2, 11), bool)}, r"keep must have shape \(2, 12\)"),
        ({"images": np.zeros((2, 8, 8))}, r"images must be \(2, height, width, channels\) uint8"),
        ({"images": np.zeros((2, 8, 8, 1))}, "float64"),
        ({"files": ("one.jpg",)}, "files must be 2, or none; received 1"),
        ({"files": (1, 2)}, "files must be a list of texts"),
        ({"contents": np.zeros((1, 4), np.float32)}, r"contents must have shape \(2, 4\)"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_writing(file, fields, message):
    with pytest.raises(ValueError, match=message):
        write_snapshot(file, changed(**fields))
    assert not file.exists()


def test_a_breakdown_that_does_not_fit_is_refused(file):
    whole = make_snapshot().breakdown
    for breakdown, message in (
        (make_snapshot(kind="batch").breakdown, r"total must have shape \(2,\); received \(\)"),
        (dataclasses.replace(whole, maps={}), "Every term needs a map and a lambda"),
        (
            dataclasses.replace(whole, targets=whole.targets | {"odd": np.zeros((2, 5))}),
            r"targets odd must have shape \(2, 12\); received \(2, 5\)",
        ),
        (
            dataclasses.replace(
                whole, predictions=whole.predictions | {"odd": np.full((2, 12), None)}
            ),
            "predictions odd must hold numbers; received object",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            write_snapshot(file, changed(breakdown=breakdown))
    assert not file.exists()


def test_twelve_pictures_are_no_large_file(file):
    names = tuple(f"val/{i}" for i in range(12))
    write_snapshot(file, make_snapshot(samples=names, grid=(6, 6, 3), image_size=96))
    assert file.stat().st_size < 400_000


def test_a_file_that_is_not_there_or_not_a_file(file):
    with pytest.raises(ValueError, match=r"pinned-00000120\.npz does not exist"):
        read_snapshot(file)
    file.mkdir()
    with pytest.raises(ValueError, match=r"pinned-00000120\.npz cannot be read: Is a directory"):
        read_snapshot(file)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"{}", b"\x93NUMPY\x01\x00v\x00{'descr'", b"\x80\x04N.", b"\0" * 5000],
)
def test_a_file_of_something_else_is_told(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged, half-written or no snapshot") as refused:
        read_snapshot(file)
    assert str(file) in str(refused.value)


def test_arrays_of_another_program_and_of_another_version_are_told(file, monkeypatch):
    np.savez(file, images=np.zeros(3))
    with pytest.raises(ValueError, match=r"is an \.npz file, but no snapshot"):
        read_snapshot(file)
    np.savez(file, meta=np.frombuffer(b"[1, 2]", np.uint8))
    with pytest.raises(ValueError, match=r"is an \.npz file, but no snapshot"):
        read_snapshot(file)
    np.save(file.with_suffix(".npy"), np.zeros(3))
    file.with_suffix(".npy").rename(file)
    with pytest.raises(ValueError, match="no snapshot"):
        read_snapshot(file)
    np.savez(file, meta=np.array([{}], object))
    with pytest.raises(ValueError, match=r"no snapshot \(meta: expected an array of numbers"):
        read_snapshot(file)
    monkeypatch.setattr(snapshots, "_VERSION", 9)
    write_snapshot(file, make_snapshot())
    monkeypatch.undo()
    with pytest.raises(ValueError, match="version 9; this program reads version 1"):
        read_snapshot(file)


def test_a_snapshot_that_lacks_an_array_is_told(file):
    write_snapshot(file, make_snapshot())
    with np.load(file) as whole:
        arrays = {name: whole[name] for name in whole.files}
    for name in arrays:
        np.savez(file, **{other: arrays[other] for other in arrays if other != name})
        with pytest.raises(ValueError, match=r"is damaged|but no snapshot"):
            read_snapshot(file)


def test_a_truncated_file_is_always_told(file):
    write_snapshot(file, make_snapshot())
    content = file.read_bytes()
    for length in {*range(0, len(content), 997), len(content) - 1}:
        file.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is damaged, half-written or no snapshot"):
            read_snapshot(file)


@pytest.mark.slow
def test_a_damaged_file_is_told_or_does_not_matter(file):
    """Bytes between the arrays may be anything; a changed number never passes for a true one."""
    snapshot = make_snapshot()
    write_snapshot(file, snapshot)
    content = file.read_bytes()
    rng = np.random.default_rng(0)
    told: list[str] = []
    for at in rng.integers(0, len(content), 300):
        broken = bytearray(content)
        broken[at] ^= 1 << int(rng.integers(8))
        file.write_bytes(broken)
        try:
            read = read_snapshot(file)
        except ValueError as error:
            told.append(str(error))
        else:
            assert_same(read, snapshot)
    assert len(told) > 100
    assert all(str(file) in sentence for sentence in told)
