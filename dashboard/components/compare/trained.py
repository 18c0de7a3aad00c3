"""The same picture under several runs, each with its own loss and network."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_snapshot
from dashboard.components.compare.choice import (
    pick_drawn,
    pick_runs,
    pinned_records,
    second_row,
    tell_newer,
)
from dashboard.components.shared.errors import say
from dashboard.components.shared.sample_picker import go_to_step, pick_sample
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import list_runs
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import SampleView
from yolo_core.training.config import LossConfig, read_config
from yolo_core.training.own_loss import short_name


def pick_trained(row: DeltaGenerator) -> tuple[dict[str, SampleView], list[LossConfig]] | None:
    """Asks for runs, sample and step; None where there is nothing to compare, which is then said.

    Args:
        row: Where the sample is asked for.

    Returns:
        {label: the sample under that run}, and the configurations of their losses.
    """
    runs = {folder.name: folder for folder in list_runs(checkpoints_folder())}
    with second_row():
        folders = pick_runs(runs)
        pick_drawn()
    if len(folders) < 2:
        st.info(
            "Choose two to five **runs** above."
            if len(runs) > 1
            else "There is only one run. Open **Train** and train one with another loss."
        )
        return None
    records = {folder.name: pinned_records(folder) or [] for folder in folders}
    common = set.intersection(*({each.sample for each in own} for own in records.values()))
    empty = [name for name, own in records.items() if not own]
    if empty or not common:
        say(
            f"{' and '.join(empty)} has no pictures yet: wait, or leave it out."
            if empty
            else "These runs have no pinned sample in common; leave one of them out."
        )
        return None
    with row:
        places = st.container(width=120), st.container(width=130), st.container()
    shared = [each for each in records[folders[0].name] if each.sample in common]
    choice = pick_sample(shared, places=places)
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
    views = {label if one else f"{label}, step {view.step:,}": view for label, _, view in found}
    return views, [loss for _, loss, _ in found]


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
