"""What follows for a run from a Darknet network: heads, anchors, loss, first weights. No Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from yolo_core.data.source import SampleSource
from yolo_core.losses.families import family_of_darknet_head
from yolo_core.models.darknet.adapt import Heads, heads_of, own_anchors
from yolo_core.models.darknet.known import NOTEBOOK
from yolo_core.models.darknet.pretrained import Pretrained, as_published, read_pretrained
from yolo_core.training.config import LossConfig, RunConfig
from yolo_core.training.network_config import NetworkConfig

SAME = 1e-5
"""Relative difference of anchors that are the same: they have been written as decimals."""


class FirstWeights(NamedTuple):
    """What a run begins with.

    Attributes:
        file: What its weights file has.
        keeps_head: Whether its heads are taken as they are.
        why: What becomes of the heads, the end of a sentence.
    """

    file: Pretrained
    keeps_head: bool
    why: str


def darknet_heads(network: NetworkConfig) -> Heads:
    """The heads of a Darknet network.

    Raises:
        ValueError: It is none that can be trained.
    """
    return heads_of(as_published(network.size, network.cfg))


def darknet_loss(network: NetworkConfig) -> str:
    """The name of the loss that trains its heads."""
    return family_of_darknet_head(darknet_heads(network).kind).name


def network_notes(network: NetworkConfig) -> Iterator[tuple[str, str]]:
    """What Darknet would warn of in the `.cfg` of a run, as `notes.first_notes` gives it."""
    if network.cfg is not None:
        for each in as_published(network.size, network.cfg).notes:
            yield "note", each


def anchors_of_network(network: NetworkConfig, source: SampleSource) -> list[np.ndarray] | None:
    """The anchors that a Darknet network has itself, (A, 2) image fractions a head.

    None for the notebook's, which has none but those that are fitted to the data.
    """
    if network.size == NOTEBOOK:
        return None
    height, width, *_ = source.image_shape
    return own_anchors(as_published(network.size, network.cfg), (width, height))


def anchors_as_published(
    network: NetworkConfig, loss: LossConfig, source: SampleSource
) -> list[np.ndarray] | None:
    """The anchors of each head where a run has those of its network, in their order; else None."""
    own = anchors_of_network(network, source) if network.is_darknet else None
    if own is None or loss.anchors is None:
        return None
    every = np.concatenate(own)
    same = np.shape(loss.anchors) == every.shape and np.allclose(loss.anchors, every, SAME, 0)
    return own if same else None


def first_weights(config: RunConfig, source: SampleSource) -> FirstWeights:
    """What the weights file of a Darknet network gives to a run.

    Heads are kept where the run has the classes and the anchors of the network.

    Raises:
        ValueError: It cannot be read, or is of another network, or for other pictures.
    """
    network = config.network
    found = read_pretrained(network.weights, network.size, network.cfg)
    channels = found.network.shape[0]
    if source.image_shape[2] != channels:
        raise ValueError(
            f"{network.weights} is for pictures of {channels} channels; those of {source.name} "
            f"have {source.image_shape[2]}."
        )
    has, wants = heads_of(found.network).classes, len(source.class_names)
    if network.size == NOTEBOOK:
        why = "the head is new, as in the notebook"
    elif not found.is_whole:
        why = "the rest and the heads are new"
    elif has != wants:
        why = f"the heads are new: the file has them for {has} classes, and the data has {wants}"
    elif anchors_as_published(network, config.loss, source) is None:
        why = "the heads are new, as these anchors are not the network's own"
    else:
        return FirstWeights(found, True, f"the heads for {has} classes are taken as they are")
    return FirstWeights(found, False, why)
