"""The Doctor page: what is wrong with a run, by what one can see it, and what to try."""

from __future__ import annotations

import streamlit as st

from dashboard.components.doctor.found import (
    address_of,
    show_dismissed,
    show_findings,
    show_looked_at,
)
from dashboard.components.doctor.overfitted import show_overfitted
from dashboard.components.doctor.start import NOT_STARTED, show_jobs, start_buttons
from dashboard.components.shared.doctor_badge import findings_of, watcher
from dashboard.components.shared.empty import no_runs
from dashboard.components.shared.errors import say
from dashboard.components.shared.gone import say_gone
from dashboard.components.shared.jobs import start_if_asked
from dashboard.components.shared.open_sample import leave_if_asked
from dashboard.components.shared.run_picker import pick_run
from yolo_core.doctor.jobs import EXAMINE, OVERFIT
from yolo_core.doctor.kept import dismissed, read_before, read_overfit
from yolo_core.runs.layout import RunFolder

KINDS = (EXAMINE, OVERFIT)


def show(run: RunFolder) -> None:
    """What was found in a run."""
    say_gone()
    start_if_asked(NOT_STARTED)
    show_jobs(run, KINDS)
    try:
        seen = watcher().look(run).result()
        found, notes, before = findings_of(run, seen), dismissed(run), read_before(run)
        overfitted = read_overfit(run)
    except ValueError as error:
        say(error)
        return
    left = [each for each in found if each.key not in notes]
    looked = "what the run has on record" + (", its loss and its data" if before else "")
    if left:
        count = f"{len(left)} things are" if len(left) > 1 else "1 thing is"
        st.markdown(f"**{count} wrong**, by {looked}.")
    else:
        st.success(f"Nothing is wrong that the doctor knows, by {looked}.")
    if before is None:
        st.caption(
            "Loss and data have not been looked at: press **Examine loss and data**, which takes "
            "some seconds."
        )
    if overfitted is not None:
        show_overfitted(overfitted)
    show_findings(run, left)
    show_dismissed(run, [each for each in found if each.key in notes], notes)
    passed = [*(before.passed if before else ()), *seen.passed]
    show_looked_at(passed, {**(before.not_tried if before else {}), **seen.not_tried})


if not leave_if_asked(address_of):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_folder = pick_run()
        if run_folder is not None:
            start_buttons(run_folder, KINDS)
    if run_folder is None:
        no_runs("what goes wrong with it is named here.")
    else:
        show(run_folder)
