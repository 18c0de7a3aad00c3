"""From a row or a bar of a survey to the sample on the Inspect page."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.cache import cached_snapshot
from dashboard.components.shared import open_sample
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.csv_button import csv_button
from dashboard.components.shared.slot_picker import OBJECT
from dashboard.components.shared.survey_files import cached_survey_records
from dashboard.state import checkpoints_folder
from yolo_core.runs.layout import find_run
from yolo_core.runs.records import SnapshotRecord
from yolo_core.survey.folder import SurveyFolder
from yolo_core.survey.records import KIND
from yolo_core.survey.spots import Spot, read_spot, slot_of
from yolo_core.views import SampleView

_SHOWN = "survey that is shown"


def keep_shown(folder: SurveyFolder) -> None:
    """Remembers which survey the page shows, for the clicks on it."""
    st.session_state[_SHOWN] = folder.run.name, folder.name


def leave_if_asked() -> bool:
    """Goes to the Inspect page if a sample was asked for; for the beginning of the page.

    Returns:
        Whether the page is to be left: nothing else is drawn then.
    """

    def address(asked: str) -> dict[str, str] | None:
        try:
            spot = read_spot(asked)
        except ValueError:
            return None
        # Not from the address: after a click on a row it lacks the run for a moment.
        run, survey = st.session_state.get(_SHOWN, ("", ""))
        if not run:
            return None
        step = survey.rpartition("-")[2]
        found = {"run": run, "kind": KIND, "sample": spot.sample, "step": step}
        return found | _place(run, spot, step)

    return open_sample.leave_if_asked(address)


def found_view(run: str, spot: Spot, step: str) -> tuple[SnapshotRecord, SampleView] | None:
    """A sample of a survey; None where its file is damaged or gone."""
    try:
        records = cached_survey_records(find_run(checkpoints_folder(), run))
        found = [r for r in records if (r.kind, r.sample, str(r.step)) == (KIND, spot.sample, step)]
        return found[0], cached_snapshot(found[0].file).sample(spot.sample)
    except (LookupError, ValueError):
        return None


def is_on(view: SampleView, spot: Spot) -> bool:
    """Whether a sample has the object that a spot names: a link may say anything."""
    rows = range(view.assignment.object_slot.shape[1])
    return spot.object is None or (
        spot.object in view.objects.tolist() and (spot.row is None or spot.row in rows)
    )


def _place(run: str, spot: Spot, step: str) -> dict[str, str]:
    """Where the spot is on its sample, as query parameters of the Inspect page."""
    chosen = {} if spot.object is None else {OBJECT.key: str(spot.object)}
    found = found_view(run, spot, step)
    if found is None:  # the Inspect page says which file is damaged
        return chosen
    _, view = found
    if not is_on(view, spot):
        return {}
    slot = slot_of(view, spot)
    # Without a head where there is only one: it is not asked for then.
    keys = PLACE_KEYS[len(view.layout.grids) == 1 :]
    return chosen | {key: str(int(getattr(view.layout, key)[slot])) for key in keys}


def survey_csv(make: Callable[[], pd.DataFrame], *, name: str, folder: SurveyFolder) -> None:
    """A button that downloads a table of a survey."""
    csv_button(make, file=f"{folder.run.name}-{folder.name}-{name}", key=f"csv {name}")
