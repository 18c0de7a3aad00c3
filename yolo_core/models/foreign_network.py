"""Networks that anybody may have written down in Keras's JSON: only such as bring no code along.

Of layers only Keras's are made, and this package's, in Keras's safe mode.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from yolo_core.foreign_files import read_json_in_zip

MOST_BYTES = 20_000_000
"""Of the JSON."""

# They run code that is kept with them, or read files that they name.
_REFUSED = (
    *("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "TextVectorization"),
)
_OURS = ("yolo_core.models", "yolo_core.export.decoding")


def why_refused(fields: Any) -> str:
    """Why a network is not built from Keras's JSON; empty where it is."""
    for each in _objects(fields):
        kind, module = str(each.get("class_name")), each.get("module")
        if kind in _REFUSED:
            return f"a layer {kind} runs code of its own or reads files"
        of_keras = module in (None, "builtins") or str(module).split(".")[0] == "keras"
        if not of_keras and not str(module).startswith(_OURS):
            return f"{kind} is a class of the script that trained it"
        if module is None and each.get("registered_name") not in (None, kind):
            return f"{kind} is a class of the script that trained it"
    return ""


def network_of(fields: Any, file: Path) -> Any:
    """The network that Keras's JSON describes, with fresh weights.

    Args:
        fields: The JSON.
        file: Where it is from.

    Raises:
        ValueError: It is refused, or Keras cannot build it.
    """
    _check(fields, file)
    try:
        return keras.saving.deserialize_keras_object(fields, safe_mode=True)
    except Exception as error:  # a file may hold anything, and Keras raise anything about it
        raise _cannot_build(file, error) from None


def load_keras(path: str | Path) -> Any:
    """A model from a `.keras` file, which anybody may have made.

    Args:
        path: The file.

    Raises:
        ValueError: It is no such file, or has code in it.
    """
    path = Path(path)
    fields = read_json_in_zip(path, "config.json", most_bytes=MOST_BYTES)
    _check(fields, path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise _cannot_build(path, error) from None


def _check(fields: Any, file: Path) -> None:
    why = why_refused(fields)
    if why:
        raise ValueError(f"{file} is not loaded: {why}.")
    for each in _objects(fields):
        if str(each.get("module")).startswith(_OURS):
            importlib.import_module(each["module"])


def _cannot_build(file: Path, error: Exception) -> ValueError:
    first = "".join(str(error).strip().splitlines()[:1]).rstrip(".")
    return ValueError(
        f"{file} is no network that Keras {keras.__version__} can build "
        f"({first or type(error).__name__})."
    )


def _objects(fields: Any) -> Iterator[dict[str, Any]]:
    """Everything in Keras's JSON that names a class."""
    if isinstance(fields, dict):
        if "class_name" in fields:
            yield fields
        fields = fields.values()
    elif not isinstance(fields, list):
        return
    for each in fields:
        yield from _objects(each)
