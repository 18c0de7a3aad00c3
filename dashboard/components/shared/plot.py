"""Plotly figures that stay put while their data changes.

`st.plotly_chart` makes a new chart whenever the figure changes (its identity is a hash of the
figure, also when it has a key): zoom and legend clicks are lost with every point of a live curve,
tried with Streamlit 1.67 in Chromium. `plot` hands the new figure to the chart that is already
there; with `layout.uirevision` set, zoom stays. Marks, such as the outline of the selected cell,
are laid over a figure that stays as it is. It also reports clicks on any trace, heatmaps included,
and takes its colours from the page, light or dark.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import plotly.io
import streamlit as st
import streamlit.components.v1 as components_v1

# Declared for one thing alone: Streamlit then serves the plotly.js that the plotly package brings.
_LIBRARY = components_v1.declare_component(
    "plotly_library", path=str(Path(plotly.__file__).parent / "package_data")
)


def words_apart() -> str:
    """The script that keeps the words of a picture from lying over one another."""
    return (Path(__file__).parent / "apart.js").read_text(encoding="utf-8")


_PLOT = st.components.v2.component(
    "plot",
    html='<div class="plot"></div>',
    # Pictures are there to have their pixels counted.
    css="""
.plot { width: 100%; position: relative; border-radius: 0.25rem; }
.plot:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.plot image { image-rendering: pixelated; }
.plot .annotation-text { paint-order: stroke; stroke: var(--st-background-color);
  stroke-width: 3px; }
.mini-map { position: absolute; left: 4px; top: 4px; width: 22%; background-size: 100% 100%;
  border: 1px solid #fff; outline: 1px solid #000; pointer-events: none; }
.mini-map div { position: absolute; border: 2px solid #ffee58; outline: 1px solid #000; }
""",
    js=words_apart() + Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


# Apart from the figure, which is the same message then: Streamlit sends a reference to it.
# With both in one, a click on Inspect sent 450 kB that the browser had already.
_MARKS = st.components.v2.component(
    "marks",
    html="",
    js=Path(__file__).with_name("marks.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)

_MOST_KEPT = 12
_KEPT: weakref.WeakKeyDictionary[object, dict[Hashable, str]] = weakref.WeakKeyDictionary()


def kept(of: object, what: Hashable, make: Callable[[], go.Figure]) -> str:
    """A figure for `plot`, made once and kept as long as what it shows.

    Args:
        of: What it shows; never changed.
        what: Which figure of it, with whatever else it depends on.
        make: Draws it.
    """
    figures = _KEPT.setdefault(of, {})
    if what not in figures:
        while len(figures) >= _MOST_KEPT:
            del figures[next(iter(figures))]
        figures[what] = _written(make())
    return figures[what]


def _written(figure: go.Figure) -> str:
    # Without the template that plotly adds, 7 kB of its own colours.
    spec = figure.to_plotly_json()
    spec["layout"] = {name: value for name, value in spec["layout"].items() if name != "template"}
    return plotly.io.to_json(spec, validate=False)


def plot(
    figure: go.Figure | str,
    *,
    key: str,
    alt: str,
    marks: Sequence[Mapping[str, Any]] = (),
    on_click: Callable[[Any], None] | None = None,
    on_shapes: Callable[[list[list[Any]]], None] | None = None,
    walks: tuple[Sequence[int], Sequence[int]] | None = None,
    live: Hashable = None,
) -> None:
    """Shows a figure; a later call with the same key updates it in place.

    Args:
        figure: The figure, or what `kept` gives for it. Set `layout.height` (pixels; 450 without
            it), or `layout.meta = {"aspect": height by width}` for one that grows with the page
            (with "below": [pixels, part of the window] as far as that leaves room below it, with
            "most" up to that part of the window; with "zoom": True the wheel zooms, and a small
            map says where) or `{"window": part of the window's height}`, and `layout.uirevision` to
            keep zoom over changes. Colours of text, axes and background come from the page.
        key: Stable name of the chart on its page.
        alt: One sentence for screen readers.
        marks: Shapes of a plotly layout, laid over the figure; where they alone change, the figure
            is not drawn again.
        on_click: Called before the page runs again with the `customdata` of the clicked point; in a
            figure with `layout.meta["linked"]`, with its place on the horizontal axis. Figures
            that are linked by the same text there are pointed at and zoomed together.
        on_shapes: Called likewise when a shape of the figure was dragged or erased, or one was
            drawn, with all shapes as [name, x0, y0, x1, y1]; the name of a new one is None.
        walks: The selected cell as head, row and column, and rows, columns and slots a cell of its
            head: with the focus in the figure, arrow keys click on the cells beside it, and a digit
            on one of its slots.
        live: For a figure that goes on by itself: all that somebody chose of it. As long as that
            stays the same, it is drawn no more often than the browser can afford beside a training
            on the same processor, and not in a tab that nobody sees.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    library = f"{'/' + base if base else ''}/component/{_LIBRARY.name}/plotly.min.js"

    def clicked() -> None:
        value = st.session_state[key].get("click")
        if on_click is not None and value is not None:
            on_click(value)

    def shaped() -> None:
        value = st.session_state[key].get("shapes")
        if on_shapes is not None and value is not None:
            on_shapes(value)

    marked = bool(marks) or walks is not None
    if marked:
        _MARKS(
            key=f"marks of {key}",
            data={
                "of": key,
                "marks": json.dumps(list(marks)),
                "cell": walks and {"place": list(walks[0]), "size": list(walks[1])},
            },
        )
    _PLOT(
        key=key,
        data={
            "figure": figure if isinstance(figure, str) else _written(figure),
            "marked": key if marked else None,
            "library": library,
            "alt": alt,
            "clickable": on_click is not None,
            "shapes": on_shapes is not None,
            "live": None if live is None else str(live),
        },
        on_click_change=clicked,
        on_shapes_change=shaped,
    )


def plot_and_say(figure: go.Figure | str, sentence: str, *, key: str, **how: Any) -> None:
    """`plot`, and under it, in markdown, what it shows and what would be wrong with it."""
    plot(figure, key=key, alt=sentence, **how)
    st.caption(sentence)
