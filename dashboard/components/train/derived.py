"""What follows from data for a new training, and what its lambdas are at the start."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.train.again import Again
from dashboard.components.train.anchors import AskedAnchors
from yolo_core.data.config import DataConfig
from yolo_core.data.registry import is_scenes, open_source
from yolo_core.losses.families import FAMILY_NAMES, family_of
from yolo_core.losses.recipe import DerivedSetup, derived_setup


def derived_once(data: DataConfig, loss: str, asked: AskedAnchors | None) -> DerivedSetup | None:
    """What follows from data of one's own for a loss; None for the digits, and where nothing can.

    What is wrong with the data is said where they are chosen.
    """
    if is_scenes(data.source):
        return None
    try:
        return _derived(data.model_dump_json(), loss, asked)
    except ValueError as error:
        say(error)
        return None


@st.cache_data(max_entries=16, show_spinner="Looking at the objects")
def _derived(config: str, loss: str, asked: AskedAnchors | None) -> DerivedSetup | None:
    return derived_setup(
        loss,
        open_source(DataConfig.model_validate_json(config)),
        anchors=asked and asked.sizes,
        anchors_per_head=asked and asked.per_head,
    )


def ask_lambdas(
    key: str, loss: str, derived: DerivedSetup | None, again: Again | None
) -> tuple[dict[str, float], bool, dict[str, float]]:
    """Asks for lambdas that differ from those the loss is trained with.

    Args:
        key: What the keys of the fields begin with.
        loss: Name of the loss.
        derived: What follows from the data.
        again: The run that is trained again.

    Returns:
        Those that were filled in; whether heads and lambdas are to be derived anew; and all as
        the training will begin with them.
    """
    for sentence in derived.sentences if derived else ():
        st.caption(plain(sentence))
    before, anew = {} if again is None else again.lambdas(loss), False
    if derived and again is not None and before:
        heads = again.config.network.strides
        if (derived.strides, dict(derived.lambdas)) != (heads, before):
            anew = st.toggle(
                "Derive heads and lambdas anew",
                key=f"{key}derive",
                help=f"Else they stay those of {plain(again.name)}, which may have had other data.",
            )
    recipe = family_of(loss).recipe if loss in FAMILY_NAMES else {}
    starts = (derived.lambdas if derived else recipe) | ({} if anew else before)
    if not starts:
        return {}, anew, {}
    with st.expander("Lambdas at the start"):
        values = {
            term: st.number_input(
                plain(term),
                min_value=0.0,
                value=None,
                step=0.5,
                format="%g",
                placeholder=f"{value:g}",
                key=f"{key}{loss}/{term}",
            )
            for term, value in starts.items()
        }
    given = {term: value for term, value in values.items() if value is not None}
    return given, anew, dict(starts) | given
