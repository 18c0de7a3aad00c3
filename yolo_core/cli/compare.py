"""`python -m yolo_core compare FILE.py:NAME --against LOSS`: where your loss pulls elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.cli.explain import snapshot_record
from yolo_core.cli.given_anchors import read_anchors
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.cli.own_function import add_handing_options, given_arguments, usual_arguments
from yolo_core.cli.train_config import native_notes_in
from yolo_core.data.registry import open_source
from yolo_core.losses.families import DEFAULT_FAMILY
from yolo_core.runs.layout import find_run
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.training.config import RunConfig, parse_config, read_config
from yolo_core.training.own_loss import is_own_loss, load_object, short_name, split_name

if TYPE_CHECKING:
    from yolo_core.compare.own.gradients import GradientComparison
    from yolo_core.data.source import SampleSource
    from yolo_core.losses import DetectionLoss

SHOWN = 12
CHANNELS_SHOWN = 6


@dataclasses.dataclass(frozen=True)
class Pictures:
    """What both losses are given.

    Attributes:
        names: (B,) names of the samples.
        images: (B, height, width, channels) uint8.
        y_true: (B, N, 5 + C).
        slots: (B, P, channels) raw predictions of a run, or None to make some up.
        grids: (rows, columns, slots a cell) of each head of these, or None.
        channels: Names of their channels, or None.
        origin: Where the predictions come from, in words.
    """

    names: tuple[str, ...]
    images: np.ndarray
    y_true: np.ndarray
    slots: np.ndarray | None
    grids: tuple[tuple[int, int, int], ...] | None
    channels: tuple[str, ...] | None
    origin: str


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compare",
        help="hold a Keras loss of your own against a published one, slot by slot",
        description=__doc__,
    )
    parser.add_argument(
        "own",
        metavar="FILE.py:NAME",
        help="a function of (y_true, y_pred), a class, or Class.method; TensorFlow or PyTorch; the "
        "file is run",
    )
    parser.add_argument(
        "--against",
        metavar="LOSS",
        help=f"a published loss, such as {DEFAULT_FAMILY} (default: the run's)",
    )
    parser.add_argument("--run", metavar="RUN", help="take data, anchors and predictions of a run")
    parser.add_argument(
        "--sample",
        action="append",
        metavar="val/3",
        help="picture; repeatable (default: seven of val: full ones, one with a collision, one "
        "with an object at the border, and one without objects)",
    )
    parser.add_argument(
        "--step", default="last", metavar="N|last", help="step of the run (default: last)"
    )
    parser.add_argument(
        "--data", metavar="SOURCE", help="without --run: digits, mnist or an .npz (default: digits)"
    )
    add_handing_options(parser)
    parser.add_argument(
        "--anchors",
        metavar="W,H",
        nargs="+",
        help="anchors of the published loss, as fractions of the picture (default: fitted)",
    )
    parser.add_argument(
        "--image-size", metavar="N|WxH", help="without --run: pixels of the pictures"
    )
    parser.add_argument(
        "--strides", metavar="S,...", help="without --run: pixels of a cell, of each head"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the made-up predictions without --run (default: 0)"
    )
    parser.add_argument(
        "--top", type=int, default=SHOWN, help=f"slots to list (default: {SHOWN}); --json has all"
    )
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares, writes the comparison for the Compare page, and prints it."""
    file, _, attribute = arguments.own.rpartition(":")
    split_name(f"{file}:{attribute.partition('.')[0]}")
    if arguments.run is not None and arguments.data is not None:
        raise ValueError("--run brings its own data; give --run or --data.")
    config = _config(arguments)
    against = arguments.against or config.loss.name
    if is_own_loss(against):
        raise ValueError(
            f"--against takes a published loss, such as --against {DEFAULT_FAMILY}; "
            f"received {short_name(against)}."
        )
    with native_notes_in(Path(os.devnull)):
        from yolo_core.compare.own.comparing import Batch, compare_own
        from yolo_core.compare.own.own_gradient import Handing
        from yolo_core.compare.own.saved import write_comparison
        from yolo_core.compare.raw_shape import network_output
        from yolo_core.compare.setup import loss_like
        from yolo_core.training.build import build_loss

    source = open_source(config.data)
    # The run's own loss with the run's own options and lambdas; another one as it was published.
    is_own = arguments.run is not None and against == config.loss.name
    loss = build_loss(config, source) if is_own else loss_like(against, config, source)
    pictures = _pictures(arguments, source, loss)
    y_pred = _predictions(loss, against, pictures, config, arguments)
    # Whatever the file prints is not what this command prints.
    with contextlib.redirect_stdout(sys.stderr):
        batch = Batch(
            samples=pictures.names,
            images=pictures.images,
            y_true=pictures.y_true,
            y_pred=network_output(loss, y_pred, pictures.grids),
            class_names=tuple(source.class_names),
        )
        function = _function(arguments, config, source, loss)
        handing = Handing(arguments.labels, arguments.activated, arguments.channels_first)
        comparison, set_names = compare_own(
            function, arguments.own, loss, against, batch, handing, origin=pictures.origin
        )
    written = write_comparison(arguments.checkpoints, comparison)
    if arguments.json:
        print(json.dumps({**comparison.to_json(), "set_names": set_names}))
    else:
        print(_text(comparison, arguments.top))
        if set_names:
            told = "; ".join(f"{name} = {value}" for name, value in set_names.items())
            print(f"Set in your file to fit: {told}.")
        print(f"The Compare page shows it: {written}.")
    return 0


def _config(arguments: argparse.Namespace) -> RunConfig:
    if arguments.run is not None:
        return read_config(find_run(arguments.checkpoints, arguments.run).config)
    if arguments.against is None:
        raise ValueError(
            "--against says which published loss yours is held against, such as --against "
            f"{DEFAULT_FAMILY}."
        )
    fields: dict[str, Any] = {
        "data": {"source": arguments.data or "digits"},
        "loss": {"name": arguments.against},
    }
    if arguments.image_size:
        fields["data"]["image_size"] = arguments.image_size
    if arguments.anchors:
        data = parse_config({"data": fields["data"]}, where="the options").data
        sizes = read_anchors(arguments.anchors, lambda: open_source(data).image_shape)
        fields["loss"]["anchors"] = sizes
    if arguments.strides:
        fields["network"] = {"strides": [int(each) for each in arguments.strides.split(",")]}
    return parse_config(fields, where="the options")


def _pictures(arguments: argparse.Namespace, source: SampleSource, loss: DetectionLoss) -> Pictures:
    from yolo_core.compare.own.pictures import telling_pictures
    from yolo_core.data.batches import sample_batch

    if arguments.run is None:
        names = tuple(dict.fromkeys(arguments.sample or ()))
        if names:
            images, y_true = sample_batch(source, names)
        else:
            names, images, y_true = telling_pictures(source, loss)
        return Pictures(
            names=names,
            images=images,
            y_true=y_true,
            slots=None,
            grids=None,
            channels=None,
            origin=f"random, seed {arguments.seed}, half with boxes near the objects",
        )
    folder = find_run(arguments.checkpoints, arguments.run)
    names = tuple(dict.fromkeys(arguments.sample or ("val/0",)))
    records = [snapshot_record(folder, name, arguments.step) for name in names]
    views = [read_snapshot(record.file).sample(record.sample) for record in records]
    if len({record.step for record in records}) > 1:
        raise ValueError(
            f"The newest snapshots of {', '.join(names)} are of different steps; give one --step."
        )
    return Pictures(
        names=names,
        images=np.stack([view.image for view in views]),
        y_true=np.stack([view.y_true for view in views]),
        slots=np.stack([view.y_pred for view in views]),
        grids=views[0].layout.grids,
        channels=views[0].channels,
        origin=f"of run {folder.name} at step {records[0].step}",
    )


def _predictions(
    loss: DetectionLoss,
    against: str,
    pictures: Pictures,
    config: RunConfig,
    arguments: argparse.Namespace,
) -> np.ndarray:
    """(B, P, channels) slots."""
    from yolo_core.compare.own.random_predictions import random_predictions

    if pictures.slots is None or pictures.channels is None:
        layout = loss.slots((len(pictures.names), *loss.output_shape(pictures.images.shape[1:])))
        return random_predictions(loss, layout, pictures.y_true, seed=arguments.seed)
    if pictures.channels != loss.channel_names:
        raise ValueError(
            f"Run {arguments.run!r} was trained with {config.loss.name}, whose slots have the "
            f"channels {', '.join(pictures.channels[:5])}, ...; {against} reads them as "
            f"{', '.join(loss.channel_names[:5])}, .... Take a run of {against}, or no run."
        )
    return pictures.slots


def _function(
    arguments: argparse.Namespace, config: RunConfig, source: SampleSource, loss: DetectionLoss
) -> Callable[[Any, Any], Any]:
    """What a file calls that, made callable with (y_true, y_pred)."""
    from yolo_core.compare.own.calling import load_callable
    from yolo_core.losses import DetectionLoss
    from yolo_core.training.build import build_loss

    name, found = arguments.own, None
    if "." not in name.rpartition(":")[2] and not arguments.given:
        found = load_object(name)
        if isinstance(found, type) and issubclass(found, DetectionLoss):
            own = config.loss.model_copy(update={"name": name, "lambdas": {}, "options": {}})
            return build_loss(config.model_copy(update={"loss": own}), source, own=found)
    return load_callable(name, given_arguments(arguments.given), usual_arguments(loss), found)


def _text(comparison: GradientComparison, top: int) -> str:
    """The comparison for reading."""
    samples = ", ".join(comparison.snapshot.samples)
    lines = [
        f"{comparison.yours} against {comparison.against} on {samples}; predictions "
        f"{'; '.join(comparison.tried)}.",
        f"total: yours {comparison.your_total:.6g}, published {comparison.published_total:.6g}",
        "",
        *comparison.diagnosis,
        *comparison.findings,
    ]
    slots = comparison.slots[: max(top, 0)]
    if slots:
        lines += ["", "The slots that differ, largest relative difference first:"]
    for slot in slots:
        lines.append(f"{slot.sample}, {slot.place}: {slot.sentence}.")
        lines.append(f"    {slot.reason}")
        lines += [
            f"    {name:<12} yours {mine:>12.5g}   published {theirs:>12.5g}"
            for name, mine, theirs in slot.channels[:CHANNELS_SHOWN]
        ]
        if len(slot.channels) > CHANNELS_SHOWN:
            lines.append(f"    and {len(slot.channels) - CHANNELS_SHOWN} more channels")
    if len(comparison.slots) > len(slots):
        lines.append(f"... and {len(comparison.slots) - len(slots)} more slots.")
    return "\n".join(lines)
