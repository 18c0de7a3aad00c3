"""`python -m yolo_core train`: one training, in this process."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from yolo_core.cli.options import (
    add_checkpoints,
    add_classes,
    add_json,
    add_low_priority,
    add_names,
    step_back,
)
from yolo_core.cli.train_config import (
    EPOCH_SAMPLES,
    RUN_OPTIONS,
    check_config,
    given_fields,
    given_lambdas,
    laid_over,
    name_loss,
    native_notes_in,
    new_config,
)
from yolo_core.cli.training_log import log_to
from yolo_core.cli.workers import follow, joined
from yolo_core.files import replace_file
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.status import error_sentence
from yolo_core.runs.layout import (
    RunFolder,
    check_run_name,
    create_run,
    find_run,
    new_run_name,
)
from yolo_core.runs.pulls import last_pulls
from yolo_core.runs.status import RunState, read_status
from yolo_core.runs.store import RunStore
from yolo_core.training.config import (
    RunConfig,
    check_restarts,
    config_digest,
    parse_config,
    read_run_config,
)
from yolo_core.training.distribute import Devices, read_cluster
from yolo_core.training.own_loss import is_own_loss, keep_source

logger = logging.getLogger("yolo_core.training")

REFUSED_BY_RESUME = (
    "run",
    "follow",
    "config",
    "epochs",
    "pin",
    "anchors",
    "strides",
    "frozen",
    "classes",
    "names",
    "derive",
)


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("train", help="train a detector", description=__doc__)
    parser.add_argument("--run", metavar="NAME", help="name of the run (default: a free one)")
    parser.add_argument(
        "--resume",
        metavar="RUN",
        help="go on with a run that was stopped, killed or failed; takes --lambda and "
        "--learning-rate, which take effect at its next step",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a config.json; other options override it"
    )
    for name, option in RUN_OPTIONS.items():
        field = option.field
        choices = f"{{{','.join(field['enum'])}}}" if "enum" in field else None
        default = "" if field["default"] is None else f" (default: {field['default']})"
        told = f"{field['description']}{default}"
        parser.add_argument(name, type=option.kind, metavar=choices, help=told)
    parser.add_argument(
        "--epochs",
        type=float,
        help=f"instead of --steps: passes over the training set, or {EPOCH_SAMPLES} fresh samples",
    )
    parser.add_argument(
        "--lambda",
        dest="lambdas",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="weight of a term, or of a published group of terms; repeatable",
    )
    parser.add_argument(
        "--follow",
        action="append",
        metavar="NAME=SHAPE,FIRST,LAST,START,STOP",
        help="a schedule of a term, a group of terms or learning_rate: START up to step FIRST, "
        "STOP from step LAST on, between them linear, cosine, steps, constant or warm-up; "
        "repeatable",
    )
    parser.add_argument(
        "--option",
        dest="options",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="keyword option of the loss, the value as JSON or text; repeatable",
    )
    parser.add_argument(
        "--anchors",
        nargs="+",
        metavar="fitted|FILE.json|W,H",
        help="fitted to the data, which is the default; widths and heights in pixels, or all of "
        "them 1 or less as fractions of the picture; or a file that anchors --json has printed",
    )
    parser.add_argument(
        "--frozen",
        action=argparse.BooleanOptionalAction,
        help="the backbone keeps the weights that it starts with",
    )
    parser.add_argument(
        "--derive",
        action="store_true",
        default=None,
        help="with --config: heads and lambdas follow from the data, as in a run without; "
        "--strides and --lambda still count",
    )
    parser.add_argument(
        "--strides",
        metavar="S,...",
        help="pixels from one cell to the next on each head, such as 16 or 32,16,8; instead of "
        "those that follow from the sizes of the objects",
    )
    parser.add_argument(
        "--pin", action="append", metavar="SAMPLE", help="sample to snapshot; repeatable"
    )
    add_classes(parser)
    add_names(parser)
    add_low_priority(parser)
    add_json(parser, "end with one line of JSON: what came of the training")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns 0, also when it was asked to stop, or 1 when the training failed."""
    if arguments.low_priority:
        step_back()
    cluster = read_cluster(os.environ)
    if cluster is None:
        return _trained(arguments, None)
    code = _trained(arguments, joined(cluster, arguments.devices))
    # Taking down what several workers have compiled takes TensorFlow up to a minute.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _trained(arguments: argparse.Namespace, devices: Devices | None) -> int:
    with Interrupt() as interrupt:
        if devices is not None and not devices.is_chief:
            return follow(devices, interrupt, arguments.loss)
        if arguments.resume is not None:
            store, config = _resumed(arguments)
        else:
            config = asked_for(arguments)
            if interrupt.by is not None:
                return 130
            store = created(arguments, config)
        return train_run(config, store, interrupt, as_json=arguments.json, devices=devices)


def asked_for(arguments: argparse.Namespace) -> RunConfig:
    """The run that options describe; nothing is made yet."""
    if arguments.run is not None:
        check_run_name(arguments.run)
    config = new_config(arguments)
    check_config(config)
    return config


def created(arguments: argparse.Namespace, config: RunConfig) -> RunStore:
    """Makes the run, open for writing: it can be seen before TensorFlow's five seconds."""

    def fill(folder: RunFolder) -> None:
        replace_file(folder.config, config.to_json())
        if is_own_loss(config.loss.name):
            keep_source(config.loss.name, folder.path)
        with RunStore.create(folder) as store:
            store.set_status(
                state=RunState.STARTING,
                steps=config.training.last_step,
                config=config_digest(folder.config),
            )

    if arguments.run is not None:
        return RunStore.open(create_run(arguments.checkpoints, arguments.run, fill), writable=True)
    # A loss of one's own gives its run the name of its class.
    stem = config.loss.name.rpartition(":")[2].replace("/", "-")
    while True:
        name = new_run_name(arguments.checkpoints, stem)
        try:
            return RunStore.open(create_run(arguments.checkpoints, name, fill), writable=True)
        except ValueError:
            # Another training that starts at the same time may have been quicker.
            if new_run_name(arguments.checkpoints, stem) == name:
                raise


def _resumed(arguments: argparse.Namespace) -> tuple[RunStore, RunConfig]:
    """Takes up a run again, with the changes that were asked for as its first commands."""
    lambdas, given = given_lambdas(arguments), given_fields(arguments)
    rate, loss = given.pop("--learning-rate", None), given.pop("--loss", None)
    devices = given.pop("--devices", None)
    refused = [
        *given,
        *(f"--{o}" for o in REFUSED_BY_RESUME if getattr(arguments, o) is not None),
    ]
    refused += ["--option"] * bool(arguments.options)
    if refused:
        raise ValueError(
            f"--resume goes on as the run's config.json says and takes no {', '.join(refused)}; "
            "--lambda, --learning-rate and --devices it takes, and --loss with the file of the "
            "run's own loss."
        )
    folder = find_run(arguments.checkpoints, arguments.resume)
    config = read_run_config(folder)
    check_restarts(config, f"Run {folder.name!r}")
    name_loss(loss, config)
    status = read_status(folder)
    if status.state == RunState.FINISHED:
        raise ValueError(
            f"Run {folder.name!r} is finished: it has made all of its {status.steps} steps."
        )
    changed = config.model_dump(mode="json")
    changed["loss"]["lambdas"] = laid_over(config.loss.lambdas, lambdas)
    if rate is not None:
        changed["training"]["learning_rate"] = rate
    if devices is not None:
        # A run is the same on any number of them.
        training = config.training.model_copy(update={"devices": devices})
        config = config.model_copy(update={"training": training})
        changed["training"]["devices"] = devices
    check_config(parse_config(changed, where="the options"), resumed=folder)
    store = RunStore.open(folder, writable=True)
    try:
        store.set_status(
            state=RunState.STARTING,
            steps=config.training.last_step,
            # Of the process before; this one has none yet.
            images_per_second=None,
            message="",
        )
        for name, value in lambdas.items():
            store.send("set-lambda", {"name": name, "value": value, "by": "command line"})
        if rate is not None:
            store.send("set-learning-rate", {"value": rate, "by": "command line"})
    except BaseException:
        store.close()
        raise
    return store, config


def train_run(
    config: RunConfig,
    store: RunStore,
    interrupt: Interrupt,
    *,
    as_json: bool,
    devices: Devices | None = None,
) -> int:
    """Trains a run that is open for writing, says in it what came of that, and closes it.

    Returns:
        0, also when it was asked to stop, or 1 when the training failed.
    """
    try:
        return _train(config, store, interrupt, as_json=as_json, devices=devices)
    finally:
        # A full disk fails here again; the sentence about it has been said.
        with contextlib.suppress(ValueError):
            store.close()


def _train(
    config: RunConfig,
    store: RunStore,
    interrupt: Interrupt,
    *,
    as_json: bool,
    devices: Devices | None,
) -> int:
    try:
        log_to(store.folder)
        logger.info("Run %s: starting TensorFlow.", store.folder.name)
        store.set_status(message="Importing TensorFlow.")
        with native_notes_in(store.folder.log):
            from yolo_core.training.worker import Training

        if interrupt.by is not None:
            message = f"Stopped by {interrupt.by} while TensorFlow was loading."
            store.set_status(state=RunState.STOPPED, message=message)
            logger.info("%s", message)
        else:
            store.set_status(message="Making the network.")
            Training(config, store, interrupt, devices).run()
        summary = _summary(store)
    except Exception as error:
        sentence = error_sentence(error)
        if not isinstance(error, ValueError):
            # Not foreseen, so the log gets the whole story and the page one line of it.
            logger.debug("%s", traceback.format_exc())
        logger.error("%s", sentence)
        # A full disk takes the status no more than the rest.
        with contextlib.suppress(ValueError):
            store.set_status(state=RunState.FAILED, message=sentence)
        return 1
    if as_json:
        print(json.dumps(summary), flush=True)
    return 0


def _summary(store: RunStore) -> dict[str, Any]:
    """What came of a training: its last step and its last evaluation."""
    row, pulled = store.last_step() or {}, last_pulls(store)
    evaluations = store.evaluations()
    del evaluations["step"]
    names = [name.removeprefix("term/") for name in store.columns if name.startswith("term/")]
    return {
        "run": store.folder.name,
        "steps": int(row.get("step", 0)),
        "seconds": store.status().seconds,
        "total": row.get("total"),
        "terms": {name: row.get(f"term/{name}") for name in names},
        "pulls": None if pulled is None else pulled.plain(),
        "lambdas": {name: row.get(f"lambda/{name}") for name in names},
        "notes": [
            event.detail["message"] for event in store.events() if event.kind in ("note", "warning")
        ],
        "metrics": {
            "map50": None,
            "map50_95": None,
            **{name: values[-1].item() for name, values in evaluations.items() if len(values)},
        },
    }
