"""What the options of `train` mean where the network is one of Darknet."""

from __future__ import annotations

import argparse
import os
from typing import Any

from yolo_core.data.config import PICTURE_KINDS
from yolo_core.data.registry import open_source
from yolo_core.losses.families import family_of
from yolo_core.models.darknet.cfg import read_cfg_text, read_names
from yolo_core.models.darknet.pretrained import CFG, as_published
from yolo_core.training.config import RunConfig
from yolo_core.training.darknet_setup import (
    anchors_as_published,
    anchors_of_network,
    darknet_heads,
    darknet_loss,
    first_weights,
)
from yolo_core.training.network_config import NetworkConfig
from yolo_core.training.own_loss import is_own_loss

LEARNING_RATE = 1e-4
"""The Keras notebook has half of it; at that of the small networks sizes explode within a step."""
LARGEST_ANCHOR = 2
"""In sides of the picture; so large ones no loss takes."""


def put_darknet(
    fields: dict[str, Any], arguments: argparse.Namespace, base: RunConfig | None
) -> None:
    """Puts what follows from a Darknet network into the fields of a configuration.

    The names of its classes, the text of its `.cfg`, the strides of its heads; and where nobody
    says others, the loss that trains them, a learning rate that its depth bears, and the size of
    the pictures of a `.cfg`.

    Args:
        fields: Of a `RunConfig`, with the options that were given.
        arguments: The options.
        base: The configuration that they are laid over.

    Raises:
        ValueError: The file cannot be read, or is of no network that can be trained; or an option
            does not go with it.
    """
    if arguments.names:
        fields.setdefault("data", {})["names"] = read_names(arguments.names)
    network = fields.get("network", {})
    name = network.get("size", "")
    if arguments.network is not None and name.startswith(CFG):
        file = os.path.abspath(name.removeprefix(CFG))
        network |= {"size": f"{CFG}{file}", "darknet": {"cfg": read_cfg_text(file)}}
    cfg = (network.get("darknet") or {}).get("cfg")
    asked = NetworkConfig.model_construct(size=network.get("size", ""))
    if not asked.is_darknet:
        return
    if arguments.strides:
        raise ValueError(f"The heads of {name} have their strides; received --strides.")
    plan = as_published(network["size"], cfg)
    asked = NetworkConfig.model_validate(
        {"size": network["size"], "darknet": network.get("darknet")}
    )
    network["strides"] = list(darknet_heads(asked).strides)
    data = fields.setdefault("data", {})
    loss = fields.setdefault("loss", {})
    if base is None or base.network.size != network["size"]:
        if arguments.loss is None:
            loss["name"] = darknet_loss(asked)
        if arguments.learning_rate is None:
            fields.setdefault("training", {})["learning_rate"] = LEARNING_RATE
        if cfg is not None and "image_size" not in data and _has_pictures(data):
            _, height, width = plan.shape
            data["image_size"] = f"{width}x{height}"


def with_anchors_of_network(
    config: RunConfig, arguments: argparse.Namespace, base: RunConfig | None
) -> RunConfig:
    """With the anchors that a Darknet network has itself, unless others are asked for.

    One that is known by its name, and starts without weights, depends on none: it gets such as fit
    the data.

    Args:
        config: What to train.
        arguments: The options.
        base: The configuration that it was made from, whose anchors stay if they are others.

    Raises:
        ValueError: The data cannot be read.
    """
    if not config.network.is_darknet or arguments.anchors or config.loss.anchors_per_head:
        return config
    if not is_own_loss(config.loss.name) and not family_of(config.loss.name).takes_anchors:
        return config
    source, network = open_source(config.data), config.network
    own = anchors_of_network(network, source)
    if network.cfg is None and network.weights == "none":
        own = None
    elif own is not None and max(each.max() for each in own) > LARGEST_ANCHOR:
        height, width, *_ = source.image_shape
        raise ValueError(
            f"The largest anchor of {network.size} is more than {LARGEST_ANCHOR} times as large as "
            f"pictures of {width} x {height} pixels: take a larger --image-size, or other anchors "
            "with --anchors fitted."
        )
    if base is not None and base.loss.anchors and base.network.size == network.size:
        before = anchors_as_published(base.network, base.loss, open_source(base.data))
        own = own if before is not None else None
    if own is None:
        return config
    sizes = [tuple(pair) for of_head in own for pair in of_head.tolist()]
    loss = config.loss.model_copy(update={"anchors": sizes, "anchors_fitted": False})
    return config.model_copy(update={"loss": loss})


def check_darknet(config: RunConfig) -> None:
    """Refuses a loss or a `.weights` file that does not fit the network, before anything is made.

    Raises:
        ValueError: One does not.
    """
    network, loss = config.network, config.loss
    if not network.is_darknet:
        return
    heads = darknet_heads(network)
    if not is_own_loss(loss.name) and family_of(loss.name).darknet_head != heads.kind:
        raise ValueError(
            f"{network.size} ends in [{heads.kind}], which --loss {darknet_loss(network)} or a "
            f"variant of it trains; received --loss {loss.name}."
        )
    if network.weights != "none":
        first_weights(config, open_source(config.data))


def _has_pictures(data: dict[str, Any]) -> bool:
    return str(data.get("source", "")).partition(":")[0] in PICTURE_KINDS
