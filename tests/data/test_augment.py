"""Random changes of training pictures: the boxes stay around their objects, whatever is done."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data.made_pictures import COLOURS, made_pictures, made_source
from yolo_core.data.augment import WORDS, coloured, placed
from yolo_core.data.config import AUGMENTATIONS
from yolo_core.data.resize import Placement

FIT = Placement(0, 8, 96, 48)  # a letterbox of 96 x 64
MIDDLE = 2**63
MOVES = [
    frozenset(words)
    for count in range(4)
    for words in itertools.combinations(("flip", "scale", "crop"), count)
]
words = st.lists(st.integers(0, 2**64 - 1), min_size=WORDS, max_size=WORDS)


def words_of(**given: float) -> list[int]:
    """Words for shares: flip, crop, side, across, down, scale, shift_x, shift_y."""
    names = ("flip", "crop", "side", "across", "down", "scale", "shift_x", "shift_y")
    shares = [given.get(name, 0.5) for name in names]
    return [min(int(share * 2**64), 2**64 - 1) for share in shares] + [MIDDLE] * 4


def test_each_change_by_hand() -> None:
    size, every = (96, 64), AUGMENTATIONS
    assert placed(FIT, size, words_of(), every) == FIT  # all in the middle
    assert placed(FIT, size, words_of(flip=0.4), every).mirrored
    # 1.25 as large around the middle, and shifted to the right by a tenth of 96 and up by 6.4.
    assert placed(FIT, size, words_of(scale=1), every) == Placement(-12, 2, 120, 60)
    shifted = placed(FIT, size, words_of(shift_x=1, shift_y=0), every)
    assert (shifted.left, shifted.top) == (10, 2)
    # 0.6 of 96 x 64 is a window of 57.6 x 38.4: from the upper left corner of the picture.
    assert placed(FIT, size, words_of(crop=0, side=0, across=0, down=0), every) == Placement(
        0, 0, 160, 80
    )
    # One as large as what enters is higher than the picture, and lies around it.
    assert placed(FIT, size, words_of(crop=0, side=1, across=0.9, down=0.5), every) == FIT


@given(words=words)
def test_what_is_switched_off_is_not_done(words) -> None:
    assert placed(FIT, (96, 64), words, ()) == FIT
    both = placed(FIT, (96, 64), words, ("flip", "scale"))
    scale = placed(FIT, (96, 64), words, ("scale",))
    assert (both.left, both.top, both.width, both.height) == (
        *(scale.left, scale.top, scale.width, scale.height),
    )


@given(words=words)
def test_a_crop_alone_shows_no_more_padding_than_there_was(words) -> None:
    place = placed(FIT, (96, 64), words, ("crop",))
    left, top, right, bottom = place.seen((96, 64))
    assert (left, right) == (0, 96)
    assert bottom - top >= FIT.height
    # Nothing is squeezed, but for rounding to whole pixels.
    assert place.width / place.height == pytest.approx(2, rel=0.03)


def test_colours_change_and_grey_stays_grey() -> None:
    grey = Image.new("RGB", (4, 4), (128, 128, 128))
    middle = np.asarray(coloured(grey, [MIDDLE] * WORDS))
    assert np.abs(middle.astype(int) - 128).max() <= 1
    turned = np.asarray(coloured(grey, [0] * WORDS)).reshape(-1, 3)
    assert np.ptp(turned) <= 1  # darker, but no colour
    assert turned.max() < 110
    red = Image.new("RGB", (1, 1), (200, 60, 60))
    assert coloured(red, [MIDDLE] * WORDS).getpixel((0, 0)) == pytest.approx((200, 60, 60), abs=1)
    assert coloured(red, [0] * WORDS).getpixel((0, 0)) != (200, 60, 60)


def coloured_pixels(image: np.ndarray, label: int) -> np.ndarray:
    """Where one channel stands out by half of what it does in the colour of an object."""
    rest = np.delete(image, label, axis=-1).max(-1)
    return image[..., label].astype(int) - rest > (COLOURS[0][0] - COLOURS[0][1]) / 2


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32 - 1),
    index=st.integers(0, 2**40),
    changes=st.sampled_from(MOVES),
    fit=st.sampled_from(["stretch", "letterbox"]),
    size=st.sampled_from(["96x64", "64x96", 96]),
    picture=st.tuples(st.integers(40, 200), st.integers(40, 200)),
    data=st.data(),
)
def test_a_box_is_around_the_pixels_of_its_object(
    seed, index, changes, fit, size, picture, data
) -> None:
    """An object of each colour side by side, drawn into the picture, and found in the sample."""
    width, height = picture
    third = width // 3
    boxes = []
    for label in range(3):
        left = label * third + data.draw(st.integers(0, third // 4))
        wide = data.draw(st.integers(third // 2, third - third // 4))
        top = data.draw(st.integers(0, height // 2))
        high = data.draw(st.integers(height // 4, height - top))
        boxes.append((label, left, top, left + wide, top + high))
    augment = ",".join(sorted(changes)) or "off"
    source = made_source(
        made_pictures([boxes], sizes=[picture]),
        **{"seed": seed, "fit": fit, "image_size": size, "augment": augment},
    )
    sample = source.stream_sample(index)
    whole = np.array(sample.image.shape[1::-1] * 2)
    for box, label in zip(sample.boxes, sample.classes, strict=True):
        edges = np.concatenate([box[:2] - box[2:] / 2, box[:2] + box[2:] / 2]) * whole
        y, x = np.nonzero(coloured_pixels(sample.image, label))
        found = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        assert np.abs(found - edges).max() <= 1.01
    # An object without a box has lost more than half of it: nothing whole is forgotten.
    area = {label: (right - left) * (low - top) for label, left, top, right, low in boxes}
    _, place, _ = source._found(f"train/{index}")
    grown = place.width * place.height / (width * height)
    for label in set(range(3)) - set(sample.classes.tolist()):
        seen = coloured_pixels(sample.image, label).sum()
        assert seen <= 0.4 * area[label] * grown + 3 * sum(whole)
