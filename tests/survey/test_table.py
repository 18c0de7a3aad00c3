"""The table: back from disk as it was, sentences for anything else."""

import dataclasses
import json

import numpy as np
import pytest

from tests.survey.tables import half_way, table
from yolo_core.runs import array_files
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import joined, read_table, write_table


def assert_same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if dataclasses.is_dataclass(a):
            assert_same(a, b)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


def test_comes_back_from_disk_as_it_was(tmp_path):
    written = table("yolov3/tf2")
    write_table(tmp_path / "table.npz", written)
    assert_same(read_table(tmp_path / "table.npz"), written)


def test_a_table_of_before_does_not_say_how_many_slots_objects_train(tmp_path):
    write_table(tmp_path / "table.npz", table("yolov2"))
    with np.load(tmp_path / "table.npz") as file:
        kept = {name: file[name] for name in file if name not in ("ledger.slots", "ledger.taken")}
    np.savez(tmp_path / "table.npz", **kept)
    again = read_table(tmp_path / "table.npz")
    assert not again.ledger.slots.any()
    assert again.ledger.object.tolist() == list(range(22))


def test_rows_of_a_later_part_point_to_their_own_samples():
    both = table("yolov2")
    assert both.samples.name.tolist() == ["val/0", "val/1", "val/2", "train/0"] * 2
    assert both.objects.sample.tolist() == [0] * 5 + [1] * 5 + [3] + [4] * 5 + [5] * 5 + [7]
    assert both.ledger.object.tolist() == list(range(22))


def test_one_row_a_head_where_each_head_matches_by_itself():
    both = table("yolov3/tf2")
    assert len(both.ledger.object) == both.heads * len(both.objects.sample)


def test_a_lost_object_has_its_reason_and_a_matched_one_none():
    objects = table("yolov2").objects
    lost = objects.reason[objects.status != 1]
    assert len(lost) == 6
    assert all("enters no term of the loss" in reason for reason in lost)
    assert not objects.reason[objects.status == 1].any()


def test_parts_of_two_losses_are_not_joined():
    parts = [table_of(half_way(loss), "a.npz") for loss in ("yolov2", "mnist_yolo")]
    with pytest.raises(ValueError, match="do not fit together: loss_name"):
        joined(parts)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "damaged"),
        (lambda path: path.write_text("hello"), "damaged"),
        (lambda path: np.savez(path, x=np.zeros(2)), "no table of a survey"),
    ],
)
def test_anything_else_is_a_sentence(tmp_path, change, sentence):
    path = tmp_path / "table.npz"
    write_table(path, table("yolov2"))
    change(path)
    with pytest.raises(ValueError, match=sentence):
        read_table(path)


def crafted(path, **parts):
    """Writes a good table, and over it parts of another making."""
    write_table(path, table("yolov2"))
    with np.load(path) as whole:
        arrays = dict(whole)
    meta = json.loads(arrays["meta"].tobytes()) | parts.pop("meta", {})
    arrays |= {name.replace("_in_", "."): np.asarray(value) for name, value in parts.items()}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)


def texts(*values):
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"samples_in_terms": np.zeros(8)},
            r"samples\.terms must have shape \(8, 5\); received \(8,",
        ),
        ({"samples_in_total": np.zeros(8, "M8[s]")}, "expected an array of numbers"),
        ({"samples_in_name": texts(*range(8))}, r"samples\.name must be a list of texts"),
        ({"samples_in_name": texts("a")}, r"samples\.file must have shape \(1,\); received \(8,"),
        ({"samples_in_name": texts(*"abcdefg", "x" * 20_000_000)}, "more text than fits in memory"),
        ({"samples_in_name": texts([[]] * 8)}, r"samples\.name must be a list of texts"),
        ({"objects_in_status": np.full(12, 8)}, r"objects\.status must have shape \(22,\)"),
        ({"objects_in_status": np.full(22, 8)}, r"objects\.status must be at most 7; received 8"),
        ({"objects_in_miss": np.full(22, -1)}, r"objects\.miss must be 0 or more; received -1"),
        ({"objects_in_class_index": np.full(22, 10)}, "class_index must be at most 9; received 10"),
        ({"objects_in_reachable": np.zeros(22)}, "reachable must hold truth values"),
        ({"ledger_in_place": np.full(22, 3)}, r"ledger\.place must be at most 2; received 3"),
        ({"meta": {"image_size": [96]}}, "step, heads and image_size must be whole numbers"),
        ({"meta": {"image_size": [96, float("inf")]}}, "step, heads and image_size must be"),
        ({"meta": {"step": True}}, "step, heads and image_size must be whole numbers"),
        ({"meta": {"heads": 0}}, "it is of no head, no term or no place"),
        (
            {"meta": {"term_names": ["xy", "wh", "objectness", "no_object", 5]}},
            "term_names must be",
        ),
        ({"meta": {"loss_name": ["x"]}}, "loss_name and measure must be a list of texts"),
    ],
)
def test_a_crafted_table_is_refused_when_it_is_read(tmp_path, parts, sentence):
    crafted(tmp_path / "table.npz", **parts)
    with pytest.raises(ValueError, match=sentence):
        read_table(tmp_path / "table.npz")


def test_a_table_that_unpacks_to_more_than_it_is_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "SMALL", 1_000_000)
    path = tmp_path / "table.npz"
    write_table(path, table("yolov2"))
    with np.load(path) as whole:
        np.savez_compressed(path, **dict(whole), zeros=np.zeros(20_000_000, np.uint8))
    with pytest.raises(
        ValueError, match=r"no table of a survey: its [\d,]+ bytes would unpack to 2"
    ):
        read_table(path)


def test_a_table_whose_parts_do_not_fit_is_refused(tmp_path):
    good = table("yolov2")
    for wrong, sentence in (
        (
            dataclasses.replace(
                good, objects=dataclasses.replace(good.objects, sample=good.objects.sample + 99)
            ),
            r"objects\.sample must be at most 7; received 106",
        ),
        (
            dataclasses.replace(good, lambdas=good.lambdas[:1]),
            r"lambdas must have shape \(5,\); received \(1,\)",
        ),
        (
            dataclasses.replace(
                good, samples=dataclasses.replace(good.samples, total=good.samples.total[:3])
            ),
            r"samples\.total must have shape \(8,\); received \(3,\)",
        ),
    ):
        write_table(tmp_path / "table.npz", wrong)
        with pytest.raises(ValueError, match=sentence):
            read_table(tmp_path / "table.npz")
