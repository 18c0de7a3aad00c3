"""Two surveys side by side: what is counted twice adds up, and what differs is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dashboard.figures.pairs import pairs_figure
from tests.survey.tables import half_way
from yolo_core.evaluation.misses import Miss
from yolo_core.survey import statistics
from yolo_core.survey.pairs import pair_of
from yolo_core.survey.rows import table_of


@pytest.fixture
def table():
    """val/0, val/1, val/2 and train/0."""
    return table_of(half_way("yolov2"), "samples-000000.npz")


def test_a_survey_against_itself_differs_in_nothing(table):
    pair = pair_of(table, table)
    counts = statistics.summary(table)
    assert list(pair.samples) == list(table.samples.name)
    assert (pair.found, pair.objects) == ((counts.found,) * 2, counts.objects)
    assert sum(a for a, _ in pair.misses.values()) == counts.objects - counts.found
    assert pair.false_detections == (counts.false_detections,) * 2
    for name, (a, b) in pair.terms.items():
        at = table.term_names.index(name)
        assert a == b == pytest.approx(table.samples.terms[:, at].mean())
    # Under its own lambdas the sum of the terms is the total on record.
    np.testing.assert_allclose(pair.loss[:, 0], table.samples.total, rtol=1e-5)
    assert not np.diff(pair.loss, axis=1).any()


def test_both_are_weighted_with_the_lambdas_of_the_first(table):
    other = dataclasses.replace(table, lambdas=table.lambdas * 1000)
    pair = pair_of(table, other)
    np.testing.assert_array_equal(pair.loss[:, 0], pair.loss[:, 1])


def test_only_what_both_have_in_whatever_order(table):
    rows = np.array([2, 0])
    samples = dataclasses.replace(
        table.samples,
        **{f.name: getattr(table.samples, f.name)[rows] for f in dataclasses.fields(table.samples)},
    )
    kept = np.flatnonzero(np.isin(table.objects.sample, rows))
    objects = {
        f.name: getattr(table.objects, f.name)[kept] for f in dataclasses.fields(table.objects)
    }
    objects["sample"] = np.array([{2: 0, 0: 1}[each] for each in objects["sample"].tolist()])
    objects["miss"] = np.full(len(kept), Miss.NOT_SEEN)
    other = dataclasses.replace(
        table, samples=samples, objects=dataclasses.replace(table.objects, **objects)
    )
    pair = pair_of(table, other)
    assert list(pair.samples) == ["val/0", "val/2"]
    np.testing.assert_array_equal(pair.loss[:, 0], pair.loss[:, 1])
    assert (pair.objects, pair.found[1]) == (len(kept), 0)
    assert pair.misses[Miss.NOT_SEEN][1] == len(kept)
    assert pair.missed[:, 1].sum() == len(kept)
    # The one of which more objects are lost comes first.
    lost = np.diff(pair.missed, axis=1)[:, 0]
    assert pair.most_changed(1).tolist() == [int(lost.argmax())]


def test_nothing_in_common_is_refused(table):
    names = np.array([f"test/{at}" for at in range(len(table.samples.name))])
    other = dataclasses.replace(table, samples=dataclasses.replace(table.samples, name=names))
    with pytest.raises(ValueError, match="no sample in common"):
        pair_of(table, other)
    with pytest.raises(ValueError, match="no term of the loss in common"):
        pair_of(table, dataclasses.replace(table, term_names=[f"{n}'" for n in table.term_names]))


def test_the_figure_leaves_out_what_is_no_number_and_says_who_lost_objects():
    loss = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 2.0], [np.nan, 1.0]])
    names = np.array(["val/0", "val/1", "val/2", "val/3"])
    figure = pairs_figure(names, loss, np.array([1, -2, 0, 0]), ("one", "other"))
    points = {trace.name: list(trace.text) for trace in figure.data if trace.mode == "markers"}
    assert points == {
        "as many found": ["val/2"],
        "more found": ["val/1"],
        "fewer found": ["val/0"],
    }
    (line,) = (trace for trace in figure.data if trace.mode == "lines")
    assert (list(line.x), list(line.y)) == ([1.0, 3.0], [1.0, 3.0])
