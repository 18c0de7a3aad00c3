"""`python -m yolo_core export RUN --to KIND`: a run as files for other programs.

csv: its steps, evaluations and events. keras, saved_model, onnx: its network, which says boxes,
objectness and class probabilities (--decoded), or the raw numbers that the loss takes (--raw);
class names, anchors and what the numbers are stand in it. coco-json: its detections on a split, and
beside them the objects. darknet: .cfg, .weights and .names of a network of Darknet.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
from pathlib import Path
from typing import Any

from yolo_core.cli.evaluate import add_step, evaluated
from yolo_core.cli.options import add_checkpoints
from yolo_core.cli.train_config import name_loss, native_notes_in
from yolo_core.data.registry import open_source
from yolo_core.evaluation.job.folder import EvaluationFolder
from yolo_core.evaluation.table import EvaluationTable, read_table
from yolo_core.export.coco import CocoFiles
from yolo_core.export.darknet import check_darknet, export_darknet
from yolo_core.export.tables import run_tables
from yolo_core.export.targets import KINDS, NETWORKS, targets
from yolo_core.files import cannot_write, replace_file
from yolo_core.jobs.status import Job, JobState, JobStatus
from yolo_core.runs.checkpoints import find_checkpoint
from yolo_core.runs.layout import RunFolder, find_run
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.split_folder import SPLITS
from yolo_core.training.config import read_run_config


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "export",
        help="a run's rows, detections or network as files for other programs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument("--to", required=True, choices=KINDS, help="what it becomes")
    parser.add_argument(
        "--out", type=Path, metavar="PATH", help="file or folder (default: named after the run)"
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    add_step(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--decoded", action="store_true", help="boxes and probabilities come out (the default)"
    )
    form.add_argument("--raw", action="store_true", help="what the loss takes comes out")
    parser.add_argument(
        "--split", choices=SPLITS, help="of coco-json (default: test; val of a script's run)"
    )
    parser.add_argument(
        "--count", type=int, metavar="N", help="of coco-json: samples, the first ones of the split"
    )
    parser.add_argument(
        "--loss", metavar="FILE.py:NAME", help="a loss of your own, to say that it may be run"
    )
    parser.add_argument("--status", type=Path, help=argparse.SUPPRESS)  # of the dashboard's job
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Exports; returns 1 where that failed on the way."""
    if arguments.status is None:
        print(f"Exported to {_named(_export(arguments))}.")
        return 0
    job = Job(arguments.status, JobStatus(JobState.STARTING, "Exporting.", total=1))

    def work() -> None:
        try:
            _export(arguments)
        except KeyboardInterrupt:
            job.say(state=JobState.STOPPED, message="Stopped; nothing of it is kept.")
        else:
            job.say(state=JobState.FINISHED, message="", done=1)

    # It is one long piece of work of other programs, which nobody asks whether to go on; so to
    # terminate it is what Ctrl-C is, and what is half made goes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return int(job.run(work).state is JobState.FAILED)


def _named(paths: tuple[Path, ...]) -> str:
    return " and ".join(", ".join(map(str, paths)).rsplit(", ", 1))


def _export(arguments: argparse.Namespace) -> tuple[Path, ...]:
    kind = arguments.to
    _check_options(arguments)
    folder = find_run(arguments.checkpoints, arguments.run)
    if kind == "csv":
        paths = targets(kind, arguments.out or Path(f"{folder.name}-csv"), force=arguments.force)
        _write_tables(folder, paths[0])
        return paths
    checkpoint = find_checkpoint(folder, arguments.step)
    split = arguments.split or ("val" if folder.is_recorded else "test")
    name = f"{folder.name}-{f'{split}-' * (kind == 'coco-json')}{checkpoint.step}"
    suffix = {"saved_model": "-saved_model"}.get(kind, KINDS[kind].endings[0])
    paths = targets(kind, arguments.out or Path(name + suffix), force=arguments.force)
    if kind == "coco-json":
        _write_coco(folder, checkpoint, split, arguments, paths)
    else:
        _write_network(kind, folder, checkpoint, arguments, paths)
    return paths


def _check_options(arguments: argparse.Namespace) -> None:
    of = {"decoded": NETWORKS, "raw": NETWORKS, "split": ("coco-json",), "count": ("coco-json",)}
    for option, kinds in of.items():
        if getattr(arguments, option) and arguments.to not in kinds:
            raise ValueError(
                f"--{option} is of --to {', '.join(kinds)}; received --to {arguments.to}."
            )


def _write_tables(folder: RunFolder, place: Path) -> None:
    tables = run_tables(folder)
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(cannot_write(place, error)) from None
    for name, text in tables.items():
        replace_file(place / name, text)


def _write_coco(
    folder: RunFolder,
    checkpoint: CheckpointRecord,
    split: str,
    arguments: argparse.Namespace,
    paths: tuple[Path, ...],
) -> None:
    config = read_run_config(folder)
    table = _evaluation(folder, checkpoint, split, arguments)
    files = CocoFiles(table, open_source(config.data), config.data)
    for path, content in zip(paths, (files.results(), files.objects()), strict=True):
        replace_file(path, json.dumps(content))


def _evaluation(
    folder: RunFolder, checkpoint: CheckpointRecord, split: str, arguments: argparse.Namespace
) -> EvaluationTable:
    """The evaluation that there is of that checkpoint, or a new one.

    Raises:
        ValueError: It fails.
        KeyboardInterrupt: It was stopped.
    """
    there = EvaluationFolder(folder, split, checkpoint.step).table
    if arguments.count is None and there.is_file():
        return read_table(there)
    name_loss(arguments.loss, read_run_config(folder))
    evaluation, status = evaluated(folder, split, checkpoint.step, arguments.count)
    if status.state is JobState.STOPPED:
        raise KeyboardInterrupt
    if status.state is not JobState.FINISHED:
        raise ValueError(status.message)
    return read_table(evaluation.folder.table)


def _write_network(
    kind: str,
    folder: RunFolder,
    checkpoint: CheckpointRecord,
    arguments: argparse.Namespace,
    paths: tuple[Path, ...],
) -> None:
    config = read_run_config(folder)
    name_loss(arguments.loss, config)
    if kind == "darknet":
        check_darknet(config, folder.name)
    source = open_source(config.data)
    with tempfile.TemporaryDirectory() as notes, native_notes_in(Path(notes) / "tensorflow.log"):
        from yolo_core.export.network import export_network, load_for_export

        detector = load_for_export(folder, config, source, checkpoint)
        if kind == "darknet":
            export_darknet(paths, detector, config, source, checkpoint.step)
            return
        export_network(
            kind,
            paths[0],
            detector,
            config,
            source,
            run=folder.name,
            step=checkpoint.step,
            decoded=not arguments.raw,
        )
