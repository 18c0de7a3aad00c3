"""Objects that would be lost, on a set that can be checked by hand."""

import dataclasses
import json

import numpy as np
import pytest

from tests.data.made_set import made
from tests.data.toy_source import ToySource
from yolo_core.assignment import ObjectStatus
from yolo_core.before.lost import loss_of, lost_objects
from yolo_core.before.lost_table import POOR_FIT, TOO_SMALL, read_table, write_table
from yolo_core.data.label_batch import label_batch
from yolo_core.data.overview import pictures_of
from yolo_core.losses import FAMILY_NAMES, published
from yolo_core.training.config import parse_config

# 64 x 64 pixels in cells of 16, with one anchor of one cell: row and column follow from the centre.
# In "two" both cats have their centre in row 1, column 1: the later one takes the slot. The dog is
# alone. In "odd" one has its centre beyond the right edge, one no height, one is 4 x 4, and one is
# as large as the picture: IoU 1/16 with the anchor.
SET = {
    "two": [("cat", 16, 16, 32, 32), ("cat", 18, 18, 30, 30), ("dog", 48, 0, 64, 16)],
    "none": [],
    "odd": [
        ("cat", 60, 0, 72, 16),
        ("dog", 0, 20, 16, 20),
        ("cat", 0, 0, 4, 4),
        ("dog", 0, 0, 64, 64),
    ],
}
DATA = made(SET, size=(64, 64), difficult=())


@pytest.fixture
def table():
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    return lost_objects(loss, DATA, (64, 64), "stretch")


@pytest.mark.slow
def test_every_object_has_its_status(table) -> None:
    assert [ObjectStatus(each).word for each in table.object_status] == [
        *("overwritten", "matched", "matched"),
        *("outside", "zero area", "matched", "matched"),
    ]
    assert table.lost.tolist() == [True, False, False, True, True, False, False]


def test_a_collision_names_its_cell_its_anchor_and_the_other_object(table) -> None:
    (at,) = table.collisions()
    slot = table.slot[at, 0]
    layout = table.layout
    assert (layout.row[slot], layout.column[slot], layout.anchor[slot]) == (1, 1, 0)
    assert table.rival[:, 0].tolist() == [1, -1, -1, -1, -1, -1, -1]


def test_reasons_are_counted_by_limits(table) -> None:
    def found(**limits):
        return {name: np.flatnonzero(m).tolist() for name, m in table.reasons(**limits).items()}

    assert found(least_pixels=8, least_fit=0.25) == {
        "overwritten": [0],
        "outside": [3],
        "zero area": [4],
        "below threshold": [],
        TOO_SMALL: [4, 5],
        POOR_FIT: [5, 6],  # 1/16 both
    }
    assert found(least_pixels=13)[TOO_SMALL] == [1, 3, 4, 5]
    assert POOR_FIT not in found(least_fit=0.06)


def test_objects_of_two_cells_do_not_collide() -> None:
    # Centres 24 and 15.5: columns 1 and 0. At 128 x 128 both of DATA are at 48, in one cell again.
    data = dataclasses.replace(DATA, box_edges=DATA.box_edges.copy())
    data.box_edges[1] = [9, 18, 22, 30]
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    assert lost_objects(loss, data, (64, 64), "stretch").object_status[0] == ObjectStatus.MATCHED
    assert lost_objects(loss, DATA, (128, 128), "stretch").object_status[0] == (
        ObjectStatus.OVERWRITTEN
    )


def test_difficult_objects_are_not_trained_on_and_so_not_lost() -> None:
    data = dataclasses.replace(DATA, box_difficult=np.arange(7) == 1)
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    table = lost_objects(loss, data, (64, 64), "stretch")
    assert table.object.tolist() == [0, 2, 3, 4, 5, 6]
    assert not len(table.collisions())


def test_under_letterbox_a_wide_picture_keeps_its_shape() -> None:
    # 64 x 32 in 64 x 64: 16 rows of padding above, so the cell is one row lower than it was.
    data = made({"wide": [("cat", 0, 0, 16, 16)]}, size=(64, 32))
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    tables = {fit: lost_objects(loss, data, (64, 64), fit) for fit in ("stretch", "letterbox")}
    assert {fit: each.pixels.tolist() for fit, each in tables.items()} == {
        "stretch": [16],
        "letterbox": [16],
    }
    np.testing.assert_allclose(tables["stretch"].box[0], [0.125, 0.25, 0.25, 0.5])
    np.testing.assert_allclose(tables["letterbox"].box[0], [0.125, 0.375, 0.25, 0.25])
    assert tables["letterbox"].layout.row[tables["letterbox"].slot[0, 0]] == 1


def test_two_that_share_a_slot_name_each_other() -> None:
    loss = published("mnist_yolo", num_classes=2)
    table = lost_objects(loss, DATA, (64, 64), "stretch")
    assert table.by_prediction
    assert table.rival[:3, 0].tolist() == [1, 0, -1]
    assert set(table.reasons()) >= {"shared", TOO_SMALL}
    assert POOR_FIT not in table.reasons()


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_it_is_what_the_loss_says_of_each_picture_alone(name: str) -> None:
    source = ToySource(0)
    config = parse_config({"data": {"source": "toy"}, "loss": {"name": name}})
    loss = loss_of(config, source)
    data = pictures_of(source)
    table = lost_objects(loss, data, source.image_shape[:2], "stretch")
    for index, file in enumerate(data.files):
        sample = source.sample(file)
        y_true = label_batch([sample], num_classes=3, max_objects=len(sample.boxes))
        nothing = np.zeros((1, *loss.output_shape(source.image_shape)), np.float32)
        alone = loss.breakdown(y_true, nothing).to_numpy().assignment
        rows = data.objects_of(index)
        np.testing.assert_array_equal(table.status[rows], alone.object_status[0])
        # Beside others a picture is computed with other roundings: a tie may end otherwise.
        score = {
            (at, slot): score
            for at, row in np.ndindex(alone.object_slot[0].shape)
            for slot, score in zip(
                alone.candidate_slots[0, at, row], alone.candidate_score[0, at, row], strict=True
            )
        }
        for at, row in np.argwhere(table.slot[rows] != alone.object_slot[0]):
            mine, other = table.slot[rows][at, row], alone.object_slot[0, at, row]
            assert score[at, mine] == pytest.approx(score[at, other], rel=1e-6)


def test_a_stopped_search_gives_nothing_and_progress_counts_pictures() -> None:
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    assert lost_objects(loss, DATA, (64, 64), "stretch", stopped=lambda: True) is None
    said: list[int] = []
    lost_objects(loss, DATA, (64, 64), "stretch", report=said.append)
    assert said == [2]  # one of the three has no object


def test_a_set_without_objects_has_an_empty_table() -> None:
    loss = published("yolov2", anchors=[[1.0, 1.0]], num_classes=2)
    table = lost_objects(loss, made({"a": []}), (64, 64), "stretch")
    assert len(table.object) == 0
    assert all(not mask.any() for mask in table.reasons().values())


def test_a_table_is_read_back_and_refused_for_other_data(table, tmp_path) -> None:
    path = tmp_path / "table.npz"
    write_table(path, table)
    again = read_table(path, DATA)
    for field in dataclasses.fields(table):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(table, field.name))
    moved = dataclasses.replace(DATA, box_edges=DATA.box_edges + 1)
    with pytest.raises(ValueError, match="have changed"):
        read_table(path, moved)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="no table of lost objects"):
        read_table(path, DATA)
    with pytest.raises(ValueError, match="does not exist"):
        read_table(tmp_path / "other.npz", DATA)


def test_a_loss_of_ones_own_is_refused() -> None:
    config = parse_config({"loss": {"name": "/somewhere/mine.py:Mine"}})
    with pytest.raises(ValueError, match="come along"):
        loss_of(config, ToySource(0))


def test_json_is_plain(table) -> None:
    from yolo_core.cli.before import lost_json
    from yolo_core.data.overview import Overview

    found = json.loads(json.dumps(lost_json(table, Overview(DATA), 8)))
    assert found["lost"] == 3
    assert found["found"][0] == {
        "reason": "overwritten",
        "picture": "two",
        "object": 1,
        "class": "cat",
        "pixels": 16.0,
        "head": 0,
        "row": 1,
        "column": 1,
        "anchor": 0,
        "rival": 2,
    }
