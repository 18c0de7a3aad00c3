"""What a run is exported to: the choice, the job that does it, and its files to download."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.jobs import ask_for, is_asked_for, say_not_stopped, stop_button
from dashboard.components.shared.polling import poll
from yolo_core.export.job import ExportFolder, list_exports, start_export
from yolo_core.export.targets import KINDS, NETWORKS
from yolo_core.jobs.status import JobState, read_job
from yolo_core.runs.checkpoints import BEST, LAST
from yolo_core.runs.layout import RunFolder


def export_run(run: RunFolder, *, say_under: str) -> None:
    """Asks what a run is exported to, and shows what was.

    Args:
        run: The run.
        say_under: Key of the session state for why it did not start.
    """
    with st.popover(
        "Export", icon=":material/output:", type="tertiary", key=f"exporting {run.name}"
    ):
        kind = st.selectbox(
            "To",
            list(KINDS),
            format_func=lambda each: f"{each}: {KINDS[each].about}",
            key=f"export of {run.name}",
        )
        if kind != "csv":
            st.segmented_control(
                "Weights of",
                (BEST, LAST),
                default=BEST,
                required=True,
                key=f"export step of {run.name}",
                help="Of the checkpoints the best by validation mAP50, or the last one.",
            )
        if kind in NETWORKS:
            st.toggle(
                "Raw predictions",
                key=f"export raw of {run.name}",
                help="What the loss takes comes out, in place of boxes and probabilities.",
            )
        st.button(
            "Export this run",
            icon=":material/output:",
            key=f"export {run.name}",
            on_click=_ask,
            args=(run, say_under),
            disabled=is_asked_for(),
            help="A process of its own does it, and puts the files into the run's folder.",
        )
        poll(_show, run, every=1.0, goes_on=lambda: _live(run))


def _ask(run: RunFolder, say_under: str) -> None:
    """Asks for what the fields hold at the press, which may not have been drawn yet."""
    kind = st.session_state[f"export of {run.name}"]
    step = st.session_state.get(f"export step of {run.name}", BEST)
    raw = kind in NETWORKS and st.session_state.get(f"export raw of {run.name}", False)
    start = functools.partial(_start, run, kind, step, raw)
    ask_for(f"the export of **{plain(run.name)}** to {kind}", start, say_under=say_under)


def _start(run: RunFolder, kind: str, step: str, raw: bool) -> None:
    start_export(run, kind, step=step, raw=raw)


def _live(run: RunFolder) -> list[str]:
    return [each.name for each in list_exports(run) if read_job(each.status).is_live]


def _show(run: RunFolder) -> None:
    for each in list_exports(run):
        status = read_job(each.status)
        if status.is_live:
            st.caption(f"{plain(each.name)}: {plain(status.message)}", width="stretch")
            stop_button(each.status, status, "Ends it at once; nothing of it is kept.")
        elif status.state is JobState.FINISHED and each.files():
            _download(each)
        elif status.state is JobState.STOPPED:
            st.caption(f"{plain(each.name)}: {plain(status.message)}")
        else:
            say(f"{each.name}: {status.message}")
    say_not_stopped()


def _download(folder: ExportFolder) -> None:
    files = folder.files()
    size = sum(each.stat().st_size for each in files) / 1e6
    one = files[0].name if len(files) == 1 else f"{folder.run.name}-{folder.name}.zip"
    st.download_button(
        f"{plain(folder.name)}, {size:,.1f} MB",
        lambda: folder.to_download()[1],
        file_name=one,
        icon=":material/download:",
        key=f"download {folder.run.name} {folder.name}",
        on_click="ignore",
        type="tertiary",
        help=f"It lies in {plain(str(folder.made))}.",
    )
