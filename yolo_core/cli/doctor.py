"""`python -m yolo_core doctor RUN|DATA|LOSS`: names what is wrong, with the evidence."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

from yolo_core.cli.before import add_data_options, add_setting_options, config_asked_for
from yolo_core.cli.given_anchors import read_anchors
from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.cli.own_function import add_handing_options, given_arguments, usual_arguments
from yolo_core.cli.train_config import native_notes_in
from yolo_core.data.config import read_image_size
from yolo_core.data.pictures import several
from yolo_core.doctor.asked import (
    CLASSES,
    examine_before,
    examine_data,
    examine_function,
    examine_loss,
    watch,
)
from yolo_core.doctor.finding import Examination, Finding
from yolo_core.doctor.jobs import EXAMINE, DoctorJob
from yolo_core.doctor.kept import dismissed, keep_before
from yolo_core.jobs.status import JobState
from yolo_core.losses.families import DEFAULT_FAMILY, loss_names, recipe_lambdas
from yolo_core.runs.layout import RunFolder, check_run_name
from yolo_core.training.config import LossConfig, RunConfig, parse_config
from yolo_core.training.own_loss import absolute_name, load_object, remember, short_name


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "doctor",
        help="name what is wrong with a run, with data, or with a loss",
        description="Looks for what is known to go wrong without a word, and says what it found, "
        "by what it knows it, what the likely cause is and what to try. Returns 1 where something "
        "was found.",
    )
    parser.add_argument(
        "asked",
        metavar="RUN|DATA|LOSS",
        help="a run's name; what train takes as --data; a loss's name, FILE.py:CLASS, or a plain "
        "function of (y_true, y_pred), FILE.py:NAME",
    )
    parser.add_argument(
        "--against",
        metavar="LOSS",
        default=DEFAULT_FAMILY,
        help="of a plain function: the published loss whose slots it is for (default: "
        f"{DEFAULT_FAMILY}); --image-size, --strides, --anchors and --classes N say which slots "
        "these are (default: a grid of 6 rows and 10 columns, 3 classes)",
    )
    parser.add_argument(
        "--strides", metavar="S,...", help="of a plain function: pixels of a cell, of each head"
    )
    add_handing_options(parser)
    add_data_options(parser)
    add_setting_options(parser)
    parser.add_argument(
        "--watch",
        action="store_true",
        help="of a run, only what it has put on record: no TensorFlow, quick",
    )
    parser.add_argument(
        "--checks",
        action="store_true",
        help="list also what was in order, and what could not be looked at",
    )
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)
    add_json(parser, "print one object")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Looks; returns 1 where something is wrong, else 0."""
    began = time.monotonic()
    asked = arguments.asked
    folder = _run_named(arguments)
    if folder is not None and arguments.job:
        return _as_job(folder)
    if folder is not None:
        what, found = f"run {folder.name}", _examine_run(folder, watch_only=arguments.watch)
    elif ".py:" in asked:
        what, found = _examine_file(arguments)
    elif asked in loss_names():
        lambdas = recipe_lambdas(asked, {})
        config = RunConfig(loss=LossConfig(name=asked, lambdas=lambdas))
        what, found = f"loss {asked}", examine_loss(config)
    else:
        arguments.data, arguments.config, arguments.kind = asked, None, "doctor"
        from yolo_core.losses.on_numpy import load_keras_on_numpy

        load_keras_on_numpy()  # no gradient is asked for
        what, found = f"data {asked}", examine_data(config_asked_for(arguments))
    seconds = time.monotonic() - began
    if arguments.json:
        whole = {"asked": asked, "seconds": round(seconds, 2), **examination_json(found)}
        print(json.dumps(whole))
    else:
        print(examination_text(found, what, seconds, everything=arguments.checks))
    return 1 if found.findings else 0


def _run_named(arguments: argparse.Namespace) -> RunFolder | None:
    try:
        folder = RunFolder(arguments.checkpoints / check_run_name(arguments.asked))
    except ValueError:
        return None
    return folder if folder.is_run else None


def _examine_run(folder: RunFolder, *, watch_only: bool) -> Examination:
    """What a run has on record, and what was so before its first step, which is kept beside it."""
    try:
        found = watch(folder)
    except ValueError as error:
        found = Examination(not_tried={"run": str(error)})
    if not watch_only:
        before = examine_before(folder)
        keep_before(folder, before)
        found = before + found
    put_aside = dismissed(folder)
    left = tuple(each for each in found.findings if each.key not in put_aside)
    return dataclasses.replace(found, findings=left)


def _as_job(folder: RunFolder) -> int:
    """What the Doctor page asks for: with a status, and nothing printed."""
    job = DoctorJob(folder, EXAMINE).begin(1)

    def work() -> None:
        keep_before(folder, examine_before(folder))
        job.say(state=JobState.FINISHED, message="", done=1)

    return 0 if job.run(work).state is JobState.FINISHED else 1


def _examine_file(arguments: argparse.Namespace) -> tuple[str, Examination]:
    """What a file calls that, in words; what was found in it. The file is run once."""
    asked = arguments.asked
    file, _, attribute = asked.rpartition(":")
    with native_notes_in(Path(os.devnull)):
        from yolo_core.losses.base import DetectionLoss

        loaded = load_object(f"{file}:{attribute.partition('.')[0]}")
    if not (isinstance(loaded, type) and issubclass(loaded, DetectionLoss)):
        return f"function {short_name(asked)}", _examine_function(arguments, loaded)
    name = absolute_name(asked)
    remember(name)
    config = RunConfig(loss=LossConfig(name=name))
    return f"loss {asked}", examine_loss(config, own=loaded)


def _examine_function(arguments: argparse.Namespace, loaded: Any) -> Examination:
    """Looks at a plain function, on pictures with the slots that the options come to."""
    from yolo_core.compare.own.calling import load_callable
    from yolo_core.compare.own.own_gradient import Handing
    from yolo_core.doctor.pictures import IMAGE_SHAPE, BenchSource
    from yolo_core.training.build import build_loss

    size, count = getattr(arguments, "data.image_size"), arguments.classes
    shape = IMAGE_SHAPE
    if size is not None:
        width, _, height = str(read_image_size(size)).partition("x")
        shape = (int(height or width), int(width), 1)
    names = CLASSES
    if count:
        if len(count) != 1 or not count[0].isdigit() or not int(count[0]):
            raise ValueError(f"Of a function --classes takes their number; received {count}.")
        names = tuple(f"class {index}" for index in range(int(count[0])))
    source = BenchSource(names, shape)
    fields: dict[str, Any] = {"loss": {"name": arguments.against}}
    if arguments.strides:
        fields["network"] = {"strides": [int(each) for each in arguments.strides.split(",")]}
    if arguments.anchors:
        fields["loss"]["anchors"] = read_anchors(arguments.anchors, lambda: shape)
    loss = build_loss(parse_config(fields, where="the options"), source)
    return examine_function(
        load_callable(
            arguments.asked, given_arguments(arguments.given), usual_arguments(loss), loaded
        ),
        arguments.asked,
        loss,
        shape,
        Handing(arguments.labels, arguments.activated, arguments.channels_first),
        anchors_given=bool(arguments.anchors),
    )


def examination_json(found: Examination) -> dict[str, Any]:
    """Plain values."""
    return {
        "findings": [each.to_json() for each in found.findings],
        "passed": list(found.passed),
        "not_tried": dict(found.not_tried),
    }


def examination_text(
    found: Examination, what: str, seconds: float, *, everything: bool = False
) -> str:
    """For reading: what is wrong first, then what was looked for."""
    looked = len(found.passed) + len({each.check.id for each in found.findings})
    count = len(found.findings)
    said = "1 thing is wrong" if count == 1 else f"{count or 'no'} things are wrong"
    lines = [f"{what}: {said}. {looked} checks in {seconds:.1f} s."]
    lines += [line for each in found.findings for line in finding_lines(each)]
    if everything:
        lines += ["", f"In order: {', '.join(found.passed) or 'nothing'}."]
        by_reason: dict[str, list[str]] = {}
        for name, why in found.not_tried.items():
            by_reason.setdefault(why, []).append(name)
        lines += [f"Not looked at: {', '.join(each)}: {why}" for why, each in by_reason.items()]
    elif found.not_tried:
        lines += [
            "",
            f"{several(len(found.not_tried), 'check')} could not look; --checks says why.",
        ]
    return "\n".join(lines)


def finding_lines(finding: Finding) -> list[str]:
    """A finding for reading."""
    since = "" if finding.seen.step is None else f" (since step {finding.seen.step:,})"
    link = dict(finding.seen.link)
    page = link.pop("page", None)
    shown = f"{page} page" + (f", {', '.join(f'{k}={v}' for k, v in link.items())}" if link else "")
    lines = ["", f"{finding.check.title} [{finding.key}]{since}", f"  {finding.what}"]
    lines.append(f"  It means: {finding.check.means}")
    if finding.cause:
        lines.append(f"  Likely: {finding.cause}")
    lines.append(f"  Try: {finding.tries}")
    return [*lines, f"  See: {shown}"] if page else lines
