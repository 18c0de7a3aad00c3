"""The keys that the pages know, and the script that shows them and what the words mean."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from yolo_core.explain.glossary import GLOSSARY

KEYS: dict[str, str] = {
    "?": "these keys, and what the words mean",
    "Tab, then Enter": "skips the bar at the top of a page",
    "← →": "Inspect: the sample before, the next sample",
    "↑ ↓": "Inspect: a snapshot on, a snapshot back",
    "← → ↑ ↓ in a picture": "another cell; click the picture, or go there with Tab",
    "0 … 9 in a picture": "another slot of the cell",
    "Esc": "leaves a picture, and closes what is open",
    "wheel, double click": "Inspect: zooms into the picture, and out again",
}
"""{key: what it does}."""


@functools.cache
def keys_and_words() -> str:
    """The script as HTML: it lays what a word means under each heading of a table that has it.

    Made once: every page asks for it each time it is drawn.
    """
    script = (Path(__file__).parent / "keys.js").read_text(encoding="utf-8")
    return (
        f"<script>(() => {{ const KEYS = {json.dumps(KEYS)};\n"
        f"const WORDS = {json.dumps(GLOSSARY)};\n{script}\n}})();</script>"
    )
