"""The table: back from disk as it was, sentences for anything else."""

import dataclasses

import numpy as np
import pytest

from tests.survey.tables import half_way, table
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


def test_a_table_whose_parts_do_not_fit_is_refused(tmp_path):
    good = table("yolov2")
    for wrong, sentence in (
        (
            dataclasses.replace(
                good, objects=dataclasses.replace(good.objects, sample=good.objects.sample + 99)
            ),
            "rows point outside its samples",
        ),
        (dataclasses.replace(good, lambdas=good.lambdas[:1]), "the terms differ in number"),
        (
            dataclasses.replace(
                good, samples=dataclasses.replace(good.samples, total=good.samples.total[:3])
            ),
            "the columns of samples differ in length",
        ),
    ):
        write_table(tmp_path / "table.npz", wrong)
        with pytest.raises(ValueError, match=sentence):
            read_table(tmp_path / "table.npz")
