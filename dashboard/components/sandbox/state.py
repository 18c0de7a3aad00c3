"""The edits of a sandbox, kept: in the address, and each one to be taken back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import streamlit as st

from dashboard.components.shared.address import HOLD_SECONDS, UrlChoice
from dashboard.components.shared.errors import say
from yolo_core.sandbox.edits import Edits
from yolo_core.views import SampleView

EDITS = UrlChoice("edits", bound=False, hold=HOLD_SECONDS)

_STATE = "sandbox"
_MOST_PAST = 100


@dataclasses.dataclass
class SandboxState:
    """What a tab edits.

    Attributes:
        sample: Of which sample the objects are.
        run: Of which run the rest is.
        edits: What differs.
        version: Counted up when something else than the tables changed the edits: they are then
            drawn anew, from these.
        moves: Likewise for the table of the objects alone, with each change in the picture.
        unchecked: Whether the edits come from a link.
        past: The edits before each change, the last change last.
        remembered: The edits that stand in the address.
    """

    sample: str
    run: str
    edits: Edits
    version: int = 0
    moves: int = 0
    unchecked: bool = False
    past: list[Edits] = dataclasses.field(default_factory=list)
    remembered: Edits = dataclasses.field(default_factory=Edits)

    def take(self, edits: Edits) -> None:
        """Other edits than the widgets show, which are drawn anew."""
        self.edits = self.remembered = edits
        self.version += 1


def begin_edits(run: str, view: SampleView) -> None:
    """Makes ready for a sample: the edits made on another one keep all but their objects."""
    sample = f"{run} {view.name}"
    state: SandboxState | None = st.session_state.get(_STATE)
    if state is None:
        state = SandboxState(sample, run, Edits())
        _follow_address(state)
    elif state.sample != sample:
        same_run = state.run == run
        kept = dataclasses.replace(state.edits, objects=None) if same_run else Edits()
        state = SandboxState(sample, run, kept, state.version + 1, remembered=kept)
    elif state.edits == state.remembered:
        _follow_address(state)
    st.session_state[_STATE] = state


def _follow_address(state: SandboxState) -> None:
    """Takes over what a link says, or the browser's Back button."""
    if not EDITS.moved():
        return
    text = EDITS.follow()
    try:
        edits = Edits.from_json(text) if text else Edits()
    except ValueError as error:
        say(error)
        edits = Edits()
    if state.past and state.past[-1] == edits:
        state.past.pop()
    elif state.edits != edits:
        state.past.append(state.edits)
    state.take(edits)
    state.unchecked = True


def check_link(check: Callable[[Edits], None]) -> None:
    """Leaves out edits of a link that do not fit, and says why.

    Args:
        check: Raises ValueError where they do not.
    """
    state = state_now()
    if not state.unchecked:
        return
    state.unchecked = False
    try:
        check(state.edits)
    except ValueError as error:
        say(f"The changes in the link do not fit, and are left out: {error}")
        state.take(Edits())
        state.past.clear()


def state_now() -> SandboxState:
    """What this tab edits; after `begin_edits`."""
    return st.session_state[_STATE]


def edits_now() -> Edits:
    """The edits of this tab."""
    return state_now().edits


def take_back() -> None:
    """Two buttons: the last edit, and every edit; call it below all that can be edited."""
    state = state_now()
    with st.container(horizontal=True):
        st.button(
            "Take the last edit back",
            icon=":material/undo:",
            on_click=_undo,
            disabled=not state.past,
        )
        st.button(
            "Take all edits back",
            icon=":material/restart_alt:",
            on_click=_reset,
            disabled=state.edits.is_empty,
        )


def _undo() -> None:
    state = state_now()
    if state.past:
        state.take(state.past.pop())


def _reset() -> None:
    state = state_now()
    state.edits = Edits()
    state.version += 1


def remember() -> None:
    """Puts the edits into the address, and what they were among those that can be taken back."""
    state = state_now()
    if state.edits != state.remembered:
        state.past = [*state.past[-_MOST_PAST:], state.remembered]
        state.remembered = state.edits
    EDITS.write(None if state.edits.is_empty else state.edits.to_json())
