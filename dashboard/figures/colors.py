"""One colour, one meaning, on every page: terms, parts of slots, kinds of box, statuses, runs."""

from __future__ import annotations

from zlib import crc32

# Chosen by search for the largest smallest difference (OKLab, at least 0.13 between any two, the
# grey included; 0.09 for rose, which came later) as seen with normal, protan, deutan and tritan
# vision, among colours with a contrast of 3:1 or more against both the light and the dark page.
BLUE, AZURE, ORANGE, BRICK, PURPLE = "#4444ff", "#3399ee", "#ff5511", "#bb3311", "#775599"
ROSE = "#995061"

# Blues say where and how large, rose both in one, reds whether there is something, purple what.
TERM_COLORS: dict[str, str] = {
    "xy": BLUE,
    "wh": AZURE,
    "localization": ROSE,
    "box": ROSE,
    "objectness": ORANGE,
    "confidence": ORANGE,
    "no_object": BRICK,
    "classification": PURPLE,
}
"""Colour ("#rrggbb") of every known loss term."""

TOTAL_COLOR = "#888888"
"""The sum of all terms, and anything that belongs to no term."""

# Found by search against the terms: any two of all that follow, and any of them and a term, differ
# by 0.1 (OKLab); those that are seen together by 0.09 with protan, deutan and tritan vision, too.
# Parts and statuses have a contrast of 3:1 against both pages, boxes of 9:1 against their dark rim.
PART_COLORS = ("#c17002", "#5b5b5b", "#128aa8")
"""Slots that are trained for an object, to say no object, and left alone: brown, grey, teal."""
FOUND, LEFT, FALSE_ALARM, MISSED = "#098245", "#35a27d", "#989400", "#ba3e9d"
"""What became of an object or a slot: found; found by another; nothing there; missed."""
OBJECT_COLOR, MATCHED_COLOR, PREDICTION_COLOR = "#2fd895", "#78efff", "#ff9e07"
ANCHOR_COLOR, CELL_COLOR = "#e19df5", "#fff844"
"""Boxes, on a dark rim: label green, matched anchor cyan, prediction orange, anchors of the cell
violet; the selected cell yellow."""
HEAT_COLOR = "#f71c96"
"""How much a slot adds, over the picture."""
SHOWN_COLOR = "#8811ff"
"""The shown step."""

RUN_COLORS = (
    "#8811ff",
    "#00aa66",
    "#ff5511",
    "#8888aa",
    "#bb3300",
    "#337766",
    "#cc66ff",
    "#9944aa",
)
"""Colours of runs that are drawn together, found as those of the terms: any two differ by 0.1."""


def color_of(term: str) -> str:
    """The colour of a loss term, as "#rrggbb".

    A term that is not in `TERM_COLORS` always gets the same one of its colours; "total" is grey.
    """
    if term == "total":
        return TOTAL_COLOR
    colors = (BLUE, AZURE, ORANGE, BRICK, PURPLE, ROSE)
    return TERM_COLORS.get(term) or colors[crc32(term.encode()) % len(colors)]
