"""The Compare page: one picture, several losses side by side."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.compare.formulas import Written, show_formulas
from dashboard.components.compare.own import compare_own
from dashboard.components.compare.prediction import pick_prediction
from dashboard.components.compare.slips import show_slips
from dashboard.components.compare.trained import pick_trained
from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.comparison import (
    leading,
    show_bars,
    show_cell,
    show_ledger,
    show_masks,
    show_pictures,
)
from dashboard.components.shared.doubts import say_doubts
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import plain, say
from dashboard.figures.bars import MEASURES, WEIGHTED
from dashboard.figures.places import Cell
from dashboard.state import checkpoints_folder
from dashboard.tables import number
from yolo_core.compare.differences import Comparison, compare_views
from yolo_core.runs.layout import list_runs
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig

PREDICTION, RUNS, OWN = "one prediction", "trained runs", "your own"


def show_prediction(top: DeltaGenerator) -> None:
    """Losses on the prediction of one run, and what published slips do to them."""
    found = pick_prediction(top)
    if found is None:
        return
    cell = show_compared(found.views, found.losses, of="losses")
    if cell is not None:
        st.divider()
        show_slips(found.folder, found.record, found.family, cell, found.lambdas)


def show_trained(top: DeltaGenerator) -> None:
    """Runs, each with its own loss and network, on one picture."""
    found = pick_trained(top)
    if found is not None:
        show_compared(*found, of="runs")


def show_compared(
    views: dict[str, SampleView], losses: list[LossConfig], *, of: str
) -> Cell | None:
    """Everything that is compared; gives the selected cell, if there is anything to see.

    Args:
        views: {label: the sample under a loss}.
        losses: The configurations of the losses.
        of: What they are called: "losses" on one prediction, "runs" each on its own.
    """
    if not views:
        return None
    try:
        comparison = compare_views(views)
    except ValueError as error:
        say(error)
        return None
    st.markdown(plain(summary(comparison, of)))
    say_doubts({each.label: each.view for each in comparison.losses})
    pictures = st.container()
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        cell = pick_cell(leading(comparison))
    with right:
        predictions = st.toggle(
            "Also the predictions",
            key="predictions",
            bind="query-params",
            help="Draws into each picture what the network finds in it.",
        )
    with pictures:
        show_pictures(comparison, cell, key="compare", predictions=predictions)
    measure = st.segmented_control(
        "**Terms**",
        list(MEASURES),
        default=WEIGHTED,
        key="bars",
        bind="query-params",
        required=True,
        help="Losses of very different totals are best compared by share.",
    )
    show_bars(comparison, measure=measure or WEIGHTED, key="compare")
    show_masks(comparison, cell, key="compare")
    show_cell(comparison, cell)
    show_ledger(comparison, key="compare")
    st.markdown("**Formulas**")
    show_formulas(
        [
            Written(each.label, loss.name, each.view, loss.options)
            for each, loss in zip(comparison.losses, losses, strict=True)
        ]
    )
    return cell


def summary(comparison: Comparison, of: str) -> str:
    """What differs, in one or two sentences; `of` says what is compared."""
    first = comparison.losses[0].view
    objects, slots = len(first.objects), first.layout.count
    words = "The picture holds no objects"
    if objects:
        all_of_them = f"{objects} objects" if objects > 1 else "one object"
        words = f"The {of} give {len(comparison.ledger)} of {all_of_them} to different slots"
    if not comparison.notes:
        words += f" and put {len(comparison.masks)} of {slots:,} slots into different parts"
    totals = ", ".join(f"{number(each.view.total)} ({each.label})" for each in comparison.losses)
    return f"{words}. Loss: {totals}."


left, right = st.columns([2, 5], vertical_alignment="bottom")
with left:
    mode = st.segmented_control(
        "Compare on",
        (PREDICTION, RUNS, OWN),
        default=PREDICTION,
        required=True,
        key="compare",
        bind="query-params",
        help="one prediction: the losses look at the same network's output. trained runs: each "
        "loss looks at the output of the network that it trained. your own: the gradient of a "
        "Keras loss of yours beside a published one's.",
    )
if mode == OWN:
    compare_own(right)
elif not list_runs(checkpoints_folder()):
    no_runs("its first picture, from before the first step, can be compared here.")
elif mode == RUNS:
    show_trained(right)
else:
    show_prediction(right)
