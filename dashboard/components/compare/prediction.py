"""The loss that trained, and published ones, on what the network of one run predicts."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.compare.choice import (
    pick_drawn,
    pick_losses,
    pinned_records,
    second_row,
    tell_newer,
)
from dashboard.components.compare.losses import as_published, family_of, recomputed
from dashboard.components.shared.empty import no_snapshots
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.sample_picker import Choice, open_chosen, pick_sample
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.compare.differences import COMMON_FAMILY, compare_views
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig, read_config
from yolo_core.training.own_loss import is_own_loss, short_name


class Prediction(NamedTuple):
    """What is compared on one prediction.

    Attributes:
        folder: The run whose network predicted.
        record: The snapshot and its sample.
        family: The family that the loss that trained is of, or is like.
        lambdas: The run's weights, to be used in place of the losses' own; or None.
        views: {label: the sample under that loss}, the loss that trained first.
        losses: Their configurations.
    """

    folder: RunFolder
    record: SnapshotRecord
    family: str
    lambdas: dict[str, float] | None
    views: dict[str, SampleView]
    losses: list[LossConfig]


def pick_prediction(row: DeltaGenerator) -> Prediction | None:
    """Asks for run, sample and losses; None where there is nothing to compare, which is then said.

    Args:
        row: Where run and sample are asked for.
    """
    with row:
        folder = pick_run()
    if folder is None:
        return None
    records = pinned_records(folder)
    if records is None:
        return None
    if not records:
        no_snapshots(folder)
        return None
    with row:
        places = st.container(width=120), st.container(width=130), st.container()
    choice = pick_sample(records, places=places)
    try:
        config = read_config(folder.config)
        choice, snapshot = open_chosen(choice)
        view = snapshot.sample(choice.record.sample)
    except ValueError as error:
        say(error)
        st.caption("Choose another step, sample or run above.")
        return None
    family = family_of(as_published(config, view).loss.name)
    with second_row():
        names = pick_losses(
            config.loss.name, family, lambda name: _differs(folder, choice, view, name)
        )
        own_weights = st.toggle(
            "This run's lambdas",
            key="same_lambdas",
            bind="query-params",
            help="Variants of the loss that trained then have its lambdas of the shown step in "
            "place of those that were published with them.",
        )
        pick_drawn()
    lambdas = view.lambdas if own_weights else None
    views = {f"{short_name(config.loss.name)}, as trained": view}
    views |= _published(folder, choice, family, names, lambdas)
    _say_where_from(folder, view, config.loss.name, family)
    tell_newer(folder, choice)
    if len(views) == 1:
        st.info("Choose one to four **losses** above to hold against the one that trained.")
    losses = [config.loss, *(LossConfig(name=name) for name in list(views)[1:])]
    return Prediction(folder, choice.record, family, lambdas, views, losses)


def _differs(folder: RunFolder, choice: Choice, view: SampleView, name: str) -> bool:
    """Whether a loss makes other things of the objects or slots than the one that trained."""
    with contextlib.suppress(ValueError), a_word_while_it_computes():
        other = recomputed(folder, choice.record, name)
        comparison = compare_views({"trained": view, name: other})
        return bool(comparison.ledger or comparison.masks or comparison.notes)
    return False


def _published(
    folder: RunFolder,
    choice: Choice,
    family: str,
    names: list[str],
    lambdas: dict[str, float] | None,
) -> dict[str, SampleView]:
    """The chosen losses on the prediction; what cannot be shown is said."""
    views, refused = {}, []
    with a_word_while_it_computes():
        for name in names:
            own = lambdas if family_of(name) == family else None
            try:
                views[name] = recomputed(folder, choice.record, name, lambdas=own)
            except ValueError as error:
                told = str(error)
                refused.append(told if told.startswith(name) else f"{name}: {told}")
    for sentence in refused:
        say(sentence)
    if any(family_of(name) != family for name in names if name not in views):
        st.caption(
            f"Every loss can be shown on the prediction of a {COMMON_FAMILY} run. Or choose "
            "**trained runs** above: there each one sees the output of its own network."
        )
    return views


def _say_where_from(folder: RunFolder, view: SampleView, trained: str, family: str) -> None:
    when = "before the first update" if view.step == 0 else f"after {view.step:,} updates"
    own = ""
    if is_own_loss(trained):
        own = (
            f" {plain(short_name(trained))} is a loss of your own, whose file this page never "
            f"loads: what its network says is read as {family} reads it."
        )
    st.caption(
        f"**{plain(view.name)}** as the network of {plain(folder.name)} sees it {when}, a batch of "
        f"this one picture.{own}",
        help="The loss that trained is drawn from its snapshot; the others are computed here: "
        "variants of it from the same raw numbers, other losses from raw numbers that say the same "
        "boxes, objectness and classes.",
    )
