"""What can be done with the ticked runs: star, note, name, go on, train again, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import streamlit as st

from dashboard.components.runs.exported import export_run
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.run_picker import state_badge
from dashboard.components.shared.run_table import Listed, tick
from dashboard.components.shared.starting import ask_for_training, can_resume
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.moving import remove_run, rename_run
from yolo_core.runs.note import MOST_CHARACTERS, write_note
from yolo_core.runs.overview import RunOverview
from yolo_core.training.own_loss import is_own_loss

NOT_DONE = "what could not be done with a run"


def keep_runs(found: Listed, shown: Mapping[str, str], ticked: Sequence[str]) -> None:
    """A line for each ticked run that is drawn, and what concerns all of them.

    Args:
        found: All runs.
        shown: {name: colour} of those that are drawn.
        ticked: All that are ticked.
    """
    error = st.session_state.pop(NOT_DONE, None)
    if error:
        say(error)
    for name, color in shown.items():
        _line(found[name][0], color, ticked)
    with st.container(horizontal=True):
        _delete(found, ticked)
        st.button("Untick all", icon=":material/close:", type="tertiary", on_click=tick, args=((),))
        if 2 <= len(shown) <= 5:
            runs = {"compare": "trained runs", "runs": list(shown)}
            st.link_button(
                "The same picture under each",
                f"compare?{urlencode(runs, doseq=True)}",
                icon=":material/compare_arrows:",
                type="tertiary",
                help="Opens the Compare page with these runs in a new tab.",
            )


def _line(run: RunOverview, color: str, ticked: Sequence[str]) -> None:
    folder, name = run.folder, run.folder.name
    title, star, note, buttons = st.columns([9, 1, 9, 22], vertical_alignment="center")
    with title, st.container(horizontal=True, vertical_alignment="center"):
        st.html(
            f'<span style="color: {color}; font-size: 1.4rem; line-height: 1">●</span>'
            f"<b> {name}</b>",
            width="content",
        )
        state_badge(folder)
    # Widgets of their own for every state of what they show: another tab may change it, too.
    with star:
        st.button(
            "★" if run.note.starred else "☆",
            key=f"star {name}",
            help="Take the star away" if run.note.starred else "Give it a star",
            type="tertiary",
            on_click=_change,
            args=(folder,),
            kwargs={"starred": not run.note.starred},
        )
    key = f"note {name} {hash(run.note.text)}"
    with note:
        st.text_input(
            f"Note on {name}",
            run.note.text,
            max_chars=MOST_CHARACTERS,
            key=key,
            placeholder="A note",
            label_visibility="collapsed",
            on_change=_write,
            args=(folder, key),
        )
    with buttons, st.container(horizontal=True, vertical_alignment="center"):
        _again(run)
        if can_resume(folder, run.status) and st.button(
            "Resume", icon=":material/play_arrow:", key=f"resume {name}"
        ):
            ask_for_training(["--resume", name], say_under=NOT_DONE)
        export_run(folder, say_under=NOT_DONE)
        if not run.status.is_live:
            _rename(name, ticked)
        for page, icon, address in (
            ("Train", "play_circle", "./"),
            ("Inspect", "search", "inspect"),
        ):
            st.link_button(
                page,
                f"{address}?{urlencode({'run': name})}",
                icon=f":material/{icon}:",
                type="tertiary",
                help="Opens the run there in a new tab.",
            )


def _again(run: RunOverview) -> None:
    name = run.folder.name
    own = is_own_loss(run.loss)
    st.link_button(
        "Again with changes",
        f"./?{urlencode({'again': name})}",
        icon=":material/replay:",
        disabled=own or not run.folder.restarts,
        help="A loss of one's own can be trained from the command line alone: "
        f"python -m yolo_core train --config {plain(str(run.folder.config))} --loss "
        f"{plain(run.loss)}"
        if own
        else "Opens the form of the Train page, filled in from this run, in a new tab.",
    )


def _rename(name: str, ticked: Sequence[str]) -> None:
    with st.popover("Rename", icon=":material/edit:", type="tertiary", key=f"renaming {name}"):
        key = f"new name of {name}"
        st.text_input(f"New name of {name}", name, max_chars=64, key=key)
        st.button(
            "Rename this run",
            key=f"rename {name}",
            on_click=_rename_to,
            args=(name, key, list(ticked)),
        )


def _delete(found: Listed, ticked: Sequence[str]) -> None:
    """Says what would go; the button in it deletes."""
    live = [name for name in ticked if found[name][0].status.is_live]
    count = "this run" if len(ticked) == 1 else f"{len(ticked):,} runs"
    with st.popover(
        f"Delete {count}",
        icon=":material/delete:",
        type="tertiary",
        key=f"deleting {hash(tuple(ticked))}",
        disabled=bool(live),
        help=f"{', '.join(live)} is being trained: stop it first." if live else None,
    ):
        size = sum(found[name][1].total for name in ticked) / 1e6
        st.markdown(
            f"Delete **{plain(', '.join(ticked))}**, {size:,.0f} MB, with all weights, snapshots "
            "and surveys? There is no way back."
        )
        st.button(
            f"Yes, delete {count}",
            icon=":material/delete:",
            type="primary",
            key="delete runs",
            on_click=_delete_all,
            args=(list(ticked),),
        )


def _change(folder: RunFolder, **change: str | bool) -> None:
    try:
        write_note(folder, **change)
    except ValueError as error:
        st.session_state[NOT_DONE] = str(error)


def _write(folder: RunFolder, key: str) -> None:
    _change(folder, text=st.session_state[key])


def _rename_to(name: str, key: str, ticked: list[str]) -> None:
    new = st.session_state[key].strip()
    if new == name:
        return
    try:
        rename_run(checkpoints_folder(), name, new)
    except ValueError as error:
        st.session_state[NOT_DONE] = str(error)
        return
    tick([new if each == name else each for each in ticked])


def _delete_all(names: list[str]) -> None:
    left = list(names)
    for name in names:
        try:
            remove_run(checkpoints_folder(), name)
        except ValueError as error:
            st.session_state[NOT_DONE] = str(error)
            break
        left.remove(name)
    tick(left)
