"""Precision against recall, and the confusion matrix: plain arrays in, plotly figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from dashboard.figures.colors import BLUE, ORANGE
from dashboard.figures.frame import ABOVE, GRID, MARGIN, axis, figure_of
from dashboard.figures.places import short

MOST_POINTS = 400
MOST_CLASSES = 20
"""Classes of a confusion matrix that can be named beside it, and whose numbers find room in it."""
_MANY = 12  # rows; with more, names are small, short and upright
_SMALL, _LETTERS = 10, 16
_OF_ALL, _FAINT = BLUE, "rgba(128, 128, 128, 0.55)"
_SCALE = get_colorscale("Blues")
_NO_COLOR = "rgba(0, 0, 0, 0)"


@dataclass(frozen=True)
class Line:
    """Precision and recall of one class, or of all.

    Attributes:
        name: What it is called.
        recall: (n,) rising.
        precision: (n,).
        score: (n,) falling.
        main: Whether it is the one that stands out.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    score: np.ndarray
    main: bool = False


def precision_recall_figure(lines: Sequence[Line], threshold: float, *, revision: str) -> go.Figure:
    """Draws the lines, each with a dot where the threshold cuts it.

    Args:
        lines: At least one.
        threshold: Score of the operating point.
        revision: Zoom is kept as long as this stays.
    """
    data = []
    for line in lines:
        at = _few(line)
        color = _OF_ALL if line.main else _FAINT
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": line.recall[at],
                "y": line.precision[at],
                "name": line.name,
                "uid": line.name,
                "line": {"color": color, "width": 3 if line.main else 1.2},
                "customdata": np.round(line.score[at], 3),
                "hovertemplate": f"<b>{line.name}</b><br>from a score of %{{customdata}} on<br>"
                "recall %{x:.3f}, precision %{y:.3f}<extra></extra>",
                "showlegend": line.main,
            }
        )
    dots = [line for line in lines if (line.score >= threshold).any()]
    cut = [int((line.score >= threshold).sum()) - 1 for line in dots]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [line.recall[k] for line, k in zip(dots, cut, strict=True)],
            "y": [line.precision[k] for line, k in zip(dots, cut, strict=True)],
            "text": [line.name for line in dots],
            "name": f"at a score of {threshold:.2f}",
            "uid": "operating point",
            "marker": {
                "color": ORANGE,
                "size": [12 if line.main else 6 for line in dots],
            },
            "hovertemplate": "<b>%{text}</b> at the threshold<br>recall %{x:.3f}, "
            "precision %{y:.3f}<extra></extra>",
        }
    )
    layout = {
        "height": 380,
        "meta": {"aspect": 0.7, "most": 0.27},
        "margin": {**MARGIN, "t": 36},
        "legend": ABOVE,
        "uirevision": revision,
        # Invisible ticks: without them the two zeros lie on each other.
        "xaxis": axis("recall", range=[0, 1.02], ticks="outside", ticklen=8, tickcolor=_NO_COLOR),
        "yaxis": axis("precision", range=[0, 1.03], ticksuffix=" "),
    }
    return figure_of(data, layout)


def most_confused(counts: np.ndarray) -> np.ndarray:
    """The classes that a matrix shows, in their order: all, or those with the most errors.

    Args:
        counts: As for `confusion_figure`.
    """
    errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    return np.sort(np.argsort(-errors[:-1], kind="stable")[:MOST_CLASSES])


def confusion_figure(
    counts: np.ndarray, names: Sequence[str], chosen: tuple[int, int] | None, *, revision: str
) -> go.Figure:
    """Draws the matrix, in each row the parts of its class; a click gives [row, column].

    Of very many classes it shows `most_confused`; the parts are of all that there is of a class.

    Args:
        counts: (C + 1, C + 1), row = class of the object, column = class of the detection, the
            last one background.
        names: (C,) names.
        chosen: Cell with an outline; None for none.
        revision: Zoom is kept as long as this stays.
    """
    rows = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    # Of background nobody knows how much there is: its row is measured by its largest cell.
    top = counts[-1].max()
    share[-1] = counts[-1] / top if top else 0.0
    shown = np.append(most_confused(counts), len(names))
    place = np.stack(np.meshgrid(shown, shown, indexing="ij"), axis=-1).tolist()
    counts, share, rows = counts[np.ix_(shown, shown)], share[np.ix_(shown, shown)], rows[shown]
    size = len(shown)
    longest = {"most": _LETTERS} if size > _MANY else {}
    down = [*(short(names[k], **longest) for k in shown[:-1]), "background"]
    across = [*down[:-1], "missed"]
    words = [
        [
            f"{down[i]} → {across[j]}: {counts[i, j]:,}"
            + (f" of {int(rows[i, 0]):,} ({share[i, j]:.1%})" if i < size - 1 else "")
            for j in range(size)
        ]
        for i in range(size)
    ]
    data = [
        {
            "type": "heatmap",
            "z": share.tolist(),
            "customdata": place,
            "hovertext": words,
            "hovertemplate": "%{hovertext}<extra></extra>",
            "colorscale": _SCALE,
            "zmin": 0,
            "zmax": 1,
            "showscale": False,
            "xgap": 1,
            "ygap": 1,
        },
        _numbers(counts, share, place, words),
    ]
    shapes = []
    if chosen is not None and np.isin(chosen, shown).all():
        i, j = np.searchsorted(shown, chosen).tolist()
        shapes.append(
            {
                "type": "rect",
                "x0": j - 0.5,
                "x1": j + 0.5,
                "y0": i - 0.5,
                "y1": i + 0.5,
                "line": {"color": ORANGE, "width": 3},
            }
        )
    ticks = {"tickmode": "array", "tickvals": list(range(size)), "gridcolor": GRID}
    upright = {"tickangle": -90} if size > _MANY else {}
    if size > _MANY:
        ticks["tickfont"] = {"size": _SMALL}
    layout = {
        "height": 380,
        "meta": {"aspect": 1.0, "most": 0.47},
        "margin": {**MARGIN, "t": 28},
        "uirevision": revision,
        "shapes": shapes,
        "xaxis": {
            "title": {"text": "detected as", "standoff": 4},
            "side": "top",
            "ticktext": across,
            "automargin": True,
            **ticks,
            **upright,
        },
        "yaxis": {
            "title": {"text": "is", "standoff": 4},
            "autorange": "reversed",
            "ticktext": down,
            "automargin": True,
            **ticks,
        },
    }
    return figure_of(data, layout)


def _numbers(
    counts: np.ndarray, share: np.ndarray, place: list[list[list[int]]], words: list[list[str]]
) -> dict[str, Any]:
    """The counts as text, dark on light cells and light on dark ones, whatever the page is."""
    i, j = np.nonzero(counts)
    at = list(zip(i.tolist(), j.tolist(), strict=True))
    return {
        "type": "scatter",
        "mode": "text",
        "x": j.tolist(),
        "y": i.tolist(),
        "text": [f"{counts[each]:,}" for each in at],
        "textfont": {
            "size": _SMALL if len(counts) > _MANY else 12,
            "color": ["#ffffff" if share[each] > 0.715 else "#000000" for each in at],
        },
        "customdata": [place[row][column] for row, column in at],
        "hovertext": [words[row][column] for row, column in at],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }


def _few(line: Line) -> np.ndarray:
    """At most a few hundred places of a line, its ends among them."""
    count = len(line.recall)
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, MOST_POINTS)).astype(int))
