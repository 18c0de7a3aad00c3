"""What `docs/losses.md` says under a number such as "A-2", for pages that cite it.

In a checkout the document is read where it is; a built package has a copy (pyproject.toml).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "losses.md", _PACKAGE.parent / "docs" / "losses.md")
_HEADING = re.compile(r"^(?=#)", re.MULTILINE)
_TITLE = re.compile(r'#+ <a id="([^"]+)"></a>(.*)')
_LINK = re.compile(r"\[([^\]]+)\]\(#[^)]+\)")


def section(number: str) -> str:
    """The text under a number, as Markdown without headings, anchors and links.

    Args:
        number: Such as "A-2"; its anchor in the document is the same in lower case.

    Raises:
        ValueError: The document has no such section, or is not there.
    """
    sections = _sections()
    if number.lower() not in sections:
        raise ValueError(
            f"docs/losses.md has no section {number!r}; it has {', '.join(sorted(sections))}."
        )
    return sections[number.lower()]


@functools.cache
def _sections() -> dict[str, str]:
    """{anchor: text} of every heading that has an anchor."""
    place = next((each for each in _PLACES if each.is_file()), None)
    if place is None:
        raise ValueError(
            f"What is known of the published losses is not there: expected {_PLACES[0]}, or "
            f"{_PLACES[1]} in a checkout."
        )
    found = {}
    for part in _HEADING.split(place.read_text(encoding="utf-8")):
        first, _, body = part.partition("\n")
        title = _TITLE.fullmatch(first)
        if title:
            found[title[1]] = _LINK.sub(r"\1", f"**{title[2]}**\n\n{body.strip()}")
    return found
