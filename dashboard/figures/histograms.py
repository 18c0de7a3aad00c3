"""Histograms from 0 to 1, one an anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.figures.bars import COLORS
from dashboard.figures.frame import GRID, MARGIN


@dataclass(frozen=True)
class Histogram:
    """The overlaps of one anchor.

    Attributes:
        label: Name of the anchor.
        counts: (bins,) int, from 0 to 1.
        samples: (bins,) what a click on each bar gives.
    """

    label: str
    counts: np.ndarray
    samples: Sequence[str | None]


def iou_figure(histograms: Sequence[Histogram], *, axis: str, revision: str) -> go.Figure:
    """Draws a histogram an anchor, from 0 to 1; each has its own scale of counts.

    Args:
        histograms: The anchors, at least one.
        axis: What is counted, such as "IoU of the prediction".
        revision: Zoom is kept as long as this stays.
    """
    columns = min(len(histograms), 3 if len(histograms) != 4 else 2)
    rows = -(-len(histograms) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        horizontal_spacing=0.07,
        vertical_spacing=min(0.3, 0.5 / rows),
        subplot_titles=[f"{each.label}: {int(each.counts.sum()):,}" for each in histograms],
    )
    for k, each in enumerate(histograms):
        width = 1 / len(each.counts)
        centers = (np.arange(len(each.counts)) + 0.5) * width
        figure.add_bar(
            x=centers,
            y=each.counts,
            width=width * 0.92,
            row=k // columns + 1,
            col=k % columns + 1,
            name=each.label,
            uid=each.label,
            marker={"color": COLORS["found"], "line": {"width": 0}},
            customdata=list(each.samples),
            hovertext=[f"{c - width / 2:.2f} to {c + width / 2:.2f}" for c in centers],
            hovertemplate=f"<b>{each.label}</b><br>%{{hovertext}}: %{{y}} objects<extra></extra>",
        )
        # Said and not left to Plotly, which takes 0 to 4 for an anchor without any.
        top = max(int(each.counts.max()), 4) * 1.05
        figure.update_yaxes(range=[0, top], row=k // columns + 1, col=k % columns + 1)
    figure.update_xaxes(range=[0, 1], gridcolor=GRID, dtick=0.25)
    figure.update_xaxes(title={"text": axis, "standoff": 2}, row=rows)
    figure.update_yaxes(gridcolor=GRID, nticks=4)
    figure.update_annotations(font={"size": 12})
    figure.update_layout(
        height=50 + 150 * rows,
        showlegend=False,
        margin={**MARGIN, "t": 28},
        uirevision=revision,
    )
    return figure
