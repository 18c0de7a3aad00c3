"""What the form of a new training asks of the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.data_folders import data_folders, is_inside
from yolo_core.training.config import NetworkConfig, parse_config, run_options

OPTION = run_options()["--network"].field
NONE, IMAGENET, FILE = "none", "imagenet", "a file"
FIELDS = {"network": OPTION["default"], "alpha": 1.0, "weights": NONE}
FIELDS |= {"weights-file": "", "frozen": False}


def ask_network(key: str) -> tuple[NetworkConfig | None, str | None]:
    """Asks for the network, and where it has a backbone for what that is.

    Args:
        key: What the keys of the fields begin with; they are those of `FIELDS`.

    Returns:
        The network, None where it cannot be; and what is wrong, if anything is.
    """
    size = st.selectbox(
        "Network",
        OPTION["enum"],
        key=f"{key}network",
        format_func=_called,
        help="A small one of this project, or one with a backbone of keras.applications.",
    )
    kind = NetworkConfig.model_construct(size=size)
    if kind.backbone is None and not kind.is_darknet:
        return NetworkConfig(size=size), None
    asked: dict[str, Any] = {"size": size}
    if size.startswith("MobileNet"):
        asked["alpha"] = st.number_input(
            "Alpha", 0.1, 3.0, step=0.25, key=f"{key}alpha", help="Factor on its widths."
        )
    chosen = st.segmented_control(
        "Weights",
        [NONE, FILE] if kind.is_darknet else [NONE, IMAGENET, FILE],
        key=f"{key}weights",
        required=True,
        help="What it starts with: nothing, of a backbone what Keras fetches or a Keras weights "
        "file of it without its top, of a Darknet network a .weights file.",
    )
    asked["weights"] = chosen
    wrong = None
    if chosen == FILE:
        typed = st.text_input("Weights file", key=f"{key}weights-file").strip()
        asked["weights"] = str(Path(typed).expanduser().absolute()) if typed else ""
        wrong = _wrong_with(typed)
    asked["frozen"] = chosen != NONE and st.toggle(
        "Frozen", key=f"{key}frozen", help="It keeps those weights; the heads are trained."
    )
    if wrong is None:
        try:
            return parse_config({"network": asked}, where="the settings").network, None
        except ValueError as error:
            wrong = str(error)
    say(wrong)
    return None, wrong


def fields_of(network: NetworkConfig) -> dict[str, Any]:
    """`FIELDS` as they have to be filled in for a network."""
    is_file = network.weights not in (NONE, IMAGENET)
    return {
        "network": network.size,
        "alpha": network.alpha or 1.0,
        "weights": FILE if is_file else network.weights,
        "weights-file": network.weights if is_file else "",
        "frozen": network.frozen,
    }


def network_options(asked: NetworkConfig, before: NetworkConfig | None) -> dict[str, list[str]]:
    """{option of `train` without its dashes: its values}.

    Args:
        asked: What was chosen.
        before: The network of the run that is trained again: what is as there is not said.
    """
    options = {}
    if before is None or before.size != asked.size:
        options["network"] = [asked.size]
        before = NetworkConfig(size=asked.size)
    if (asked.alpha or 1) != (before.alpha or 1):
        options["alpha"] = [f"{asked.alpha:g}"]
    if asked.weights != before.weights:
        options["weights"] = [asked.weights]
    if asked.frozen != before.frozen:
        options["frozen" if asked.frozen else "no-frozen"] = []
    return options


def _called(size: str) -> str:
    is_own = NetworkConfig.model_construct(size=size).backbone is None
    return size if is_own else f"{size} (of Keras)"


def _wrong_with(file: str) -> str | None:
    if not file:
        return "Name the weights file."
    if not is_inside(Path(file).expanduser()):
        return (
            f"{file} is not in a folder that this server was started with; it has "
            f"{', '.join(map(str, data_folders())) or 'none'}."
        )
    # No error where a name is too long for any file.
    return None if os.path.isfile(Path(file).expanduser()) else f"There is no file {file}."
