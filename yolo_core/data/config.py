"""What a run's configuration says about its data."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

# The database counts to 2**63; so far no training goes.
Positive = Annotated[int, Field(ge=1, le=10**9)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]

PICTURE_KINDS = ("voc", "coco", "yolo")
"""Kinds of data that are folders of annotated pictures."""
PICTURE_SIZE = 416
"""Side in pixels that pictures are resized to where nobody says another."""
SIDES = (32, 2048)
SCENE_SIDES = (32, 512)
SIDE_STEP = 16

AUGMENTATIONS = ("flip", "scale", "crop", "colour")
"""Ways in which a training sample is changed at random; `augment.py` says how."""
OFF = "off"


def read_image_size(value: Any) -> int | str:
    """What 416, "416" or "320x256" (width x height) means: a whole number where it is a square.

    Raises:
        ValueError: It is something else, a side is out of range or no multiple of 16.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("Input should be a side in pixels or WIDTHxHEIGHT, such as 320x256")
    found = re.fullmatch(r"(\d{1,5})(?:\s*[x×]\s*(\d{1,5}))?", str(value).strip().lower())
    if found is None:
        raise ValueError("Input should be a side in pixels or WIDTHxHEIGHT, such as 320x256")
    width, height = int(found[1]), int(found[2] or found[1])
    for side in (width, height):
        if not SIDES[0] <= side <= SIDES[1] or side % SIDE_STEP:
            raise ValueError(
                f"Input should be {SIDES[0]} to {SIDES[1]} pixels and a multiple of {SIDE_STEP}"
            )
    return width if width == height else f"{width}x{height}"


ImageSize = Annotated[
    int | str, BeforeValidator(read_image_size), WithJsonSchema({"type": "string"})
]


class Section(BaseModel):
    """A part of `config.json`: fields that are not known are an error, and none changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataConfig(Section):
    """Where the samples come from, and what is made of them.

    The source decides what it makes of the rest: the counts are the digit scenes', and what stands
    below them is for pictures of one's own.
    """

    source: str = Field(
        default="digits",
        min_length=1,
        description="digits (scikit-learn's 1,797 bundled ones), mnist (Keras's loader), the path "
        "of an .npz in Keras's MNIST layout, voc:DIR, coco:FILE.json, yolo:DATA.yaml, or KIND or "
        "KIND:WHERE of an installed source",
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        description="seed of the samples; sample i of a split depends on source, seed, split and i "
        "alone",
    )
    image_size: ImageSize = Field(
        default=96,
        description="size in pixels that enters the network, 416 or 320x256 (width x height), "
        f"multiples of {SIDE_STEP}; digit scenes are square; for pictures of one's own "
        f"{PICTURE_SIZE} where nothing is said",
    )
    max_objects: int = Field(default=5, ge=1, le=20, description="most digits in a scene")
    train_scenes: Positive | None = Field(
        default=None,
        description="a fixed training set of that many scenes, else fresh ones for ever",
    )
    validation_scenes: Positive = Field(
        default=300, description="samples that an evaluation looks at, if the source has so many"
    )
    pictures: str | None = Field(
        default=None,
        description="folder of the pictures, where the annotations do not say it (coco:FILE.json)",
    )
    classes: tuple[str, ...] = Field(
        default=(), description="classes to keep, each by its name; none stands for all"
    )
    names: tuple[str, ...] = Field(
        default=(),
        description="classes of the network, in its order, where it has others than the pictures: "
        "each class of theirs is one of these",
    )
    fit: Literal["stretch", "letterbox"] = Field(
        default="stretch",
        description="how a picture is brought to the image size: stretch, or letterbox, which "
        "keeps its shape and pads the rest",
    )
    augment: str = Field(
        default=",".join(AUGMENTATIONS),
        description=f"changes of the training pictures at random: {', '.join(AUGMENTATIONS)} with "
        f"commas between them, or {OFF}",
    )
    cache_megabytes: int = Field(
        default=4000,
        ge=0,
        le=10**9,
        description="disk space, shared by all runs, that decoded pictures may take; 0 keeps none",
    )

    @model_validator(mode="before")
    @classmethod
    def _size_of_pictures(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and "image_size" not in fields:
            kind = str(fields.get("source", "")).partition(":")[0]
            return {**fields, "image_size": PICTURE_SIZE} if kind in PICTURE_KINDS else fields
        return fields

    @field_validator("augment")
    @classmethod
    def _known_augmentations(cls, value: str) -> str:
        words = [word for word in re.split(r"[\s,]+", value.strip()) if word]
        if words == [OFF]:
            return OFF
        if not words or not set(words) <= set(AUGMENTATIONS):
            raise ValueError(
                f"Input should be {OFF}, or of {', '.join(AUGMENTATIONS)} those that are wanted"
            )
        return ",".join(word for word in AUGMENTATIONS if word in words)

    @model_validator(mode="after")
    def _scenes_are_square(self) -> Self:
        is_digits = self.source in ("digits", "mnist") or self.source.endswith(".npz")
        if is_digits and not (isinstance(self.image_size, int) and self.image_size <= 512):
            raise ValueError(
                f"image_size: scenes of digits are square, {SCENE_SIDES[0]} to {SCENE_SIDES[1]} "
                f"pixels; expected such a side"
            )
        return self

    @model_validator(mode="after")
    def _names_are_for_pictures(self) -> Self:
        if self.names and self.kind not in PICTURE_KINDS:
            raise ValueError(f"names: these are for pictures of one's own, not {self.source!r}")
        return self

    @property
    def kind(self) -> str:
        """What stands before the colon of `source`."""
        return self.source.partition(":")[0]

    @property
    def width_height(self) -> tuple[int, int]:
        """Width and height in pixels of what enters the network."""
        width, _, height = str(self.image_size).partition("x")
        return int(width), int(height or width)

    @property
    def augmentations(self) -> frozenset[str]:
        """The words of `augment`, none where it is off."""
        return frozenset(self.augment.split(",")) - {OFF}
