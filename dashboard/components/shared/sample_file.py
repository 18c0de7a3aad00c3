"""A sample with all its layers as one HTML file that opens anywhere, also without a network."""

from __future__ import annotations

import html
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io
import plotly.offline

from dashboard.components.shared.plot import words_apart
from dashboard.figures.marks import Marks, cell_in_picture, cell_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.scene import LAYERS, scene_figure
from dashboard.figures.tiles import mask_figure
from dashboard.tables import ledger_table, term_table
from yolo_core.explain.report import Report
from yolo_core.views import SampleView

_WIDTH = 980
# Colours of words, lines and page: light, and dark.
_SCHEMES = {
    "light": ("#1f2328", "#59636e", "#d8dee4", "#ffffff"),
    "dark": ("#e6e6e3", "#a6a6a0", "#3d3c38", "#1b1a17"),
}
_STYLE = """
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1000px;
  padding: 0 1rem; color: {0}; background: {3}; color-scheme: {scheme}; }}
table {{ border-collapse: collapse; font-size: 13px; margin: .5rem 0; display: block;
  overflow: auto; max-height: 38rem; }}
@media print {{ table {{ max-height: none; }} }}
td, th {{ border-bottom: 1px solid {2}; padding: .25rem .6rem; text-align: left;
  vertical-align: top; }}
p.caption, a {{ color: {1}; font-size: 13px; }}
h1 {{ font-size: 1.4rem; }} h2 {{ margin-top: 1.5rem; font-size: 1.1rem; }}
image {{ image-rendering: pixelated; }}
"""

_APART = """
for (const host of document.querySelectorAll(".js-plotly-plot")) {
  host.on("plotly_afterplot", () => apart(host));
  apart(host);
}
"""


def sample_html(
    view: SampleView,
    report: Report,
    *,
    run: str,
    cell: Cell,
    score_cut: float,
    link: str = "",
    scheme: str = "light",
) -> str:
    """One sample as a document of its own: its picture, terms, objects and masks.

    Args:
        view: The sample.
        report: Its report.
        run: Name of the run, or of what else it is from.
        cell: The selected cell.
        score_cut: Predictions below this score are left out.
        link: The address of the page, or "".
        scheme: "light" or "dark".

    Returns:
        An HTML document that loads nothing; plotly.js (about 5 MB) is in it.
    """
    terms = term_table(report.terms, report.lambdas, view.terms)
    if report.recorded_total is None:  # computed here and now
        terms = terms.drop(columns="recorded")
    title = f"{run}: {view.name} at step {view.step:,}"
    text, _, line, _ = colors = _SCHEMES[scheme]
    look = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": text, "family": "system-ui, sans-serif"},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": line, "activecolor": text},
    }
    masks = mask_figure(view, narrow=True)
    where = f'<p><a href="{html.escape(link)}">{html.escape(link)}</a></p>' if link else ""
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        _paragraph(
            f"Loss {view.loss_name}. Total {report.total:.6g}{_recorded(report)}. "
            f"{report.masks.slots:,} slots = "
            f"{report.masks.object:,} object + {report.masks.no_object:,} no object + "
            f"{report.masks.ignore:,} ignored."
        ),
        where,
        _figure(
            "The picture with all layers",
            scene_figure(view, layers=LAYERS, head=cell.head, score_cut=score_cut),
            "A click on a name of the legend hides and shows a layer; pointing at a cell says "
            "what is in it. Yellow: the selected cell; dotted violet: its anchors, or the boxes "
            "that its slots predict where the loss has no anchors.",
            cell_in_picture(view, cell, anchors=True),
            look,
            height=680,
        ),
        "<h2>Objects</h2>",
        _table(ledger_table(view, report)),
        "<h2>Terms</h2>",
        _table(terms),
        _figure(
            "Which slots are object, no object and ignored",
            masks,
            "One map an anchor or predictor, rows are heads.",
            cell_in_tiles(view, cell),
            look,
            # As high as the tiles are in the width of the page, with titles and legend.
            height=round(_WIDTH * masks.layout.meta["aspect"]) + 24 * len(view.layout.grids) + 58,
        ),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>"
        f"<style>{_STYLE.format(*colors, scheme=scheme)}</style>"
        f"<script>{plotly.offline.get_plotlyjs()}</script></head>\n<body>"
        + "\n".join(part for part in parts if part)
        + f"<script>{words_apart()}{_APART}</script></body></html>\n"
    )


def _figure(
    title: str,
    figure: go.Figure,
    caption: str,
    marks: Marks,
    look: dict[str, Any],
    *,
    height: int,
) -> str:
    figure.update_layout(autosize=True, height=height, shapes=marks, **look)
    drawn = plotly.io.to_html(
        figure,
        full_html=False,
        include_plotlyjs=False,
        default_height=f"{height}px",
        config={"displaylogo": False, "showSendToCloud": False, "responsive": True},
    )
    return f"<h2>{html.escape(title)}</h2>{drawn}{_paragraph(caption)}"


def _paragraph(text: str) -> str:
    return f'<p class="caption">{html.escape(text)}</p>'


def _table(table: pd.DataFrame) -> str:
    return table.to_html(index=False, border=0, escape=True, na_rep="–")


def _recorded(report: Report) -> str:
    return "" if report.recorded_total is None else f", recorded {report.recorded_total:.6g}"
