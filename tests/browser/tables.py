"""Finding a row of a table, which is drawn on a canvas, and clicking in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.figures import still

if TYPE_CHECKING:
    from playwright.sync_api import Page

HEADINGS = 35  # pixels of the row of headings
# Of the first table: where it is, and what it tells those who cannot see a canvas.
LOOK = """() => {
  const table = document.querySelector("[data-testid='stDataFrame']");
  if (!table) return null;
  const { left, top, width } = table.getBoundingClientRect();
  const rows = [...table.querySelectorAll("canvas [role='row']")].map((row) => ({
    selected: row.getAttribute("aria-selected"),
    cells: [...row.querySelectorAll("[role='gridcell']")].map((cell) => cell.textContent),
  }));
  return { left, top, width, rows: rows.filter(({ cells }) => cells.length) };
}"""


def rows_of_table(page: Page) -> list[dict]:
    """The rows of the first table, once it stands still: their cells, and which are ticked."""
    page.get_by_test_id("stDataFrame").first.wait_for()
    return still(page, LOOK)["rows"]


def click_in_table(page: Page, word: str, *, x: int, row_height: int = 35) -> None:
    """Clicks the row that has a cell with this word, so many pixels from the left.

    The first 32 pixels are the box that ticks it.
    """
    page.get_by_test_id("stDataFrame").first.wait_for()
    seen = still(page, LOOK)
    (row,) = [k for k, each in enumerate(seen["rows"]) if word in each["cells"]]
    page.mouse.click(seen["left"] + x, seen["top"] + HEADINGS + (row + 0.5) * row_height)
