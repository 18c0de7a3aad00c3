"""Batches: the training stream from any place in it, and samples by name."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.waiting import wait_for
from yolo_core.data.batches import READY_BATCHES, Share, sample_batch, training_batches
from yolo_core.data.digits.scenes import DigitScenes, load_digit_source
from yolo_core.data.sample import Sample, label_rows


def scenes(**options: object) -> DigitScenes:
    return DigitScenes(load_digit_source("digits"), **{"seed": 0, "image_size": 48, **options})


def test_named_samples_as_a_batch() -> None:
    built = scenes(train_scenes=3)
    names = ["val/3", "test/0", "train/17", "val/3"]
    images, y_true = sample_batch(built, names)
    assert (images.shape, images.dtype) == ((4, 48, 48, 1), np.uint8)
    assert (y_true.shape, y_true.dtype) == ((4, 5, 15), np.float32)
    for row, name in enumerate(names):
        sample = built.sample(name)
        np.testing.assert_array_equal(images[row], sample.image)
        expected = label_rows(sample.boxes, sample.classes, num_classes=10, max_objects=5)
        np.testing.assert_array_equal(y_true[row], expected)


def test_a_batch_of_nothing_and_a_wrong_name_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least one sample name"):
        sample_batch(scenes(), [])
    with pytest.raises(ValueError, match="received 'val'"):
        sample_batch(scenes(), ["val/0", "val"])


@pytest.mark.parametrize("train_scenes", [None, 10])
def test_batch_j_holds_samples_j_times_b_onwards(train_scenes: int | None) -> None:
    built = scenes(train_scenes=train_scenes)
    batches = list(training_batches(built, batch_size=4, batches=3).as_numpy_iterator())
    assert len(batches) == 3
    for j, (images, y_true) in enumerate(batches):
        expected, expected_true = sample_batch(built, [f"train/{4 * j + i}" for i in range(4)])
        assert (images.dtype, y_true.dtype) == (np.float32, np.float32)
        assert images.min() >= 0.0
        assert images.max() <= 1.0
        np.testing.assert_array_equal(np.rint(images * 255), expected)
        np.testing.assert_array_equal(y_true, expected_true)


@pytest.mark.parametrize("here", [(0, 1, 2), (1, 1, 2), (0, 2, 2), (2, 2, 4)])
def test_parts_of_a_batch_are_its_pictures_in_their_order(here: tuple[int, int, int]) -> None:
    built, share = scenes(), Share(*here)
    parts = list(
        training_batches(
            built, batch_size=4, first_batch=1, batches=2, share=share
        ).as_numpy_iterator()
    )
    assert len(parts) == 2 * share.here
    size = 4 // share.parts
    for at, (images, _) in enumerate(parts):
        batch, part = 1 + at // share.here, share.first + at % share.here
        names = [f"train/{4 * batch + size * part + i}" for i in range(size)]
        np.testing.assert_array_equal(np.rint(images * 255), sample_batch(built, names)[0])


def test_a_batch_that_cannot_be_cut_equally_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="3 devices share no batch of 4 equally"):
        training_batches(scenes(), batch_size=4, share=Share(0, 1, 3))


def test_a_resumed_stream_goes_on_with_the_batches_it_would_have_given() -> None:
    built = scenes()
    whole = list(training_batches(built, batch_size=2, batches=6).as_numpy_iterator())
    rest = training_batches(built, batch_size=2, first_batch=4)
    for (images, y_true), (images_again, y_true_again) in zip(
        whole[4:], rest.take(2).as_numpy_iterator(), strict=True
    ):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(y_true, y_true_again)


def test_a_data_set_can_be_passed_over_again_and_by_two_at_once() -> None:
    stream = training_batches(scenes(), batch_size=2, batches=8)
    whole = [labels for _, labels in stream.as_numpy_iterator()]
    one, other = stream.as_numpy_iterator(), stream.skip(3).as_numpy_iterator()
    for j in range(5):
        np.testing.assert_array_equal(next(one)[1], whole[j])
        np.testing.assert_array_equal(next(other)[1], whole[j + 3])


def test_shapes_are_known_before_the_first_batch() -> None:
    images, y_true = training_batches(scenes(max_objects=3), batch_size=4).element_spec
    assert images.shape == (4, 48, 48, 1)
    assert y_true.shape == (4, None, 15)


def test_an_empty_stream() -> None:
    assert list(training_batches(scenes(), batch_size=4, batches=0)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; received 0"),
        ({"batch_size": 2, "first_batch": -1}, "first_batch must be at least 0; received -1"),
        ({"batch_size": 2, "batches": -1}, "batches must be at least 0; received -1"),
    ],
)
def test_wrong_numbers_get_a_sentence(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        training_batches(scenes(), **options)


def test_batches_are_rendered_while_the_step_computes() -> None:
    class Counted(DigitScenes):
        rendered = 0

        def stream_sample(self, index: int) -> Sample:
            self.rendered += 1
            return super().stream_sample(index)

    built = Counted(load_digit_source("digits"), seed=0)
    stream = training_batches(built, batch_size=8).as_numpy_iterator()
    next(stream)
    ahead = 8 * (1 + READY_BATCHES)
    wait_for(lambda: built.rendered >= ahead)
    # A step that takes as long as it takes to render as many again.
    step = scenes()
    for index in range(ahead):
        step.stream_sample(index)
    assert built.rendered == ahead, "so many ahead, and no more"


@pytest.mark.slow
def test_a_process_with_a_live_stream_ends() -> None:
    """Threads of TensorFlow that still call Python at shutdown would keep it for ever."""
    script = """
        from yolo_core.data.digits.scenes import DigitScenes, load_digit_source
        from yolo_core.data.batches import training_batches
        scenes = DigitScenes(load_digit_source("digits"), seed=0)
        stream = iter(training_batches(scenes, batch_size=64))
        next(stream)
        print("end")
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().endswith("end")
