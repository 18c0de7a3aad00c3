"""The same samples by two sets of weights: a point a sample."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colors import FOUND, MISSED, TOTAL_COLOR
from dashboard.figures.frame import ABOVE, MARGIN, axis, figure_of


def pairs_figure(
    samples: np.ndarray, loss: np.ndarray, missed: np.ndarray, names: tuple[str, str]
) -> go.Figure:
    """One against the other on log axes, with the line on which both are the same.

    Args:
        samples: (S,) names.
        loss: (S, 2) by the first and by the second; those that are not above zero are left out.
        missed: (S,) objects that the second one misses more than the first.
        names: Of both, for the axes.
    """
    there = (np.isfinite(loss) & (loss > 0)).all(axis=1)
    data = []
    for name, color, rows in (
        ("as many found", TOTAL_COLOR, missed == 0),
        ("more found", FOUND, missed < 0),
        ("fewer found", MISSED, missed > 0),
    ):
        rows = rows & there
        if rows.any():
            data.append(
                {
                    "type": "scatter",
                    "x": loss[rows, 0],
                    "y": loss[rows, 1],
                    "text": [str(each) for each in samples[rows]],
                    "customdata": missed[rows],
                    "mode": "markers",
                    "name": name,
                    "marker": {"color": color, "size": 6, "opacity": 0.7},
                    "hovertemplate": "%{text}: %{x:.3~g} → %{y:.3~g}, missed "
                    "%{customdata:+d}<extra></extra>",
                }
            )
    ends = [loss[there].min(), loss[there].max()] if there.any() else [0.1, 1.0]
    data.append(
        {
            "type": "scatter",
            "x": ends,
            "y": ends,
            "mode": "lines",
            "name": "the same",
            "line": {"color": TOTAL_COLOR, "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        }
    )
    layout = {
        "height": 300,
        "margin": MARGIN,
        "legend": ABOVE,
        "showlegend": True,
        "xaxis": axis(f"loss by {names[0]}", type="log"),
        "yaxis": axis(f"loss by {names[1]}", type="log"),
    }
    return figure_of(data, layout)
