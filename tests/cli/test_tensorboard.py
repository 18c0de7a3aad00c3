"""What TensorBoard shows of a training of ours; that of a script is in `tests/test_readme.py`."""

import pytest

from tests.tensorboard_files import scalars
from yolo_core.runs.layout import find_run
from yolo_core.runs.store import RunStore


def test_its_own_reader_finds_the_scalars_of_a_run(whole):
    seen = scalars(whole[0])["whole/tb"]
    with RunStore.open(find_run(whole[0], "whole")) as store:
        totals = store.steps()["total"]
    assert seen["total"] == [(step, pytest.approx(totals[step - 1])) for step in (1, 10, 20, 30)]
    assert {"term/xy", "lambda/xy", "learning_rate", "validation/map50"} <= set(seen)
