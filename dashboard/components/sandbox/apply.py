"""From the sandbox to the run: what a run accepts is sent, the rest is a command to copy."""

from __future__ import annotations

import json
import shlex

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.polling import poll
from dashboard.components.shared.run_commands import send
from dashboard.tables import number
from yolo_core.runs.commands import Command
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore
from yolo_core.sandbox.edits import Edits

_SENT = "sandbox/sent"


def apply_to_run(folder: RunFolder, edits: Edits) -> None:
    """A button that sends the changed lambdas, what became of them, and how to train with the rest.

    Args:
        folder: The run.
        edits: The edits of the sandbox.
    """
    st.markdown("**Apply to the run**")
    live = read_status(folder).is_live
    changes = ", ".join(f"{name} to {number(value)}" for name, value in edits.lambdas.items())
    st.button(
        f"Set the lambdas {plain(changes)}" if changes else "Set the lambdas",
        key="sandbox/apply",
        type="primary",
        disabled=not (live and edits.lambdas),
        on_click=_apply,
        args=(folder, edits),
    )
    if not edits.lambdas:
        st.caption("Of these edits a run in progress accepts lambdas; none is changed.")
    elif not live:
        st.caption("The run has ended, so nothing can be sent to it.")
    _answers(folder, live=live)
    with_options = Edits(options=edits.options, lambdas=edits.lambdas)
    if not with_options.is_empty and folder.restarts:
        st.caption("A new run like this one, with these options and lambdas:")
        st.code(new_run_command(folder, edits), language="sh", wrap_lines=True)
    if edits.objects is not None or edits.anchors is not None:
        st.caption(
            "Labels belong to the data, and a network is trained for its anchors: neither is sent."
        )


def new_run_command(folder: RunFolder, edits: Edits) -> str:
    """The command line that trains a run like this one with the edited options and lambdas."""
    words = ["python", "-m", "yolo_core", "train", "--config", str(folder.config)]
    for name, value in edits.options.items():
        written = value if isinstance(value, str) else json.dumps(value)
        words += ["--option", f"{name}={written}"]
    for name, value in edits.lambdas.items():
        words += ["--lambda", f"{name}={value:g}"]
    return shlex.join(words)


def _apply(folder: RunFolder, edits: Edits) -> None:
    sent = [
        send(folder, "set-lambda", {"name": name, "value": value})
        for name, value in edits.lambdas.items()
    ]
    st.session_state[_SENT] = (folder.name, [each for each in sent if each is not None])


def _answers(folder: RunFolder, *, live: bool) -> None:
    """What became of the lambdas that were sent from here."""
    error = st.session_state.pop("not sent", None)
    if error:
        say(error)
    name, sent = st.session_state.get(_SENT, ("", []))
    if name != folder.name or not sent:
        return
    poll(_say_answers, folder, sent, every=0.5, goes_on=lambda: live and _waits(folder, sent))


def _say_answers(folder: RunFolder, sent: list[int]) -> None:
    for command in _read(folder, sent):
        what = f"λ {command.arguments['name']} = {command.arguments['value']:g}"
        if command.state == "failed":
            say(f"{what}: {command.error}")
        elif command.state == "pending":
            st.caption(f"{plain(what)}: waiting for the next step")
        else:
            st.caption(f"{plain(what)}: took effect at step {command.step:,}")


def _waits(folder: RunFolder, sent: list[int]) -> bool:
    return any(command.state == "pending" for command in _read(folder, sent))


def _read(folder: RunFolder, sent: list[int]) -> list[Command]:
    try:
        with RunStore.open(folder) as store:
            found = {command.id: command for command in store.commands(100)}
    except ValueError as error:
        say(error)
        return []
    return [found[each] for each in sent if each in found]
