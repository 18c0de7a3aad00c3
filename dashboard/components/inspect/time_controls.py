"""The time machine's buttons: first, previous, play, next, last; and the arrow keys of the page.

Play and the keys live in the browser (`time_controls.js`). Each movement is one trigger, and the
next one waits until the page is complete: so every step is shown whole, however fast the pace.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.shared.sample_picker import Choice, go_to

_KEY, _TURN = "time controls", "time controls, turn"
_BUTTONS = (
    # label, class, data-steps, path in a 16 x 16 box
    ("First snapshot", "", "-2", "M3 2h2v12H3zM14 2v12L6 8z"),
    ("Previous snapshot", "", "-1", "M12 2v12L4 8z"),
    ("Play", "play", "", "M4 2v12l9-6z"),
    ("Next snapshot", "", "1", "M4 2v12l8-6z"),
    ("Last snapshot", "", "2", "M11 2h2v12h-2zM2 2v12l8-6z"),
)
_PAUSE = "M3 2h4v12H3zM9 2h4v12H9z"
_PACES = {500: "0.5 s", 1000: "1 s", 2000: "2 s", 4000: "4 s"}


def _html() -> str:
    buttons = []
    for label, name, steps, path in _BUTTONS:
        data = f' data-steps="{steps}"' if steps else ""
        pause = f'<path class="pause" d="{_PAUSE}"/>' if name else ""
        buttons.append(
            f'<button type="button" class="{name}" title="{label}" aria-label="{label}"{data}>'
            f'<svg viewBox="0 0 16 16" aria-hidden="true"><path d="{path}"/>{pause}</svg></button>'
        )
    paces = "".join(
        f'<option value="{pace}"{" selected" if pace == 1000 else ""}>{text}</option>'
        for pace, text in _PACES.items()
    )
    return (
        f'<div class="time">{"".join(buttons)}'
        f'<select aria-label="Pace of Play" title="A snapshot every ...">{paces}</select>'
        '<span class="where"></span></div>'
    )


_CSS = """
.time { display: flex; flex-wrap: wrap; align-items: center; gap: 0.1rem 0.2rem;
  color: var(--st-text-color); font-family: var(--st-font); font-size: 0.8rem; }
button, select { color: inherit; font: inherit; background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem); }
button { width: 1.8rem; height: 1.6rem; padding: 0; display: grid; place-items: center; }
button:hover:enabled, select:hover { border-color: var(--st-primary-color);
  color: var(--st-primary-color); }
button:focus-visible, select:focus-visible { outline: 2px solid var(--st-primary-color); }
button:disabled { opacity: 0.35; cursor: default; }
svg { width: 0.8rem; height: 0.8rem; fill: currentColor; }
.pause, .on path { display: none; }
.on .pause { display: inline; }
select { height: 1.6rem; padding: 0 0.2rem; }
option { color: var(--st-text-color); background: var(--st-background-color); }
.where { white-space: nowrap; font-size: 0.7rem; line-height: 1; flex-basis: 100%; }
"""

_CONTROLS = st.components.v2.component(
    "time_controls",
    html=_html(),
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def time_controls(choice: Choice, *, live: bool) -> None:
    """Shows the buttons and listens to the arrow keys; call it when the page is complete.

    Args:
        choice: What is shown.
        live: Whether more snapshots may come, so that "latest" is more than the last one.
    """
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1

    def moved() -> None:
        wanted: dict[str, Any] | None = st.session_state[_KEY].get("move")
        if wanted is not None:
            go_to(choice, step=wanted["step"], sample=wanted["sample"])

    _CONTROLS(
        key=_KEY,
        data={
            "at": choice.steps.index(choice.record.step),
            "count": len(choice.steps),
            "follows": choice.follows,
            "live": live,
            "sample": choice.samples.index(choice.record.sample),
            "samples": len(choice.samples),
            "turn": st.session_state[_TURN],
        },
        on_move_change=moved,
    )
