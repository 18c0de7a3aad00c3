"""`python -m yolo_core darknet ...`: networks of the Darknet program, from .cfg and .weights.

CFG is a file, or the name of a well-known network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.files import cannot_write
from yolo_core.foreign_files import read_array
from yolo_core.models.darknet.known import NAMES, known_network

if TYPE_CHECKING:
    from yolo_core.models.darknet.build import Built
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
        "--output",
        type=Path,
        required=True,
        metavar="OUT.npz",
        help="boxes (n, 4) x, y, width, height as fractions; objectness; probs (n, classes)",
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
        metavar="X.npy",
        help="(channels, height, width) float32, 0 to 1",
    )


def _layers(arguments: argparse.Namespace) -> int:
    network, weights = _read(arguments)
    picture = _picture(arguments.input, network)
    built = _loaded(network, weights, arguments.as_on_gpu)
    outputs = _outputs(built, built.outputs, picture)
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
    picture = _picture(arguments.input, network)
    built = _loaded(network, weights, arguments.as_on_gpu)
    from yolo_core.models.darknet.detections import list_boxes, suppressed

    count = len(built.heads)
    outputs = _outputs(built, [*built.raw_heads, *built.heads], picture)
    listed = list_boxes(network, outputs[:count], outputs[count:], arguments.threshold)
    if arguments.nms:
        listed = suppressed(listed, arguments.nms)
    _write_arrays(
        arguments.output,
        {
            "boxes": listed.boxes,
            "objectness": listed.objectness,
            "probs": listed.probabilities,
        },
    )
    return 0


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
    from yolo_core.models.darknet.plan import read_network

    by_name = cfg in NAMES and not Path(cfg).exists()
    network = known_network(cfg) if by_name else read_network(cfg)
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


def _outputs(built: Built, wanted: Any, picture: np.ndarray) -> list[np.ndarray]:
    found = built.model(wanted)(picture[None], training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(each)[0] for each in found]


def _picture(path: Path, network: Network) -> np.ndarray:
    """(height, width, channels) float32."""
    array = read_array(path)
    if array.shape != network.shape:
        raise ValueError(
            f"{path} must have shape {network.shape}, the channels, height and width of "
            f"{network.file}; received {array.shape}."
        )
    return np.asarray(array, np.float32).transpose(1, 2, 0)


def _write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise ValueError(cannot_write(path, error)) from None
