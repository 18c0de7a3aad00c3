"""What the doctor found, each with its evidence, what to try, and a way to put it aside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.cache import cached_records, cached_snapshot
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.open_sample import INSPECT, PAGE, ask_for
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.scene import OBJECTS, PREDICTIONS, scene_figure
from yolo_core.doctor.kept import MOST_CHARACTERS, Told, dismiss
from yolo_core.evaluation.misses import SCORE
from yolo_core.foreign_files import parse_json
from yolo_core.runs.layout import RunFolder
from yolo_core.views import SampleView

_MOST_PICTURES = 6
_PAGES = {
    "Inspect": (INSPECT, ":material/search:"),
    "Train": ("app_pages/train.py", ":material/play_circle:"),
    "Data": ("app_pages/data.py", ":material/photo_library:"),
}
_COLORS: dict[str, Any] = {"loss": "violet", "data": "orange", "run": "blue"}
_NOT_KEPT = "note of the doctor not kept"


def show_findings(run: RunFolder, found: Sequence[Told]) -> None:
    """A card a finding."""
    error = st.session_state.pop(_NOT_KEPT, None)
    if error:
        say(error)
    pictures = 0
    for each in found:
        view = _view(run, each) if pictures < _MOST_PICTURES else None
        pictures += view is not None
        with st.container(border=True, key=f"finding {each.key}"):
            _card(run, each, view)


def _card(run: RunFolder, found: Told, view: SampleView | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(found.title)}**", width="stretch")
        if found.step is not None:
            st.badge(f"since step {found.step:,}", color="gray")
        st.badge(found.of, color=_COLORS.get(found.of, "gray"))
        _link(found)
        with st.popover("Dismiss", icon=":material/visibility_off:"):
            note = f"note {run.name} {found.key}"
            st.text_input(
                "Why",
                key=note,
                max_chars=MOST_CHARACTERS,
                placeholder="such as: meant so",
            )
            st.button(
                "Put aside",
                key=f"dismiss {run.name} {found.key}",
                on_click=lambda: _put_aside(run, found.key, st.session_state[note]),
                help="It no longer counts at the top of the pages; the note is kept beside the "
                "run.",
            )
    cause = f"**Likely** {plain(found.cause)}  \n" if found.cause else ""
    text, picture = st.columns([3, 1]) if view is not None else (st.container(), None)
    with text:
        st.markdown(plain(found.what))
        st.caption(f"{plain(found.means)}  \n{cause}**Try** {plain(found.tries)}")
    if view is not None and picture is not None:
        with picture:
            _picture(found, view)


def _view(run: RunFolder, found: Told) -> SampleView | None:
    """The sample that shows a finding; None where it is about none, or its snapshot is gone."""
    link = found.link
    wanted = link.get("kind"), link.get("sample"), link.get("step")
    try:
        records = cached_records(run) if link.get("page") == "Inspect" else []
        files = [r.file for r in records if (r.kind, r.sample, str(r.step)) == wanted]
        return cached_snapshot(files[0]).sample(str(wanted[1])) if files else None
    except (LookupError, ValueError):
        return None


def _picture(found: Told, view: SampleView) -> None:
    """The sample with its labels and what the network sees."""
    layers = (OBJECTS, PREDICTIONS)
    sentence = (
        f"{plain(view.name)}: labels, and detections with a score of {SCORE} or more, dashed."
    )
    figure = kept(
        view,
        ("doctor", SCORE),
        lambda: scene_figure(view, layers=layers, head=0, score_cut=SCORE, legend=False),
    )
    plot(figure, key=f"picture {found.key}", alt=sentence)
    st.caption(sentence)


def _link(found: Told) -> None:
    """Where it can be seen."""
    address = dict(found.link)
    name = address.pop("page", "")
    if name in _PAGES:
        page, icon = _PAGES[name]
        st.button(
            f"Show on {name}",
            icon=icon,
            key=f"show {found.key}",
            on_click=ask_for,
            args=(json.dumps({**address, PAGE: page}),),
        )


def address_of(asked: str) -> Mapping[str, str] | None:
    """What `_link` made, for `leave_if_asked`."""
    try:
        found = parse_json(asked)
    except ValueError:
        return None
    pages = [page for page, _ in _PAGES.values()]
    return found if isinstance(found, dict) and found.get(PAGE) in pages else None


def show_dismissed(run: RunFolder, found: Sequence[Told], notes: Mapping[str, str]) -> None:
    """What was put aside, with its notes."""
    if not found:
        return
    with st.expander(f"Put aside ({len(found)})", icon=":material/visibility_off:"):
        for each in found:
            text, button = st.columns([6, 1], vertical_alignment="center")
            note = notes[each.key]
            why = f"  \n{plain(note)}" if note else ""
            text.markdown(f"**{plain(each.title)}** {plain(each.what)}{why}")
            button.button(
                "Take up",
                key=f"take up {run.name} {each.key}",
                on_click=_put_aside,
                args=(run, each.key, None),
            )


def _put_aside(run: RunFolder, key: str, note: str | None) -> None:
    try:
        dismiss(run, key, note)
    except ValueError as error:
        st.session_state[_NOT_KEPT] = str(error)


def show_looked_at(passed: Sequence[str], not_tried: Mapping[str, str]) -> None:
    """What was in order, and what could not be looked at."""
    with st.expander(f"In order ({len(passed)})", icon=":material/check:"):
        st.caption(plain(", ".join(passed)) or "Nothing yet.")
    if not_tried:
        with st.expander(f"Not looked at ({len(not_tried)})", icon=":material/help:"):
            lines = [f"**{plain(name)}** {plain(why)}" for name, why in not_tried.items()]
            st.caption("  \n".join(lines))
