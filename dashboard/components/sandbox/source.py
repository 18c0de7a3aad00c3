"""What a sandbox starts from: a snapshot, any sample of the data, or a picture of one's own."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import cached_records
from dashboard.components.sandbox.compute import picture_shape, predicted
from dashboard.components.sandbox.draw import draw
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.empty import no_checkpoint, no_network, no_snapshots
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.sample_picker import open_chosen, pick_sample
from dashboard.components.shared.survey_files import cached_survey_records
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.explain.report import totals_agree
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.store import RunStore
from yolo_core.views import SampleView

SNAPSHOT, SAMPLE, UPLOAD, DRAW = "a snapshot", "any sample", "a file", "a drawing"
SOURCES = (SNAPSHOT, SAMPLE, UPLOAD, DRAW)
SOURCE, ANY = UrlChoice("from"), UrlChoice("any")
_KINDS = ["png", "jpg", "jpeg", "bmp", "webp", "gif", "tif", "tiff"]


def pick_source(folder: RunFolder, row: DeltaGenerator, panel: DeltaGenerator) -> SampleView | None:
    """Asks where the sample comes from; None while there is none, which the page then says.

    Args:
        folder: The run.
        row: Where what is chosen goes.
        panel: Where a picture of one's own is asked for.

    Raises:
        ValueError: The sample cannot be read or made.
    """
    with row:
        source = SOURCE.pick(
            st.segmented_control, "Start from", SOURCES, required=True, width="content"
        )
    if source == SNAPSHOT:
        records = [*cached_records(folder), *cached_survey_records(folder)]
        if not records:
            no_snapshots(folder)
            return None
        with row:
            places = st.container(width=120), st.container(width=130), st.container()
        # A run in progress would exchange what is being edited for its next snapshot.
        choice = pick_sample(records, latest=False, places=places)
        choice, snapshot = open_chosen(choice)
        return snapshot.sample(choice.record.sample)
    if no_network(folder):
        return None
    with row:
        checkpoint = _pick_checkpoint(folder)
    if checkpoint is None:
        no_checkpoint(
            folder,
            "another picture",
            "every few hundred steps; **Checkpoint** on the Train page writes one at once.",
        )
        return None
    if source == SAMPLE:
        with row:
            return _any_sample(folder, checkpoint)
    with panel:
        image, name = _own_picture(folder) if source == UPLOAD else _drawing(folder)
    if image is None:
        return None
    with a_word_while_it_computes("the predictions"):
        return predicted(folder, checkpoint, name, image)


def where_from(view: SampleView, before: SampleView) -> str:
    """What the sample is, and whether the loss is here what was recorded.

    Args:
        view: The sample.
        before: The same, recomputed without edits.
    """
    predicted_here = st.session_state.get(SOURCE.key) != SNAPSHOT
    if view.kind == "batch" and not predicted_here:
        return (
            f"**{plain(view.name)}** with the prediction that it had in the training batch of step "
            f"{view.step:,}: in training mode, by the weights before that update. Here it is a "
            "batch of one, so its numbers are not its share of that batch."
        )
    start = (
        f"**{plain(view.name)}**, the network in inference mode, a batch of this one picture, "
        f"after {view.step:,} updates. "
    )
    if predicted_here:
        return f"{start}Predicted here and now, from the checkpoint."
    if totals_agree(before.total, view.total):
        return f"{start}Without edits the loss is {before.total:.6g}, as it was recorded ✓"
    return (
        f"{start}Without edits the loss is {before.total:.6g} here, but {view.total:.6g} was "
        "recorded: do not trust what follows."
    )


def _pick_checkpoint(folder: RunFolder) -> CheckpointRecord | None:
    with RunStore.open(folder) as store:
        found = {each.step: each for each in store.checkpoints() if each.path.exists()}
    if not found:
        return None
    steps = sorted(found, reverse=True)
    step = st.selectbox(
        "Weights of the checkpoint after step",
        steps,
        format_func=lambda value: f"weights of step {value:,}",
        key=f"sandbox/checkpoint/{folder.name}",
        width=200,
    )
    return found[step]


def _any_sample(folder: RunFolder, checkpoint: CheckpointRecord) -> SampleView | None:
    ANY.preset(ANY.asked() or "val/100")
    name = st.text_input(
        "Sample",
        key=ANY.key,
        bind="query-params",
        width=120,
        help="val/NUMBER, test/NUMBER or train/NUMBER, such as val/100.",
    )
    if not name:
        st.caption("Write which sample, such as val/100.")
        return None
    with a_word_while_it_computes("the prediction"):
        return predicted(folder, checkpoint, name.strip())


def _own_picture(folder: RunFolder) -> tuple[np.ndarray | None, str]:
    from yolo_core.sandbox.picture import read_picture

    file = st.file_uploader("Picture", type=_KINDS, key="sandbox/upload")
    invert = st.toggle(
        "Dark on light",
        key="sandbox/invert",
        help="The digits are light on black; a scan is dark on light.",
    )
    if file is None:
        st.info("Choose a picture. It is scaled to what the network takes, and not kept.")
        return None, ""
    shape = picture_shape(folder)
    return read_picture(io.BytesIO(file.getvalue()), shape, invert=invert), file.name


def _drawing(folder: RunFolder) -> tuple[np.ndarray | None, str]:
    height, width, channels = picture_shape(folder)
    grey = draw(width=width, height=height, key="sandbox drawing")
    if grey is None:
        st.caption("Draw with the mouse; the prediction follows every stroke.")
        return None, ""
    return np.repeat(grey[:, :, None], channels, axis=2), "a drawing"


def say_if_wrong(error: ValueError) -> None:
    """What to do about a sample that cannot be had."""
    say(error)
    st.caption("Choose another sample, step or checkpoint above.")
