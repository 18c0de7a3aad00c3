"""What differs between configurations, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_core.training.config import RunConfig, parse_config
from yolo_core.training.config_diff import config_differences, flattened

CONFIGS = st.builds(
    lambda seed, steps, lambdas, size: parse_config(
        {
            "seed": seed,
            "training": {"steps": steps},
            "loss": {"lambdas": lambdas},
            "network": {"size": size},
        }
    ),
    st.integers(0, 3),
    st.integers(1, 3),
    st.dictionaries(st.sampled_from(["xy", "wh", "objectness"]), st.floats(0, 2)),
    st.sampled_from(["small", "medium"]),
)


def config(**fields: Any) -> RunConfig:
    return parse_config(fields)


def test_nested_fields_by_their_path() -> None:
    fields = {"a": {"b": {"c": 1, "d": [1, {"e": 2}]}, "f": {}}, "g": None}
    assert flattened(fields) == {"a.b.c": 1, "a.b.d": [1, {"e": 2}], "a.f": {}, "g": None}
    assert flattened({}) == {}


def test_own_values_side_by_side() -> None:
    one = config(loss={"name": "yolov2", "lambdas": {"xy": 1.0}}, training={"steps": 100})
    two = config(loss={"name": "yolov2", "lambdas": {"xy": 5.0}}, training={"steps": 100})
    three = config(loss={"name": "ssd", "lambdas": {}}, training={"steps": 7})
    assert config_differences([one, two]) == {"loss.lambdas.xy": ("1.0", "5.0")}
    assert config_differences([one, two, three]) == {
        "loss.name": ("yolov2", "yolov2", "ssd"),
        "loss.lambdas.xy": ("1.0", "5.0", "–"),
        "training.steps": ("100", "100", "7"),
    }


def test_lists_are_compared_whole() -> None:
    found = config_differences(
        [config(loss={"anchors": [[0.1, 0.2]]}), config(loss={"anchors": None})]
    )
    assert found == {"loss.anchors": ("[[0.1, 0.2]]", "null")}


def test_what_an_old_file_lacks_counts_with_its_default() -> None:
    assert config_differences([parse_config({}), config(seed=0, network={"size": "medium"})]) == {}


@given(one=CONFIGS)
def test_a_configuration_differs_in_nothing_from_itself(one: RunConfig) -> None:
    assert config_differences([one, one]) == config_differences([one]) == {}


@given(one=CONFIGS, two=CONFIGS)
def test_both_ways_it_is_the_same_turned_round(one: RunConfig, two: RunConfig) -> None:
    there, back = config_differences([one, two]), config_differences([two, one])
    assert {name: values[::-1] for name, values in back.items()} == there
    assert (one == two) == (there == {})


@pytest.mark.parametrize("configs", [[], [RunConfig()]])
def test_of_fewer_than_two_there_is_no_difference(configs: list[RunConfig]) -> None:
    assert config_differences(configs) == {}
