"""What a survey says adds up: losses to the total, objects to their statuses, misses and sizes."""

import dataclasses

import numpy as np
import pytest

from tests.survey.tables import LOSSES, half_way, table
from yolo_core.assignment import ObjectStatus, trained_slots
from yolo_core.evaluation.misses import Miss
from yolo_core.survey import statistics
from yolo_core.survey.rows import table_of


@pytest.fixture(scope="module", params=LOSSES)
def survey(request):
    return table(request.param)


@pytest.fixture(scope="module")
def yolov2():
    return table("yolov2")


@pytest.mark.parametrize("grouping", statistics.GROUPINGS)
def test_the_parts_of_the_loss_add_up_to_the_recorded_totals(survey, grouping):
    groups = statistics.loss_by(survey, grouping)
    assert sum(group.loss.sum() for group in groups) == pytest.approx(
        survey.samples.total.sum(), rel=1e-5
    )
    by_term = np.sum([group.loss for group in groups], axis=0)
    np.testing.assert_allclose(by_term, (survey.samples.terms * survey.lambdas).sum(0), rtol=1e-5)


@pytest.mark.parametrize("grouping", ["class", "size"])
def test_every_object_is_in_one_group(survey, grouping):
    groups = statistics.loss_by(survey, grouping)
    assert sum(group.objects or 0 for group in groups) == len(survey.objects.sample) == 22
    assert (groups[-1].label, groups[-1].objects) == ("no object", None)


def test_the_ledger_adds_up(survey):
    ledger = statistics.summary(survey)
    assert sum(ledger.by_status.values()) == sum(ledger.by_miss.values()) == ledger.objects == 22
    assert ledger.reachable <= ledger.trained <= ledger.objects
    # One object outside and one without an area in val/1, twice.
    assert ledger.by_status[ObjectStatus.OUTSIDE] == ledger.by_status[ObjectStatus.ZERO_AREA] == 2


def test_two_objects_on_one_slot_are_a_collision_and_one_of_them_can_be_found():
    taken = statistics.summary(table("yolov2"))
    assert taken.by_status[ObjectStatus.OVERWRITTEN] == taken.collisions == 2
    assert (taken.trained, taken.reachable) == (16, 16)
    shared = statistics.summary(table("mnist_yolo"))
    assert shared.by_status[ObjectStatus.SHARED] == shared.collisions == 4
    assert (shared.trained, shared.reachable) == (18, 16)


def test_slots_of_each_object_are_counted_with_those_that_others_train_too():
    counts = statistics.summary(table("yolov5"))
    one = half_way("yolov5")
    trained = [
        trained_slots(one.sample(name).assignment, int(index))
        for name in one.samples
        for index in one.sample(name).objects
    ]
    assert counts.slots.tolist() == [len(slots) for slots in trained] * 2
    booked = sum(int(one.sample(name).assignment.object_mask.sum()) for name in one.samples)
    assert counts.taken == 2 * (sum(map(len, trained)) - booked) > 0
    without = sum(not len(slots) for slots in trained) * 2
    assert f"; objects without any: {without}; of all" in counts.slots_sentence
    assert statistics.summary(table("yolov2")).slots_sentence == ""


def test_names_of_the_anchors(yolov2):
    # 0.8 x 1.0, 1.4 x 1.8 and 2.2 x 2.4 cells of 16 px.
    assert statistics.place_names(yolov2) == [
        "anchor 0 (13 × 16 px)",
        "anchor 1 (22 × 29 px)",
        "anchor 2 (35 × 38 px)",
    ]
    assert statistics.place_names(table("mnist_yolo"))[2] == "predictor 2"
    assert statistics.place_names(table("yolov3/tf2"))[3].startswith("head 1, anchor 0 (")


def test_the_worst_sample_of_a_group_adds_most_to_it():
    alone = table_of(half_way("yolov2"), "samples-000000.npz")
    # Class 9 is in val/1 alone, class 2 (an anchor's fit and a box without area) in two samples.
    groups = {group.label: group for group in statistics.loss_by(alone, "class")}
    assert alone.samples.name[groups["9"].worst] == "val/1"
    assert groups["1"].worst == -1  # outside: it adds nothing
    assert groups["1"].objects == 1


def test_a_label_beyond_all_pictures_has_no_area(yolov2):
    """Its status is INVALID; a size of 1e30 pixels overflowed the numbers of the bins."""
    box = yolov2.objects.box.copy()
    box[0, 2:] = 1e30
    box[1, 2:] = np.nan
    wrong = dataclasses.replace(yolov2, objects=dataclasses.replace(yolov2.objects, box=box))
    assert np.isnan(statistics.sides(wrong)[:2]).all()
    labels, size = statistics.sizes_of(wrong)
    assert [labels[k] for k in size[:2]] == ["no area", "no area"]
    assert labels == statistics.sizes_of(yolov2)[0]


def test_sizes_are_in_round_steps_of_pixels(yolov2):
    labels, size = statistics.sizes_of(yolov2)
    assert labels[-1] == "no area"
    assert labels[0] == "12 to 16 px"
    # 0.22 x 0.34 of 96 px is a square of 26.3 px; 0.14 x 0.17 one of 14.8 px.
    assert [labels[k] for k in size[:4]] == [
        "24 to 28 px",
        "24 to 28 px",
        "20 to 24 px",
        "12 to 16 px",
    ]


@pytest.mark.parametrize("by", ["total", "xy", "missed", "false detections"])
def test_the_worst_come_first(yolov2, by):
    order = statistics.worst_first(yolov2, by)
    assert sorted(order) == list(range(8))
    values = {
        "total": yolov2.samples.total,
        "xy": yolov2.samples.terms[:, yolov2.term_names.index("xy")],
        "missed": statistics.missed(yolov2),
        "false detections": yolov2.samples.false_detections,
    }[by][order]
    assert (np.diff(values) <= 0).all()


def test_an_unknown_order_or_grouping_is_refused(yolov2):
    with pytest.raises(ValueError, match="not ordered by 'size'"):
        statistics.worst_first(yolov2, "size")
    with pytest.raises(ValueError, match="class, size, head, anchor; received 'row'"):
        statistics.loss_by(yolov2, "row")


def test_a_loss_that_is_no_number_is_first_and_in_no_bar(yolov2):
    total = yolov2.samples.total.copy()
    place_loss = yolov2.samples.place_loss.copy()
    total[3], place_loss[3] = np.nan, np.nan
    samples = dataclasses.replace(yolov2.samples, total=total, place_loss=place_loss)
    broken = dataclasses.replace(yolov2, samples=samples)
    assert statistics.worst_first(broken, "total")[0] == 3
    assert statistics.total(broken) == pytest.approx(np.delete(total, 3).sum())
    for grouping in statistics.GROUPINGS:
        loss = sum(group.loss.sum() for group in statistics.loss_by(broken, grouping))
        assert loss == pytest.approx(np.delete(total, 3).sum(), rel=1e-5)


def test_a_survey_of_pictures_without_objects(yolov2):
    empty = np.zeros(0, np.int64)
    objects = dataclasses.replace(
        yolov2.objects,
        **{
            field.name: getattr(yolov2.objects, field.name)[:0]
            for field in dataclasses.fields(yolov2.objects)
        },
    )
    ledger = dataclasses.replace(
        yolov2.ledger,
        object=empty,
        status=empty,
        place=empty,
        iou=empty.astype(np.float32),
        score=empty.astype(np.float32),
    )
    bare = dataclasses.replace(yolov2, objects=objects, ledger=ledger)
    counts = statistics.summary(bare)
    assert counts.objects == counts.found == 0
    assert np.isnan(counts.share(counts.found))
    for grouping in ("class", "size"):
        assert [group.label for group in statistics.loss_by(bare, grouping)] == ["no object"]
    assert counts.by_miss[Miss.NOT_SEEN] == 0
