"""Finding a figure on a page, and a place in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CELL_PIXELS = 16
CENTRE_ON_PAGE = """(host, [x, y]) => {
  const { xaxis, yaxis } = host._fullLayout;
  return { x: xaxis._offset + xaxis.d2p(x), y: yaxis._offset + yaxis.d2p(y) };
}"""
RANGES = "host => [host._fullLayout.xaxis.range, host._fullLayout.yaxis.range]"


RUNS = """() => document.querySelector("[data-test-script-state]")?.dataset.testScriptState
  !== "notRunning\""""


def still(page: Page, look: str, argument: object = None) -> Any:
    """What a script sees on the page, once it has seen the same four times, 0.2 s apart.

    A run of the page's own, as a live one is polled by, is waited for and does not count.
    """
    seen, same = None, 0
    for _ in range(300):
        if not page.evaluate(RUNS):
            found = page.evaluate(look, argument)
            same = same + 1 if found == seen else 0
            if same == 3:
                return found
            seen = found
        page.wait_for_timeout(200)
    raise AssertionError(f"The page did not come to rest; last seen: {seen}")


def picture(page: Page) -> Locator:
    found = page.get_by_role("figure", name=re.compile("^The picture"))
    found.locator(".main-svg").first.wait_for()
    return found


def click_a_cell(page: Page, *, row: int, column: int) -> None:
    found = picture(page)
    centre = [(column + 0.5) * CELL_PIXELS, (row + 0.5) * CELL_PIXELS]
    found.click(position=found.evaluate(CENTRE_ON_PAGE, centre))
