"""A sample with all its layers as one HTML file that opens anywhere, also without a network."""

from __future__ import annotations

import html

import pandas as pd
import plotly.graph_objects as go
import plotly.io
import plotly.offline

from dashboard.components.inspect.csv_tables import slot_table
from dashboard.figures.marks import Marks, cell_in_picture, cell_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.scene import LAYERS, scene_figure
from dashboard.figures.tiles import loss_figure, mask_figure
from dashboard.tables import ledger_table, term_table
from yolo_core.explain.report import Report
from yolo_core.views import SampleView

MOST_SLOTS = 1_000
"""Rows of the table of slots; of more, those that add most to the loss are kept."""
_WIDTH = 980
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1000px;
  padding: 0 1rem; color: #1f2328; background: #fff; }
table { border-collapse: collapse; font-size: 13px; margin: .5rem 0; display: block;
  overflow-x: auto; }
td, th { border-bottom: 1px solid #d8dee4; padding: .25rem .6rem; text-align: left;
  vertical-align: top; }
p.caption { color: #59636e; font-size: 13px; }
h2 { margin-top: 2rem; font-size: 1.1rem; }
image { image-rendering: pixelated; }
"""


def sample_html(
    view: SampleView, report: Report, *, run: str, cell: Cell, score_cut: float, link: str = ""
) -> str:
    """The Inspect page of one sample as a document of its own.

    Args:
        view: The sample.
        report: Its report.
        run: Name of the run.
        cell: The selected cell.
        score_cut: Predictions below this score are left out.
        link: The address of the page, or "".

    Returns:
        An HTML document that loads nothing; plotly.js (about 5 MB) is in it.
    """
    title = f"{run}: {view.name} at step {view.step:,}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        _paragraph(
            f"Loss {view.loss_name}, snapshot of kind {view.kind}. Total {report.total:.6g}, "
            f"recorded {_recorded(report)}. {report.masks.slots:,} slots = "
            f"{report.masks.object:,} object + {report.masks.no_object:,} no object + "
            f"{report.masks.ignore:,} ignored."
        ),
        f'<p class="caption">{html.escape(link)}</p>' if link else "",
        _figure(
            "The picture with all layers",
            scene_figure(view, layers=LAYERS, head=cell.head, score_cut=score_cut),
            "A click on a name of the legend hides and shows a layer; pointing at a cell says "
            "what is in it. Yellow: the selected cell; dotted violet: its anchors, or the boxes "
            "that its slots predict where the loss has no anchors.",
            cell_in_picture(view, cell, anchors=True),
            height=760,
        ),
        "<h2>Terms</h2>",
        _table(term_table(report.terms, report.lambdas, view.terms)),
        "<h2>Objects</h2>",
        _table(ledger_table(view, report)),
        _figure(
            "Which slots are object, no object and ignored",
            mask_figure(view),
            "One map an anchor or predictor, rows are heads.",
            cell_in_tiles(view, cell),
        ),
    ]
    maps = {"weighted total": view.weighted_map, **view.maps}
    for name, values in maps.items():
        parts.append(
            _figure(
                f"What each slot adds: {name}",
                loss_figure(view, values, name=name),
                "Every term times its lambda." if name == "weighted total" else "Unweighted.",
                cell_in_tiles(view, cell),
            )
        )
    slots = slot_table(view)
    shown = slots
    if len(slots) > MOST_SLOTS:
        shown = slots.nlargest(MOST_SLOTS, "weighted total").sort_index()
    parts += [
        f"<h2>Slots ({len(shown):,} of {len(slots):,})</h2>",
        _table(shown.map(lambda value: f"{value:.4g}" if isinstance(value, float) else value)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{plotly.offline.get_plotlyjs()}</script></head>\n<body>"
        + "\n".join(part for part in parts if part)
        + "</body></html>\n"
    )


def _figure(
    title: str, figure: go.Figure, caption: str, marks: Marks, *, height: int | None = None
) -> str:
    figure.update_layout(
        width=_WIDTH,
        height=height or figure.layout.height,
        shapes=marks,
    )
    drawn = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        config={"displaylogo": False, "showSendToCloud": False},
    )
    return f"<h2>{html.escape(title)}</h2>{drawn}{_paragraph(caption)}"


def _paragraph(text: str) -> str:
    return f'<p class="caption">{html.escape(text)}</p>'


def _table(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, escape=True, na_rep="–")


def _recorded(report: Report) -> str:
    return "nowhere" if report.recorded_total is None else f"{report.recorded_total:.6g}"
