"""The Compare page: one picture, several losses side by side."""

from __future__ import annotations

import contextlib

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_snapshot
from dashboard.components.compare.choice import (
    pick_losses,
    pick_runs,
    pinned_records,
    tell_newer,
)
from dashboard.components.compare.formulas import Written, show_formulas
from dashboard.components.compare.losses import (
    as_published,
    family_of,
    recomputed,
)
from dashboard.components.compare.own import compare_own
from dashboard.components.compare.slips import show_slips
from dashboard.components.shared.cell_picker import pick_cell
from dashboard.components.shared.comparison import (
    leading,
    show_bars,
    show_cell,
    show_ledger,
    show_masks,
    show_pictures,
)
from dashboard.components.shared.empty import no_runs, no_snapshots
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_picker import pick_run
from dashboard.components.shared.sample_picker import Choice, go_to_step, pick_sample
from dashboard.figures.bars import MEASURES, WEIGHTED
from dashboard.figures.places import Cell
from dashboard.state import checkpoints_folder
from dashboard.tables import number
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.compare.differences import COMMON_FAMILY, Comparison, compare_views
from yolo_core.runs.layout import RunFolder, list_runs
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig, read_config
from yolo_core.training.own_loss import is_own_loss, short_name

PREDICTION, RUNS, OWN = "one prediction", "trained runs", "your own"
MODES = (PREDICTION, RUNS, OWN)
MODE_KEY = "compare"


def compare_on_prediction(top: DeltaGenerator) -> None:
    """The loss that trained, and published ones, on what the network of one run predicts."""
    with top:
        folder = pick_run()
    if folder is None:
        return
    records = pinned_records(folder)
    if records is None:
        return
    if not records:
        no_snapshots(folder)
        return
    choice = pick_sample(records)
    try:
        config = read_config(folder.config)
        view = cached_snapshot(choice.record.file).sample(choice.record.sample)
    except ValueError as error:
        say(error)
        st.caption("Choose another step, sample or run above.")
        return
    family = family_of(as_published(config, view).loss.name)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        names = pick_losses(
            config.loss.name, family, lambda name: _differs(folder, choice, view, name)
        )
    with right:
        own_weights = st.toggle(
            "This run's lambdas",
            key="same_lambdas",
            bind="query-params",
            help="Variants of the loss that trained then have its lambdas of the shown step in "
            "place of those that were published with them.",
        )
    lambdas = view.lambdas if own_weights else None
    views = {f"{short_name(config.loss.name)}, as trained": view}
    views |= _published(folder, choice, family, names, lambdas)
    st.caption(_where_from(folder, view, config.loss.name, family))
    tell_newer(folder, choice)
    if len(views) == 1:
        st.info("Choose one to four **losses** above to hold against the one that trained.")
    comparison = _compared(views)
    if comparison is None:
        return
    losses = [config.loss, *(LossConfig(name=name) for name in list(views)[1:])]
    cell = show_comparison(comparison, losses)
    st.divider()
    show_slips(folder, choice.record, family, cell, lambdas)


def compare_runs(top: DeltaGenerator) -> None:
    """The same picture under several runs, each with its own loss and network."""
    runs = {folder.name: folder for folder in list_runs(checkpoints_folder())}
    with top:
        folders = pick_runs(runs)
    if len(folders) < 2:
        st.info(
            "Choose two to five **runs** above."
            if len(runs) > 1
            else "There is only one run. Open **Train** and train one with another loss."
        )
        return
    records = {folder.name: pinned_records(folder) or [] for folder in folders}
    common = set.intersection(*({each.sample for each in own} for own in records.values()))
    empty = [name for name, own in records.items() if not own]
    if empty or not common:
        say(
            f"{' and '.join(empty)} has no pictures yet: wait, or leave it out."
            if empty
            else "These runs have no pinned sample in common; leave one of them out."
        )
        return
    choice = pick_sample([each for each in records[folders[0].name] if each.sample in common])
    found: list[tuple[str, LossConfig, SampleView]] = []
    for folder in folders:
        own = [each for each in records[folder.name] if each.sample == choice.record.sample]
        wanted = own[-1].step if choice.follows else choice.record.step
        record = min(own, key=lambda each: abs(each.step - wanted))
        try:
            loss = read_config(folder.config).loss
            view = cached_snapshot(record.file).sample(record.sample)
        except ValueError as error:
            say(error)
            continue
        found.append((f"{folder.name}: {short_name(loss.name)}", loss, view))
    steps = {view.step for _, _, view in found}
    which = "its own last step" if choice.follows else "its snapshot nearest to the step"
    one = f"All are of step {max(steps):,}" if len(steps) == 1 else ""
    st.caption(
        "Each run's own network and loss, as its training process recorded them: nothing is "
        f"computed here. {one or f'Each is shown at {which}'}."
    )
    tell_newer(folders[0], choice)
    if len(steps) > 1:
        _offer_common_step(list(records.values()), choice.record.sample)
    comparison = _compared(
        {label if one else f"{label}, step {view.step:,}": view for label, _, view in found}
    )
    if comparison is not None:
        show_comparison(comparison, [loss for _, loss, _ in found], of="runs")


def _offer_common_step(records: list[list[SnapshotRecord]], sample: str) -> None:
    """Says that the runs are not of one step, and offers the last one that all have."""
    st.warning(
        "They have not been trained for equally many steps: what differs here need not come from "
        "the losses.",
        icon=":material/warning:",
    )
    of_each = ({each.step for each in own if each.sample == sample} for own in records)
    common = set.intersection(*of_each)
    if common:
        st.button(
            f"Compare at step {max(common):,}, the last that all have",
            icon=":material/compare_arrows:",
            on_click=go_to_step,
            args=(max(common),),
        )


def show_comparison(
    comparison: Comparison, losses: list[LossConfig], *, of: str = "losses"
) -> Cell:
    """Everything that is compared; gives the selected cell.

    Args:
        comparison: The losses on the sample.
        losses: Their configurations.
        of: What they are called: "losses" on one prediction, "runs" each on its own.
    """
    st.markdown(plain(summary(comparison, of)))
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
            Written(
                each.label,
                loss.name,
                each.view,
                loss.options,
            )
            for each, loss in zip(comparison.losses, losses, strict=True)
        ]
    )
    return cell


def summary(comparison: Comparison, of: str = "losses") -> str:
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


def _compared(views: dict[str, SampleView]) -> Comparison | None:
    if not views:
        return None
    try:
        return compare_views(views)
    except ValueError as error:
        say(error)
        return None


def _where_from(folder: RunFolder, view: SampleView, trained: str, family: str) -> str:
    when = "before the first update" if view.step == 0 else f"after {view.step:,} updates"
    own = ""
    if is_own_loss(trained):
        own = (
            f" {plain(short_name(trained))} is a loss of your own, whose file this page never "
            f"loads: what its network says is read as {family} reads it."
        )
    return (
        f"**{plain(view.name)}** as the network of {plain(folder.name)} sees it {when}, a batch of "
        "this one picture. The loss that trained is drawn from its snapshot; the others are "
        "computed here: variants of it from the same raw numbers, other losses from raw numbers "
        f"that say the same boxes, objectness and classes.{own}"
    )


left, right = st.columns([2, 5], vertical_alignment="bottom")
with left:
    mode = st.segmented_control(
        "Compare on",
        MODES,
        default=PREDICTION,
        required=True,
        key=MODE_KEY,
        bind="query-params",
        help="one prediction: the losses look at the same network's output. trained runs: each "
        "loss looks at the output of the network that it trained. your own: the gradient of a "
        "Keras loss of yours beside a published one's.",
    )
if mode == OWN:
    compare_own(right)
elif not list_runs(checkpoints_folder()):
    no_runs("its first picture, a few seconds later, can be compared here.")
elif mode == RUNS:
    compare_runs(right)
else:
    compare_on_prediction(right)
