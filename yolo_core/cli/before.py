"""`python -m yolo_core lost DATA` and `duplicates DATA`: what to look for before any training."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.before.folder import DUPLICATES, LOST, BeforeFolder
from yolo_core.before.jobs import Search, read_groups
from yolo_core.before.lost_table import LEAST_FIT, LEAST_PIXELS, LostTable, read_table
from yolo_core.cli.anchors import DATA_OPTIONS
from yolo_core.cli.given_anchors import read_anchors
from yolo_core.cli.options import add_classes, add_json
from yolo_core.cli.train_config import RUN_OPTIONS, put, with_absolute_paths
from yolo_core.data.duplicates import across_splits
from yolo_core.data.overview import Overview, overview_of
from yolo_core.data.pictures import several
from yolo_core.data.registry import open_source
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import JobState, JobStatus
from yolo_core.training.config import RunConfig, parse_config, read_config

SHOWN = 20


def add_parser(commands: Any) -> None:
    """Adds both commands."""
    lost = commands.add_parser(
        LOST,
        help="objects that a loss would lose: collisions, outside, too small",
        description="Which objects of a data set a loss would not train, asked of the loss itself, "
        "before any training and without TensorFlow.",
    )
    _add_common(lost, LOST)
    add_setting_options(lost)
    lost.add_argument(
        "--least-pixels",
        type=float,
        default=LEAST_PIXELS,
        metavar="N",
        help="objects with a shorter side below that, after resizing, are too small "
        f"(default: {LEAST_PIXELS:g})",
    )
    _add_common(
        commands.add_parser(
            DUPLICATES,
            help="pictures that a data set has twice, across its splits first",
            description="Pictures with the same pixels, or nearly the same to look at; those that "
            "are in different splits come first.",
        ),
        DUPLICATES,
    )


def add_setting_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of loss and network, and anchors."""
    for name, option in RUN_OPTIONS.items():
        if option.place.startswith(("loss.", "network.")):
            parser.add_argument(
                name, dest=option.place, type=option.kind, help=option.field["description"]
            )
    parser.add_argument(
        "--anchors",
        nargs="+",
        metavar="W,H",
        help="anchors in pixels, or a file of `anchors --json` (default: the data's own)",
    )


def _add_common(parser: argparse.ArgumentParser, kind: str) -> None:
    parser.add_argument("data", nargs="?", metavar="DATA", help="what train takes as --data")
    add_data_options(parser)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the config.json of a run instead of DATA"
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help=argparse.SUPPRESS)
    add_json(parser, "print one object")
    parser.set_defaults(run_command=run, kind=kind)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of data."""
    for name, option in DATA_OPTIONS.items():
        parser.add_argument(
            name, dest=option.place, type=option.kind, help=option.field["description"]
        )
    add_classes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Looks; returns 0, also when it was asked to stop, or 1 when it failed."""
    config = config_asked_for(arguments)
    with tempfile.TemporaryDirectory() as nowhere, Interrupt() as interrupt:
        folder = BeforeFolder(arguments.into or Path(nowhere) / f"{arguments.kind}-here")
        folder.path.mkdir(parents=True, exist_ok=True)
        search = Search(folder, config, _progress if sys.stderr.isatty() else None)
        status = search.run(lambda: interrupt.by is not None)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        if status.state is JobState.FAILED:
            print(f"error: {status.message}", file=sys.stderr)
            return 1
        if status.state is not JobState.FINISHED:
            print("Stopped before it was done.")
            return 0
        if arguments.into is not None:
            return 0
        overview = overview_of(open_source(config.data))
        if arguments.kind == LOST:
            table = read_table(folder.result, overview.data)
            found = lost_json(table, overview, arguments.least_pixels)
            print(json.dumps(found) if arguments.json else _lost_text(found))
        else:
            groups = [
                {
                    "pictures": [overview.data.files[k] for k in group.pictures],
                    "splits": [overview.splits_of(k) for k in group.pictures],
                    "exact": group.exact,
                    "alike": round(group.alike, 4),
                    "across_splits": across_splits(group, overview.splits_of),
                }
                for group in read_groups(folder.result, overview.data)
            ]
            groups.sort(key=lambda group: not group["across_splits"])
            whole = {"data": overview.data.name, "pictures": status.total, "groups": groups}
            print(json.dumps(whole) if arguments.json else _groups_text(whole))
    return 0


def config_asked_for(arguments: argparse.Namespace) -> RunConfig:
    """The configuration that DATA or --config, and the options beside them, come to.

    Raises:
        ValueError: Both are given, or neither, or they are no configuration.
    """
    if (arguments.data is None) == (arguments.config is None):
        raise ValueError(f"{arguments.kind} takes DATA or --config; give one of them.")
    if arguments.config is not None:
        return read_config(arguments.config)
    fields: dict[str, Any] = {}
    put(fields, "data.source", arguments.data)
    put(fields, "data.classes", arguments.classes or [])
    for option in RUN_OPTIONS.values():
        value = getattr(arguments, option.place, None)
        if value is not None:
            put(fields, option.place, value)
    fields["data"] = with_absolute_paths(fields["data"])
    config = parse_config(fields, where="the options")
    if getattr(arguments, "anchors", None):
        put(
            fields,
            "loss.anchors",
            read_anchors(arguments.anchors, lambda: open_source(config.data).image_shape),
        )
    return parse_config(fields, where="the options")


def _progress(status: JobStatus) -> None:
    left = f", {status.seconds_left:.0f} s left" if status.seconds_left is not None else ""
    text = f"\r{status.message or status.state}: {status.done:,} of {status.total:,} pictures{left}"
    print(f"{text}   ", end="", file=sys.stderr, flush=True)


def lost_json(table: LostTable, overview: Overview, least_pixels: float) -> dict[str, Any]:
    """What `lost --json` prints, of plain values."""
    data, layout = overview.data, table.layout
    reasons = table.reasons(least_pixels)
    rows = []
    best = table.best
    for reason, mask in reasons.items():
        for at in np.flatnonzero(mask).tolist():
            slot, rival = int(table.slot[at, best[at]]), int(table.rival[at, best[at]])
            place = {
                key: int(getattr(layout, key)[slot]) for key in ("head", "row", "column", "anchor")
            }
            rows.append(
                {
                    "reason": reason,
                    "picture": data.files[data.box_picture[table.object[at]]],
                    "object": object_number(overview, table, at),
                    "class": data.classes[data.box_class[table.object[at]]],
                    "pixels": round(float(table.pixels[at]), 2),
                    **(place if slot >= 0 else dict.fromkeys(place)),
                    "rival": object_number(overview, table, rival) if rival >= 0 else None,
                }
            )
    return {
        "data": data.name,
        "image_size": list(table.image_shape[::-1]),
        "grids": [list(grid) for grid in table.grids],
        "objects": len(table.object),
        "lost": int(table.lost.sum()),
        "difficult": int(data.box_difficult.sum()),
        "decided_by_prediction": table.by_prediction,
        "least_pixels": least_pixels,
        "least_fit": LEAST_FIT,
        "by_reason": {reason: int(mask.sum()) for reason, mask in reasons.items()},
        "found": rows,
    }


def object_number(overview: Overview, table: LostTable, at: int) -> int:
    """The number of an object in its picture, from 1."""
    row = int(table.object[at])
    return row - overview.data.objects_of(int(overview.data.box_picture[row])).start + 1


def _lost_text(found: dict[str, Any]) -> str:
    width, height = found["image_size"]
    grids = " and ".join(f"{r} x {c} cells of {a} slots" for r, c, a in found["grids"])
    count = max(found["objects"], 1)
    lines = [
        f"{found['data']} at {width} x {height} px, {grids}: "
        f"{several(found['objects'], 'object')}, {found['lost']:,} "
        f"({found['lost'] / count:.1%}) are lost."
    ]
    if found["decided_by_prediction"]:
        lines.append(BY_PREDICTION)
    lines += [f"  {count:6,}  {reason}" for reason, count in found["by_reason"].items()]
    for row in found["found"][:SHOWN]:
        place = "" if row["row"] is None else f", row {row['row']}, column {row['column']}"
        place += "" if row["anchor"] is None else f", slot {row['anchor']} of head {row['head']}"
        other = "" if row["rival"] is None else f", against object {row['rival']}"
        lines.append(
            f"{row['picture']}, object {row['object']} ({row['class']}): {row['reason']}{place}"
            f"{other}"
        )
    more = len(found["found"]) - SHOWN
    return "\n".join([*lines, *([f"... and {more:,} more; --json has all."] if more > 0 else [])])


BY_PREDICTION = (
    "This loss gives an object the slot of its cell that predicts it best, which changes as it "
    "learns. Counted here is what happens while all slots of a cell predict the same."
)


def _groups_text(found: dict[str, Any]) -> str:
    groups = found["groups"]
    across = sum(group["across_splits"] for group in groups)
    lines = [
        f"{found['data']}: {several(found['pictures'], 'picture')}, "
        f"{several(len(groups), 'group')} of duplicates, "
        f"{across:,} of them across splits."
    ]
    for group in groups[:SHOWN]:
        how = "the same pixels" if group["exact"] else f"alike by {group['alike']:.3f}"
        files = ", ".join(
            f"{file} ({' and '.join(splits)})"
            for file, splits in zip(group["pictures"], group["splits"], strict=True)
        )
        lines.append(f"  {how}: {files}")
    more = len(groups) - SHOWN
    return "\n".join([*lines, *([f"... and {more:,} more; --json has all."] if more > 0 else [])])
