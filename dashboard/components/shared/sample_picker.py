"""Which snapshot of which sample a page shows: chosen in widgets, kept in the URL."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_snapshot
from dashboard.components.shared.address import UrlChoice, choose, hold_choices
from dashboard.components.shared.gone import gone
from dashboard.figures.curves import Marker
from yolo_core.data.sample import split_name
from yolo_core.runs.records import SnapshotRecord
from yolo_core.runs.snapshots import Snapshot

KIND, SAMPLE = UrlChoice("kind"), UrlChoice("sample")
# Not bound: a bound slider leaves its first option, step 0, out of the address, which a link
# without a step could then not be told from.
STEP = UrlChoice("step", bound=False)
_MOVED = "step chosen in a fragment"
LATEST = "latest"
KINDS = ("pinned", "batch", "survey", "evaluation")


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is shown.

    Attributes:
        record: The snapshot record of the sample at the step.
        history: All records of this sample and kind, by step.
        follows: Whether the newest snapshot was asked for, whichever that is.
        steps: The steps that can be chosen, ascending.
        samples: The samples that can be chosen, in their order.
    """

    record: SnapshotRecord
    history: list[SnapshotRecord]
    follows: bool
    steps: tuple[int, ...]
    samples: tuple[str, ...]


def pick_sample(
    records: Sequence[SnapshotRecord],
    *,
    latest: bool = True,
    places: Sequence[DeltaGenerator] = (),
    marks: Sequence[Marker] = (),
) -> Choice:
    """Asks for kind, sample and step; query parameters "kind", "sample" and "step".

    A pinned sample is there at (nearly) every step, so the sample is chosen first and the step
    among its own; a training batch has new samples at every step, so there the step comes first.

    Args:
        records: The run's snapshot records by step, at least one.
        latest: Whether the newest snapshot can be followed; else the newest of now is taken, and
            stays.
        places: Where kind, sample and step go; side by side where nothing is said.
        marks: What happened at some steps, for triangles along the step's slider.
    """
    st.session_state.pop(_MOVED, None)
    hold_choices(STEP.key, SAMPLE.key)
    kinds = [kind for kind in KINDS if any(record.kind == kind for record in records)]
    kind_place, sample_place, step_place = places or st.columns(
        [2, 2, 7], vertical_alignment="bottom"
    )
    with kind_place:
        kind = KIND.pick(
            st.selectbox,
            "Snapshot",
            kinds,
            missing=lambda asked: gone(
                f"There are no {asked} snapshots here; {kinds[0]} ones are shown."
            ),
            help="pinned: chosen samples, looked at in inference mode, each as a batch of its own. "
            "batch: the training batch itself, out of the training step. survey: every sample of a "
            "split, looked at as pinned ones are, by the Survey page. evaluation: those with "
            "errors, kept by the Evaluate page.",
        )
    records = [record for record in records if record.kind == kind]
    if kind != "batch":
        names = sorted({record.sample for record in records}, key=_order)
        with sample_place:
            sample = _pick_name(names, said=True)
        history = [record for record in records if record.sample == sample]
        steps = [record.step for record in history]
        with step_place:
            step = _pick_step(steps, latest=latest, marks=marks)
    else:
        steps = sorted({record.step for record in records})
        with step_place:
            step = _pick_step(steps, latest=latest, marks=marks)
        wanted = records[-1].step if step is None else step
        names = sorted((r.sample for r in records if r.step == wanted), key=_order)
        with sample_place:
            sample = _pick_name(names)
        history = [record for record in records if record.sample == sample]
    shown = history[-1].step if step is None else step
    return Choice(
        record=next(record for record in history if record.step == shown),
        history=history,
        follows=step is None,
        steps=tuple(steps),
        samples=tuple(names),
    )


def open_chosen(choice: Choice) -> tuple[Choice, Snapshot]:
    """What is chosen and its snapshot, or the nearest one that can be read; `say_gone` says so.

    Raises:
        ValueError: The snapshot cannot be read, nor any other one of this sample.
    """
    try:
        return choice, cached_snapshot(choice.record.file)
    except ValueError as error:
        others = sorted(choice.history, key=lambda each: abs(each.step - choice.record.step))
        for record in others:
            with contextlib.suppress(ValueError):
                snapshot = cached_snapshot(record.file)
                gone(f"{error} The one of step {record.step:,} is shown instead.")
                return dataclasses.replace(choice, record=record), snapshot
        if len(others) == 1:
            raise
        raise ValueError(
            f"{error} Nor can any of the other {len(others) - 1:,} snapshots of this sample be "
            "read. The run's curves are on the Train page."
        ) from error


def go_to(choice: Choice, *, step: int | None, sample: int) -> None:
    """Chooses another step and sample; call it in a callback, before the page runs again.

    Args:
        choice: What is shown.
        step: Index into its steps; None for the latest, whichever that will be.
        sample: Index into its samples.
    """
    wanted = LATEST if step is None else str(choice.steps[step])
    choose({STEP.key: wanted, SAMPLE.key: choice.samples[sample]})


def go_to_step(step: int) -> None:
    """Chooses another step; call it in a callback, before the page runs again.

    In a callback of a fragment, the fragment begins with `rerun_if_moved`.
    """
    choose({STEP.key: str(int(step))})
    st.session_state[_MOVED] = True


def rerun_if_moved() -> None:
    """Draws the whole page anew if another step was chosen; for the beginning of a fragment."""
    if st.session_state.pop(_MOVED, False):
        st.rerun()


def _pick_name(names: list[str], *, said: bool = False) -> str:
    # The next batch holds other samples: stay at the same place in it.
    asked = SAMPLE.asked()
    default = names[_order(asked)[1] % len(names)] if asked else None
    if asked and asked not in names and said:
        gone(f"There is no sample {asked} here; {default} is shown.")
    return SAMPLE.pick(st.selectbox, "Sample", names, default=default)


def _pick_step(steps: list[int], *, latest: bool, marks: Sequence[Marker]) -> int | None:
    """One of the steps, or None for the latest."""
    options = [*(str(step) for step in steps), *[LATEST] * latest]
    asked, default = STEP.asked() or "", options[-1]
    if asked not in options and asked.isascii() and asked.isdecimal():
        default = str(min(steps, key=lambda step: abs(step - int(asked))))
        gone(f"There is no snapshot of step {int(asked):,} here; step {int(default):,} is shown.")
    elif asked not in options and asked:
        gone(f"There is no snapshot of step {asked} here; {default} is shown.")
    chosen = STEP.pick(st.select_slider, "Step", options, default=default)
    _mark(steps, len(options), marks)
    return None if chosen == LATEST else int(chosen)


def _mark(steps: list[int], options: int, marks: Sequence[Marker]) -> None:
    """A triangle under the slider for everything that happened, at its place between the steps."""
    if not marks or len(steps) < 2:
        return
    at = np.interp([mark.step for mark in marks], steps, np.arange(len(steps))) / (options - 1)
    spans = (
        f'<span style="left: {share:.2%}; color: {mark.color}" title="{escape(mark.text)}"></span>'
        for share, mark in zip(at, marks, strict=True)
    )
    st.html(f'<div class="step-marks" aria-hidden="true">{"".join(spans)}</div>')


def _order(name: str) -> tuple[int, int]:
    """Validation samples first, then test, then training, each by number."""
    try:
        split, index = split_name(name)
    except ValueError:
        return (3, 0)
    return (("val", "test", "train").index(split), index)
