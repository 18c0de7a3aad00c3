"""What a run's configuration says about its data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# The database counts to 2**63; so far no training goes.
Positive = Annotated[int, Field(ge=1, le=10**9)]


class Section(BaseModel):
    """A part of `config.json`: fields that are not known are an error, and none changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataConfig(Section):
    """Where the samples come from.

    The source decides what it makes of the sizes and counts: they are the digit scenes'.
    """

    source: str = Field(
        default="digits",
        min_length=1,
        description="digits (scikit-learn's 1,797 bundled ones), mnist (Keras's loader), the path "
        "of an .npz in Keras's MNIST layout, or KIND or KIND:WHERE of an installed source",
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        description="seed of the samples; sample i of a split depends on source, seed, split and i "
        "alone",
    )
    image_size: int = Field(
        default=96,
        ge=32,
        le=512,
        multiple_of=16,
        description="side of a scene in pixels, a multiple of 16",
    )
    max_objects: int = Field(default=5, ge=1, le=20, description="most digits in a scene")
    train_scenes: Positive | None = Field(
        default=None,
        description="a fixed training set of that many scenes, else fresh ones for ever",
    )
    validation_scenes: Positive = Field(
        default=300, description="samples that an evaluation looks at, if the source has so many"
    )
