"""What is compared: chosen in widgets, kept in the URL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_records
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import say
from dashboard.components.shared.polling import poll_run
from dashboard.components.shared.run_picker import rerun_when_gone
from dashboard.components.shared.sample_picker import Choice
from dashboard.figures.bars import MEASURES, WEIGHTED
from yolo_core.compare.differences import MOST_LOSSES
from yolo_core.losses.families import FAMILY_NAMES, family_of
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.status import read_status
from yolo_core.training.config import read_config

LOSSES, RUNS = UrlChoice("losses"), UrlChoice("runs")


def second_row() -> DeltaGenerator:
    """A row for what is compared, below that of run and sample."""
    return st.container(
        key="compared-choices", horizontal=True, vertical_alignment="center", gap="small"
    )


def pick_drawn() -> None:
    """How the losses are drawn: query parameters "predictions" and "bars"."""
    st.toggle(
        "Predictions",
        key="predictions",
        bind="query-params",
        help="Draws into each picture what the network finds in it.",
    )
    st.segmented_control(
        "Terms",
        list(MEASURES),
        default=WEIGHTED,
        key="bars",
        bind="query-params",
        required=True,
        width="content",
        label_visibility="collapsed",
    )


def pick_losses(trained: str, family: str, differs: Callable[[str], bool]) -> list[str]:
    """Asks for the published losses beside the one that trained; query parameter "losses".

    Without a choice it is a variant of the family that trained, and a loss that gives slots to
    other objects or parts on this picture: another variant, or else another family.

    Args:
        trained: Name of the loss that trained, a published one or "mine.py:MyLoss".
        family: The family that it is of, or is like.
        differs: Whether a loss does so. Asked one after the other, until one does.
    """
    own = [name for name in loss_names(family) if name != trained]
    others = [name for each in FAMILY_NAMES if each != family for name in loss_names(each)]
    return LOSSES.pick_many(
        "Losses beside it",
        [*own, *others],
        default=lambda: _telling(own, others, differs),
        most=MOST_LOSSES - 1,
        placeholder="Choose one to four published losses",
        help="A name alone is this project's sound default; name/variant is what was published.",
    )


def pick_runs(runs: Mapping[str, RunFolder]) -> list[RunFolder]:
    """Asks for two to five runs; query parameter "runs".

    Without a choice it is the newest run of each loss on the same pictures, five at most.
    """
    chosen = RUNS.pick_many(
        "Runs",
        list(runs),
        default=lambda: _comparable(runs),
        most=MOST_LOSSES,
        placeholder="Choose two to five runs",
    )
    rerun_when_gone(*(runs[name] for name in chosen))
    return [runs[name] for name in chosen]


def _comparable(runs: Mapping[str, RunFolder]) -> list[str]:
    """Runs with a pinned picture in common: the newest that are of several losses."""
    groups: dict[str, dict[str, list[str]]] = {}
    for name, folder in runs.items():
        with contextlib.suppress(ValueError):
            config = read_config(Path(folder.config))
            # What the samples follow from; how many of them there are changes none.
            data = config.data.model_dump_json(exclude={"train_scenes", "validation_scenes"})
            groups.setdefault(data, {}).setdefault(config.loss.name, []).append(name)
    several = [[names[0] for names in losses.values()] for losses in groups.values()]
    alike = [[name for names in losses.values() for name in names] for losses in groups.values()]
    for names in (*several, *alike):
        shared = _sharing_pictures(runs, names)
        if len(shared) > 1:
            return shared
    return list(runs)[:2]


def _sharing_pictures(runs: Mapping[str, RunFolder], names: Sequence[str]) -> list[str]:
    """Those that have a pinned picture that all of them have; five at most."""
    found: list[str] = []
    common: set[str] = set()
    for name in names:
        own: set[str] = set()
        with contextlib.suppress(ValueError):
            records = cached_records(runs[name])
            own = {record.sample for record in records if record.kind == "pinned"}
        both = common & own if found else own
        if both and len(found) < MOST_LOSSES:
            found, common = [*found, name], both
    return found


def loss_names(family: str) -> list[str]:
    """A family and its published variants."""
    return [family, *family_of(family).variants]


def pinned_records(folder: RunFolder) -> list[SnapshotRecord] | None:
    """A run's records of pinned samples, each of which is a batch of its own.

    The terms of a training batch are divided by counts over all its pictures, so one picture of it
    says little about another loss.

    Returns:
        The records by step; None where they cannot be read, which is then said.
    """
    try:
        return [record for record in cached_records(folder) if record.kind == "pinned"]
    except ValueError as error:
        say(error)
        return None


def tell_newer(folder: RunFolder, choice: Choice) -> None:
    """While the run lives and its latest snapshot is asked for: offers a newer one.

    It is not shown by itself: each one costs computing, and the page would move under its reader.
    """
    if choice.follows and read_status(folder).is_live:
        poll_run(_offer_newer, folder, choice, every=2.0)


def _offer_newer(folder: RunFolder, choice: Choice) -> None:
    try:
        records = cached_records(folder)
    except ValueError:  # unreadable for a moment: the next look will tell
        return
    shown = choice.record
    newest = max(r.step for r in records if (r.kind, r.sample) == (shown.kind, shown.sample))
    if newest > shown.step and st.button(
        f"Show step {newest:,}, which is there by now", icon=":material/refresh:"
    ):
        st.rerun()


def _telling(
    own: Sequence[str], others: Sequence[str], differs: Callable[[str], bool]
) -> list[str]:
    """A variant of the own family, and a loss that differs where any does."""
    families = [name for name in others if "/" not in name]
    ends = [*own[:1], *own[-1:]]
    found = next((name for name in dict.fromkeys([*ends, *families]) if differs(name)), None)
    return list(dict.fromkeys([*own[:1], *([found] if found else []), *own[-1:]]))[:2]
