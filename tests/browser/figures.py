"""Finding a figure on a page, and a place in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CELL_PIXELS = 16
CENTRE_ON_PAGE = """(host, [x, y]) => {
  const { xaxis, yaxis } = host._fullLayout;
  return { x: xaxis._offset + xaxis.d2p(x), y: yaxis._offset + yaxis.d2p(y) };
}"""
RANGES = "host => [host._fullLayout.xaxis.range, host._fullLayout.yaxis.range]"


def picture(page: Page) -> Locator:
    found = page.get_by_role("figure", name=re.compile("^The picture"))
    found.locator(".main-svg").first.wait_for()
    return found


def click_a_cell(page: Page, *, row: int, column: int) -> None:
    found = picture(page)
    centre = [(column + 0.5) * CELL_PIXELS, (row + 0.5) * CELL_PIXELS]
    found.click(position=found.evaluate(CENTRE_ON_PAGE, centre))
