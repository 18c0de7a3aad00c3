"""Pictures of one's own as samples: what is in them, and that they are always the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.made_pictures import made_pictures, made_source
from yolo_core.data.batches import sample_batch, training_batches
from yolo_core.data.pictures import BOX_SET_ASIDE, Problem
from yolo_core.data.source import first_names, first_pinned

# Four pictures of 60 x 40; the third is empty, an object of the fourth is difficult.
BOXES = [
    [(0, 0, 0, 30, 20)],
    [(1, 30, 10, 60, 40), (2, 0, 0, 6, 8)],
    [],
    [(0, 12, 8, 24, 16), (1, 30, 0, 60, 20)],
]
OFF = {"image_size": 64, "augment": "off"}


def test_a_sample_is_the_picture_with_its_objects() -> None:
    source = made_source(made_pictures(BOXES, difficult=[4]), val=4, **OFF)
    assert source.image_shape == (64, 64, 3)
    assert source.class_names == ("red", "green", "blue")
    assert source.splits == {"train": 4, "val": 4, "test": 0}
    assert source.max_objects == 2
    second = source.sample("val/1")
    assert second.image.shape == (64, 64, 3)
    np.testing.assert_allclose(second.boxes, [[0.75, 0.625, 0.5, 0.75], [0.05, 0.1, 0.1, 0.2]])
    assert second.classes.tolist() == [1, 2]
    assert source.sample("val/2").boxes.shape == (0, 4)
    fourth = source.sample("val/3")
    assert fourth.classes.tolist() == [0]
    np.testing.assert_allclose(fourth.ignored_boxes, [[0.75, 0.25, 0.5, 0.5]])
    assert fourth.ignored_classes.tolist() == [1]


def test_groups_are_ignored_beside_what_is_difficult() -> None:
    groups = [(1, 2, 15, 10, 45, 30), (0, 1, 0, 0, 60, 40)]
    data = made_pictures(BOXES, difficult=[1], groups=groups)
    sample = made_source(data, val=2, **OFF).sample("val/1")
    assert sample.classes.tolist() == [2]
    np.testing.assert_allclose(
        sample.ignored_boxes, [[0.75, 0.625, 0.5, 0.75], [0.5, 0.5, 0.5, 0.5]]
    )
    assert sample.ignored_classes.tolist() == [1, 2]


def test_an_epoch_shows_each_picture_once_in_an_order_of_its_own() -> None:
    source = made_source(made_pictures([[]] * 50), seed=3, **OFF)
    epochs = [
        [source.files(f"train/{epoch * 50 + at}")[0].name for at in range(50)] for epoch in range(3)
    ]
    for epoch in epochs:
        assert sorted(epoch) == sorted(f"p{at}.png" for at in range(50))
    assert len(set(map(tuple, epochs))) == 3


@given(st.integers(0, 10**12), st.integers(0, 2**32 - 1))
def test_a_sample_depends_on_its_name_alone(index, seed) -> None:
    one, other = (made_source(made_pictures(BOXES), seed=seed, image_size=32) for _ in range(2))
    first = one.stream_sample(index)
    other.stream_sample(index + 1)
    again = other.sample(f"train/{index}")
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.boxes, again.boxes)


def test_threads_make_the_same_samples() -> None:
    source = made_source(made_pictures(BOXES), image_size=96)
    alone = [source.stream_sample(at).image for at in range(24)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda at: source.stream_sample(at).image, range(24)))
    np.testing.assert_array_equal(alone, together)


def test_training_samples_change_and_others_do_not() -> None:
    source = made_source(made_pictures(BOXES[:1]), val=1, image_size=64)
    plain = made_source(made_pictures(BOXES[:1]), val=1, **OFF)
    np.testing.assert_array_equal(source.sample("val/0").image, plain.sample("val/0").image)
    boxes = [source.stream_sample(at).boxes for at in range(20)]
    assert len({each.tobytes() for each in boxes}) > 15
    # The shares of the picture are those of the training without changes.
    np.testing.assert_array_equal(source.training_boxes(), plain.training_boxes())


def test_training_boxes_are_those_of_the_training_pictures_as_they_are_resized() -> None:
    data = made_pictures(BOXES, difficult=[4])
    stretched = made_source(data, **OFF).training_boxes()
    np.testing.assert_allclose(
        stretched,
        [
            *([0.25, 0.25, 0.5, 0.5], [0.75, 0.625, 0.5, 0.75]),
            *([0.05, 0.1, 0.1, 0.2], [0.3, 0.3, 0.2, 0.2]),
        ],
        rtol=1e-6,
    )
    # 60 x 40 in 64 x 64: 64 x 43 pixels, 10 from the top.
    letterboxed = made_source(data, fit="letterbox", **OFF).training_boxes()
    np.testing.assert_allclose(letterboxed[:, 0::2], stretched[:, 0::2], rtol=1e-6)
    np.testing.assert_allclose(letterboxed[:, 3], stretched[:, 3] * 43 / 64, rtol=1e-6)
    np.testing.assert_allclose(letterboxed[:, 1], (10 + stretched[:, 1] * 43) / 64, rtol=1e-6)


def test_it_is_known_where_the_picture_lies() -> None:
    source = made_source(made_pictures(BOXES), val=4, fit="letterbox", image_size=64)
    np.testing.assert_allclose(source.content("val/0"), [0.5, 31.5 / 64, 1, 43 / 64])
    image = source.sample("train/5").image
    center, size = np.split(source.content("train/5") * 64, 2)
    left, top = np.rint(center - size / 2).astype(int)
    right, bottom = np.rint(center + size / 2).astype(int)
    outside = np.ones((64, 64), bool)
    outside[top:bottom, left:right] = False
    assert (image[outside] == 128).all()


def test_files_are_named_and_problems_told() -> None:
    problem = Problem("a.xml", "object 2", "its box has no area", BOX_SET_ASIDE)
    source = made_source(made_pictures(BOXES, problems=[problem]), val=2, **OFF)
    assert source.files("val/1") == (Path("/data/p1.png"),)
    assert source.folder == Path("/data")
    assert source.problems == ("a.xml, object 2: its box has no area (box set aside)",)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("val/2", "made:pictures has val/0 to val/1; received 'val/2'"),
        ("test/0", "made:pictures has nothing in test; received 'test/0'"),
        ("other/0", "A sample is named train/INDEX or val/INDEX or test/INDEX"),
    ],
)
def test_a_sample_that_is_not_there(name: str, said: str) -> None:
    source = made_source(made_pictures(BOXES), val=2, **OFF)
    for look in (source.sample, source.files, source.content):
        with pytest.raises(ValueError, match=said):
            look(name)


def test_no_picture_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="made:pictures has no picture that could be used"):
        made_source(made_pictures([]))


def test_a_picture_that_cannot_be_read_costs_itself(caplog) -> None:
    source = made_source(made_pictures(BOXES, unreadable=[1]), val=4, **OFF)
    for _ in range(2):
        broken = source.sample("val/1")
        assert (broken.image == 128).all()
        assert broken.boxes.shape == (0, 4)
    assert len(source.sample("val/0").boxes) == 1
    (record,) = caplog.records
    assert record.getMessage() == "p1.png is cut short. It is shown as an empty picture."


def test_what_uses_samples_takes_it() -> None:
    source = made_source(made_pictures(BOXES), val=3, **OFF)
    assert first_names(source, "val", 300) == ("val/0", "val/1", "val/2")
    assert len(first_pinned(source)) == 7
    images, y_true = sample_batch(source, ["val/1", "train/2"])
    assert images.shape == (2, 64, 64, 3)
    assert y_true.shape == (2, 2, 8)


@pytest.mark.slow
def test_a_training_that_goes_on_gets_the_same_batches() -> None:
    source = made_source(made_pictures(BOXES), image_size=64, seed=8)
    whole = list(training_batches(source, batch_size=3, batches=6))
    rest = list(training_batches(source, batch_size=3, first_batch=4, batches=2))
    for (images, labels), (again, labels_again) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels, labels_again)
