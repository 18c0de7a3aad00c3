"""One sample as a training would begin with it: what its loss makes of labels before any step.

`python -m yolo_core.cli.first_look` is a process that answers such questions for the dashboard,
with Keras on NumPy: the web server would need TensorFlow for it, and several seconds to load that.
"""

from __future__ import annotations

import argparse
import functools
import os
import pickle
import select
import sys
from collections.abc import Sequence

import numpy as np

from yolo_core.cli import train
from yolo_core.cli.train_config import new_config
from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.foreign_files import parse_json
from yolo_core.losses.on_numpy import load_keras_on_numpy
from yolo_core.views import SampleView

IDLE_SECONDS = 300.0
"""After which a process that nobody asks ends."""


def first_look(arguments: Sequence[str], number: int) -> SampleView:
    """A sample under the loss that options of `train` describe, with nothing predicted yet.

    The raw prediction is zero everywhere: no box is moved or scaled, and every class is as likely
    as any other.

    Args:
        arguments: What follows `python -m yolo_core train`, each its own string.
        number: Which sample of the validation split, or of the training split where that is empty;
            after the last one comes the first.

    Raises:
        ValueError: An option is wrong, the data cannot be read, or there is no sample.
    """
    from yolo_core.before.lost import loss_of
    from yolo_core.compare.side_by_side import sample_view

    try:
        config = new_config(_parser().parse_args(["train", *arguments]))
    except SystemExit:
        raise ValueError("The settings are none that a training takes.") from None
    source = open_source(config.data)
    loss = loss_of(config, source)
    split = next((each for each in ("val", "train") if source.splits.get(each, 0) != 0), "val")
    count = source.splits[split]
    sample = f"{split}/{number if not count else number % count}"
    images, y_true = sample_batch(source, [sample])
    return sample_view(
        loss,
        image=images[0],
        y_true=y_true[0],
        y_pred=np.zeros((1, *loss.output_shape(source.image_shape)), np.float32),
        class_names=source.class_names,
        loss_name=config.loss.name,
        name=sample,
    )


@functools.cache
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    train.add_parser(parser.add_subparsers())
    return parser


def answer_questions() -> None:
    """Answers each line of standard input, [arguments, number] as JSON, with a pickled view.

    Or with a pickled sentence that says why there is none. It ends with the input, and after
    `IDLE_SECONDS` without a question.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # for whatever a library prints
    load_keras_on_numpy()
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        try:
            answer: SampleView | str = first_look(*parse_json(line))
        except ValueError as error:
            answer = str(error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    answer_questions()
