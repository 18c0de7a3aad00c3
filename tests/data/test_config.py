"""What the configuration says about one's own pictures: sizes, changes, paths."""

from __future__ import annotations

import os

import pytest

from yolo_core.cli.train_config import with_absolute_paths
from yolo_core.data.config import DataConfig
from yolo_core.training.config import RunConfig, parse_config


@pytest.mark.parametrize(
    ("given", "stored", "width_height"),
    [
        (416, 416, (416, 416)),
        ("416", 416, (416, 416)),
        ("320x256", "320x256", (320, 256)),  # the width first
        ("256 X 320", "256x320", (256, 320)),
        ("320x320", 320, (320, 320)),
    ],
)
def test_a_size_is_a_side_or_width_and_height(given, stored, width_height) -> None:
    config = DataConfig(source="voc:a", image_size=given)
    assert config.image_size == stored
    assert config.width_height == width_height
    assert DataConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    "wrong", ["", "big", "320x", "320x250", "0", 50, 4096, 1.5, True, None, []]
)
def test_another_size_is_refused(wrong) -> None:
    with pytest.raises(
        ValueError, match=r"In the configuration: data.image_size: Input should be "
    ):
        parse_config({"data": {"source": "voc:a", "image_size": wrong}})


def test_digits_are_square_and_stay_what_they_were() -> None:
    assert (RunConfig().data.image_size, DataConfig(source="yolo:a.yaml").image_size) == (96, 416)
    for wrong in ("320x256", 528):
        with pytest.raises(ValueError, match="scenes of digits are square, 32 to 512 pixels"):
            DataConfig(image_size=wrong)


def test_a_configuration_of_an_earlier_version_opens() -> None:
    before = {"source": "digits", "seed": 3, "image_size": 64, "max_objects": 5}
    before |= {"train_scenes": None, "validation_scenes": 300}
    assert DataConfig.model_validate(before) == DataConfig(seed=3, image_size=64)


def test_changes_are_words_or_off() -> None:
    assert DataConfig().augmentations == {"flip", "scale", "crop", "colour"}
    assert DataConfig(augment="colour flip").augment == "flip,colour"
    assert DataConfig(augment="off").augmentations == frozenset()
    for wrong in ("", "blur", "off,flip"):
        with pytest.raises(
            ValueError, match="Input should be off, or of flip, scale, crop, colour"
        ):
            DataConfig(augment=wrong)


def test_paths_no_longer_depend_on_the_current_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.npz").touch()
    here = os.path.abspath(".")
    assert with_absolute_paths({"source": "coco:a/b.json", "pictures": "c"}) == {
        "source": f"coco:{here}/a/b.json",
        "pictures": f"{here}/c",
    }
    assert with_absolute_paths({"source": "file.npz"}) == {"source": f"{here}/file.npz"}
    for fields in ({}, {"source": "digits"}, {"source": "voc"}, {"source": "toy:there"}):
        assert with_absolute_paths(fields) == fields
