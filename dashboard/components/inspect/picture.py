"""The picture of a sample with its layers."""

from __future__ import annotations

import streamlit as st

from dashboard.components.shared.cell_picker import cell_clicked
from dashboard.components.shared.errors import plain
from dashboard.components.shared.plot import kept, plot
from dashboard.figures.marks import cell_in_picture
from dashboard.figures.places import Cell, detections
from dashboard.figures.scene import ANCHORS, LAYERS, scene_figure
from yolo_core.explain.report import Report
from yolo_core.views import SampleView


def show_picture(view: SampleView, report: Report, cell: Cell) -> float:
    """The picture with its layers; a click selects a cell.

    Returns:
        The chosen cut: predictions that score less are not counted.
    """
    layers = st.pills(
        "Layers",
        LAYERS,
        selection_mode="multi",
        default=LAYERS,
        key="layers",
        bind="query-params",
    )
    cut = st.slider(
        "Lowest score of a prediction", 0.01, 1.0, 0.3, 0.01, key="score", bind="query-params"
    )
    plot(
        kept(
            view,
            ("picture", frozenset(layers), cell.head, cut),
            lambda: scene_figure(view, layers=layers, head=cell.head, score_cut=cut),
        ),
        key="picture",
        alt=_picture_alt(report),
        marks=cell_in_picture(view, cell, anchors=ANCHORS in layers),
        on_click=cell_clicked,
    )
    st.caption(_picture_sentence(view, cut))
    return cut


def _picture_alt(report: Report) -> str:
    names = ", ".join(each.class_name for each in report.objects) or "none"
    return f"The picture with its grid and boxes. Objects: {names}."


def _picture_sentence(view: SampleView, cut: float) -> str:
    slots, _, _ = detections(view, cut)
    _, scores, _ = detections(view, 0.0)
    found = f"{len(slots)} predictions score {cut:.2f} or more"
    if not len(slots):
        best = f"the best scores {scores[0]:.2f}" if len(scores) else "there are none at all"
        found = f"no prediction scores {cut:.2f} or more ({best})"
    boxes = "anchors" if view.layout.has_priors else "predicted boxes"
    measure = plain(view.assignment.candidate_measure)
    priors = (
        f"matched anchors (blue) carry the loss's own {measure} with the object"
        if view.layout.has_priors
        else "this loss has no anchor boxes, so the matched predictors' own boxes are drawn "
        f"(blue), with the loss's own {measure} with the object"
    )
    padding = "" if view.content is None else ", with grey padding outside the dashed line"
    return (
        f"The picture as the network gets it{padding}. Objects (green) carry index: class; "
        f"{found}; {priors}; the selected cell is yellow, its {boxes} dotted pink. Click a cell "
        "to see its slots. Wrong: an object marked ✗ (nothing is trained for it), or, late in "
        "training, an object without a prediction on it."
    )
