"""From the options of `python -m yolo_core train` to the configuration of a run."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yolo_core.cli.darknet_config import (
    check_darknet,
    put_darknet,
    with_anchors_of_network,
)
from yolo_core.cli.given_anchors import FITTED, read_anchors
from yolo_core.data.config import PICTURE_KINDS
from yolo_core.data.registry import SOURCES, is_scenes, open_source
from yolo_core.data.source import default_anchors
from yolo_core.foreign_files import parse_json
from yolo_core.losses.families import family_of, over_recipe, recipe_lambdas, takes_anchors
from yolo_core.losses.heads import SLOTS_A_CELL
from yolo_core.losses.recipe import derived_setup
from yolo_core.runs.changes import RATE
from yolo_core.runs.layout import RunFolder
from yolo_core.training.config import (
    RunConfig,
    check_restarts,
    parse_config,
    read_config,
    run_options,
)
from yolo_core.training.own_loss import (
    absolute_name,
    check_source,
    is_own_loss,
    load_loss_class,
    remember,
)

# Fresh samples have no end; --epochs counts them in portions of that many.
EPOCH_SAMPLES = 1000

RUN_OPTIONS = run_options()


def given_fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """{option: value} of the `RUN_OPTIONS` that were given."""
    values = {option: getattr(arguments, _attribute(option)) for option in RUN_OPTIONS}
    return {option: value for option, value in values.items() if value is not None}


def new_config(arguments: argparse.Namespace) -> RunConfig:
    """The configuration that the options describe, laid over `--config` if that was given.

    Raises:
        ValueError: An option or a field of the file is wrong.
    """
    base = read_config(arguments.config) if arguments.config is not None else None
    fields: dict[str, Any] = base.model_dump(mode="json") if base is not None else {}
    if base is not None:
        check_restarts(base, f"The run of {arguments.config}")
        # A new run, and no fork of what that one came from.
        fields["forked_from"] = fields["training"]["until"] = None
    given = given_fields(arguments)
    if is_own_loss(given.get("--loss", "")):
        given["--loss"] = absolute_name(given["--loss"])
    if base is not None and is_own_loss(base.loss.name) and "--loss" not in given:
        raise ValueError(
            f"{arguments.config} names the file of a loss, {base.loss.name}. Only a file that is "
            f"named on the command line is loaded: give --loss {base.loss.name}, too."
        )
    if base is not None and given.get("--loss", base.loss.name) != base.loss.name:
        # Another loss: the file's lambdas, options and anchors were not meant for it.
        del fields["loss"]
        base = None
    if base is not None and _source(given, base) != base.data.source:
        # Nor what is said of some data for others; their size may be, unless pictures replace
        # scenes.
        kept = base.data.model_dump(mode="json", exclude={"pictures", "classes", "names"})
        if is_scenes(given["--data"]) != is_scenes(base.data.source):
            del kept["image_size"]
        fields["data"] = kept
    if base is not None and given.get("--network", base.network.size) != base.network.size:
        # Nor are the options of a backbone meant for another one.
        fields["network"] = {"strides": base.network.strides}
    for option, value in given.items():
        put(fields, RUN_OPTIONS[option].place, value)
    put_darknet(fields, arguments, base)
    if arguments.seed is not None:
        put(fields, "data.seed", arguments.seed)
    if arguments.pin:
        put(fields, "training.pinned", arguments.pin)
    if arguments.classes:
        put(fields, "data.classes", arguments.classes)
    # The run may be resumed from another folder.
    fields["data"] = with_absolute_paths(fields.get("data", {}))
    for name, value in given_options(arguments).items():
        put(fields, f"loss.options.{name}", value)
    loss = fields.get("loss", {})
    if arguments.derive:
        loss = {**loss, "lambdas": {}}
        put(fields, "network.strides", None)
    # The last one given stands last, and so wins over a group that it is in.
    lambdas = laid_over(loss.get("lambdas", {}), given_lambdas(arguments))
    put(fields, "loss.lambdas", lambdas)
    for name, schedule in given_schedules(arguments).items():
        put(fields, f"training.schedules.{name}", schedule)
    if arguments.frozen is not None:
        put(fields, "network.frozen", arguments.frozen)
    weights = fields.get("network", {}).get("weights", "none")
    if weights not in ("none", "imagenet"):
        if not os.path.isfile(weights):
            raise ValueError(f"--weights takes none, imagenet or a file; there is no {weights!r}.")
        put(fields, "network.weights", os.path.abspath(weights))
    if arguments.strides:
        put(fields, "network.strides", read_strides(arguments.strides))
    if arguments.anchors:
        fields["loss"] |= {"anchors": None, "anchors_fitted": False}
    config = parse_config(fields, where="the options")
    if arguments.anchors and arguments.anchors != [FITTED]:
        data = config.data
        sizes = read_anchors(arguments.anchors, lambda: open_source(data).image_shape)
        if "--anchors-per-head" not in given:
            put(fields, "loss.anchors_per_head", None)
        put(fields, "loss.anchors", sizes)
        config = parse_config(fields, where="the options")
    config = with_anchors_of_network(config, arguments, base)
    if base is None or arguments.derive:
        config = with_recipe(config)
    config = with_fitted_anchors(config, base)
    fields = config.model_dump(mode="json")
    if arguments.epochs is None:
        return config
    if arguments.steps is not None:
        raise ValueError("--steps and --epochs say the same thing; give one of them.")
    if not 0 < arguments.epochs < math.inf:
        raise ValueError(f"--epochs must be a number above 0; received {arguments.epochs}.")
    samples = arguments.epochs * (open_source(config.data).splits["train"] or EPOCH_SAMPLES)
    put(fields, "training.steps", math.ceil(samples / config.training.batch_size))
    return parse_config(fields, where="the options")


def _source(given: dict[str, Any], base: RunConfig) -> str:
    """The data that are meant, by the name that holds from any folder."""
    return with_absolute_paths({"source": given.get("--data", base.data.source)})["source"]


def with_recipe(config: RunConfig) -> RunConfig:
    """With what the family of its loss starts with: for the digits as it was found, else derived.

    Raises:
        ValueError: The data cannot be read, or have nothing to train on.
    """
    loss, network = config.loss, config.network
    lambdas = recipe_lambdas(loss.name, loss.lambdas)
    if loss.anchors_per_head is not None or not is_scenes(config.data.source):
        source = open_source(config.data)
        derived = derived_setup(
            loss.name,
            source,
            anchors=loss.anchors,
            anchors_per_head=loss.anchors_per_head,
            strides=network.strides,
        )
        if derived is not None:
            lambdas = over_recipe(derived.lambdas, loss.lambdas)
            network = network.model_copy(update={"strides": derived.strides})
    loss = loss.model_copy(update={"lambdas": lambdas})
    return config.model_copy(update={"loss": loss, "network": network})


def with_fitted_anchors(config: RunConfig, base: RunConfig | None = None) -> RunConfig:
    """With anchors that are fitted to the data, where the loss takes some and none are given.

    They are fitted once, so that a run that goes on has its own whatever became of the data.

    Args:
        config: What to train.
        base: The configuration that it was made from. The anchors that were fitted for that stay
            where it is about the same data, heads and number of anchors.

    Raises:
        ValueError: The loss takes none and a number of them is asked for; or the data cannot be
            read, or have fewer different sizes of objects.
    """
    loss, strides = config.loss, config.network.strides
    if is_own_loss(loss.name):
        with native_notes_in(Path(os.devnull)):
            kind = load_loss_class(loss.name)
        takes, usual = takes_anchors(kind), kind.strides
    else:
        takes, usual = family_of(loss.name).takes_anchors, family_of(loss.name).strides
    if not takes:
        if loss.anchors_per_head is not None:
            raise ValueError(
                f"{loss.name} has no anchors; received --anchors-per-head {loss.anchors_per_head}."
            )
        return config
    if loss.anchors is not None and (
        not loss.anchors_fitted or (base is not None and _fits_to(base) == _fits_to(config))
    ):
        return config
    count = len(strides or usual) * (loss.anchors_per_head or SLOTS_A_CELL)
    sizes = default_anchors(open_source(config.data), count).tolist()
    fitted = loss.model_copy(update={"anchors": list(map(tuple, sizes)), "anchors_fitted": True})
    return config.model_copy(update={"loss": fitted})


def _fits_to(config: RunConfig) -> tuple[Any, ...]:
    return config.data, config.network.strides, config.loss.anchors_per_head


def read_strides(text: str) -> tuple[int, ...]:
    """Reads "32,16,8".

    Raises:
        ValueError: They are not different ones of 8, 16, 32.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part in ("8", "16", "32") for part in parts) or len(set(parts)) < len(parts):
        raise ValueError(f"--strides takes some of 32,16,8, each once; received {text!r}.")
    return tuple(map(int, parts))


def with_absolute_paths(data: dict[str, Any]) -> dict[str, Any]:
    """Fields of a `DataConfig` whose paths no longer depend on the current folder."""
    kind, colon, where = (data.get("source") or "").partition(":")
    if kind in PICTURE_KINDS and where:
        data = {**data, "source": f"{kind}{colon}{os.path.abspath(where)}"}
    elif kind and kind not in SOURCES and os.path.exists(data["source"]):
        data = {**data, "source": os.path.abspath(data["source"])}
    if data.get("pictures"):
        data = {**data, "pictures": os.path.abspath(data["pictures"])}
    return data


def given_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The `--option NAME=VALUE` options; a value that is no JSON is text.

    Raises:
        ValueError: One has another form.
    """
    pairs = (_pair("--option", option) for option in arguments.options)
    return {name: _json_or_text(value) for name, value in pairs}


def given_lambdas(arguments: argparse.Namespace) -> dict[str, float]:
    """The `--lambda NAME=VALUE` options, in the order they were given.

    Raises:
        ValueError: One has another form, or its value is no finite number of zero or more.
    """
    lambdas: dict[str, float] = {}
    for option in arguments.lambdas:
        name, text = _pair("--lambda", option)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number < 0:
            raise ValueError(
                f"--lambda {name} must be a finite number of zero or more; received {text!r}."
            )
        lambdas = laid_over(lambdas, {name: number})
    return lambdas


def name_loss(given: str | None, config: RunConfig) -> None:
    """What `--loss` means where a run is gone on with: that its own file may be run.

    Args:
        given: What was given, if anything was.
        config: The run's configuration.

    Raises:
        ValueError: It is not the run's own loss.
    """
    if given is None:
        return
    if not is_own_loss(given) or absolute_name(given) != config.loss.name:
        raise ValueError(f"The loss of the run is {config.loss.name}; received --loss {given}.")
    remember(config.loss.name)


def laid_over(lambdas: dict[str, float], others: dict[str, float]) -> dict[str, float]:
    """Both, the others last: of a term and its group, the later one counts."""
    kept = {name: value for name, value in lambdas.items() if name not in others}
    return {**kept, **others}


def check_config(config: RunConfig, resumed: RunFolder | None = None) -> None:
    """Refuses what would fail later, before anything is created.

    Args:
        config: What to train.
        resumed: The run that is taken up again: a loss of one's own must still be in the file that
            the run began with.

    Raises:
        ValueError: The data cannot be read, or the loss has no such name, option or lambda.
    """
    if config.data.kind in PICTURE_KINDS or is_scenes(config.data.source):
        config.network.check_sides(config.data)
    if config.data.source != "digits":
        open_source(config.data)
    if resumed is None:
        check_darknet(config)
    loss = config.loss
    known_to_work = set(recipe_lambdas(loss.name, {}))
    followed = set(config.training.schedules) - {RATE}
    if (
        known_to_work
        and {*loss.lambdas, *followed} <= known_to_work
        and not (loss.options or (loss.anchors and not loss.anchors_fitted))
    ):
        return
    if is_own_loss(loss.name) and resumed is not None:
        check_source(loss.name, resumed.path)
    # Takes TensorFlow's five seconds, so only where there is something to check.
    with native_notes_in(Path(os.devnull)):
        from yolo_core.training.build import build_loss
        from yolo_core.training.distribute import read_cluster, start_devices

    if read_cluster(os.environ) is None:
        # Before anything computes, or it is too late.
        start_devices(config.training.devices)
    own = load_loss_class(loss.name) if is_own_loss(loss.name) else None
    try:
        built = build_loss(config, open_source(config.data), own=own)
        built.heads()
        built.expand_lambdas(dict.fromkeys(followed, 0.0))
    except TypeError as error:
        raise ValueError(f"The loss {loss.name} does not take these options: {error}.") from None


@contextlib.contextmanager
def native_notes_in(log: Path) -> Iterator[None]:
    """Sends what TensorFlow's C++ side says while it loads to a file, not to the terminal."""
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


def put(fields: dict[str, Any], place: str, value: Any) -> None:
    """Sets the field of nested dictionaries at a place such as "training.steps"."""
    *sections, field = place.split(".", maxsplit=2)
    for section in sections:
        fields = fields.setdefault(section, {})
    fields[field] = value


def given_schedules(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The `--follow NAME=SHAPE,FIRST,LAST,START,STOP` options, as fields of a `DialSchedule`.

    Raises:
        ValueError: One has another form.
    """
    found = {}
    for option in arguments.follow or ():
        name, text = _pair("--follow", option)
        shape, *numbers = text.split(",")
        try:
            first, last, start, stop = (
                kind(each) for kind, each in zip((int, int, float, float), numbers, strict=True)
            )
        except ValueError:
            raise ValueError(
                f"--follow takes NAME=SHAPE,FIRST,LAST,START,STOP; received {option!r}."
            ) from None
        found[name] = {"shape": shape, "first": first, "last": last, "start": start, "stop": stop}
    return found


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{option} takes NAME=VALUE; received {text!r}.")
    return name, value


def _json_or_text(value: str) -> Any:
    try:
        return parse_json(value)
    except ValueError:
        return value


def _attribute(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")
