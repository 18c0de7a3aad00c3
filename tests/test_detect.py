"""Detections in any picture come back in pixels of the upright original."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from yolo_core.breakdown import LossBreakdown
from yolo_core.data.config import DataConfig
from yolo_core.detect import Detection, detect, drawn, entering, pictures_in

LETTERBOX = DataConfig(source="voc:somewhere", image_size=64, fit="letterbox")
STRETCH = DataConfig(source="voc:somewhere", image_size=64, fit="stretch")
DIGITS = DataConfig()


@dataclasses.dataclass
class Answers:
    """Finds a box in the middle of its input, half as wide and high, and one in the corner."""

    channels: int = 3

    @property
    def network(self):
        return SimpleNamespace(input_shape=(None, 64, 64, self.channels))

    def inspect(self, images, y_true):
        assert images.shape == (1, 64, 64, self.channels)
        assert (images.dtype, y_true.shape) == (np.float32, (1, 1, 7))
        assert not y_true.any()
        return None, LossBreakdown(
            total=np.float32(0),
            terms={},
            maps={},
            lambdas={},
            assignment=None,
            targets={},
            predictions={
                "boxes": np.array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.05, 0.1, 0.1]]]),
                "objectness": np.array([[0.8, 0.9]]),
                "class_probabilities": np.array([[[0.25, 0.75], [1.0, 0.0]]]),
            },
        )


def picture(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 200, np.uint8)


def test_a_stretched_picture_has_its_boxes_stretched_back() -> None:
    corner, middle = detect(Answers(), picture(200, 100), STRETCH, ("a", "b"))
    assert (middle.name, middle.score) == ("b", pytest.approx(0.6))
    assert middle.edges == pytest.approx((50, 25, 150, 75))
    assert corner.edges == pytest.approx((90, 0, 110, 10))


def test_a_letterboxed_one_loses_the_padding() -> None:
    # 200 x 100 lies in rows 16 to 47 of 64, at 0.32: the corner box is in the padding.
    (middle,) = detect(Answers(), picture(200, 100), LETTERBOX, ("a", "b"))
    assert middle.edges == pytest.approx((50, 0, 150, 100))


def test_the_threshold() -> None:
    assert [
        each.name for each in detect(Answers(), picture(64, 64), STRETCH, "ab", threshold=0.7)
    ] == ["a"]


def test_a_picture_enters_grey_and_on_black_where_digits_were_trained_on() -> None:
    image, place = entering(picture(100, 50), (64, 64, 1), DIGITS)
    assert image.shape == (64, 64, 1)
    assert (place.left, place.top, place.width, place.height) == (0, 16, 64, 32)
    assert set(np.unique(image[:16])) == {0}
    assert set(np.unique(image[17:47])) == {200}
    with pytest.raises(ValueError, match="pictures of 4 channels"):
        entering(picture(100, 50), (64, 64, 4), DIGITS)


def test_boxes_are_drawn_where_they_are() -> None:
    image = np.asarray(drawn(picture(100, 100), [Detection("a", 0.5, (20.0, 40.0, 80.0, 90.0))]))
    changed = np.argwhere((image != 200).any(axis=-1))
    assert (changed[:, 1].min(), changed[:, 1].max()) == (20, 80)
    assert changed[:, 0].max() == 90
    assert (image[60:80, 30:70] == 200).all()


def test_which_files_are_pictures(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    names = [path.name for path in pictures_in([tmp_path, tmp_path / "a.jpg"])]
    assert names == ["a.jpg", "b.PNG"]
    with pytest.raises(ValueError, match="There is no file or folder"):
        pictures_in([tmp_path / "c.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="There is no picture in"):
        pictures_in([tmp_path / "empty"])


def test_a_drawn_picture_keeps_its_size() -> None:
    assert drawn(picture(30, 20), []).size == (30, 20)
    assert isinstance(drawn(picture(30, 20), []), Image.Image)
