"""The sentences of the counterfactuals."""

import dataclasses

import pytest

from tests.explain.whatif.judged import one_object
from yolo_core.assignment import ObjectStatus
from yolo_core.explain.whatif.outcomes import (
    IGNORED,
    NO_OBJECT,
    OBJECT,
    ObjectFate,
    ObjectSubject,
    SlotRole,
    SlotSubject,
)
from yolo_core.explain.whatif.search import Change
from yolo_core.explain.whatif.sentences import change_words, who_would

MATCHED, SHARED = ObjectStatus.MATCHED, ObjectStatus.SHARED
OVERWRITTEN, OUTSIDE = ObjectStatus.OVERWRITTEN, ObjectStatus.OUTSIDE
EMPTY, LEFT_ALONE = SlotRole(NO_OBJECT, -1, False), SlotRole(IGNORED, -1, False)
TRAINED = SlotRole(OBJECT, 0, False)


@pytest.fixture(scope="module")
def view():
    return one_object()[1]


def fate(view, column, anchor, status=MATCHED, taker=-1):
    return ObjectFate(status, view.layout.index(0, 1, column, anchor), taker)


def wider(before, after, subject=ObjectSubject(0), **fields):  # noqa: B008
    change = Change(subject, "width", True, 18.2, 22.0, 0.01, before, after, index=0)
    return dataclasses.replace(change, **fields)


def sentence(view, change):
    """The two parts, as the pages lay them together."""
    return f"{who_would(view, change)} {change_words(view, change)}."


def test_what_becomes_of_an_object(view):
    now = fate(view, 1, 0)
    nowhere = ObjectFate(OUTSIDE, -1, -1)
    if_wider = "if its width were at least 22 px (it is 18.2 px)."
    for before, after, words in (
        (now, fate(view, 1, 1), "be matched to anchor 1"),
        (now, fate(view, 2, 1), "fall in cell (row 1, column 2), anchor 1"),
        (now, fate(view, 1, 1, SHARED), "be matched to anchor 1 and share it"),
        (now, fate(view, 1, 0, SHARED), "share anchor 0 with another object"),
        (fate(view, 1, 0, SHARED), now, "have anchor 0 for itself"),
        (
            now,
            fate(view, 1, 0, OVERWRITTEN, 0),
            "lose anchor 0 to object 0 (class 0) and train nothing",
        ),
        (
            now,
            fate(view, 1, 1, OVERWRITTEN, 0),
            "want anchor 1 and lose it to object 0 (class 0), and train nothing",
        ),
        (
            fate(view, 1, 0, OVERWRITTEN, 0),
            now,
            "be matched after all, to anchor 0 of cell (row 1, column 1)",
        ),
        (nowhere, now, "be matched after all, to anchor 0 of cell (row 1, column 1)"),
        (now, nowhere, "be outside the picture and train nothing"),
    ):
        assert sentence(view, wider(before, after)) == (
            f"Object 0 (class 0) would {words} {if_wider}"
        )


def test_what_a_slot_would_be_there_for(view):
    if_wider = "if object 0 (class 0)'s width were at least 22 px (it is 18.2 px)."
    for before, after, words in (
        (EMPTY, LEFT_ALONE, "be ignored"),
        (LEFT_ALONE, EMPTY, 'no longer be ignored, but be trained to say "no object"'),
        (LEFT_ALONE, TRAINED, "no longer be ignored, but be trained for object 0 (class 0)"),
        (EMPTY, TRAINED, "be trained for object 0 (class 0)"),
        (
            TRAINED,
            EMPTY,
            'no longer be trained for object 0 (class 0), but to say "no object"',
        ),
        (TRAINED, LEFT_ALONE, "no longer be trained for object 0 (class 0), but be ignored"),
        (
            TRAINED,
            SlotRole(OBJECT, 0, True),
            "be shared by object 0 (class 0) and another object",
        ),
    ):
        said = sentence(view, wider(before, after, SlotSubject(3)))
        assert said == f"This slot would {words} {if_wider}"


@pytest.mark.parametrize(
    ("fields", "condition"),
    [
        ({"number": "height", "up": False, "value": 5.5}, "its height were at most 5.5 px"),
        ({"number": "x", "value": 21.324}, "its centre moved 3.12 px right"),
        ({"number": "x", "up": False, "value": 15.2}, "its centre moved 3 px left"),
        ({"number": "y", "value": 19.2}, "its centre moved 1 px down"),
        ({"number": "y", "up": False, "value": 18.19}, "its centre moved 0.01 px up"),
    ],
)
def test_the_condition(view, fields, condition):
    change = wider(fate(view, 1, 0), fate(view, 1, 1), **fields)
    assert f" if {condition}" in sentence(view, change)


def test_a_threshold(view):
    change = wider(
        EMPTY,
        LEFT_ALONE,
        SlotSubject(3),
        number="ignore_threshold",
        up=False,
        start=0.6,
        value=0.57,
        index=-1,
    )
    assert sentence(view, change) == (
        "This slot would be ignored if the ignore threshold were at most 0.57 (it is 0.6)."
    )
