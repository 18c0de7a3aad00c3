"""What a run of somebody's own script is looked at with: its loss, its network, its samples.

The loss is kept as Keras keeps one, by its class and arguments; the network as Keras's JSON. Both
may come from anybody: of losses only this package's own are made, of networks only Keras's layers
and this package's, in Keras's safe mode.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from yolo_core.data.script_samples import KeptSamples, write_samples
from yolo_core.files import replace_file
from yolo_core.foreign_files import parse_json, read_json
from yolo_core.layouts.foreign import in_layout
from yolo_core.losses.families import all_families, family_of_class, loss_names
from yolo_core.losses.heads import STRIDES, grid_cells
from yolo_core.models.foreign_network import MOST_BYTES, network_of, why_refused
from yolo_core.runs.layout import RECORDED_FILE, RunFolder
from yolo_core.slots import SlotLayout
from yolo_core.training.config import (
    LossConfig,
    NetworkConfig,
    RecordedConfig,
    ScriptConfig,
    TrainingConfig,
)

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss


def loss_title(loss: DetectionLoss) -> str:
    """What the pages call a loss: a published name, or "FILE.py:Class" for one of a script."""
    of_ours = is_of_ours(loss)
    loss = _in_our_layout(loss)
    kind = type(loss)
    if not of_ours:
        module = sys.modules.get(kind.__module__)
        file = Path(getattr(module, "__file__", None) or "script.py")
        return f"{file.name}:{kind.__name__}"
    name = loss.name.replace("_", "/", 1) if loss.name not in loss_names() else loss.name
    if name in loss_names():
        return name
    family = family_of_class(kind)
    return kind.__name__ if family is None else family.name


def describe_run(
    folder: RunFolder,
    loss: DetectionLoss,
    *,
    layout: SlotLayout | None,
    image_shape: Sequence[int] | None,
    network: Any,
    samples: KeptSamples | None,
    batch_size: int | None,
    learning_rate: float | None,
    steps: int | None,
    snapshot_megabytes: int,
    backend: str,
) -> None:
    """Writes what the pages need to compute with a run of somebody's own script.

    Args:
        folder: The run's.
        loss: Its loss, or the one that it is looked at with.
        layout: Where its slots sit, where that is known.
        image_shape: Height, width and channels of its pictures, likewise.
        network: The Keras network; or, where there is none, a sentence that says so.
        samples: What it keeps; None for nothing.
        batch_size: Pictures a step, where that is known.
        learning_rate: Of the first step, where that is known.
        steps: Updates in all, where that is known.
        snapshot_megabytes: Disk space that the snapshots may take.
        backend: What computes.

    Raises:
        ValueError: The disk is full.
    """
    why, text = (network, None) if isinstance(network, str) else _network_json(network)
    described = described_loss(loss, layout)
    if why:  # without a network all that is looked at is slots
        described["layout"] = {}
    strides = None if layout is None or image_shape is None else _strides(layout, image_shape)
    training: dict[str, Any] = {
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "steps": steps,
        "snapshot_megabytes": snapshot_megabytes,
    }
    config = RecordedConfig(
        loss=LossConfig(name=loss_title(loss)),
        network=NetworkConfig(strides=strides),
        training=TrainingConfig(**{name: each for name, each in training.items() if each}),
        script=ScriptConfig(
            file=Path(sys.argv[0]).name if sys.argv else "",
            backend=backend,
            network=why,
            **described,
        ),
    )
    if samples is not None:
        write_samples(folder.samples, samples)
    if text is not None:
        replace_file(folder.network, text)
    replace_file(folder.path / RECORDED_FILE, config.to_json())


def described_loss(loss: DetectionLoss, layout: SlotLayout | None = None) -> dict[str, Any]:
    """A loss as JSON: its class, its arguments, and whose raw predictions it takes.

    Args:
        loss: The loss.
        layout: Where its slots sit, where that is known.

    Returns:
        The fields of a `ScriptConfig`, which `made_loss` takes.
    """
    raw = dict(getattr(loss, "layout_arguments", {}))
    loss = _in_our_layout(loss)
    arguments = loss.get_config()
    if layout is not None and arguments.get("grids", ()) is None:
        # Of one tensor of slots nobody could tell where its heads end.
        arguments["grids"] = [list(grid[:2]) for grid in layout.grids]
    fields = {"loss_class": type(loss).__name__, "layout": raw, "loss": arguments}
    return parse_json(json.dumps(fields, default=_plain))


def made_loss(loss_class: str, loss: Mapping[str, Any], layout: Mapping[str, Any]) -> DetectionLoss:
    """The loss that `described_loss` describes; of this package's classes alone.

    Raises:
        LookupError: There is no such class.
        TypeError: Something is there that it does not take.
        ValueError: Likewise.
    """
    kind = _kept_class(loss_class)
    if kind is None:
        raise LookupError(f"there is no loss {loss_class!r} in this package")
    made = kind.from_config(dict(loss))
    return in_layout(made, **layout) if layout else made


def recorded_loss(script: ScriptConfig) -> DetectionLoss:
    """The loss of a recorded run, made anew.

    Raises:
        ValueError: It is a class of the script's own, or the file holds what it does not take.
    """
    if _kept_class(script.loss_class) is None:
        raise ValueError(
            f"This run was trained with {script.loss_class}, a loss of the script that recorded "
            "it, which is never loaded from here: it can be shown from its snapshots, and not be "
            "computed anew."
        )
    try:
        return made_loss(script.loss_class, script.loss, script.layout)
    except (TypeError, ValueError, LookupError) as error:
        raise ValueError(
            f"{script.folder / RECORDED_FILE} does not describe a {script.loss_class}: {error}."
        ) from None


def recorded_network(script: ScriptConfig) -> Any:
    """The Keras network of a recorded run, with fresh weights.

    Raises:
        ValueError: It cannot be built here; the sentence says why, and what still can be seen.
    """
    if script.network:
        raise ValueError(script.network)
    path = RunFolder(script.folder).network
    return network_of(read_json(path, most_bytes=MOST_BYTES), path)


def _network_json(network: Any) -> tuple[str, str | None]:
    """Why it cannot be kept, or empty; and the text where it can."""
    ending = "Everything that was recorded while it trained can be seen."
    try:
        fields = keras.saving.serialize_keras_object(network)
        fields.pop("compile_config", None)
        text = json.dumps(fields)
        parse_json(text)
        why = why_refused(fields)
    except Exception as error:  # a layer of one's own may fail in any way
        why = f"Keras cannot write it down: {str(error).strip().splitlines()[0]}"
    if why:
        return f"The network of this run cannot be built here: {why.rstrip('.')}. {ending}", None
    return "", text


def _in_our_layout(loss: Any) -> Any:
    """A loss on another program's predictions, as the loss that it is."""
    return getattr(loss, "published_loss", loss)


def is_of_ours(loss: Any) -> bool:
    """Whether a loss is one of this package, which `made_loss` makes again."""
    kind = type(_in_our_layout(loss))
    return _kept_class(kind.__name__) is kind


def _kept_class(name: str) -> Any:
    """The loss of this package whose class is called that; None where there is none."""
    kinds = (
        family.loss_class(verbatim=verbatim)
        for family in all_families()
        for verbatim in (False, True)
    )
    return next((kind for kind in kinds if kind.__name__ == name), None)


def _strides(layout: SlotLayout, image_shape: Sequence[int]) -> Any:
    """Pixels a cell of each head, where these are such as networks of this project have."""
    found = [round(image_shape[0] / rows) for rows, _, _ in layout.grids]
    if len({*found}) < len(found) or not {*found} <= {*STRIDES}:
        return None
    grids = [grid_cells(image_shape, each, max(found)) for each in found]
    return tuple(found) if grids == [tuple(grid[:2]) for grid in layout.grids] else None


def _plain(value: Any) -> Any:
    """NumPy's values for JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
