"""The complete description of a run: what `config.json` holds, and what alone restarts it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from yolo_core.data.config import DataConfig, Positive, Section
from yolo_core.data.sample import split_name
from yolo_core.data.source import PINNED
from yolo_core.foreign_files import read_json
from yolo_core.losses.families import DEFAULT_FAMILY
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status

CONFIG_VERSION = 1

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LossConfig(Section):
    """Which loss, with which options.

    Attributes:
        name: A family (this project's sound default), a published variant "FAMILY/VARIANT", or a
            loss of one's own, "/path/of/FILE.py:Class".
        lambdas: Weights that differ from the loss's defaults, by term or published group name.
        options: Keyword options of the loss.
        anchors: (A, 2) widths and heights as image fractions, or None for the data's own.
    """

    name: str = Field(default=DEFAULT_FAMILY, min_length=1)
    lambdas: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default={})
    options: dict[str, Any] = Field(default={})
    anchors: Annotated[list[tuple[PositiveFloat, PositiveFloat]], Field(min_length=1)] | None = None

    @field_validator("options")
    @classmethod
    def _not_what_is_said_elsewhere(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in ("name", "num_classes", "lambdas", "anchors", "priors", "grids"):
            if name in value:
                raise ValueError(f"{name} is no option: it follows from the other settings")
        return value


class NetworkConfig(Section):
    """The network: a small convolutional one, in three sizes."""

    size: Literal["small", "medium", "large"] = "medium"


class TrainingConfig(Section):
    """How long and how fast.

    Attributes:
        steps: Optimizer updates in all.
        batch_size: Images a step.
        learning_rate: Peak learning rate of Adam.
        schedule: "cosine" warms up over the first steps and falls to nothing at the last one;
            "constant" stays.
        evaluate_every: Steps between two evaluations; also after the last step.
        checkpoint_every: Steps between two checkpoints; also after the last step.
        snapshot_every: Steps between two snapshots once the dense early ones are over.
        snapshot_megabytes: Disk space the snapshots of a run may take.
        pinned: Names of the samples that are snapshotted; of those named here by default, the ones
            that the source has.
        precision: "auto" takes mixed precision on a GPU and float32 elsewhere.
    """

    steps: Positive = 2500
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    learning_rate: PositiveFloat = 2e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    evaluate_every: Positive = 250
    checkpoint_every: Positive = 250
    snapshot_every: Positive = 100
    snapshot_megabytes: Positive = 500
    pinned: Annotated[tuple[str, ...], Field(min_length=1)] = PINNED
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = "auto"

    @field_validator("pinned")
    @classmethod
    def _known_samples(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            split_name(name)
        return value


class RunConfig(Section):
    """Everything that a run depends on, and nothing that it does not.

    Attributes:
        version: Version of this layout, `CONFIG_VERSION`.
        seed: Seed of the network's initial weights.
    """

    version: Literal[1] = CONFIG_VERSION
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def to_json(self) -> str:
        """The text of `config.json`: every field, indented."""
        return self.model_dump_json(indent=2) + "\n"


def parse_config(fields: dict[str, Any], *, where: str = "the configuration") -> RunConfig:
    """Validates a nested dictionary.

    Raises:
        ValueError: One line a wrong field: where it is, what it is, what was expected.
    """
    try:
        return RunConfig.model_validate(fields)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc'])}: "
            f"{item['msg'].removeprefix('Value error, ').rstrip('.')}; received {item['input']!r}"
            for item in error.errors()
        ]
        raise ValueError(f"In {where}: " + "; ".join(lines) + ".") from None


def read_config(path: Path) -> RunConfig:
    """Reads a `config.json`.

    Raises:
        ValueError: The file is missing, is not JSON, or holds wrong fields.
    """
    return parse_config(read_json(path), where=str(path))


def read_run_config(folder: RunFolder) -> RunConfig:
    """The configuration that a run goes on with, which must be the one that it began with.

    Raises:
        ValueError: As `read_config`, or the file says something else than when the run began.
    """
    config = read_config(folder.config)
    # Runs of earlier versions have not put it down.
    if read_status(folder).config not in (None, config_digest(folder.config)):
        raise ValueError(
            f"{folder.config} is damaged or was changed since run {folder.name!r} began: going on "
            "with it would be another training. Put the old file back, or start a new run with "
            "--config."
        )
    return config


def config_digest(path: Path) -> str:
    """SHA-256 of what a `config.json` says, however it is written.

    Raises:
        ValueError: The file is missing or is not JSON.
    """
    return hashlib.sha256(json.dumps(read_json(path), sort_keys=True).encode()).hexdigest()
