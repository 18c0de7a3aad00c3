"""Which network a run has, and what it starts with."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from yolo_core.data.config import DataConfig, PositiveFloat, Section
from yolo_core.losses.heads import STRIDES
from yolo_core.models.darknet.cfg import MOST_BYTES
from yolo_core.models.darknet.known import TRAINED
from yolo_core.models.darknet.pretrained import CFG

BACKBONE_STEP = 32
"""Pixels that the sides of what enters a backbone are multiples of."""


class DarknetConfig(Section):
    """A Darknet network as its file has it, so that the run needs no file but its own."""

    cfg: str = Field(min_length=1, max_length=MOST_BYTES, description="text of the .cfg")


OWN_NETWORKS = ("small", "medium", "large")
BACKBONES = (
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large"),
    *("EfficientNetB0", "EfficientNetB1", "EfficientNetV2B0"),
    *("ResNet50", "ResNet101", "VGG16", "DenseNet121"),
)
Stride = Literal[2, 4, 8, 16, 32, 64, 128]
NetworkName = Annotated[
    str, WithJsonSchema({"type": "string", "enum": [*OWN_NETWORKS, *BACKBONES, *TRAINED]})
]


class NetworkConfig(Section):
    """The network: a small convolutional one, a backbone of keras.applications, or Darknet's."""

    size: NetworkName = Field(
        default="medium",
        description="how large it is; or the backbone of keras.applications in it, or the network "
        "of Darknet that it is, by its name or as cfg:FILE: pictures for these have sides that are "
        "multiples of 32",
    )
    alpha: PositiveFloat | None = Field(
        default=None, description="factor on the widths of a MobileNet; None for its own, 1"
    )
    weights: str = Field(
        default="none",
        min_length=1,
        description="weights that it starts with: none; of a backbone imagenet (fetched by Keras), "
        "or a Keras weights file of it without its top; of a Darknet network a .weights file",
    )
    frozen: bool = Field(
        default=False,
        description="whether the backbone, or of a Darknet network all but the last convolution "
        "before each head, keeps those weights",
    )
    strides: (
        Annotated[tuple[Literal[2, 4, 8, 16, 32, 64, 128], ...], Field(min_length=1)] | None
    ) = Field(
        default=None,
        description="pixels from one cell to the next on each head, in the order of the "
        "loss's own, coarse or fine first; None takes those that the loss has for the digits",
    )
    darknet: DarknetConfig | None = Field(
        default=None, description="of a network cfg:FILE, what that file says"
    )

    @property
    def backbone(self) -> str | None:
        """Its name in keras.applications; None for another network."""
        return self.size if self.size in BACKBONES else None

    @property
    def is_darknet(self) -> bool:
        """Whether it is a network of Darknet."""
        return self.size in TRAINED or self.size.startswith(CFG)

    @property
    def cfg(self) -> str | None:
        """The text of its `.cfg`, where it is read from one."""
        return None if self.darknet is None else self.darknet.cfg

    def check_sides(self, data: DataConfig) -> None:
        """Whether pictures of that size can enter it.

        Raises:
            ValueError: They cannot.
        """
        step = max(self.strides or ()) if self.is_darknet and self.strides else BACKBONE_STEP
        if (self.backbone or self.is_darknet) and any(side % step for side in data.width_height):
            raise ValueError(
                f"{self.size} takes pictures whose sides are multiples of {step} pixels; "
                f"received --image-size {data.image_size}."
            )

    @field_validator("size")
    @classmethod
    def _known_network(cls, value: str) -> str:
        names = (*OWN_NETWORKS, *BACKBONES, *TRAINED)
        if value not in names and (not value.startswith(CFG) or value == CFG):
            raise ValueError(f"Input should be {', '.join(names)} or {CFG}FILE")
        return value

    @model_validator(mode="after")
    def _what_goes_together(self) -> Self:
        starts = (self.alpha, self.weights, self.frozen) != (None, "none", False)
        if starts and self.size in OWN_NETWORKS:
            raise ValueError(
                "alpha, weights and frozen are of a backbone, such as MobileNetV2, and the last "
                "two of a Darknet network"
            )
        if self.alpha is not None and not self.size.startswith("MobileNet"):
            raise ValueError("alpha is of the MobileNets")
        if self.frozen and self.weights == "none":
            raise ValueError("frozen keeps the weights of a network, and with none they are random")
        if self.is_darknet and self.weights == "imagenet":
            raise ValueError("imagenet is of a backbone; a Darknet network takes a .weights file")
        if self.size.startswith(CFG) != (self.darknet is not None):
            raise ValueError(f"darknet is of a network {CFG}FILE, and such a network needs it")
        if not self.is_darknet and not set(self.strides or ()) <= set(STRIDES):
            raise ValueError(f"a head has stride {', '.join(map(str, STRIDES))}")
        return self

    @field_validator("strides")
    @classmethod
    def _each_once(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("each head has another stride")
        return value
