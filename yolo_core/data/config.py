"""What a run's configuration says about its data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# The database counts to 2**63; so far no training goes.
Positive = Annotated[int, Field(gt=0, le=10**9)]


class Section(BaseModel):
    """A part of `config.json`: fields that are not known are an error, and none changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataConfig(Section):
    """Where the samples come from.

    The source decides what it makes of the sizes and counts: they are the digit scenes'.

    Attributes:
        source: "digits" (scikit-learn's 1,797 bundled digits), "mnist" (Keras's loader), the path
            of an .npz in Keras's MNIST layout, or "KIND" or "KIND:WHERE" of an installed source
            (`yolo_core.data.registry`).
        seed: Seed of the samples; sample i of a split depends on (source, seed, split, i) alone.
        image_size: Side of the square canvas in pixels.
        max_objects: Most digits in a scene.
        train_scenes: A fixed training set of that many scenes; None makes fresh ones for ever.
        validation_scenes: Samples that an evaluation looks at, if the source has so many.
    """

    source: str = Field(default="digits", min_length=1)
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    image_size: Annotated[int, Field(ge=32, le=512, multiple_of=16)] = 96
    max_objects: Annotated[int, Field(ge=1, le=20)] = 5
    train_scenes: Positive | None = None
    validation_scenes: Positive = 300
