"""What the doctor can be asked to do in a process of its own, and how that goes."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard.components.shared.jobs import ask_for, is_asked_for, show_job
from dashboard.components.shared.polling import poll
from yolo_core.doctor.jobs import EXAMINE, OVERFIT, DoctorJob
from yolo_core.jobs.status import read_job
from yolo_core.runs.layout import RunFolder

NOT_STARTED = "doctor not started"
_WORDS = {
    EXAMINE: (
        "Examine loss and data",
        ":material/stethoscope:",
        "the examination",
        "Tries the loss on made-up pictures that are not square, and looks at the data and their "
        "anchors. It takes some seconds; no weights are needed.",
        "checks",
    ),
    OVERFIT: (
        "Overfit one batch",
        ":material/center_focus_strong:",
        "the overfitting",
        "Trains fresh weights on the pinned samples alone until they are learned, or clearly "
        "stuck, and says so for each term and each object. The run stays as it is.",
        "steps",
    ),
}


def start_buttons(run: RunFolder, kinds: tuple[str, ...]) -> None:
    """A button a kind of job; of a run of somebody's own script nothing is trained from here."""
    for kind in kinds if run.restarts else [each for each in kinds if each != OVERFIT]:
        label, icon, what, told, _ = _WORDS[kind]
        job = DoctorJob(run, kind)
        st.button(
            label,
            icon=icon,
            key=f"start {kind}",
            on_click=ask_for,
            args=(what, job.start),
            kwargs={"say_under": NOT_STARTED},
            disabled=is_asked_for() or is_live(job),
            help=told,
        )


def show_jobs(run: RunFolder, kinds: tuple[str, ...]) -> None:
    """How far each one is, or how it ended where there is more to say."""
    for kind in kinds:
        job = DoctorJob(run, kind)
        if job.status.exists():
            poll(_progress, job, every=1.0, goes_on=functools.partial(is_live, job))


def is_live(job: DoctorJob) -> bool:
    """Whether a job has a process."""
    return job.status.exists() and read_job(job.status).is_live


def _progress(job: DoctorJob) -> None:
    show_job(job.status, unit=_WORDS[job.kind][-1], stop_help="Ends it; nothing of it is kept.")
