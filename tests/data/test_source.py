"""Sources: by which name they are found, and what is asked of any of them."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data.toy_source import ToySource, install_toy
from yolo_core.data.batches import sample_batch
from yolo_core.data.config import DataConfig
from yolo_core.data.digits.scenes import DigitScenes
from yolo_core.data.registry import open_source
from yolo_core.data.sample import Sample
from yolo_core.data.source import GivenSamples, default_anchors, first_names, first_pinned


def test_the_digits_are_found_by_name_and_by_file(tmp_path: Path) -> None:
    path = str(tmp_path / "digits.npz")
    images, labels = np.full((4, 8, 8), 255, np.uint8), np.arange(4)
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    for name, files in (("digits", ()), (path, (Path(path),))):
        source = open_source(DataConfig(source=name, image_size=64, train_scenes=9))
        assert isinstance(source, DigitScenes)
        assert (source.name, source.image_shape) == (name, (64, 64, 1))
        assert source.splits == {"train": 9, "val": None, "test": None}
        assert source.files("val/0") == files


def test_an_unknown_source_is_told_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (
        r"^The data must be digits, mnist, voc:WHERE, coco:WHERE, yolo:WHERE or the path of an "
        r"\.npz file; received 'letters'\.$"
    )
    with pytest.raises(ValueError, match=known):
        open_source(DataConfig(source="letters"))
    install_toy(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ValueError, match=r"yolo:WHERE, toy or the path of an \.npz file"):
        open_source(DataConfig(source="letters"))


def test_an_installed_source_is_found_by_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_toy(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("toy", "toy:/some/where.npz"):
        source = open_source(DataConfig(source=name, seed=5))
        assert (source.name, source.seed) == ("toy", 5)


def test_a_split_that_ends_has_so_many_first_samples() -> None:
    toy, digits = ToySource(0), open_source(DataConfig())
    assert first_names(toy, "val", 4) == ("val/0", "val/1", "val/2", "val/3")
    assert len(first_names(toy, "val", 300)) == 6
    assert len(first_names(digits, "test", 300)) == 300
    with pytest.raises(ValueError, match="toy has no samples in test; it has some in train, val"):
        first_names(toy, "test", 1)


def test_what_is_pinned_by_default_is_what_there_is() -> None:
    val, train = [f"val/{k}" for k in range(8)], [f"train/{k}" for k in range(4)]
    assert first_pinned(open_source(DataConfig())) == (*val, *train)
    assert first_pinned(ToySource(0)) == (*val[:6], *train)
    assert first_pinned(GivenSamples([ToySource(0).sample("val/0")], "abc")) == ("val/0",)


def test_a_batch_of_colour_pictures_that_are_not_square() -> None:
    images, y_true = sample_batch(ToySource(0), ["val/0", "train/3"])
    assert images.shape == (2, 48, 80, 3)
    assert y_true.shape == (2, 3, 5 + 3)
    with pytest.raises(ValueError, match="val of toy has 6; received 'val/6'"):
        sample_batch(ToySource(0), ["val/6"])


class Wide(ToySource):
    """Every training sample has one object of the same shape, a wide one."""

    def stream_sample(self, index: int) -> Sample:
        box = np.array([[0.5, 0.5, 0.4, 0.1 + 0.001 * index]], np.float32)
        return dataclasses.replace(super().stream_sample(index), boxes=box, classes=np.int32([0]))


def test_anchors_are_fitted_to_each_training_sample_once() -> None:
    boxes = Wide(0).training_boxes()
    assert boxes.shape == (20, 4)
    np.testing.assert_allclose(default_anchors(Wide(0), 1), [[0.4, 0.1095]], atol=1e-5)
