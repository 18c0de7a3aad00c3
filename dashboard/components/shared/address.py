"""What a page shows, in its address, so that a link (and the Back button) brings it back."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dashboard.components.shared.errors import plain

_CHOSEN = "chosen for widgets"
HOLD_SECONDS = 1.2
"""How long the browser may send what was there before it heard of a change."""


@dataclasses.dataclass(frozen=True)
class UrlChoice:
    """One thing that can be chosen, and stands in the address.

    Where Streamlit binds the widget to the address, it writes there itself, and takes over what a
    link or the Back button says. The widget must then have no preset (`index=None`, `value=None`):
    Streamlit leaves a value that is a widget's own preset out of the address, and presets differ
    from run to run. Where it cannot be bound, `write` puts the value there.

    Attributes:
        key: Query parameter, and session key of the widget.
        bound: Whether Streamlit binds the widget.
        hold: Seconds after `write` in which the address is not listened to: the browser may not
            have heard of it.
    """

    key: str
    bound: bool = True
    hold: float = 0.0

    def asked(self) -> str | None:
        """What is to be shown: what `then` chose, or a link, or the widget; None for nothing."""
        chosen = st.session_state.pop(f"next {self.key}", None)
        address = st.query_params.get(self.key)
        if chosen is None and not self.bound and address is not None and self.moved():
            return address
        if chosen is None:
            chosen = st.session_state.get(self.key)
        if chosen is None:
            chosen = (address or None) if self.bound else self._written()[0]
        return None if chosen is None else str(chosen)

    def then(self, value: str) -> None:
        """Has the next run of the page show something: its widget may not be written to by now."""
        st.session_state[f"next {self.key}"] = value

    def preset(self, value: str | int) -> None:
        """Chooses a value for the widget; call it before the widget."""
        absent, page = self.key not in st.query_params, page_address()
        # After a change of pages also where it is that already: it is the value of the other page's
        # widget, and does not reach this one.
        turned = st.session_state.get(f"page of {self.key}") != page
        st.session_state[f"page of {self.key}"] = page
        if absent or turned or st.session_state.get(self.key) != value:
            st.session_state[self.key] = value
        if absent and self.bound:
            self._put(value)

    def pick(
        self,
        widget: Callable[..., Any],
        label: str,
        options: Sequence[str],
        *,
        default: str | None = None,
        missing: Callable[[str], None] = lambda _: None,
        **how: Any,
    ) -> Any:
        """Shows a widget with what is asked for; what is none of the options becomes the default.

        Args:
            widget: Such as `st.selectbox`.
            label: Of the widget.
            options: What can be chosen.
            default: None for the first of them.
            missing: Says that there is no such option as was asked for.
            **how: What else the widget takes.
        """
        asked = self.asked()
        if asked and asked not in options:
            missing(asked)
        self.preset(asked if asked in options else options[0] if default is None else default)
        if widget is st.selectbox:
            how["index"] = None
        if self.bound:
            how["bind"] = "query-params"
        chosen = widget(label, options, key=self.key, **how)
        if chosen is None:
            # Gone back to, a page is first drawn without what its widgets are bound to, since that
            # was bound on the page before, too (`populate_from_query_string`, Streamlit 1.67).
            st.rerun()
        if not self.bound:
            self.write(chosen)
        return chosen

    def pick_many(
        self,
        label: str,
        options: Sequence[str],
        *,
        default: Callable[[], Sequence[str]],
        most: int,
        **how: Any,
    ) -> list[str]:
        """Shows a list of which several are chosen; what is no option is left out, and said.

        Args:
            label: Of the list.
            options: What can be chosen.
            default: What is chosen where nothing is asked for.
            most: How many can be chosen.
            **how: What else `st.multiselect` takes.
        """
        first_look = self.key not in st.session_state
        address = st.query_params.get_all(self.key)
        asked = address if first_look else st.session_state[self.key]
        chosen = [name for name in dict.fromkeys(asked) if name in options][:most]
        unknown = [name for name in asked if name not in options]
        if unknown and first_look:
            names = ", ".join(unknown)
            st.caption(plain(f"Not shown, because there is no such choice here: {names}."))
        if not chosen and (unknown or (first_look and not address)):
            chosen = list(default())
        if not address or chosen != list(asked):
            st.session_state[self.key] = chosen
        if not address and chosen:
            self._put(chosen)
        return st.multiselect(
            label, options, key=self.key, bind="query-params", max_selections=most, **how
        )

    def write(self, value: str | None) -> None:
        """Puts the value of a widget that is not bound into the address; None takes it out."""
        before, when = self._written()
        self._remember(value, when if value == before else time.monotonic())
        if value is None:
            st.query_params.pop(self.key, None)
        elif st.query_params.get(self.key) != value:
            st.query_params[self.key] = value

    def moved(self) -> bool:
        """Whether the address says something else than was written there: a link, or Back."""
        value, when = self._written()
        late = time.monotonic() - when < self.hold
        return not late and st.query_params.get(self.key) != value

    def follow(self) -> str | None:
        """What the address says where it has `moved`; it counts as written from then on."""
        address = st.query_params.get(self.key) or None
        self._remember(address, 0.0)
        return address

    def forget(self) -> None:
        """Nothing is chosen any more."""
        for key in (self.key, f"written {self.key}"):
            st.session_state.pop(key, None)
        st.query_params.pop(self.key, None)

    def _written(self) -> tuple[str | None, float]:
        """What was last written to the address, and when."""
        return st.session_state.get(f"written {self.key}", (None, 0.0))

    def _remember(self, value: str | None, when: float) -> None:
        st.session_state[f"written {self.key}"] = (value, when)

    def _put(self, value: object) -> None:
        # Once the widget is bound, Streamlit writes the address itself, and forbids this.
        with contextlib.suppress(StreamlitAPIException):
            st.query_params[self.key] = value if isinstance(value, list) else str(value)


def choose(values: Mapping[str, object]) -> None:
    """Chooses values for widgets, such as in a callback, for good: see `hold_choices`."""
    before = {key: st.session_state.get(key) for key in values if key in st.session_state}
    older = [each for each in st.session_state.get(_CHOSEN, ()) if not each[1].keys() & values]
    until = time.monotonic() + HOLD_SECONDS
    st.session_state[_CHOSEN] = [*older, (until, before, dict(values))]
    for key, value in values.items():
        st.session_state[key] = value


def hold_choices(*keys: str) -> bool:
    """Puts back what was chosen a moment ago for widgets of these keys; call it before them.

    A page that looks for news every second sends what its widgets show. Where that crosses a choice
    on its way to the browser, they all still show what was there before (one click in ten), and
    Streamlit 1.67 takes that for a choice of its user.

    Returns:
        Whether anything was put back: a callback of such a widget was then called for nothing.
    """
    late = False
    for until, before, values in st.session_state.get(_CHOSEN, ()):
        changed = {key: was for key, was in before.items() if was != values[key]}
        if time.monotonic() > until or not changed or not values.keys() <= set(keys):
            continue
        if all(st.session_state.get(key) == was for key, was in changed.items()):
            for key, value in values.items():
                st.session_state[key] = value
            late = True
    return late


def page_address() -> str:
    """The address of the page that is shown, without what is asked of it."""
    return (st.context.url or "").split("?")[0]
