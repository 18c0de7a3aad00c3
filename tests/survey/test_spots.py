"""A row or a bar of a survey leads to the object and the slot that it is about."""

import numpy as np
import pytest

from tests.survey.tables import LOSSES, half_way, table
from yolo_core.evaluation.misses import Miss, find_objects
from yolo_core.survey import statistics
from yolo_core.survey.rows import table_of
from yolo_core.survey.spots import FALSE, Spot, read_spot, slot_of


@pytest.fixture(scope="module", params=LOSSES)
def snapshot(request):
    return half_way(request.param)


def test_a_spot_survives_its_way_through_the_browser():
    for spot in (Spot("val/3", object=0, row=0), Spot("val/3", by="xy", head=0, empty=True)):
        assert read_spot(spot.text()) == spot
    for text in ("val/3", "[1]", '{"sample": "val/3", "other": 1}'):
        with pytest.raises(ValueError, match="No sample of a survey is meant by"):
            read_spot(text)


def test_a_trained_object_leads_to_a_slot_that_is_trained_for_it(snapshot):
    view = snapshot.sample("val/0")
    for index in view.objects.tolist():
        slot = slot_of(view, Spot("val/0", object=index))
        assert slot in view.assignment.object_slot[index]
        assert view.assignment.object_mask[slot]


def test_every_object_leads_somewhere_on_its_sample(snapshot):
    view = snapshot.sample("val/1")  # with one outside and one without an area
    for index in view.objects.tolist():
        assert 0 <= slot_of(view, Spot("val/1", object=index)) < view.layout.count


def test_a_sample_leads_to_the_slot_with_most_of_what_was_asked_for(snapshot):
    view = snapshot.sample("val/0")
    assert slot_of(view, Spot("val/0")) == view.weighted_map.argmax()
    for term, values in view.maps.items():
        assert values[slot_of(view, Spot("val/0", by=term))] == values.max()
    empty = view.assignment.matched_object < 0
    assert empty[slot_of(view, Spot("val/0", empty=True))]
    slot = slot_of(view, Spot("val/0", head=0, anchor=1))
    assert (view.layout.head[slot], view.layout.anchor[slot]) == (0, 1)
    false = find_objects(view).false_slots
    if len(false):
        assert slot_of(view, Spot("val/0", by=FALSE)) == false[0]


@pytest.mark.parametrize("grouping", statistics.GROUPINGS)
def test_a_piece_of_a_bar_leads_to_where_most_of_it_is(snapshot, grouping):
    survey = table_of(snapshot, "samples-000000.npz")
    for group in statistics.loss_by(survey, grouping):
        for term, total, spot in zip(survey.term_names, group.loss, group.spots, strict=True):
            assert (spot is None) == (total == 0)
            if spot is None:
                continue
            view = snapshot.sample(spot.sample)
            here = float(view.maps[term][slot_of(view, spot)]) * view.lambdas[term]
            assert 0 < here <= total * (1 + 1e-5)


def test_samples_by_their_missed_objects_lead_to_one():
    survey = table("yolov2")
    order = statistics.worst_first(survey, "missed")
    spot = statistics.sample_spots(survey, order, "missed")[0]
    at = np.flatnonzero(
        (survey.samples.name[survey.objects.sample] == spot.sample)
        & (survey.objects.index == spot.object)
    )
    assert (survey.objects.miss[at] != Miss.FOUND).all()
    assert statistics.sample_spots(survey, order, "xy")[0].by == "xy"
    assert statistics.sample_spots(survey, order, "total")[0].by is None
