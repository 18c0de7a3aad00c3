import dataclasses

import numpy as np
import pytest

from tests.data.made_set import made
from tests.data.toy_source import ToySource
from yolo_core.data.overview import NO_SPLIT, Filter, Overview, pictures_of
from yolo_core.data.pictures import Problem

# Of 100 x 80 pixels: a cat of 10 x 20 (small), a dog of 50 x 40 and a cat of 96 x 80 (medium: at
# most 96 x 96), nothing, and a dog of 100 x 80 in no split.
PICTURES = {
    "a/one.jpg": [("cat", 0, 0, 10, 20), ("dog", 50, 40, 100, 80)],
    "a/two.jpg": [("cat", 2, 0, 98, 80)],
    "b/none.jpg": [],
    "b/left.jpg": [("dog", 0, 0, 100, 80)],
}
SPLITS = {"train": ["a/one.jpg", "a/two.jpg"], "val": ["b/none.jpg", "a/two.jpg"]}
PROBLEMS = (
    Problem("b/none.jpg", "", "it has no annotation", "note"),
    Problem("xml/two.xml", "object 2", "it has no area", "box set aside"),
    Problem("classes.txt", "line 3", "a class twice", "note"),
)


@pytest.fixture
def overview() -> Overview:
    return Overview(made(PICTURES, splits=SPLITS, problems=PROBLEMS))


def files(overview: Overview, **wanted: object) -> list[str]:
    return [overview.data.files[k] for k in overview.chosen_pictures(Filter(**wanted))]


def test_sizes_are_pixels_and_places_are_fractions(overview: Overview) -> None:
    assert overview.extents.tolist() == [[10, 20], [50, 40], [96, 80], [100, 80]]
    assert overview.size_class.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(overview.fractions[0], [0.05, 0.125, 0.1, 0.25])
    assert overview.objects.tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize(("side", "expected"), [(31, 0), (32, 0), (33, 1), (96, 1), (97, 2)])
def test_the_limits_of_the_sizes_are_cocos(side: int, expected: int) -> None:
    data = made({"p": [("cat", 0, 0, side, side)]}, size=(200, 200))
    assert Overview(data).size_class.tolist() == [expected]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, list(PICTURES)),
        ({"classes": (0,)}, ["a/one.jpg", "a/two.jpg"]),
        ({"classes": (1,), "splits": ("train",)}, ["a/one.jpg"]),
        ({"sizes": ("small",)}, ["a/one.jpg"]),
        # One object must be both: the small one is no dog.
        ({"classes": (1,), "sizes": ("small",)}, []),
        ({"splits": ("val",)}, ["a/two.jpg", "b/none.jpg"]),
        ({"splits": (NO_SPLIT,)}, ["b/left.jpg"]),
        ({"problems": True}, ["a/two.jpg", "b/none.jpg"]),
        ({"empty": True}, ["b/none.jpg"]),
        ({"text": "A/"}, ["a/one.jpg", "a/two.jpg"]),
    ],
)
def test_a_filter_leaves_what_is_asked_for(
    overview: Overview, wanted: dict, expected: list[str]
) -> None:
    assert files(overview, **wanted) == expected


def test_problems_are_found_by_the_picture_or_by_its_annotation(overview: Overview) -> None:
    assert overview.problem_picture.tolist() == [2, 1, -1]
    assert [each.where for each in overview.problems_of(1)] == ["object 2"]


def test_a_stem_that_two_pictures_have_says_nothing() -> None:
    problems = [Problem("one.xml", "", "?", "note")]
    assert Overview(
        made({"a/one.jpg": [], "b/one.jpg": []}, problems=problems)
    ).problem_picture == [-1]


def test_a_picture_counts_in_each_of_its_splits(overview: Overview) -> None:
    rows = {(row["split"], row["class"]): row for row in overview.class_rows()}
    assert {key: row["objects"] for key, row in rows.items()} == {
        ("train", "cat"): 2,
        ("train", "dog"): 1,
        ("val", "cat"): 1,
        ("val", "dog"): 0,
        (NO_SPLIT, "cat"): 0,
        (NO_SPLIT, "dog"): 1,
    }
    train = rows["train", "cat"]
    assert (train["median width, px"], train["median height, px"]) == (53, 50)
    assert (train["small"], train["medium"], train["large"]) == (1, 1, 0)


def test_samples_of_any_source_are_pictures() -> None:
    source = ToySource(0)
    data = pictures_of(source)
    assert data.files[:2] == ("train/0", "train/1")
    assert {split: len(files) for split, files in data.splits.items()} == {"train": 20, "val": 6}
    sample = source.sample("val/3")
    height, width, _ = source.image_shape
    found = Overview(data).fractions[data.objects_of(data.index("val/3"))]
    np.testing.assert_allclose(found, sample.boxes, atol=1e-6)
    np.testing.assert_array_equal(data.picture("val/3"), sample.image)
    assert data.sizes[0].tolist() == [width, height]
    assert data.problems[0].about == source.problems[0]


def test_samples_that_never_run_out_are_looked_at_in_part() -> None:
    class Endless(ToySource):
        splits = {"train": None, "val": 2}  # noqa: RUF012

        def stream_sample(self, index: int):
            return dataclasses.replace(self._picture("", 0, index % 5), name=f"train/{index}")

    assert len(pictures_of(Endless(0)).splits["train"]) == 500


def test_a_problem_of_one_file_for_all_pictures_says_which_it_is_about() -> None:
    problems = [Problem("all.json", "annotations[1]", "?", "note", picture=1)]
    assert Overview(made(PICTURES, problems=problems)).problem_picture.tolist() == [1]
