"""Whether each object is given to the cell that holds its centre."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.doctor import pictures
from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench, object_words
from yolo_core.explain.by_label import cell_of_centre, given_elsewhere

_NEARLY = 0.7


def _look(bench: LossBench) -> Iterator[Seen]:
    moved = []
    for picture in range(len(pictures.PICTURES)):
        view = bench.view(picture, bench.random_slots, bench.random)
        for index in view.objects.tolist():
            for slot in given_elsewhere(view, index)[:1]:
                place = bench.place(slot)
                centre = cell_of_centre(view, index, place["head"])
                cell = place["row"], place["column"]
                moved.append((picture, index, cell, centre, place["head"]))
    if not moved:
        return
    picture, index, cell, centre, head = moved[0]
    x, y, width, height = bench.y_true[picture, index, 1:5].tolist()
    rows, columns, _ = bench.layout.grids[head]
    cause = next((way[0] for way in _WAYS if _explains(way, bench, moved)), "")
    yield Seen(
        {
            "objects": len(moved),
            "of": len(bench.objects()),
            "object": object_words(picture, index),
            "row": cell[0],
            "column": cell[1],
            "wanted_row": centre[0],
            "wanted_column": centre[1],
            "x": round(x, 3),
            "y": round(y, 3),
            "width": round(width, 3),
            "height": round(height, 3),
            "rows": rows,
            "columns": columns,
        },
        cause=cause,
    )


def _explains(way: tuple[str, ...], bench: LossBench, moved: list[tuple]) -> bool:
    """Whether a mistake finds nearly all cells: code treats the edges in its own ways."""
    hits = 0
    for picture, index, given, _, head in moved:
        rows, columns, _ = bench.layout.grids[head]
        x, y, w, h = bench.y_true[picture, index, 1:5].tolist()
        known = {"x": x, "y": y, "rows": rows, "columns": columns}
        known |= {"top": y - h / 2, "left": x - w / 2, "bottom": y + h / 2, "right": x + w / 2}
        _, of_row, row_parts, of_column, column_parts = way
        row, column = known[of_row] * known[row_parts], known[of_column] * known[column_parts]
        hits += given == (min(max(int(row), 0), rows - 1), min(max(int(column), 0), columns - 1))
    return hits >= _NEARLY * len(moved)


# Cause; of which coordinate, in how many parts, the row is taken; and the column.
_WAYS = (
    ("exchanged", "x", "columns", "y", "rows"),
    ("exchanged", "x", "rows", "y", "columns"),
    ("exchanged", "x", "rows", "y", "rows"),
    ("sides", "y", "columns", "x", "rows"),
    ("sides", "y", "rows", "x", "rows"),
    ("sides", "y", "columns", "x", "columns"),
    ("corner", "top", "rows", "left", "columns"),
    ("corner", "bottom", "rows", "right", "columns"),
)
CHECK = Check(
    id="cells",
    title="Objects in other cells than their centres'",
    of="loss",
    means="A cell that does not see the object's centre is trained for it.",
    what="{objects} of {of} objects are given to a cell that does not hold their centre, on a grid "
    "of {rows} rows and {columns} columns: {object}, with its centre at x {x}, y {y}, to (row "
    "{row}, column {column}) in place of (row {wanted_row}, column {wanted_column}).",
    causes={
        "": "The cell is found by another number than floor(y x rows), floor(x x columns).",
        "exchanged": "Row and column are exchanged: x says the column and y the row, so the "
        "index is [row, column] = [j, i]. On a square grid nothing crashes.",
        "sides": "The number of rows is used for columns, or the other way round: the grid is "
        "taken for a square.",
        "corner": "The cell is found by a corner of the box, or by a number that was rounded down "
        "before it was scaled, in place of the centre.",
    },
    tries="Compute row = floor(y_center x rows) and column = floor(x_center x columns) for this "
    "object, and compare with what your code indexes.",
    look=_look,
    bugs=(1, 2, 6),
)
