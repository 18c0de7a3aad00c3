"""`python -m yolo_core runs | note | rename | delete`: the runs, and how they are kept."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.runs.disk import DiskUse, disk_use
from yolo_core.runs.layout import RunFolder, find_run, list_runs
from yolo_core.runs.moving import check_idle, remove_run, rename_run
from yolo_core.runs.note import MOST_CHARACTERS, write_note
from yolo_core.runs.overview import RunOverview, run_overview


def add_parser(commands: Any) -> None:
    """Adds the commands."""
    parser = commands.add_parser(
        "runs", help="list the runs", description="The runs, the newest first."
    )
    add_json(parser, "print a list of objects instead of a table")
    _add_run(parser)

    parser = commands.add_parser(
        "note",
        help="write a note about a run, or give it a star",
        description="Writes what you want to remember of a run; it is listed with it.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        help=f'the note, at most {MOST_CHARACTERS:,} characters; "" takes it away',
    )
    parser.add_argument(
        "--star", action=argparse.BooleanOptionalAction, help="whether the run has a star"
    )
    _add_run(parser, _note)

    parser = commands.add_parser(
        "rename",
        help="give a run another name",
        description="Gives a run that has ended another name; everything in it stays.",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("new", metavar="NEW", help="its new name")
    _add_run(parser, _rename)

    parser = commands.add_parser(
        "delete",
        help="delete runs",
        description="Deletes runs with their weights, snapshots and surveys, after a question; "
        "never one that something is at work on.",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="name of a run")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    _add_run(parser, _delete)


def _add_run(parser: argparse.ArgumentParser, run_command: Any = None) -> None:
    add_checkpoints(parser)
    parser.set_defaults(run_command=run_command or run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the runs, the newest first."""
    found = [
        (run_overview(folder), disk_use(folder)) for folder in list_runs(arguments.checkpoints)
    ]
    if arguments.json:
        print(json.dumps([_described(*each) for each in found]))
    elif not found:
        print(
            f"No runs in {arguments.checkpoints}. "
            "python -m yolo_core train starts one, and so does the dashboard."
        )
    else:
        width = max(len(each.folder.name) for each, _ in found)
        for each, disk in found:
            print(_line(each, disk, width))
    sys.stdout.flush()
    return 0


def _line(each: RunOverview, disk: DiskUse, width: int) -> str:
    status = each.status
    steps = f"{status.step}/{status.steps or '?'}"
    score = "" if each.map50 is None else f"mAP50 {each.map50:.3f}"
    score += "" if each.best_map50 is None else f", best {each.best_map50:.3f}"
    line = (
        f"{'*' if each.note.starred else ' '} {each.folder.name:<{width}}  {status.state:<10}  "
        f"{steps:>13}  {score:<23}  {megabytes(disk.total):>9}  "
    )
    # What a file says must not end the line, nor steer the terminal.
    words = "  ".join(filter(None, (status.message, each.problem, each.note.text)))
    return (line + "".join(c if c.isprintable() else " " for c in words)).rstrip()


def _described(each: RunOverview, disk: DiskUse) -> dict[str, Any]:
    status = each.status
    return {
        "run": each.folder.name,
        "state": str(status.state),
        "step": status.step,
        "steps": status.steps,
        "seconds": status.seconds,
        "images_per_second": status.images_per_second,
        "pid": status.process.pid if status.process and status.is_live else None,
        "message": status.message,
        "loss": each.loss,
        "data": each.data,
        "started": each.started,
        "total": each.total,
        "map50": each.map50,
        "best_map50": each.best_map50,
        "note": each.note.text,
        "starred": each.note.starred,
        "disk": {**disk.by_part, "total": disk.total},
        "problem": each.problem,
    }


def megabytes(size: int) -> str:
    """Bytes in words: "0.3 MB", "1,204 MB"."""
    return f"{size / 1e6:,.1f} MB" if size < 1e7 else f"{size / 1e6:,.0f} MB"


def _note(arguments: argparse.Namespace) -> int:
    folder = find_run(arguments.checkpoints, arguments.run)
    if arguments.text is None and arguments.star is None:
        raise ValueError("note takes a text, --star or --no-star.")
    note = write_note(folder, text=arguments.text, starred=arguments.star)
    star = "with a star" if note.starred else "without a star"
    print(f"{folder.name}, {star}: {note.text or 'no note'}")
    return 0


def _rename(arguments: argparse.Namespace) -> int:
    folder = rename_run(arguments.checkpoints, arguments.run, arguments.new)
    print(f"Run {arguments.run} is now {folder.name}.")
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    names = list(dict.fromkeys(arguments.runs))
    folders = [find_run(arguments.checkpoints, name) for name in names]
    # All of them or none, as far as that can be known before.
    for folder in folders:
        check_idle(folder)
    if not arguments.yes and not _agreed(folders):
        return 1
    for folder in folders:
        remove_run(arguments.checkpoints, folder.name)
        print(f"Deleted {folder.name}.")
    return 0


def _agreed(folders: list[RunFolder]) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("Deleting asks first, and nobody is there to answer; say --yes.")
    size = megabytes(sum(disk_use(folder).total for folder in folders))
    names = ", ".join(folder.name for folder in folders)
    answer = input(f"Delete {names} ({size}) with all weights, snapshots and surveys? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
