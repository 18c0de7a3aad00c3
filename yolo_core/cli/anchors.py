"""`python -m yolo_core anchors DATA`: the anchors that suit a data set, and how well."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import Any

from yolo_core.cli.options import add_classes, add_json
from yolo_core.cli.train_config import RUN_OPTIONS, put, read_strides, with_absolute_paths
from yolo_core.data.anchor_study import AnchorStudy, iou_by_count, study_anchors
from yolo_core.data.registry import open_source
from yolo_core.losses.heads import COARSEST
from yolo_core.losses.recipe import chosen_strides, usable_objects
from yolo_core.training.config import parse_config

DATA_OPTIONS = {
    name: option
    for name, option in RUN_OPTIONS.items()
    if option.place.startswith("data.") and option.place != "data.source"
}


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "anchors", help="find anchors for a data set, and how well they fit", description=__doc__
    )
    parser.add_argument("data", metavar="DATA", help="what train takes as --data")
    parser.add_argument("--k", type=int, default=5, help="anchors to find (default: 5)")
    parser.add_argument(
        "--most", type=int, default=9, metavar="K", help="largest k of the comparison (default: 9)"
    )
    parser.add_argument(
        "--strides",
        metavar="S,...",
        help="pixels from one cell to the next on each head, over which the anchors are dealt out "
        "by area, such as 32,16,8 (default: the one head that suits the objects)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the k-means (default: 0)")
    for name, option in DATA_OPTIONS.items():
        parser.add_argument(
            name, dest=option.place, type=option.kind, help=option.field["description"]
        )
    add_classes(parser)
    add_json(parser, "print one object; its anchors are what train --anchors takes")
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the anchors and what can be said of them."""
    if arguments.k < 1 or arguments.most < 1:
        raise ValueError(
            f"--k and --most must be 1 or more; received {arguments.k} and {arguments.most}."
        )
    if not 0 <= arguments.seed < 2**32:
        raise ValueError(f"--seed must be 0 to {2**32 - 1}; received {arguments.seed}.")
    fields: dict[str, Any] = {}
    put(fields, "data.source", arguments.data)
    put(fields, "data.classes", arguments.classes or [])
    for option in DATA_OPTIONS.values():
        value = getattr(arguments, option.place)
        if value is not None:
            put(fields, option.place, value)
    fields["data"] = with_absolute_paths(fields["data"])
    source = open_source(parse_config(fields, where="the options").data)
    why = ""
    if arguments.strides:
        strides = read_strides(arguments.strides)
    else:
        strides, why = chosen_strides(usable_objects(source), source.image_shape, (COARSEST,))
    study = study_anchors(source, arguments.k, strides=strides, seed=arguments.seed)
    curve = iou_by_count(source, arguments.most, arguments.seed)
    if arguments.json:
        whole = {"data": source.name, **study.to_json()}
        whole["heads_because"] = why
        print(json.dumps(whole | {"mean_iou_by_count": [list(pair) for pair in curve]}))
    else:
        _show(source.name, study, curve)
        if why:
            print(why)
        print(f"To train with these:\n{_train_command(fields['data'], arguments, study)}")
    sys.stdout.flush()
    return 0


def _train_command(data: dict[str, Any], arguments: argparse.Namespace, study: AnchorStudy) -> str:
    """What to type next, from whatever folder."""
    words = ["python", "-m", "yolo_core", "train", "--data", data["source"]]
    for option, (place, *_) in DATA_OPTIONS.items():
        value = data.get(place.partition(".")[2])
        words += [] if value is None else [option, str(value)]
    words += ["--classes", *data["classes"]] if data["classes"] else []
    words += ["--strides", arguments.strides] if arguments.strides else []
    words += ["--anchors", *(f"{w:.4f},{h:.4f}" for w, h in study.anchors)]
    return shlex.join(words)


def _show(name: str, study: AnchorStudy, curve: list[tuple[int, float]]) -> None:
    height, width = study.image_shape[:2]
    left_out = f" ({study.left_out} without an area left out)" if study.left_out else ""
    print(f"{name} at {width} x {height} px: {len(study.sizes)} training objects{left_out}.\n")
    print("anchor          pixels           cells        fractions    objects   stride")
    rows = zip(study.pixels, study.cells, study.anchors, study.share, study.stride_of, strict=True)
    for index, (pixels, cells, fractions, share, stride) in enumerate(rows):
        pixel, cell, part = (
            f"{a:.{digits}f} x {b:.{digits}f}"
            for (a, b), digits in ((pixels, 1), (cells, 2), (fractions, 3))
        )
        print(f"{index:6}  {pixel:>14}  {cell:>14}  {part:>15}  {share:8.1%}  {stride:7}")
    print(f"\nMean IoU with the best anchor: {study.mean_iou:.3f}.")
    recalls = ", ".join(f"{study.best_possible_recall(at):.1%} from {at}" for at in (0.3, 0.5, 0.7))
    print(f"Best possible recall, the objects with an anchor of that IoU: {recalls}.")
    print("Mean IoU by k: " + ", ".join(f"{count}: {iou:.3f}" for count, iou in curve) + ".")
