"""A canvas to draw a picture on: white on black, in the pixels that the network takes."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import numpy as np
import streamlit as st

_CANVAS = st.components.v2.component(
    "draw",
    html='<canvas role="img" aria-label="Canvas to draw a picture on"></canvas>'
    "<div><button>Clear</button></div>",
    css="""
canvas { width: min(100%, 24rem); cursor: crosshair; touch-action: none;
  image-rendering: pixelated; border: 1px solid var(--st-border-color); }
button { margin-top: 0.3rem; padding: 0.25rem 0.75rem; cursor: pointer;
  color: var(--st-text-color); background: transparent; border-radius: 0.5rem;
  border: 1px solid var(--st-border-color); font: inherit; }
""",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)
_PEN = 1 / 24


def draw(*, width: int, height: int, key: str) -> np.ndarray | None:
    """Shows the canvas.

    Args:
        width: Pixels of the picture.
        height: Likewise.
        key: Stable name of the canvas on its page.

    Returns:
        (height, width) uint8, light ink on black; None while it is empty.
    """
    result = _CANVAS(
        key=key,
        data={"width": width, "height": height, "pen": max(2.0, _PEN * width), "grey": _kept(key)},
        default={"grey": ""},
        on_grey_change=lambda: None,
    )
    try:
        pixels = np.frombuffer(base64.b64decode(result.get("grey") or "", validate=True), np.uint8)
    except (binascii.Error, ValueError):
        return None
    # A canvas that another run left behind has other sides.
    if pixels.size != width * height or not pixels.any():
        return None
    return pixels.reshape(height, width)


def _kept(key: str) -> str:
    state = st.session_state.get(key)
    return (state or {}).get("grey") or ""
