"""The form that starts a training."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.shared.carried import carried, has_arrived, is_form_anew
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.starting import ON_ITS_WAY, ask_for_training
from dashboard.components.train import anchors, network, own_pictures
from dashboard.components.train.again import Again, asked_again, is_to_fill, say_again
from dashboard.components.train.anchors import ask_anchors
from dashboard.components.train.derived import ask_lambdas, derived_once
from dashboard.components.train.first_look import show_first_look
from dashboard.components.train.network import ask_network, network_options
from dashboard.components.train.own_pictures import ask_pictures
from dashboard.components.train.what_if.schedules import ask_schedules
from dashboard.data_folders import data_choices
from dashboard.state import checkpoints_folder
from yolo_core.data.config import DataConfig
from yolo_core.data.digits.source import NPZ_KEYS
from yolo_core.data.registry import open_source
from yolo_core.losses.families import DEFAULT_FAMILY, all_families, family_of
from yolo_core.runs.layout import check_run_name, new_run_name
from yolo_core.training.config import run_options

FILE, AS_BEFORE = "file", "as before"
DIGITS = {
    "digits": "digits: 1,797, bundled",
    "mnist": "mnist: downloaded once",
    FILE: "a file (.npz)",
}
OPTIONS = run_options()
# Numbers of the form, and what a press on "+" adds.
NUMBERS = {"steps": 100, "batch-size": 8, "learning-rate": 0.001, "seed": 1, "patience": 1}
NUMBERS |= {"devices": 1}
KEY = "new/"
_SAID, _KEPT = "what became of the start", "new training"


def _defaults() -> dict[str, Any]:
    fields = ("data", "loss", *NUMBERS)
    values = {name: OPTIONS[f"--{name}"].field["default"] for name in fields}
    # Whoever starts the server with a folder is there for what is in it.
    own = [entry for entry in data_choices() if entry not in DIGITS]
    values |= own_pictures.FIELDS | network.FIELDS | anchors.FIELDS
    values |= {"data": own[0]} if own else {}
    return values | {"path": "", "low": False, "name": ""}


@st.fragment
def new_training() -> None:
    """The button that starts, and below it the form with its defaults.

    A fragment: filling it in redraws nothing else. A wrong field says so under itself, and what
    the training process refuses is said under the button.
    """
    # Streamlit forgets the fields while they are not shown, hence the copy. A field that is there
    # is left alone: writing to it would undo what is being typed.
    filled = {KEY + name: value for name, value in _defaults().items()}
    filled |= st.session_state.get(_KEPT, {})
    if is_form_anew():
        filled[KEY + "name"] = ""  # the next training gets the next free name
    for field, value in filled.items():
        st.session_state.setdefault(field, value)
    again = asked_again(OPTIONS)
    if again is not None and is_to_fill(again):
        _fill(again)
    elif again is None and has_arrived():
        _fill_carried()
    losses = {each.name: each.label for each in all_families()}
    if again is not None:
        losses.setdefault(again.value("loss"), again.value("loss"))
    # One that is no longer asked for.
    if st.session_state[KEY + "loss"] not in losses:
        st.session_state[KEY + "loss"] = _defaults()["loss"]

    left, right = st.columns([5, 6], gap="large")
    with left:
        arguments = _fields(losses, again, filled)
    with right:
        show_first_look(arguments)


def _fields(
    losses: dict[str, str], again: Again | None, filled: dict[str, Any]
) -> list[str] | None:
    """The fields and the button; the options of `train` that they say, None where one is wrong."""
    # The button stands first, so that the keyboard is there at once, but knows all below.
    named, pressed = st.columns([3, 2], vertical_alignment="bottom")
    under = st.container()
    with named:
        name, name_error = _name(st.session_state[KEY + "loss"], under)
    if again is not None:
        say_again(again)
    of_data, of_loss = st.columns(2)
    with of_data:
        data, data_error = _data(again)
    config = _config(data, again)
    with of_loss:
        loss = st.selectbox("Loss", list(losses), format_func=losses.get, key=KEY + "loss")
        net, network_error = ask_network(KEY)
        asked = ask_anchors(KEY, loss, (config or DataConfig()).width_height)
    if net is not None and config is not None and not data_error:
        try:
            net.check_sides(config)
        except ValueError as error:
            network_error = str(error)
            say(error)
    places = st.columns(3) + st.columns(3, vertical_alignment="bottom")
    given: dict[str, Any] = {"loss": loss}
    for place, number in zip(places, NUMBERS, strict=False):
        with place:
            given[number] = _number(number)
    low = places[-1].toggle(
        "Low priority",
        key=KEY + "low",
        help="Trains only while no other program needs the processor. On a busy machine that can "
        "be hardly ever.",
    )
    wrong = data_error or network_error or (asked and asked.wrong)
    # A new run's seed is that of the split, too.
    if config is not None and again is None:
        config = config.model_copy(update={"seed": given["seed"]})
    derived = None if wrong or config is None else derived_once(config, loss, asked)
    lambdas, anew, at_start = ask_lambdas(KEY, loss, derived, again)
    rate, steps = given["learning-rate"], int(given["steps"])
    follows, unfollowable = ask_schedules(KEY, at_start, rate, steps)
    wrong = wrong or unfollowable
    # Those that are not shown now stay as they were.
    shown = {str(field) for field in st.session_state if str(field).startswith(KEY)}
    st.session_state[_KEPT] = filled | {field: st.session_state[field] for field in shown}

    arguments: list[str] | None = None
    if not wrong:
        arguments, before = [], None
        if again is not None:
            arguments += ["--config", str(again.file)]
            # Only what was changed: to say a seed again would give it to the samples, too.
            data = _changed(data, config, again.config.data)
            given = {o: value for o, value in given.items() if value != again.value(o)}
            before = again.config.loss if loss == again.value("loss") else None
        options = data | {o: [str(value)] for o, value in given.items()}
        options |= network_options(net, None if again is None else again.config.network)
        options |= {} if asked is None else asked.options(before)
        options |= {"derive": []} if anew else {}
        for option, values in options.items():
            arguments += [f"--{option}", *values]
        for term, value in lambdas.items():
            arguments += ["--lambda", f"{term}={value!r}"]
        for follow in follows:
            arguments += ["--follow", follow]
    with pressed:
        disabled = bool(arguments is None or name_error)
        start = st.button("Start training", type="primary", width="stretch", disabled=disabled)
    if start and arguments is not None:
        priority = ["--low-priority"] * low
        ask_for_training(["--run", name, *arguments, *priority], say_under=_SAID)
    said = st.session_state.pop(_SAID, "")
    with under:
        if said == ON_ITS_WAY:
            st.info(plain(said))
        elif said:
            say(said)
    return arguments


def _fill(again: Again) -> None:
    """Puts what a run was trained with into the fields; call it before them."""
    config = again.config
    fields = {name: again.value(name) for name in ("data", "loss", *NUMBERS)}
    if config.data.source in data_choices():
        fields |= own_pictures.fields_of(config.data)
    elif config.data.source not in DIGITS:
        fields["data"] = AS_BEFORE
    fields |= network.fields_of(config.network)
    fields |= anchors.fields_of(config.loss, config.data.width_height)
    for name, value in fields.items():
        st.session_state[KEY + name] = value


def _fill_carried() -> None:
    """Puts what another page took along into the fields; call it before them."""
    taken = carried()
    for name in ("data", "image-size", "fit"):
        if name in taken:
            st.session_state[KEY + name] = taken[name][0]
    if "anchors" in taken:
        st.session_state[KEY + "anchors"] = anchors.CARRIED
        if not family_of(st.session_state[KEY + "loss"]).takes_anchors:
            st.session_state[KEY + "loss"] = DEFAULT_FAMILY


def _number(name: str) -> float:
    """Asks for a number of the run."""
    _, kind, field = OPTIONS[f"--{name}"]
    told = field["description"]
    return st.number_input(
        name.replace("-", " ").capitalize(),
        field.get("minimum", sys.float_info.min),
        field.get("maximum"),
        step=NUMBERS[name],
        format="%g" if kind is float else None,
        key=KEY + name,
        help=f"{told[0].upper()}{told[1:]}.",
    )


def _data(again: Again | None) -> tuple[dict[str, list[str]], str | None]:
    """Asks for the data: options with their values, and what is wrong with them."""
    kinds = data_choices() | DIGITS
    if again is not None and again.value("data") not in kinds:
        kinds[AS_BEFORE] = f"as {again.name}: {again.value('data')}"
    if st.session_state[KEY + "data"] not in kinds:
        st.session_state[KEY + "data"] = next(iter(DIGITS))
    kind = st.selectbox("Data", list(kinds), format_func=kinds.get, key=KEY + "data")
    if kind == AS_BEFORE and again is not None:
        return {"data": [again.value("data")]}, None
    if kind not in DIGITS:
        return ask_pictures(
            kind, KEY, name_all=again is not None and bool(again.config.data.classes)
        )
    if kind != FILE:
        return {"data": [kind]}, None
    typed = st.text_input("Path of the .npz file", key=KEY + "path").strip()
    if not typed:
        st.caption(f"A file with the arrays {', '.join(NPZ_KEYS)}.")
        return {}, "no path yet"
    # Absolute, because the training process has the repository root as its current folder.
    path = Path(typed).expanduser().resolve()
    problem = _problem_with(str(path), path.stat().st_mtime_ns if os.path.isfile(path) else None)
    if problem:
        say(problem)
    return {"data": [str(path)]}, problem


@st.cache_data(max_entries=16, show_spinner="Reading the file")
def _problem_with(path: str, changed: int | None) -> str | None:  # noqa: ARG001, part of the key
    """What is wrong with a file of digits, or None; read again only when the file has changed."""
    try:
        open_source(DataConfig(source=path))
    except ValueError as error:
        return str(error)
    return None


def _config(options: dict[str, list[str]], again: Again | None) -> DataConfig | None:
    """What options of `train`, without their dashes, say of the data; None where they are wrong.

    Args:
        options: The options.
        again: The run whose data these are laid over, where they are of the same source.
    """
    fields: dict[str, Any] = {}
    if again is not None and options.get("data") == [again.value("data")]:
        fields = again.config.data.model_dump(mode="json")
    fields |= {
        option.place.partition(".")[2]: options[name[2:]][0]
        for name, option in OPTIONS.items()
        if option.place.startswith("data.") and name[2:] in options
    }
    fields |= {"classes": options["classes"]} if "classes" in options else {}
    try:
        return DataConfig.model_validate(fields)
    except ValueError:
        return None


def _changed(
    options: dict[str, list[str]], config: DataConfig | None, before: DataConfig
) -> dict[str, list[str]]:
    """Of options for data those that say something else than a run has."""
    if config is None or config.source != before.source:
        return options
    differing = {
        name[2:]
        for name, option in OPTIONS.items()
        if option.place.startswith("data.")
        and (at := option.place.partition(".")[2])
        and getattr(config, at) != getattr(before, at)
    }
    differing |= {"classes"} if config.classes != before.classes else set()
    return {name: values for name, values in options.items() if name in differing}


def _name(loss: str, under: DeltaGenerator) -> tuple[str, str | None]:
    """Asks for the run's name: the name, and what is wrong with it, which is said there."""
    checkpoints = checkpoints_folder()
    free = new_run_name(checkpoints, loss)
    name = st.text_input("Run name", placeholder=free, key=KEY + "name").strip() or free
    try:
        check_run_name(name)
        if (checkpoints / name).exists():
            raise ValueError(
                f"A run named {name!r} exists already; choose another name, or resume that one."
            )
    except ValueError as error:
        with under:
            say(error)
        return name, str(error)
    return name, None
