"""Edits of objects as label rows, and in a link."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dashboard.sample_run import make_loss, make_snapshot
from yolo_core.sandbox.edits import EditedObject, Edits, edited_labels, objects_of
from yolo_core.views import SampleView

NUMBER = st.floats(-1e4, 1e4)


@pytest.fixture(scope="module")
def view() -> SampleView:
    """val/0: five objects on a picture of 96 x 96."""
    return make_snapshot(make_loss("yolov2"), 20).sample("val/0")


def test_objects_are_read_in_pixels_of_the_picture(view: SampleView) -> None:
    first = objects_of(view)[0]  # 0.66, 0.35, 0.22, 0.34 of 96 pixels
    assert first == EditedObject(0, 4, (63.36, 33.6, 21.12, 32.64))


def test_objects_that_were_not_changed_keep_their_very_numbers(view: SampleView) -> None:
    assert edited_labels(view, None) is view.y_true
    moved = [*objects_of(view)]
    moved[1] = dataclasses.replace(moved[1], box=(10.0, 20.0, 30.0, 40.0))
    rows = edited_labels(view, moved)
    others = [0, 2, 3, 4]
    np.testing.assert_array_equal(rows[others], view.y_true[others])
    np.testing.assert_allclose(rows[1, 1:5], np.array([10, 20, 30, 40]) / 96, rtol=1e-6)


def test_a_deleted_object_leaves_a_padding_row_and_an_added_one_comes_last(
    view: SampleView,
) -> None:
    objects = [*objects_of(view)[1:], EditedObject(None, 7, (48.0, 48.0, 24.0, 12.0))]
    rows = edited_labels(view, objects)
    assert rows[0].tolist() == [0.0] * 15
    assert rows[5, :5].tolist() == [1.0, 0.5, 0.5, 0.25, 0.125]
    assert rows[5, 5:].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (EditedObject(None, 10, (1, 1, 1, 1)), "A class is a number from 0 to 9; received 10"),
        (EditedObject(None, 0, (math.nan, 1, 1, 1)), "four finite numbers"),
        (EditedObject(5, 0, (1, 1, 1, 1)), "val/0 has no object 5"),
    ],
)
def test_wrong_objects_are_refused(view: SampleView, wrong: EditedObject, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        edited_labels(view, [wrong])


@given(
    st.none()
    | st.lists(
        st.tuples(st.none() | st.integers(0, 9), st.integers(0, 9), *[NUMBER] * 4), max_size=3
    ),
    st.none() | st.lists(st.tuples(NUMBER, NUMBER), max_size=3),
    st.dictionaries(st.sampled_from(["xy", "wh"]), NUMBER),
    st.dictionaries(st.text(max_size=5), st.booleans() | NUMBER | st.none() | st.text()),
)
def test_a_link_brings_the_edits_back(objects, anchors, lambdas, options) -> None:
    edits = Edits(
        objects=None if objects is None else tuple(EditedObject(r, c, b) for r, c, *b in objects),
        anchors=None if anchors is None else tuple(anchors),
        lambdas=lambdas,
        options=options,
    )
    if edits.objects is not None:
        fixed = tuple(dataclasses.replace(each, box=tuple(each.box)) for each in edits.objects)
        edits = dataclasses.replace(edits, objects=fixed)
    assert Edits.from_json(edits.to_json()) == edits


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", '{"objects": 3}', '{"lambdas": [1]}', '{"others": 1}', "null"]
)
def test_a_torn_link_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="The changes in the link cannot be read"):
        Edits.from_json(text)
