"""What a run should know of itself before its first step: said once, and kept with it as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yolo_core.anchors import doubtful_anchors
from yolo_core.losses import DetectionLoss
from yolo_core.losses.published import FAMILIES, VARIANTS
from yolo_core.slots import SlotLayout
from yolo_core.training.config import LossConfig
from yolo_core.training.own_loss import short_name
from yolo_core.training.recipes import LAMBDAS


def first_notes(
    config: LossConfig, loss: DetectionLoss, layout: SlotLayout, image_shape: tuple[int, ...]
) -> Iterator[tuple[str, str]]:
    """Gives pairs of the kind of event, "note" or "warning", and a sentence.

    Args:
        config: What was asked for.
        loss: What was made of it.
        layout: Its slots on the network that is trained.
        image_shape: (height, width, channels) of the pictures.
    """
    for sentence in doubtful_anchors(layout, image_shape):
        yield "warning", sentence
    given = loss.expand_lambdas(config.lambdas)
    if set(given) == set(loss.term_names):
        return
    whose = "that it was published with" if config.name in VARIANTS else "of its class"
    starts = {name: float(value.numpy()) for name, value in loss.lambdas.items()}
    words = f"{short_name(config.name)} starts with the lambdas {whose} ({_words(starts)})"
    family = next((name for name, kind in FAMILIES.items() if isinstance(loss, kind)), None)
    if family is not None and LAMBDAS[family] != starts:
        words += (
            f". Those found for these digits, with which --loss {family} starts, are "
            f"{_words(LAMBDAS[family])}: to hold one run against the other, give both the same "
            "with --lambda NAME=VALUE"
        )
    yield "note", f"{words}."


def _words(lambdas: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in lambdas.items())
