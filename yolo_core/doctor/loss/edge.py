"""Whether a function bears a centre on the right or the lower edge of the picture."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.doctor.finding import Check, Seen
from yolo_core.doctor.loss_bench import LossBench


def _look(bench: LossBench) -> Iterator[Seen]:
    if bench.edge_fails:
        yield Seen({"error": bench.edge_fails.rstrip(".")})


CHECK = Check(
    id="edge",
    title="A centre on the edge ends it",
    of="loss",
    means="The first picture with an object cut by its right or lower edge can end the training.",
    what="With objects whose centre is at x 1 or y 1 it fails, and without them it does not: "
    "{error}.",
    causes={"": "The cell is floor(x x columns), which is one too many where x is 1."},
    tries="Clip the cell to the last row and column: min(int(x * columns), columns - 1).",
    look=_look,
    bugs=(6,),
    of_total=True,
)
