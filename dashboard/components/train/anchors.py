"""What the form of a new training asks of the anchors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dashboard.components.shared.anchor_pairs import HELP, read_pairs
from dashboard.components.shared.carried import carried
from dashboard.components.shared.errors import say
from yolo_core.losses.families import family_of
from yolo_core.losses.heads import SLOTS_A_CELL
from yolo_core.training.config import LossConfig, run_options

FITTED, TYPED, CARRIED = "fitted", "typed", "from the Data page"
FIELDS = {"anchors": FITTED, "anchors-per-head": SLOTS_A_CELL, "anchors-typed": ""}
OPTION = run_options()["--anchors-per-head"].field


@dataclasses.dataclass(frozen=True)
class AskedAnchors:
    """What was chosen.

    Attributes:
        per_head: How many are to be fitted for each head; None where they are given.
        given: They as `--anchors` takes them.
        sizes: They as fractions of the picture; None where they are fitted.
        wrong: What is wrong with them, if anything is.
    """

    per_head: int | None = None
    given: tuple[str, ...] = ()
    sizes: Sequence[Sequence[float]] | None = None
    wrong: str | None = None

    def options(self, before: LossConfig | None) -> dict[str, list[str]]:
        """{option of `train` without its dashes: its values}.

        Args:
            before: The loss of the run that is trained again: what is as there is not said.
        """
        old = None if before is None or before.anchors_fitted else before.anchors
        if self.per_head is None:
            same = old is not None and np.shape(old) == np.shape(self.sizes)
            if same and np.allclose(old or (), self.sizes or (), rtol=1e-4):
                return {}
            return {"anchors": list(self.given)}
        options = {} if old is None else {"anchors": [FITTED]}
        number = before.anchors_per_head if before is not None else None
        if self.per_head != (number or SLOTS_A_CELL):
            options["anchors-per-head"] = [str(self.per_head)]
        return options


def ask_anchors(key: str, loss: str, width_height: tuple[int, int]) -> AskedAnchors | None:
    """Asks where the anchors come from, and how many there are; None for a loss without any.

    Args:
        key: What the keys of the fields begin with; they are those of `FIELDS`.
        loss: Name of the loss.
        width_height: Of what enters the network, in pixels.
    """
    if not family_of(loss).takes_anchors:
        return None
    choices = [FITTED, TYPED, *[CARRIED] * ("anchors" in carried())]
    if st.session_state[f"{key}anchors"] not in choices:
        st.session_state[f"{key}anchors"] = FITTED
    how = st.segmented_control(
        "Anchors",
        choices,
        key=f"{key}anchors",
        required=True,
        help="Fitted to the sizes of the training objects when the training begins, or given.",
    )
    if how == FITTED:
        number = st.number_input(
            "Anchors a head",
            OPTION["minimum"],
            OPTION["maximum"],
            key=f"{key}anchors-per-head",
            help="The Data page shows how well how many fit.",
        )
        return AskedAnchors(per_head=number)
    if how == CARRIED:
        typed = " ".join(carried()["anchors"])
        st.code(typed, language=None, wrap_lines=True)
    else:
        typed = st.text_input("Widths and heights", key=f"{key}anchors-typed", help=HELP).strip()
        if not typed:
            st.caption("Such as 30,40 60,80, in pixels.")
            return AskedAnchors(wrong="no anchors yet")
    try:
        sizes = read_pairs(typed, lambda: width_height[::-1])
    except ValueError as error:
        say(error)
        return AskedAnchors(wrong=str(error))
    return AskedAnchors(given=tuple(typed.split()), sizes=sizes)


def fields_of(loss: LossConfig, width_height: tuple[int, int]) -> dict[str, Any]:
    """`FIELDS` as they have to be filled in for a loss."""
    fields: dict[str, Any] = {"anchors-per-head": loss.anchors_per_head or SLOTS_A_CELL}
    if loss.anchors is None or loss.anchors_fitted:
        return FIELDS | fields
    # Fractions, unless one of them would be taken for a number of pixels.
    scale = np.ones(2) if np.max(loss.anchors) <= 1 else np.asarray(width_height)
    pairs = (np.asarray(loss.anchors) * scale).tolist()
    typed = " ".join(f"{width:.6g},{height:.6g}" for width, height in pairs)
    return FIELDS | fields | {"anchors": TYPED, "anchors-typed": typed}
