"""`python -m yolo_core darknet ...`: networks of the Darknet program, from .cfg and .weights.

CFG is a file, or the name of a well-known network.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.cli.detect import as_text, write_picture
from yolo_core.data.pixels import read_pixels
from yolo_core.detect import Detection, drawn
from yolo_core.files import cannot_write
from yolo_core.foreign_files import read_array
from yolo_core.models.darknet.cfg import read_names
from yolo_core.models.darknet.known import NAMES, find_network
from yolo_core.models.darknet.letterbox import letterboxed, to_picture
from yolo_core.models.darknet.plan import listing_heads

if TYPE_CHECKING:
    from yolo_core.models.darknet.build import Built
    from yolo_core.models.darknet.detections import Listed
    from yolo_core.models.darknet.plan import Network
    from yolo_core.models.darknet.weights import Weights


def add_parser(commands: Any) -> None:
    """Adds the command with its own commands."""
    parser = commands.add_parser(
        "darknet", help="networks of the Darknet program", description=__doc__
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    layers = actions.add_parser("layers", help="what every layer makes of an input")
    _add_files(layers)
    _add_input(layers)
    layers.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="OUT.npz",
        help="layer_00, layer_01, ... as channels, rows, columns",
    )
    layers.set_defaults(run_command=_layers)

    detect = actions.add_parser("detect", help="the boxes that Darknet lists")
    _add_files(detect)
    _add_input(detect)
    detect.add_argument(
        "--threshold",
        type=float,
        default=0.5,
        help="objectness and probability above which they count (default: 0.5)",
    )
    detect.add_argument(
        "--nms",
        type=float,
        default=0.45,
        help="overlap above which the less sure of two boxes goes; 0 keeps all (default: 0.45)",
    )
    detect.add_argument(
        "--names", type=Path, metavar="FILE", help="names of the classes, one a line"
    )
    detect.add_argument(
        "--output",
        type=Path,
        metavar="OUT.npz",
        help="write all that is listed instead of saying it: boxes (n, 4) x, y, width, height as "
        "fractions of the input; objectness (n,); probs (n, classes)",
    )
    detect.add_argument(
        "--draw", type=Path, metavar="OUT.png", help="write the picture with the boxes on it"
    )
    detect.set_defaults(run_command=_detect)

    save = actions.add_parser("save", help="weights through Keras into a file")
    _add_files(save)
    save.add_argument("output", type=Path, metavar="OUT.weights")
    save.set_defaults(run_command=_save)

    show = actions.add_parser("show", help="the layers, their shapes and their floats")
    _add_cfg(show)
    show.set_defaults(run_command=_show)


def _add_cfg(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", metavar="CFG", help=f"a file, or one of {', '.join(NAMES)}")


def _add_files(parser: argparse.ArgumentParser) -> None:
    _add_cfg(parser)
    parser.add_argument("weights", type=Path, metavar="WEIGHTS")
    parser.add_argument(
        "--as-on-gpu",
        action="store_true",
        help="compute batch normalisation, and size 1 with a stride, as Darknet does on a GPU",
    )


def _add_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input",
        type=Path,
        required=True,
        metavar="X",
        help="a picture, or an .npy file of (channels, height, width) float32, 0 to 1",
    )


def _layers(arguments: argparse.Namespace) -> int:
    network, weights = _read(arguments)
    picture, _ = _input(arguments.input, network)
    built = _loaded(network, weights, arguments.as_on_gpu)
    outputs = built.values(picture, built.outputs)
    _write_arrays(
        arguments.output,
        {
            f"layer_{number:02d}": each.transpose(2, 0, 1) if each.ndim == 3 else each
            for number, each in enumerate(outputs)
        },
    )
    return 0


def _detect(arguments: argparse.Namespace) -> int:
    for option in ("threshold", "nms"):
        if not 0 <= getattr(arguments, option) <= 1:
            raise ValueError(f"--{option} is from 0 to 1; received {getattr(arguments, option):g}.")
    network, weights = _read(arguments)
    listing_heads(network)
    picture, pixels = _input(arguments.input, network)
    if arguments.draw is not None and (pixels is None or arguments.output is not None):
        raise ValueError("--draw takes a picture as --input, and no --output.")
    names = [] if arguments.names is None else read_names(arguments.names)
    from yolo_core.models.darknet.detections import list_boxes, suppressed

    built = _loaded(network, weights, arguments.as_on_gpu)
    count = len(built.heads)
    outputs = built.values(picture, [*built.raw_heads, *built.heads])
    listed = list_boxes(network, outputs[:count], outputs[count:], arguments.threshold)
    listed = suppressed(listed, arguments.nms) if arguments.nms else listed
    size = network.size if pixels is None else (pixels.shape[1], pixels.shape[0])
    if pixels is not None:
        boxes = to_picture(listed.boxes, size, network.size)
        listed = dataclasses.replace(listed, boxes=boxes)
    if arguments.output is not None:
        _write_arrays(
            arguments.output,
            {
                "boxes": listed.boxes,
                "objectness": listed.objectness,
                "probs": listed.probabilities,
            },
        )
    else:
        found = _found(listed, size, names)
        print(as_text(arguments.input, found))
        if arguments.draw is not None and pixels is not None:
            write_picture(arguments.draw, drawn(pixels, found))
    return 0


def _found(listed: Listed, size: tuple[int, int], names: Sequence[str]) -> list[Detection]:
    """A detection for each class of each box that counts, the surest first."""
    half = listed.boxes[:, 2:] / 2
    corners = np.hstack([listed.boxes[:, :2] - half, listed.boxes[:, :2] + half]).clip(0, 1)
    edges = corners * np.tile(size, 2)
    found = []
    for box, label in zip(*np.nonzero(listed.probabilities), strict=True):
        left, top, right, bottom = edges[box].tolist()
        if right > left and bottom > top:  # of a box beyond the edge nothing is left
            name = names[int(label)] if label < len(names) else f"class {label}"
            score = float(listed.probabilities[box, label])
            found.append(Detection(name, score, (left, top, right, bottom)))
    return sorted(found, key=lambda each: -each.score)


def _save(arguments: argparse.Namespace) -> int:
    network, weights = _read(arguments)
    built = _loaded(network, weights, arguments.as_on_gpu)
    from yolo_core.models.darknet.build import get_weights
    from yolo_core.models.darknet.weights import write_weights

    model = built.model(built.outputs)
    write_weights(arguments.output, network, get_weights(model, network, weights.header))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from yolo_core.models.darknet.numbers import count, parts_of
    from yolo_core.models.darknet.weights import expected_floats

    network = _network(arguments.cfg)
    for layer in network.layers:
        floats = count(parts_of(layer))
        shape = " x ".join(map(str, layer.shape))
        print(f"{layer.number:4d}  {layer.section.name:14} {shape:>18} {floats or '':>12}")
    print(f"{expected_floats(network):,} floats")
    return 0


def _network(cfg: str) -> Network:
    network = find_network(cfg)
    for note in network.notes:
        print(f"note: {note}", file=sys.stderr)
    return network


def _read(arguments: argparse.Namespace) -> tuple[Network, Weights]:
    """Both files; nothing is built, and no TensorFlow loaded, before they fit."""
    from yolo_core.models.darknet.weights import read_weights

    network = _network(arguments.cfg)
    return network, read_weights(arguments.weights, network)


def _loaded(network: Network, weights: Weights, as_on_gpu: bool) -> Built:
    from yolo_core.models.darknet.build import build, set_weights

    built = build(network, as_on_gpu=as_on_gpu)
    set_weights(built.model(built.outputs), network, weights)
    return built


def _input(path: Path, network: Network) -> tuple[np.ndarray, np.ndarray | None]:
    """(height, width, channels) that enters, and the upright pixels where it is a picture's."""
    if path.suffix != ".npy":
        if network.shape[0] != 3:
            raise ValueError(
                f"{network.file} takes {network.shape[0]} channels, a picture has 3: give an .npy "
                f"file of shape {network.shape}."
            )
        try:
            pixels = read_pixels(path)
        except ValueError as error:
            raise ValueError(f"{path}: {error}.") from None
        return letterboxed(pixels / 255.0, network.size), pixels
    array = read_array(path)
    if array.shape != network.shape:
        raise ValueError(
            f"{path} must have shape {network.shape}, the channels, height and width of "
            f"{network.file}; received {array.shape}."
        )
    return np.asarray(array, np.float32).transpose(1, 2, 0), None


def _write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise ValueError(cannot_write(path, error)) from None
