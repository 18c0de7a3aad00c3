"""`python -m yolo_core detect RUN IMAGE...`: what a run's network finds in any pictures.

Boxes are given in pixels of the upright picture: xmin, ymin, xmax, ymax.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from yolo_core.cli.evaluate import add_step, score
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.cli.train_config import name_loss
from yolo_core.data.pixels import read_pixels
from yolo_core.data.registry import open_source
from yolo_core.detect import THRESHOLD, Detection, detect, drawn, pictures_in
from yolo_core.files import cannot_write
from yolo_core.runs.checkpoints import find_checkpoint
from yolo_core.runs.layout import find_run
from yolo_core.training.config import read_run_config


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "detect", help="what a run's network finds in pictures", description=__doc__
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", type=Path, help="a picture, or a folder of pictures"
    )
    add_step(parser)
    parser.add_argument(
        "--threshold",
        type=score,
        default=THRESHOLD,
        metavar="SCORE",
        help=f"score from which a detection counts (default: {THRESHOLD})",
    )
    shown = parser.add_mutually_exclusive_group()
    add_json(shown, "print a list of objects, one a picture")
    shown.add_argument(
        "--draw", type=Path, metavar="DIR", help="write the pictures with their boxes to a folder"
    )
    parser.add_argument(
        "--loss", metavar="FILE.py:NAME", help="a loss of your own, to say that it may be run"
    )
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Detects; returns 1 where no picture could be read. One that cannot be costs itself alone."""
    folder = find_run(arguments.checkpoints, arguments.run)
    config = read_run_config(folder)
    name_loss(arguments.loss, config)
    files = pictures_in(arguments.images)
    checkpoint = find_checkpoint(folder, arguments.step)
    source = open_source(config.data)
    if arguments.draw is not None:
        try:
            arguments.draw.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(cannot_write(arguments.draw, error)) from None
    from yolo_core.training.loading import load_run

    detector = load_run(folder, config, source, checkpoint.path)
    said, taken = [], set()
    for file in files:
        try:
            pixels = read_pixels(file)
        except ValueError as error:
            said.append({"file": str(file), "problem": str(error)})
            print(f"error: {file}: {error}.", file=sys.stderr)
            continue
        found = detect(
            detector,
            pixels,
            config.data,
            source.class_names,
            threshold=arguments.threshold,
            inputs=source.network_inputs,
        )
        size = {"width": pixels.shape[1], "height": pixels.shape[0]}
        boxes = [each.to_json() for each in found]
        said.append({"file": str(file), **size, "detections": boxes})
        if arguments.draw is not None:
            write_picture(arguments.draw / _free_name(file.stem, taken), drawn(pixels, found))
        if not arguments.json:
            print(as_text(file, found))
    if arguments.json:
        print(json.dumps(said))
    return 0 if any("problem" not in each for each in said) else 1


def _free_name(stem: str, taken: set[str]) -> str:
    """A name of its own for each picture, whatever folders they are from."""
    name, number = f"{stem}-detected.png", 2
    while name in taken:
        name, number = f"{stem}-{number}-detected.png", number + 1
    taken.add(name)
    return name


def write_picture(path: Path, picture: Any) -> None:
    """Writes a picture in the format that the name's ending says.

    Raises:
        ValueError: It cannot be written.
    """
    try:
        picture.save(path)
    except OSError as error:
        raise ValueError(cannot_write(path, error)) from None
    except ValueError:  # Pillow on an ending that it does not know
        raise ValueError(f"{path} is no name of a picture, such as found.png.") from None


def as_text(file: Path, found: list[Detection]) -> str:
    """The detections of a picture, one a line."""
    lines = [f"{file}: {len(found)} found" if found else f"{file}: nothing found"]
    for each in found:
        edges = " ".join(f"{value:.1f}" for value in each.edges)
        lines.append(f"  {each.name}  {each.score:.2f}  {edges}")
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)
