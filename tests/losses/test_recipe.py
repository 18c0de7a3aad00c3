"""What follows from data for a loss: its heads and its lambdas."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.toy_source import ToySource
from yolo_core.data.registry import open_source
from yolo_core.data.source import TrainingObjects
from yolo_core.losses.families import FAMILY_NAMES, family_of
from yolo_core.losses.recipe import (
    FIGURES,
    anchors_said,
    chosen_strides,
    data_figures,
    derived_lambdas,
    derived_setup,
    shared_cells,
)
from yolo_core.training.config import parse_config


def objects(*pictures):
    """Of pictures of 320 x 256 px: (x, y, side) in pixels of each object, and its class."""
    rows = [(at, *each) for at, picture in enumerate(pictures) for each in picture]
    table = np.array(rows, np.float64).reshape(-1, 5)
    boxes = table[:, [1, 2, 3, 3]] / [320, 256, 320, 256]
    return TrainingObjects(
        boxes.astype(np.float32),
        table[:, 4].astype(np.int32),
        table[:, 0].astype(int),
        len(pictures),
    )


SHAPE = (256, 320, 3)


@pytest.mark.slow
def test_for_the_digits_every_family_gets_the_recipe_and_the_heads_that_it_has():
    digits = open_source(parse_config({}).data)
    for name in FAMILY_NAMES:
        family = family_of(name)
        derived = derived_setup(name, digits)
        assert derived.strides == family.strides
        assert derived.lambdas == pytest.approx(family.recipe, rel=0.005), name


def test_a_variant_and_a_loss_of_one_s_own_train_as_they_were_written():
    toy = ToySource(0)
    assert derived_setup("yolov2/notebook", toy) is None
    assert derived_setup("own.py:Loss", toy) is None


def test_the_lambdas_of_yolov2_by_hand():
    # One object of 32 px: two cells of 16 px wide and high, 8 squared cells. 20 x 16 cells of 3.
    figures = data_figures(objects([(100, 100, 32, 0)]), SHAPE, (16,), 3, 1)
    assert (figures["slots"], figures["objects"]) == (960, 1)
    assert figures["squared_cells"] == pytest.approx(8)
    assert figures["objects_a_slot"] == pytest.approx(1 / 960)
    lambdas, why = derived_lambdas(family_of("yolov2"), figures)
    assert lambdas == {
        "xy": pytest.approx(20 * 4.59 / 8, rel=0.01),
        "wh": pytest.approx(8 * 4.59 / 8, rel=0.01),
        "objectness": pytest.approx(50 * 0.0266 * 960, rel=0.01),
        "no_object": 50,
        "classification": pytest.approx(2.3 / np.log(2), rel=0.01),
    }
    assert "Lambdas for 1 objects on 960 slots a picture: xy 11.5 (20 was found for 4.59" in why
    assert "no_object 50 as found" in why


def test_ten_times_the_slots_weigh_as_before_where_a_term_is_divided_by_all_of_them():
    few = data_figures(objects([(100, 100, 32, 0)]), SHAPE, (16,), 3, 10)
    many = data_figures(objects([(100, 100, 32, 0)]), SHAPE, (16,), 30, 10)
    one, other = (derived_lambdas(family_of("yolov2"), each)[0] for each in (few, many))
    assert other["objectness"] == pytest.approx(10 * one["objectness"], rel=0.01)
    assert {**one, "objectness": 0} == {**other, "objectness": 0}
    one, other = (derived_lambdas(family_of("yolov1"), each)[0] for each in (few, many))
    assert other["no_object"] == pytest.approx(one["no_object"] / 10, rel=0.01)


def test_on_several_heads_an_object_counts_in_the_cells_of_its_own():
    # The small one is 2 x 2 cells of 8 px, the large one 4 x 4 of 32.
    two = objects([(40, 40, 16, 0), (200, 130, 128, 0)])
    figures = data_figures(two, SHAPE, (32, 8), 1, 1)
    assert figures["slots"] == 10 * 8 + 40 * 32
    assert figures["squared_cells"] == pytest.approx(((4 + 4) + (16 + 16)) / 2)


def test_small_objects_get_a_finer_head():
    wide = [(40, 40), (200, 120), (120, 200)]
    large, medium, small = (objects([(x, y, side, 0) for x, y in wide]) for side in (120, 40, 10))
    assert chosen_strides(large, SHAPE, (16,))[0] == (32,)
    assert chosen_strides(medium, SHAPE, (16,))[0] == (16,)
    strides, why = chosen_strides(small, SHAPE, (16,))
    assert strides == (8,)
    assert "have a side of 10 px or less" in why
    assert "larger pictures" not in why
    assert "larger pictures" in chosen_strides(objects([(9, 9, 5, 0)]), SHAPE, (16,))[1]


def test_one_class_of_small_objects_is_enough():
    both = objects([(40, 40, 120, 0), (200, 120, 120, 0), (120, 200, 12, 1)])
    assert chosen_strides(both, SHAPE, (16,))[0] == (8,)


def test_objects_that_meet_in_a_cell_get_a_finer_head():
    # In cells of 16 px the second and third lie in one, in cells of 8 px they do not.
    crowd = objects([(40, 40, 40, 0), (100, 100, 40, 0), (110, 100, 40, 0)], [(100, 100, 40, 0)])
    assert shared_cells(crowd, SHAPE, 16) == pytest.approx(0.25)
    assert shared_cells(crowd, SHAPE, 8) == 0
    assert chosen_strides(crowd, SHAPE, (16,))[0] == (8,)


def test_several_heads_get_one_more_for_large_objects_in_the_order_of_the_loss():
    large = objects([(40, 40, 120, 0)])
    assert chosen_strides(large, SHAPE, (16, 8))[0] == (32, 16, 8)
    assert chosen_strides(large, SHAPE, (8, 16))[0] == (8, 16, 32)
    assert chosen_strides(objects([(40, 40, 40, 0)]), SHAPE, (16, 8))[0] == (16, 8)


def test_strides_that_are_given_stay():
    derived = derived_setup("yolov2", ToySource(0), strides=(32,))
    assert derived.strides == (32,)
    assert not derived.sentences[0].startswith("One head"), "nothing is said of why"
    assert len(derived.sentences) == 2


@pytest.mark.parametrize(
    ("name", "slots", "kept"),
    [
        ("mnist_yolo", None, "objectness 1, no_object 2 as found, since these terms are means"),
        ("yolov1", None, "objectness 1, classification 1 as found, since these terms are sums"),
        ("yolov2", "Anchors of ", "no_object 50 as found, since these terms are means"),
        ("yolov3", "Anchors of ", "no_object 10 as found, since these terms are means"),
        ("ssd", "Priors of squares of ", "no_object 1 as found, since offsets are relative"),
    ],
)
def test_each_family_says_what_was_derived_and_what_was_not(name, slots, kept):
    heads, *about, lambdas = derived_setup(name, ToySource(0)).sentences
    assert re.match("One head of 8 px a cell: |Heads of (16 and 8|8 and 16) px a cell: ", heads)
    assert [each[: len(slots)] for each in about] == ([] if slots is None else [slots])
    assert lambdas.startswith("Lambdas for ")
    assert kept in lambdas


def test_the_fit_of_anchors_by_hand():
    # On 100 x 50 px: 20 x 10 fits itself; 20 x 20 is half of 20 x 40, and of 20 x 50 two fifths.
    sizes = np.array([[0.2, 0.2], [0.2, 0.8], [0.2, 1.0]])
    said = anchors_said(sizes, np.array([[0.2, 0.2], [0.2, 0.4]]), (50, 100, 3))
    assert said == (
        "Anchors of 20 x 10, 20 x 20 px: the objects have a mean IoU of 0.63 with the best one, "
        "and 33.3% of them one below 0.5."
    )


def test_the_priors_that_are_said_are_those_that_are_made():
    pytest.importorskip("keras")
    source = ToySource(0)
    derived = derived_setup("ssd", source)
    priors = family_of("ssd").loss_class().setup(source, strides=derived.strides)["priors"]
    for small, large in zip(priors["min_sizes"], priors["max_sizes"], strict=True):
        assert f"{small:.0f} and {large:.0f}" in derived.sentences[1]


class Nothing(ToySource):
    def training_objects(self):
        found = super().training_objects()
        return TrainingObjects(found.boxes[:0], found.classes[:0], found.picture[:0], 20)


def test_without_an_object_there_is_nothing_to_learn():
    with pytest.raises(ValueError, match="no object with an area in its training split, of 0"):
        derived_setup("yolov2", Nothing(0))


@given(
    st.lists(
        st.tuples(st.floats(0, 320), st.floats(0, 256), st.floats(0.5, 250), st.integers(0, 2)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([(16,), (16, 8), (8, 16)]),
)
def test_whatever_the_objects_the_heads_are_known_and_the_lambdas_finite(rows, usual):
    found = objects(rows)
    strides, _ = chosen_strides(found, SHAPE, usual)
    assert set(strides) <= {8, 16, 32}
    assert len(set(strides)) == len(strides) >= len(usual)
    figures = data_figures(found, SHAPE, strides, 3, 3)
    assert set(FIGURES) <= set(figures)
    for name in FAMILY_NAMES:
        lambdas, _ = derived_lambdas(family_of(name), figures)
        assert all(np.isfinite(value) and value > 0 for value in lambdas.values())
