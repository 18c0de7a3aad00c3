import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from yolo_core.data.duplicates import (
    Fingerprints,
    Group,
    across_splits,
    find_duplicates,
    fingerprint,
    stacked,
)


def photograph(seed: int, side: int = 120) -> Image.Image:
    """Soft blobs of many sizes, no two alike."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
    fine = Image.fromarray(random.integers(0, 256, (24, 24, 3), np.uint8))
    size = (side, side * 3 // 4)
    return Image.blend(coarse.resize(size, 3), fine.resize(size, 3), 0.3)


def groups_of(*pictures: Image.Image) -> list[Group]:
    return find_duplicates(stacked([fingerprint(np.asarray(each)) for each in pictures]))


def test_the_same_pixels_are_found_and_others_are_not() -> None:
    found = groups_of(photograph(1), photograph(2), photograph(1), photograph(3))
    assert found == [Group((0, 2), exact=True, alike=1.0)]


def test_the_same_pixels_in_another_shape_are_another_picture() -> None:
    image = np.arange(600, dtype=np.uint8).reshape(10, 20, 3)
    assert fingerprint(image)[0] != fingerprint(image.reshape(20, 10, 3))[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.resize((60, 45)),
        lambda picture: picture.point(lambda value: min(255, int(value * 1.15))),
        lambda picture: picture.crop((2, 1, 120, 90)),
    ],
    ids=["half the size", "brighter", "cut at two sides"],
)
def test_a_picture_that_was_changed_a_little_is_nearly_the_same(change) -> None:
    pictures = [photograph(seed) for seed in range(6)]
    (group,) = groups_of(*pictures, change(pictures[4]))
    assert (group.pictures, group.exact) == ((4, 6), False)
    assert 0.9 <= group.alike < 1


def test_a_chain_is_one_group_with_its_weakest_link() -> None:
    picture = photograph(5)
    brighter = picture.point(lambda value: min(255, int(value * 1.15)))
    (group,) = groups_of(picture, brighter, picture, picture.resize((60, 45)))
    assert group.pictures == (0, 1, 2, 3)
    assert not group.exact


def test_pictures_of_one_grey_are_the_same_only_by_their_pixels() -> None:
    grey = [Image.new("RGB", (40, 40), (value,) * 3) for value in (10, 200, 10)]
    assert groups_of(*grey) == [Group((0, 2), exact=True, alike=1.0)]


def test_pictures_that_cannot_be_read_are_no_group() -> None:
    one = fingerprint(np.asarray(photograph(1)))
    assert find_duplicates(stacked([None, one, None])) == []
    assert find_duplicates(stacked([])) == []


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4), max_size=12))
def test_groups_are_those_of_equal_pictures(seeds: list[int]) -> None:
    pixels = [f"{seed}" for seed in seeds]
    small = np.eye(256, dtype=np.float32)[np.array(seeds, int)].reshape(-1, 256)
    bits = np.array([[0xFFFFFFFF * (seed % 2), 2**40 - seed] for seed in seeds], np.uint64)
    found = find_duplicates(Fingerprints(tuple(pixels), bits.reshape(-1, 2), small))
    expected = {
        tuple(np.flatnonzero(np.array(seeds) == seed).tolist())
        for seed in set(seeds)
        if seeds.count(seed) > 1
    }
    assert {group.pictures for group in found} == expected
    assert all(group.exact for group in found)


def test_many_pictures_that_are_all_alike_are_one_group() -> None:
    count = 1500
    small = np.full((count, 256), 1 / 16, np.float32)
    prints = Fingerprints(tuple(map(str, range(count))), np.zeros((count, 2), np.uint64), small)
    (group,) = find_duplicates(prints)
    assert len(group.pictures) == count


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ([["train"], ["train"]], False),
        ([["train"], ["val"]], True),
        ([["train", "val"], ["val"]], False),
    ],
)
def test_a_group_is_across_splits_where_none_holds_all_of_it(splits, expected) -> None:
    assert across_splits(Group((0, 1), exact=True, alike=1.0), splits.__getitem__) == expected
