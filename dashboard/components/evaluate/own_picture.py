"""A picture of one's own: what the chosen weights find in it."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dashboard.cache import cached_detector, file_version
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.show_table import show_table
from dashboard.figures.data_pictures import Outline, annotated_figure, class_color
from dashboard.tensorflow_turn import a_word_while_it_computes, tensorflow_turn
from yolo_core.data.pixels import READ_SUFFIXES, read_pixels
from yolo_core.data.registry import open_source
from yolo_core.detect import THRESHOLD, Detection, detect
from yolo_core.runs.checkpoints import find_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.training.config import RunConfig, read_run_config
from yolo_core.training.own_loss import is_own_loss

LEAST = 0.01
"""The lowest threshold: below it there are only guesses, one a slot."""
SIDE = 1100
"""Pixels that a page shows of a picture along its longer side."""
LABELLED, LISTED = 40, 100
_KEPT = "evaluate/own picture"


@dataclasses.dataclass(frozen=True)
class Seen:
    """A picture and all that is found in it.

    Attributes:
        image: (height, width, 3) uint8, made smaller where a page could not show more of it.
        size: Width and height of the upright picture itself.
        found: From `LEAST` on, the surest first.
        class_names: (C,) names.
    """

    image: np.ndarray
    size: tuple[int, int]
    found: list[Detection]
    class_names: tuple[str, ...]


@st.fragment
def own_picture(run: RunFolder, wanted: int | str) -> None:
    """Asks for a picture and shows what is found in it.

    Args:
        run: Whose network looks.
        wanted: Which weights, as `find_checkpoint` takes them.
    """
    try:
        config = read_run_config(run)
        checkpoint = find_checkpoint(run, wanted)
    except ValueError as error:
        say(error)
        return
    if is_own_loss(config.loss.name):
        _say_how_else(run, checkpoint)
        return
    file = st.file_uploader(
        "Picture", type=[each.removeprefix(".") for each in READ_SUFFIXES], key="evaluate upload"
    )
    if file is None:
        st.caption(
            "Choose a picture: the network of this run, with the chosen weights, looks for "
            "its classes in it. It is made to fit as the pictures of the training were, and not "
            "kept."
        )
        return
    try:
        seen = _seen(run, config, checkpoint, file)
    except ValueError as error:
        say(error)
        return
    threshold = st.slider(
        "Threshold: detections with at least this score are shown",
        *(LEAST, 1.0, THRESHOLD, 0.01),
        key="evaluate own threshold",
    )
    _show(seen, file.name, checkpoint.step, threshold)


def _say_how_else(run: RunFolder, checkpoint: CheckpointRecord) -> None:
    st.info(
        "This run was trained with a loss of your own, whose file this page never loads. Ask on "
        "the command line, where you say yourself that it may be run:",
        icon=":material/terminal:",
    )
    words = ["python", "-m", "yolo_core", "detect", run.name, "PICTURE", "--draw", "FOLDER"]
    words += ["--step", str(checkpoint.step), "--loss", "FILE.py:NAME"]
    words += ["--checkpoints", str(run.path.parent)]
    st.code(shlex.join(words), language="bash", wrap_lines=True)


def _seen(
    run: RunFolder, config: RunConfig, checkpoint: CheckpointRecord, file: UploadedFile
) -> Seen:
    """What is found; computed once a picture and checkpoint, whatever the threshold."""
    weights = Path(checkpoint.path)
    key = (file.file_id, weights, file_version(weights), file_version(run.config))
    kept = st.session_state.get(_KEPT)
    if kept is None or kept[0] != key:
        with a_word_while_it_computes("the detections"):
            kept = st.session_state[_KEPT] = key, _look(run, config, weights, file)
    return kept[1]


def _look(run: RunFolder, config: RunConfig, weights: Path, file: UploadedFile) -> Seen:
    try:
        pixels = read_pixels(file.getvalue())
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}.") from None
    with tensorflow_turn():
        detector, names = cached_detector(run.config, weights)
        inputs = open_source(config.data).network_inputs
        found = detect(detector, pixels, config.data, names, threshold=LEAST, inputs=inputs)
    small = Image.fromarray(pixels)
    small.thumbnail((SIDE, SIDE))
    return Seen(np.asarray(small), (pixels.shape[1], pixels.shape[0]), found, names)


def _show(seen: Seen, name: str, step: int, threshold: float) -> None:
    found = [each for each in seen.found if each.score >= threshold]
    left, right = st.container(), st.container()
    with left:
        plot_and_say(
            annotated_figure(seen.image, _outlines(seen, found)),
            _sentence(seen, found, name, step, threshold),
            key="evaluate own picture",
        )
    with right:
        _list(seen, found, name)


def _list(seen: Seen, found: list[Detection], name: str) -> None:
    edges = ("xmin", "ymin", "xmax", "ymax")
    if found:
        show_table(
            [
                {"class": each.name, "score": f"{each.score:.2f}"}
                | {edge: f"{value:.1f}" for edge, value in zip(edges, each.edges, strict=True)}
                for each in found[:LISTED]
            ]
        )
    if len(found) > LISTED:
        st.caption(f"The surest {LISTED} of {len(found):,}; the file has all.")
    width, height = seen.size
    # As the command line says it.
    said = {"file": name, "width": width, "height": height}
    st.download_button(
        "Download JSON",
        json.dumps([said | {"detections": [each.to_json() for each in found]}]),
        "detections.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
        help="What `python -m yolo_core detect --json` prints for this picture and threshold.",
    )


def _outlines(seen: Seen, found: list[Detection]) -> list[Outline]:
    """The boxes of each class, the surest named."""
    sides = np.tile(seen.size, 2)
    outlines = []
    for index, name in enumerate(seen.class_names):
        of_class = [(rank, each) for rank, each in enumerate(found) if each.name == name]
        edges = np.array([each.edges for _, each in of_class]).reshape(-1, 4) / sides
        boxes = np.hstack([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]])
        labels = [
            f"<b>{name} {each.score:.2f}</b>" if rank < LABELLED else "" for rank, each in of_class
        ]
        outlines.append(Outline(name, boxes, class_color(index), labels))
    return outlines


def _sentence(seen: Seen, found: list[Detection], name: str, step: int, threshold: float) -> str:
    width, height = seen.size
    less = seen.found[len(found) :]
    left_out = f", and {len(less):,} less sure left out, up to {less[0].score:.2f}" if less else ""
    things = "1 detection" if len(found) == 1 else f"{len(found):,} detections"
    return (
        f"**{things} from a score of {threshold:.2f} on**{left_out}, by the weights of step "
        f"{step:,}, in pixels of {plain(name)} as it stands upright, {width:,} x {height:,}. "
        "Wrong: an object without a box, or a box without its object; where no threshold helps, "
        "the pictures of the training looked otherwise."
    )
