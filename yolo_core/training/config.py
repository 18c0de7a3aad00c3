"""The complete description of a run: what `config.json` holds, and what alone restarts it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from yolo_core.data.config import DataConfig, Positive, PositiveFloat, Section
from yolo_core.data.sample import split_name
from yolo_core.data.script_samples import RECORDED
from yolo_core.data.source import PINNED
from yolo_core.foreign_files import read_json
from yolo_core.losses.families import DEFAULT_FAMILY, FAMILY_NAMES
from yolo_core.losses.heads import SLOTS_A_CELL
from yolo_core.runs.layout import RECORDED_FILE, RunFolder
from yolo_core.runs.status import read_status
from yolo_core.training.network_config import NetworkConfig
from yolo_core.training.schedule import DialSchedule

CONFIG_VERSION = 1


class LossConfig(Section):
    """Which loss, with which options."""

    name: str = Field(
        default=DEFAULT_FAMILY,
        min_length=1,
        description=f"{', '.join(FAMILY_NAMES)}, a published variant NAME/VARIANT, or "
        "FILE.py:Class, a loss of your own",
    )
    lambdas: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default={},
        description="weights that differ from the loss's own, by term or published group name",
    )
    options: dict[str, Any] = Field(default={}, description="keyword options of the loss")
    anchors: Annotated[list[tuple[PositiveFloat, PositiveFloat]], Field(min_length=1)] | None = (
        Field(
            default=None,
            description="widths and heights as image fractions; None where the loss has none, and "
            "in runs of earlier versions, which are fitted to the data at every start",
        )
    )
    anchors_fitted: bool = Field(
        default=False,
        description="whether they were fitted to the data when the run began; given ones are not",
    )
    anchors_per_head: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description=f"anchors to fit for each head; None for {SLOTS_A_CELL}",
    )

    @field_validator("options")
    @classmethod
    def _not_what_is_said_elsewhere(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in ("name", "num_classes", "lambdas", "anchors", "priors", "grids"):
            if name in value:
                raise ValueError(f"{name} is no option: it follows from the other settings")
        return value

    @model_validator(mode="after")
    def _fitted_or_given(self) -> Self:
        if self.anchors_fitted and self.anchors is None:
            raise ValueError("anchors_fitted is of anchors, and there are none")
        if self.anchors and self.anchors_per_head is not None and not self.anchors_fitted:
            raise ValueError(
                "anchors_per_head is the number of anchors to fit, and these are given; "
                "--anchors fitted has some fitted instead"
            )
        return self


class TrainingConfig(Section):
    """How long and how fast."""

    steps: Positive = Field(default=2500, description="optimizer updates in all")
    until: Positive | None = Field(
        default=None,
        description="update after which the training ends, where that is before the last one of "
        "its schedule",
    )
    batch_size: int = Field(default=16, ge=1, le=4096, description="images a step")
    learning_rate: PositiveFloat = Field(default=2e-2, description="highest learning rate of Adam")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine",
        description="cosine rises over the first steps and falls to nothing at the last one; "
        "constant stays",
    )
    evaluate_every: Positive = Field(
        default=250, description="steps between two evaluations; also after the last step"
    )
    checkpoint_every: Positive = Field(
        default=250, description="steps between two checkpoints; also after the last step"
    )
    schedules: dict[str, DialSchedule] = Field(
        default={},
        description="what a term, a published group or learning_rate follows, by its name",
    )
    patience: int = Field(
        default=0,
        ge=0,
        le=10**6,
        description="evaluations without a better validation mAP50 after which the training ends; "
        "0 never ends it early",
    )
    snapshot_every: Positive = Field(
        default=100, description="steps between two snapshots once the dense early ones are over"
    )
    pulls_every: int = Field(
        default=100,
        ge=0,
        le=10**6,
        description="steps between two measurements of what each term pulls, once the dense early "
        "ones are over; 0 for none",
    )
    snapshot_megabytes: Positive = Field(
        default=500, description="disk space that the snapshots of a run may take"
    )
    pinned: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        default=PINNED,
        description="names of the samples that are snapshotted; of the default those that the "
        "source has",
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="auto", description="auto takes mixed precision on a GPU and float32 elsewhere"
    )
    xla: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="whether XLA compiles the step; auto does so on one GPU, and nowhere else",
    )
    devices: int = Field(
        default=1,
        ge=1,
        le=64,
        description="GPUs that share every batch, or parts of the processor where there is none; "
        "under TF_CONFIG those of each worker",
    )

    @property
    def last_step(self) -> int:
        """The update after which the training ends."""
        return self.steps if self.until is None else min(self.until, self.steps)

    @field_validator("pinned")
    @classmethod
    def _known_samples(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            split_name(name)
        return value

    @model_validator(mode="after")
    def _equal_parts(self) -> Self:
        if self.batch_size % self.devices:
            raise ValueError(
                f"{self.devices} devices share a batch equally, which {self.batch_size} pictures "
                "cannot be"
            )
        if self.xla == "on" and self.devices > 1:
            raise ValueError("xla compiles the step of one device; with several it is off")
        return self


class ForkedFrom(Section):
    """Which run a fork goes on from."""

    run: str = Field(min_length=1, description="its name at that time")
    step: int = Field(ge=0, description="updates of the checkpoint that the fork began with")


class RunConfig(Section):
    """Everything that a run depends on, and nothing that it does not."""

    version: Literal[1] = Field(default=CONFIG_VERSION, description="version of this layout")
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        description="seed of the network's first weights; --seed gives it to the samples, too",
    )
    data: DataConfig = DataConfig()
    loss: LossConfig = LossConfig()
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    forked_from: ForkedFrom | None = Field(
        default=None, description="of a fork, the run that it was made from"
    )

    def to_json(self) -> str:
        """The text of `config.json`: every field, indented."""
        return self.model_dump_json(indent=2) + "\n"


class ScriptConfig(Section):
    """What is known of a training that a script of somebody's own set up."""

    file: str = Field(default="", description="name of the script")
    backend: str = Field(default="tensorflow", description="what it computed with")
    loss_class: str = Field(description="class of the loss")
    loss: dict[str, Any] = Field(description="arguments that make the loss again")
    layout: dict[str, Any] = Field(
        default={}, description="arguments of in_layout, where the network has another layout"
    )
    network: str = Field(
        default="", description="why its network cannot be built here; empty where it can"
    )
    folder: Path = Field(default=Path(), exclude=True, description="the run's, when it is read")


class RecordedConfig(RunConfig):
    """The `recorded.json` of a run of somebody's own script: enough to look at it, not to train."""

    script: ScriptConfig

    def to_json(self) -> str:
        """The text of `recorded.json`: only what is known."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        fields |= {"loss": {"name": self.loss.name}, "data": {"source": RECORDED}}
        return json.dumps(fields, indent=2) + "\n"


class RunOption(NamedTuple):
    """A field of the configuration that is one value.

    Attributes:
        place: Such as "training.steps".
        kind: int, float or str.
        field: Its JSON schema: description, default, and minimum, maximum or enum where it has one.
    """

    place: str
    kind: type
    field: dict[str, Any]


def run_options() -> dict[str, RunOption]:
    """{"--batch-size": option}: what the command line and the Train page ask for.

    Source, name and size are called by their sections. The seed of the scenes is left out: it is
    given with that of the network.
    """
    schema = RunConfig.model_json_schema()
    found = {}
    for section in ("loss", "data", "network", "training", ""):
        whole = schema["$defs"][f"{section.capitalize()}Config"] if section else schema
        for name, field in whole["properties"].items():
            field = field.get("anyOf", [{}])[0] | field
            kind = {"integer": int, "number": float, "string": str}.get(field.get("type", ""))
            place = f"{section}.{name}".strip(".")
            if kind is not None and "const" not in field and place != "data.seed":
                called = section if name in ("source", "name", "size") else name
                found[f"--{called.replace('_', '-')}"] = RunOption(place, kind, field)
    return found


def parse_config(
    fields: dict[str, Any],
    *,
    where: str = "the configuration",
    kind: type[RunConfig] = RunConfig,
) -> RunConfig:
    """Validates a nested dictionary.

    Raises:
        ValueError: One line a wrong field: where it is, what it is, what was expected.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc'])}: "
            f"{item['msg'].removeprefix('Value error, ').rstrip('.')}; received {item['input']!r}"
            for item in error.errors()
        ]
        raise ValueError(f"In {where}: " + "; ".join(lines) + ".") from None


def read_config(path: Path) -> RunConfig:
    """Reads a `config.json`, or the `recorded.json` of a run of somebody's own script.

    Raises:
        ValueError: The file is missing, is not JSON, or holds wrong fields.
    """
    fields = read_json(path)
    if path.name != RECORDED_FILE:
        return parse_config(fields, where=str(path))
    # Whatever the file says: its samples and its network lie beside it.
    folder, script = path.absolute().parent, fields.get("script")
    fields["data"] = {"source": f"{RECORDED}:{folder}"}
    if isinstance(script, dict):
        fields["script"] = {**script, "folder": str(folder)}
    return parse_config(fields, where=str(path), kind=RecordedConfig)


def check_restarts(config: RunConfig, run: str) -> None:
    """Refuses to train from what is known of a run of somebody's own script.

    Raises:
        ValueError: It is one.
    """
    if isinstance(config, RecordedConfig):
        raise ValueError(
            f"{run} was trained by a script of its own"
            f"{config.script.file and f', {config.script.file}'}: start that script again, in "
            "which its network and data are. From here it can be looked at, but not trained."
        )


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
