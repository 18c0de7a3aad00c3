"""The form that starts a training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.shared.carried import carried, show_carried
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import JUST_STARTED
from dashboard.components.shared.starting import ON_ITS_WAY, ask_for_training
from dashboard.components.train.again import Again, asked_again, is_to_fill, say_again
from dashboard.components.train.own_pictures import FIELDS, ask_pictures
from dashboard.data_folders import data_choices
from dashboard.state import checkpoints_folder
from yolo_core.data.config import DataConfig
from yolo_core.data.digits.source import NPZ_KEYS
from yolo_core.data.registry import is_scenes, open_source
from yolo_core.losses.families import FAMILY_NAMES, all_families, family_of
from yolo_core.losses.recipe import DerivedSetup, derived_setup
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
NUMBERS = {"steps": 100, "batch-size": 8, "learning-rate": 0.001, "seed": 1}
KEY = "new/"
_SAID = "what became of the start"


def _defaults() -> dict[str, Any]:
    fields = ("data", "loss", "network", *NUMBERS)
    values = {name: OPTIONS[f"--{name}"].field["default"] for name in fields}
    # Whoever starts the server with a folder is there for what is in it.
    own = [entry for entry in data_choices() if entry not in DIGITS]
    values |= FIELDS | ({"data": own[0]} if own else {})
    return values | {"path": "", "low": False, "name": ""}


@st.fragment
def new_training(*, starting: bool) -> None:
    """The form with its defaults, and the button that starts.

    A fragment: filling it in redraws nothing else. A wrong field says so under itself, and what
    the training process refuses is said under the button.

    Args:
        starting: Whether a training is being started just now.
    """
    # Streamlit forgets the fields while another page is shown, hence the copy. A field that is
    # there is left alone: writing to it would undo what is being typed.
    filled = st.session_state.setdefault("new training", _defaults())
    if JUST_STARTED in st.session_state:
        # The next training gets the next free name.
        filled["name"] = ""
        st.session_state.pop(KEY + "name", None)
    for field, value in filled.items():
        st.session_state.setdefault(KEY + field, value)

    st.subheader("New training")
    again = asked_again(OPTIONS)
    taken = carried() if again is None else {}
    if again is not None:
        if is_to_fill(again):
            _fill(again)
        say_again(again)
    if taken:
        show_carried()
    data, data_error = ({}, None) if "data" in taken else _data(again)
    losses = {each.name: each.label for each in all_families()}
    if again is not None:
        losses.setdefault(again.value("loss"), again.value("loss"))
    # One that is no longer asked for.
    if st.session_state[KEY + "loss"] not in losses:
        st.session_state[KEY + "loss"] = _defaults()["loss"]
    loss = st.selectbox("Loss", list(losses), format_func=losses.get, key=KEY + "loss")
    sizes = OPTIONS["--network"].field["enum"][:3]
    size = st.segmented_control("Network", sizes, key=KEY + "network")
    if size is None:
        say("Choose the size of the network.")
    given: dict[str, Any] = {"loss": loss, "network": size}
    places = st.columns(2)
    for at, name in enumerate(NUMBERS):
        with places[at % 2]:
            given[name] = _number(name)
    low = st.toggle(
        "Low priority",
        key=KEY + "low",
        help="Trains only while no other program needs the processor. On a busy machine that can "
        "be hardly ever.",
    )
    # A run's own data are taken as that run takes them.
    before = again is not None and data == {"data": [again.value("data")]}
    config = again.config.data if again is not None and before else _config(data | taken)
    derived = None if data_error or config is None else _derived(config, loss)
    lambdas = _lambdas(loss, derived, {} if again is None else again.lambdas(loss))
    name, name_error = _name(loss)
    st.session_state["new training"] = {f: st.session_state.get(KEY + f) for f in filled}

    wrong = data_error or name_error or size is None
    disabled = bool(wrong) or starting
    if st.button("Start training", type="primary", width="stretch", disabled=disabled):
        arguments = ["--run", name]
        if again is not None:
            arguments += ["--config", str(again.file)]
            # Only what was changed: to say a seed again would give it to the samples, too.
            given = {o: value for o, value in given.items() if value != again.value(o)}
        options = ({} if before else data) | {o: [str(value)] for o, value in given.items()} | taken
        for option, values in options.items():
            arguments += [f"--{option}", *values]
        for term, value in lambdas.items():
            arguments += ["--lambda", f"{term}={value!r}"]
        ask_for_training([*arguments, *["--low-priority"] * low], say_under=_SAID)
    st.session_state.pop(JUST_STARTED, None)
    said = st.session_state.pop(_SAID, "")
    if said == ON_ITS_WAY:
        st.info(plain(said))
    elif said:
        say(said)


def _fill(again: Again) -> None:
    """Puts what a run was trained with into the fields; call it before them."""
    for name in ("data", "loss", "network", *NUMBERS):
        st.session_state[KEY + name] = again.value(name)
    if again.value("data") not in DIGITS:
        st.session_state[KEY + "data"] = AS_BEFORE


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
    if again is not None and again.value("data") not in DIGITS:
        kinds[AS_BEFORE] = f"as {again.name}: {again.value('data')}"
    if st.session_state[KEY + "data"] not in kinds:
        st.session_state[KEY + "data"] = next(iter(DIGITS))
    kind = st.selectbox("Data", list(kinds), format_func=kinds.get, key=KEY + "data")
    if kind == AS_BEFORE and again is not None:
        return {"data": [again.value("data")]}, None
    if kind not in DIGITS:
        return ask_pictures(kind, KEY)
    if kind != FILE:
        return {"data": [kind]}, None
    typed = st.text_input("Path of the .npz file", key=KEY + "path").strip()
    if not typed:
        st.caption(f"A file with the arrays {', '.join(NPZ_KEYS)}.")
        return {}, "no path yet"
    # Absolute, because the training process has the repository root as its current folder.
    path = Path(typed).expanduser().resolve()
    problem = _problem_with(str(path), path.stat().st_mtime_ns if path.is_file() else None)
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


def _config(options: dict[str, list[str]]) -> DataConfig | None:
    """What options of `train`, without their dashes, say of the data; None where they are wrong."""
    fields = {
        option.place.partition(".")[2]: options[name[2:]][0]
        for name, option in OPTIONS.items()
        if option.place.startswith("data.") and name[2:] in options
    }
    try:
        return DataConfig.model_validate(fields | {"classes": options.get("classes", [])})
    except ValueError:
        return None


def _derived(data: DataConfig, loss: str) -> DerivedSetup | None:
    """What follows from data of one's own for a loss; None for the digits, and where nothing can.

    What is wrong with the data is said where they are chosen.
    """
    if is_scenes(data.source):
        return None
    try:
        return _derived_once(data.model_dump_json(), loss)
    except ValueError:
        return None


@st.cache_data(max_entries=16, show_spinner="Looking at the objects")
def _derived_once(config: str, loss: str) -> DerivedSetup | None:
    return derived_setup(loss, open_source(DataConfig.model_validate_json(config)))


def _lambdas(loss: str, derived: DerivedSetup | None, before: dict[str, float]) -> dict[str, float]:
    """Asks for lambdas that differ from those the loss is trained with: those filled in.

    Args:
        loss: Name of the loss.
        derived: What follows from the data.
        before: What the run was given that is trained again.
    """
    for sentence in derived.sentences if derived else ():
        st.caption(plain(sentence))
    recipe = family_of(loss).recipe if loss in FAMILY_NAMES else {}
    starts = (derived.lambdas if derived else recipe) | before
    if not starts:
        return {}
    with st.expander("Lambdas at the start"):
        values = {
            term: st.number_input(
                plain(term),
                min_value=0.0,
                value=None,
                step=0.5,
                format="%g",
                placeholder=f"{value:g}",
                key=f"{KEY}{loss}/{term}",
            )
            for term, value in starts.items()
        }
    return {term: value for term, value in values.items() if value is not None}


def _name(loss: str) -> tuple[str, str | None]:
    """Asks for the run's name: the name, and what is wrong with it."""
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
        say(error)
        return name, str(error)
    return name, None
