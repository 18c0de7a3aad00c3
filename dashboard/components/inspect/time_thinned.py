"""What went: which snapshots were thinned out to keep the run within its disk budget."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.cache import kept_as_written
from dashboard.components.shared.sample_picker import Choice
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import Event
from yolo_core.runs.store import RunStore

# More steps than that are told by those that are left, or else by their first and last.
_NAMED = 16


def say_what_went(folder: RunFolder, choice: Choice) -> None:
    """Says how many snapshots of the shown kind were thinned out, and from which steps."""
    try:
        events = _prunings(folder)
    except ValueError:  # the rest of the page says what is wrong with the database
        return
    went = what_went(events, choice.record.kind, choice.steps)
    if went:
        # How many; which and why is said where one points at it: height is dear on this page.
        many, more = went
        st.caption(f":material/content_cut: {many}", help=f"{more[0].upper()}{more[1:]}")


def what_went(
    events: list[Event], kind: str, steps: tuple[int, ...]
) -> tuple[str, str] | tuple[()]:
    """How many, and which and why: two parts of a sentence; nothing where nothing went.

    Args:
        events: Events "snapshots-pruned".
        kind: "pinned" or "batch".
        steps: The steps that there are snapshots of.
    """
    # A resumed training writes again what went after its checkpoint.
    gone = sorted({step for event in events for step in event.detail.get(kind, ())} - {*steps})
    if not gone:
        return ()
    megabytes = events[-1].detail.get("megabytes", 0)
    if len(gone) <= _NAMED:
        which = f"those of {_listed(gone)}"
    elif len(steps) <= _NAMED:
        which = f"all but those of {_listed(steps)}"
    else:
        which = f"between steps {gone[0]:,} and {gone[-1]:,}"
    return (
        f"{len(gone):,} of {len(gone) + len(steps):,} {kind} snapshots were thinned out",
        f"{which}: all snapshots of this run may take {megabytes:,.4g} MB. Step {steps[0]:,} "
        "and the latest always stay.",
    )


def _listed(steps: Sequence[int]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {', '.join(f'{step:,}' for step in steps)}"


@kept_as_written(8)
def _prunings(folder: RunFolder) -> list[Event]:
    with RunStore.open(folder) as store:
        return [event for event in store.events() if event.kind == "snapshots-pruned"]
