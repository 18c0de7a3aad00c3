"""What a run should know of itself before its first step: said once, and kept with it as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yolo_core.anchors import doubtful_anchors
from yolo_core.data.registry import is_scenes
from yolo_core.data.source import SampleSource
from yolo_core.explain.by_label import target_doubts
from yolo_core.losses import DetectionLoss
from yolo_core.losses.families import VARIANTS, family_of_class
from yolo_core.losses.recipe import derived_setup
from yolo_core.runs.snapshots import read_snapshot
from yolo_core.runs.store import RunStore
from yolo_core.slots import SlotLayout
from yolo_core.training.config import LossConfig, RunConfig
from yolo_core.training.own_loss import short_name


def derived_notes(config: RunConfig, source: SampleSource) -> Iterator[tuple[str, str]]:
    """What was derived from data for heads and lambdas, as `first_notes` gives it.

    The digits have the recipe that was found on them, and nothing is derived.
    """
    if config.network.strides is None or is_scenes(config.data.source):
        return
    loss, strides = config.loss, config.network.strides
    derived = derived_setup(loss.name, source, anchors=loss.anchors)
    if derived is None:
        return
    if derived.strides != strides:
        asked = f"Heads of {', '.join(map(str, strides))} px a cell, as asked for."
        yield "note", f"{asked} From the data would follow: {derived.sentences[0]}"
        derived = derived_setup(loss.name, source, anchors=loss.anchors, strides=strides) or derived
    yield from (("note", sentence) for sentence in derived.sentences)
    given = {name: at for name, at in loss.lambdas.items() if derived.lambdas.get(name) != at}
    if derived.lambdas and given:
        yield "note", f"Otherwise than derived: {_words(given)}."


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
    family = family_of_class(type(loss))
    starts = {name: float(value.numpy()) for name, value in loss.lambdas.items()}
    if set(given) == set(loss.term_names) or (family is not None and family.recipe == starts):
        return
    whose = "that it was published with" if config.name in VARIANTS else "of its class"
    where = " where none was given" if given else ""
    words = f"{short_name(config.name)} starts with the lambdas {whose}{where} ({_words(starts)})"
    if family is not None:
        words += (
            f". Those found for these digits, with which --loss {family.name} starts, are "
            f"{_words(family.recipe)}: to hold one run against the other, give both the same "
            "with --lambda NAME=VALUE"
        )
    yield "note", f"{words}."


def target_notes(store: RunStore) -> Iterator[tuple[str, str]]:
    """Whether the loss trains towards the labels, by the pinned samples before the first step.

    Args:
        store: A run that has its first snapshot.

    Yields:
        At most one pair as `first_notes` gives them, of the first sample where it does not.
    """
    records = store.snapshots("pinned")
    if not records:
        return
    snapshot = read_snapshot(records[0].file)
    for name in snapshot.samples:
        for sentence in target_doubts(snapshot.sample(name)):
            yield "warning", sentence
            return


def _words(lambdas: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in lambdas.items())
