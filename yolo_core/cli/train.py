"""`python -m yolo_core train`: one training, in this process."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yolo_core.cli.options import add_checkpoints, add_json
from yolo_core.runs.layout import (
    RunFolder,
    check_run_name,
    create_run,
    find_run,
    new_run_name,
    replace_file,
)
from yolo_core.runs.status import RunState
from yolo_core.runs.store import RunStore
from yolo_core.training.config import RunConfig, parse_config, read_config
from yolo_core.training.recipes import LAMBDAS, recipe_lambdas

logger = logging.getLogger("yolo_core.training")

# Fresh scenes have no end; --epochs counts them in portions of that many.
EPOCH_SCENES = 1000

# Option -> (section and field of the configuration, type, help).
_FIELDS: dict[str, tuple[str, type, str]] = {
    "--loss": ("loss.name", str, "mnist_yolo, yolov2, or a published variant NAME/VARIANT"),
    "--data": ("data.source", str, "digits, mnist, or the path of an .npz in MNIST's layout"),
    "--network": ("network.size", str, "small, medium or large"),
    "--steps": ("training.steps", int, "optimizer updates in all"),
    "--batch-size": ("training.batch_size", int, "images a step"),
    "--learning-rate": ("training.learning_rate", float, "peak learning rate of Adam"),
    "--schedule": ("training.schedule", str, "cosine or constant"),
    "--seed": ("seed", int, "seed of the network's weights and of the scenes"),
    "--image-size": ("data.image_size", int, "side of a scene in pixels, a multiple of 16"),
    "--max-objects": ("data.max_objects", int, "most digits in a scene"),
    "--train-scenes": ("data.train_scenes", int, "a fixed training set of that many scenes"),
    "--validation-scenes": ("data.validation_scenes", int, "scenes that an evaluation looks at"),
    "--evaluate-every": ("training.evaluate_every", int, "steps between two evaluations"),
    "--checkpoint-every": ("training.checkpoint_every", int, "steps between two checkpoints"),
    "--snapshot-every": ("training.snapshot_every", int, "steps between two snapshots"),
    "--snapshot-megabytes": ("training.snapshot_megabytes", int, "disk space for snapshots"),
    "--precision": ("training.precision", str, "auto, float32, mixed_float16, mixed_bfloat16"),
}


def add_parser(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser("train", help="train a detector", description=__doc__)
    parser.add_argument("--run", metavar="NAME", help="name of the run (default: a free one)")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that has ended")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="a config.json; other options override it"
    )
    for option, (_, kind, text) in _FIELDS.items():
        parser.add_argument(option, type=kind, help=text)
    parser.add_argument(
        "--epochs",
        type=float,
        help=f"instead of --steps: passes over --train-scenes, or {EPOCH_SCENES} fresh scenes each",
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
        "--option",
        dest="options",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="keyword option of the loss, the value as JSON or text; repeatable",
    )
    parser.add_argument(
        "--pin", action="append", metavar="SAMPLE", help="sample to snapshot; repeatable"
    )
    add_json(parser, "end with one line of JSON: what came of the training")
    add_checkpoints(parser)
    parser.set_defaults(run_command=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains; returns 0, or 1 when the training failed after it had begun."""
    if arguments.resume is not None:
        folder, config = _resumed(arguments)
        store = RunStore.open(folder, writable=True)
    else:
        config = _config(arguments)
        _check(config)
        name = arguments.run
        if name is None:
            name = new_run_name(arguments.checkpoints, config.loss.name.replace("/", "-"))
        # From here on the run can be seen: in a second, not after TensorFlow's five.
        folder = create_run(arguments.checkpoints, check_run_name(name))
        replace_file(folder.config, config.to_json())
        store = RunStore.create(folder)
    with store:
        _log_to(folder)
        store.set_status(state=RunState.STARTING, steps=config.training.steps, message="")
        return _train(config, store, as_json=arguments.json)


def _train(config: RunConfig, store: RunStore, *, as_json: bool) -> int:
    logger.info("Run %s: starting TensorFlow.", store.folder.name)
    training = None
    try:
        with _native_notes_in(store.folder.log):
            from yolo_core.training.worker import Training

        training = Training(config, store)
        training.run()
    except KeyboardInterrupt:
        store.set_status(state=RunState.STOPPED, message="Stopped by Ctrl-C before it began.")
        return 130
    except ValueError as error:
        _fail(store, str(error))
        if training is None and not store.checkpoints() and store.last_step() is None:
            # Nothing was trained: the name is free again for the next try.
            store.close()
            shutil.rmtree(store.folder.path, ignore_errors=True)
            return 2
        return 1
    except Exception as error:
        # Not foreseen, so the log gets the whole story and the page one line of it.
        logger.debug("%s", traceback.format_exc())
        _fail(store, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return 1
    if as_json:
        print(json.dumps(_summary(training)), flush=True)
    return 0


@contextlib.contextmanager
def _native_notes_in(log: Path) -> Iterator[None]:
    """Sends what TensorFlow's C++ side says while it loads to the log, not to the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(log, "ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _fail(store: RunStore, sentence: str) -> None:
    logger.error("%s", sentence)
    try:
        store.set_status(state=RunState.FAILED, message=sentence)
    except ValueError as error:
        # A full disk takes the status too; the sentence is on standard error at least.
        logger.error("%s", error)


def _summary(training: Any) -> dict[str, Any]:
    logs = training.last_logs
    return {
        "run": training.store.folder.name,
        "steps": training.done,
        "seconds": training.progress.totals.seconds,
        "total": logs.get("loss"),
        "terms": {name: logs.get(f"term/{name}") for name in training.loss.term_names},
        "lambdas": {name: logs.get(f"lambda/{name}") for name in training.loss.term_names},
        "metrics": training.metrics,
    }


def _resumed(arguments: argparse.Namespace) -> tuple[RunFolder, RunConfig]:
    given = [option for option in _FIELDS if getattr(arguments, _attribute(option)) is not None]
    given += [f"--{name}" for name in ("run", "config", "epochs") if getattr(arguments, name)]
    given += ["--lambda"] * bool(arguments.lambdas) + ["--option"] * bool(arguments.options)
    if given:
        raise ValueError(
            f"--resume goes on as the run's config.json says and takes no {', '.join(given)}; "
            "a lambda or the learning rate can be set while it trains."
        )
    folder = find_run(arguments.checkpoints, arguments.resume)
    return folder, read_config(folder.config)


def _config(arguments: argparse.Namespace) -> RunConfig:
    base = read_config(arguments.config) if arguments.config is not None else None
    fields: dict[str, Any] = json.loads(base.to_json()) if base is not None else {}
    for option, (place, _, _) in _FIELDS.items():
        value = getattr(arguments, _attribute(option))
        if value is not None:
            _put(fields, place, value)
    if arguments.seed is not None:
        _put(fields, "data.seed", arguments.seed)
    if arguments.pin:
        _put(fields, "training.pinned", arguments.pin)
    for option in arguments.options:
        name, value = _pair("--option", option)
        _put(fields, f"loss.options.{name}", _json_or_text(value))
    lambdas = dict(fields.get("loss", {}).get("lambdas", {}))
    for option in arguments.lambdas:
        name, value = _pair("--lambda", option)
        try:
            number = float(value)
        except ValueError:
            raise ValueError(f"--lambda {name} must be a number; received {value!r}.") from None
        if not math.isfinite(number) or number < 0:
            raise ValueError(
                f"--lambda {name} must be a finite number of zero or more; received {value!r}."
            )
        # Taken out first: the last one given stands last, and so wins over a group.
        lambdas.pop(name, None)
        lambdas[name] = number
    loss = fields.get("loss", {}).get("name", RunConfig().loss.name)
    _put(fields, "loss.lambdas", recipe_lambdas(loss, lambdas) if base is None else lambdas)
    if arguments.epochs is not None:
        if arguments.steps is not None:
            raise ValueError("--steps and --epochs say the same thing; give one of them.")
        if not arguments.epochs > 0:
            raise ValueError(f"--epochs must be above 0; received {arguments.epochs}.")
        config = parse_config(fields, where="the options")
        scenes = arguments.epochs * (config.data.train_scenes or EPOCH_SCENES)
        _put(fields, "training.steps", math.ceil(scenes / config.training.batch_size))
    return parse_config(fields, where="the options")


def _check(config: RunConfig) -> None:
    """Refuses what would fail later, before anything is created."""
    from yolo_core.data.digits import load_digit_source

    if config.data.source != "digits":
        load_digit_source(config.data.source)
    terms = LAMBDAS.get(config.loss.name)
    if terms is None or config.loss.options or not set(config.loss.lambdas) <= set(terms):
        # Takes TensorFlow's five seconds, so only where there is something to check.
        from yolo_core.training.build import build_scenes
        from yolo_core.training.families import build_loss

        build_loss(config, build_scenes(config))


def _put(fields: dict[str, Any], place: str, value: Any) -> None:
    *sections, field = place.split(".")
    for section in sections:
        fields = fields.setdefault(section, {})
    fields[field] = value


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{option} takes NAME=VALUE; received {text!r}.")
    return name, value


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _attribute(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


class _Console(logging.Formatter):
    """Errors as the sentence that the launcher and a person look for; the rest as it is."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        return f"error: {text}" if record.levelno >= logging.ERROR else text


def _log_to(folder: RunFolder) -> None:
    """Sends the log to `train.log`, progress to standard output, errors to standard error."""
    logger.setLevel(logging.DEBUG)
    logger.handlers.clear()
    file = logging.FileHandler(folder.log, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    output, errors = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    for handler in (output, errors):
        handler.setFormatter(_Console())
    output.setLevel(logging.INFO)
    output.addFilter(lambda record: record.levelno < logging.ERROR)
    errors.setLevel(logging.ERROR)
    for handler in (file, output, errors):
        logger.addHandler(handler)
