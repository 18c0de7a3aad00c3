"""`python -m yolo_core data ENTRY`: what a data set of one's own holds, and what is wrong."""

from __future__ import annotations

import argparse
import collections
import csv
import io
import json
import math
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from yolo_core.cli.options import add_classes, add_json
from yolo_core.data.collector import NothingReadError
from yolo_core.data.opening import open_data
from yolo_core.data.overview import SIZES, Overview
from yolo_core.data.pictures import NOTE, Problem, counted, several
from yolo_core.data.splits import split_up
from yolo_core.files import replace_file

SHOWN = 20
_SECONDS = 1.0


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "data",
        help="say what a data set of your own holds, and what is wrong with it",
        description=__doc__,
    )
    parser.add_argument("entry", metavar="ENTRY", help="voc:DIR, coco:FILE.json or yolo:DATA.yaml")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="folder of the pictures, if ENTRY is not it"
    )
    add_classes(parser)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the parts that no split of the data says"
    )
    add_json(parser, "print one object, with every problem")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the problems there")
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the summary and the problems; returns 2 where nothing could be used."""
    progress = Progress() if sys.stderr.isatty() else None
    try:
        data = open_data(
            arguments.entry,
            pictures=arguments.pictures,
            classes=arguments.classes,
            progress=progress,
        )
    except NothingReadError as error:
        _write_csv(arguments.csv, error.problems)
        if arguments.json:
            print(json.dumps({"refused": str(error), **_problems(error.problems)}))
            return 2
        print("\n".join(_told(error.problems)))
        raise
    finally:
        if progress:
            progress.close()
    _write_csv(arguments.csv, data.problems)
    overview = Overview(data)
    parts = split_up(data, arguments.seed)
    summary = {
        "data": data.name,
        "folder": str(data.folder),
        "pictures": len(data.files),
        "empty": int((overview.objects == 0).sum()),
        "objects": len(data.box_picture),
        "difficult": int(data.box_difficult.sum()),
        "group_regions": len(data.ignored_picture),
        "splits": {name: int(mask.sum()) for name, mask in overview.members.items()},
        "parts": {name: len(indices) for name, indices in parts.indices.items()},
        "notes": list(parts.notes),
        "widths": _range(data.sizes[:, 0]),
        "heights": _range(data.sizes[:, 1]),
        "classes": [
            {key: None if value != value else value for key, value in row.items()}
            for row in overview.class_rows()
        ],
    }
    if arguments.json:
        print(json.dumps({**summary, **_problems(data.problems)}))
    else:
        print("\n".join([*_words(summary), *_told(data.problems)]))
    return 0


class Progress:
    """Says on the terminal how many files are done, and how long the rest will take."""

    def __init__(self) -> None:
        self._began = self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Says it, at most once a second."""
        now = time.monotonic()
        if now - self._said < _SECONDS or not done:
            return
        self._said = now
        left = math.ceil((now - self._began) / done * (total - done))
        text = f"\r{done:,} of {total:,} files, {left} s left   "
        print(text, end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the line, if anything was said."""
        if self._said > self._began:
            print(file=sys.stderr)


def _range(values: Any) -> list[int]:
    return [int(values.min()), int(values.max())]


# Without the index of a picture, which says nothing without the list of them.
_TOLD = ("file", "where", "about", "effect")


def _problems(problems: Iterable[Problem]) -> dict[str, Any]:
    found = [{name: getattr(each, name) for name in _TOLD} for each in problems]
    counts = collections.Counter(each["effect"] for each in found)
    return {"problem_counts": dict(counts), "problems": found}


def _words(summary: Mapping[str, Any]) -> list[str]:
    """The summary for reading."""
    lines = [
        f"{summary['data']}: {several(summary['pictures'], 'picture')} "
        f"({summary['empty']:,} without objects), {several(summary['objects'], 'object')}"
        + (f", {summary['difficult']:,} of them difficult" if summary["difficult"] else ""),
        "pictures are {:,} to {:,} pixels wide".format(*summary["widths"])
        + " and {:,} to {:,} high".format(*summary["heights"]),
    ]
    if summary["group_regions"]:
        lines.append(f"{summary['group_regions']:,} regions of groups are no objects: ignored")
    parts = ", ".join(f"{name} {count:,}" for name, count in summary["parts"].items())
    lines += [f"parts: {parts}", *summary["notes"], ""]
    width = max([5, *(len(shown(row["class"])) for row in summary["classes"])])
    split_width = max([5, *(len(shown(row["split"])) for row in summary["classes"])])
    head = f"{'split':<{split_width}}  {'class':<{width}} {'objects':>9} {'pictures':>9} "
    lines.append(head + f"{'median size, px':>16} " + " ".join(f"{name:>7}" for name in SIZES))
    for row in summary["classes"]:
        sides = row["median width, px"], row["median height, px"]
        size = "-" if sides[0] is None else f"{sides[0]:.0f} x {sides[1]:.0f}"
        lines.append(
            f"{shown(row['split']):<{split_width}}  {shown(row['class']):<{width}} "
            f"{row['objects']:>9,} {row['pictures']:>9,} {size:>16} "
            + " ".join(f"{row[name]:>7,}" for name in SIZES)
        )
    return [*lines, ""]


def _told(problems: Iterable[Problem]) -> list[str]:
    """The problems for reading: how many of each effect, and the first ones; notes last."""
    found = sorted(problems, key=lambda each: each.effect == NOTE)
    if not found:
        return ["no problems"]
    lines = [f"problems: {counted(found)}"]
    for each in found[:SHOWN]:
        lines.append(f"  {shown(each.file)}, {shown(each.where)}: {shown(each.about)}")
        lines[-1] += f" ({each.effect})"
    if len(found) > SHOWN:
        lines.append(f"  ... and {len(found) - SHOWN:,} more: --json or --csv FILE has them all")
    return lines


def shown(text: str) -> str:
    """Foreign words as they can be shown on a terminal, which obeys some characters."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _write_csv(path: Path | None, problems: Iterable[Problem]) -> None:
    if path is None:
        return
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(_TOLD)
    # A cell that begins like a formula would be one to the programs that open such files.
    rows.writerows(
        [f"'{cell}" if cell[:1] in tuple("=+-@\t\r") and cell else cell for cell in row]
        for row in ([getattr(each, name) for name in _TOLD] for each in problems)
    )
    replace_file(path, text.getvalue())
