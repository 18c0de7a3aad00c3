"""The Compare page: one picture, several losses side by side."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.compare.formulas import Written, show_formulas
from dashboard.components.compare.own import compare_own
from dashboard.components.compare.prediction import pick_prediction
from dashboard.components.compare.slips import show_slips
from dashboard.components.compare.trained import pick_trained
from dashboard.components.shared.cell_picker import pick_cell, pick_head
from dashboard.components.shared.comparison import (
    BARS_HELP,
    leading,
    pictures_help,
    show_bars,
    show_cell,
    show_ledger,
    show_pictures,
    show_slots,
)
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.screen import choices, panes, screen
from dashboard.figures.bars import WEIGHTED
from dashboard.figures.places import Cell
from dashboard.state import checkpoints_folder
from dashboard.tables import number
from yolo_core.compare.differences import Comparison, compare_views
from yolo_core.runs.layout import list_runs
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig

PREDICTION, RUNS, OWN = "one prediction", "trained runs", "your own"
SLIPS = "Slips"
# Of the pictures, and of what is told of them, by the number of pictures.
_WIDTHS = ((2, 3), (11, 9), (5, 3), (7, 3), (3, 1))


def show_prediction(row: DeltaGenerator) -> None:
    """Losses on the prediction of one run, and what published slips do to them."""
    with st.container(key="findings", gap="xxsmall"):
        found = pick_prediction(row)
        say_gone()
    if found is not None:
        show_compared(
            found.views,
            found.losses,
            of="losses",
            slips=lambda cell: show_slips(
                found.folder, found.record, found.family, cell, found.lambdas
            ),
        )


def show_trained(row: DeltaGenerator) -> None:
    """Runs, each with its own loss and network, on one picture."""
    with st.container(key="findings", gap="xxsmall"):
        found = pick_trained(row)
        say_gone()
    if found is not None:
        show_compared(*found, of="runs")


def show_compared(
    views: dict[str, SampleView],
    losses: list[LossConfig],
    *,
    of: str,
    slips: Callable[[Cell], None] | None = None,
) -> None:
    """Everything that is compared: the pictures, and beside them terms and one of several panes.

    Args:
        views: {label: the sample under a loss}.
        losses: The configurations of the losses.
        of: What they are called: "losses" on one prediction, "runs" each on its own.
        slips: Shows what published slips do to the picture.
    """
    if not views:
        return
    try:
        comparison = compare_views(views)
    except ValueError as error:
        say(error)
        return
    with st.container(key="compared", gap="xxsmall"):
        st.markdown(plain(summary(comparison, of)))
        say_doubts({each.label: each.view for each in comparison.losses})
    pictures, told = screen(*_WIDTHS[min(len(views), len(_WIDTHS)) - 1])
    first = leading(comparison)
    measure = st.session_state.get("bars") or WEIGHTED
    with told:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            cell = pick_cell(first)
            pick_head(first, cell)
        show_bars(comparison, measure=measure, key="compare")
    with pictures, st.container(key="seen", gap="xxsmall"):
        predictions = bool(st.session_state.get("predictions"))
        show_pictures(comparison, cell, key="compare", predictions=predictions)

    def why() -> None:
        show_cell(comparison, cell)
        st.caption(BARS_HELP[measure])
        st.caption(pictures_help(comparison))

    def formulas() -> None:
        show_formulas(
            [
                Written(each.label, loss.name, each.view, loss.options)
                for each, loss in zip(comparison.losses, losses, strict=True)
            ]
        )

    with told:
        makers = {
            "Cell": why,
            "Objects": lambda: show_ledger(comparison, key="compare"),
            "Slots": lambda: show_slots(comparison),
            "Formulas": formulas,
        }
        if slips is not None:
            makers[SLIPS] = lambda: slips(cell)
        panes(makers, key="told")


def summary(comparison: Comparison, of: str) -> str:
    """What differs, in one or two sentences; `of` says what is compared."""
    first = comparison.losses[0].view
    objects, slots = len(first.objects), first.layout.count
    words = "The picture holds no objects"
    if len(comparison.losses) == 1:
        return f"Loss: {number(first.total)} ({comparison.losses[0].label}), compared with none."
    if objects:
        all_of_them = f"{objects} objects" if objects > 1 else "one object"
        words = f"The {of} give {len(comparison.ledger)} of {all_of_them} to different slots"
    if not comparison.notes:
        words += f" and put {len(comparison.masks)} of {slots:,} slots into different parts"
    totals = ", ".join(f"{number(each.view.total)} ({each.label})" for each in comparison.losses)
    return f"{words}. Loss: {totals}."


row = choices()
with row:
    mode = st.segmented_control(
        "Compare on",
        (PREDICTION, RUNS, OWN),
        default=PREDICTION,
        required=True,
        key="compare",
        bind="query-params",
        width="content",
        help="one prediction: the losses look at the same network's output. trained runs: each "
        "loss looks at the output of the network that it trained. your own: the gradient of a "
        "Keras loss of yours beside a published one's.",
    )
if mode == OWN:
    compare_own(row)
elif not list_runs(checkpoints_folder()):
    no_runs("its first picture, from before the first step, can be compared here.")
elif mode == RUNS:
    show_trained(row)
else:
    show_prediction(row)
