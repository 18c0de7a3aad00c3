"""What is compared: chosen in widgets, kept in the URL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dashboard.cache import cached_records
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_picker import rerun_when_gone
from dashboard.components.shared.sample_picker import Choice
from yolo_core.compare.differences import MOST_LOSSES
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.status import read_status
from yolo_core.training.config import read_config
from yolo_core.variants import FAMILY_NAMES, VARIANTS

LOSSES_KEY, RUNS_KEY = "losses", "runs"


def pick_losses(trained: str, family: str) -> list[str]:
    """Asks for the published losses beside the one that trained; query parameter "losses".

    Without a choice it is two variants of the family that trained.

    Args:
        trained: Name of the loss that trained, such as "yolov2" or "mine.py:MyLoss".
        family: The family that it is of, or is like.
    """
    own = [name for name in loss_names(family) if name != trained]
    others = [name for each in FAMILY_NAMES if each != family for name in loss_names(each)]
    most = MOST_LOSSES - 1
    _preset_many(LOSSES_KEY, [*own, *others], lambda: _two_ends(own or others), most=most)
    return st.multiselect(
        "Losses beside it",
        [*own, *others],
        key=LOSSES_KEY,
        bind="query-params",
        max_selections=most,
        placeholder="Choose one to four published losses",
        help="A name alone is this project's sound default; name/variant is what was published.",
    )


def pick_runs(runs: Mapping[str, RunFolder]) -> list[RunFolder]:
    """Asks for two to five runs; query parameter "runs".

    Without a choice it is the newest run of each loss on the same pictures, five at most.
    """
    _preset_many(RUNS_KEY, list(runs), lambda: _comparable(runs), most=MOST_LOSSES)
    chosen = st.multiselect(
        "Runs",
        list(runs),
        key=RUNS_KEY,
        bind="query-params",
        max_selections=MOST_LOSSES,
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
    return [family, *(name for name in VARIANTS if name.startswith(f"{family}/"))]


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
        _offer_newer(folder, choice)


@st.fragment(run_every=2.0)
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


def _preset_many(
    key: str, options: Sequence[str], default: Callable[[], Sequence[str]], *, most: int
) -> None:
    """Chooses the values of a multiselect that is bound to the address; call it before it.

    What is no option (any more) is left out, and said.
    """
    first_look = key not in st.session_state
    asked = st.query_params.get_all(key) if first_look else st.session_state[key]
    known = [name for name in dict.fromkeys(asked) if name in options]
    unknown = [name for name in asked if name not in options]
    if unknown and first_look:
        st.caption(plain(f"Not shown, because there is no such choice here: {', '.join(unknown)}."))
    chosen = known[:most]
    if not chosen and (unknown or (first_look and key not in st.query_params)):
        chosen = list(default())
    absent = key not in st.query_params
    # Also where it is that already: see `preset`.
    if absent or chosen != list(asked):
        st.session_state[key] = chosen
    if absent and chosen:
        # Once the widget is bound, Streamlit writes the address itself, and forbids this.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[key] = chosen


def _two_ends(names: Sequence[str]) -> list[str]:
    """The first and the last of the names, which differ most."""
    return list(dict.fromkeys([*names[:1], *names[-1:]]))
