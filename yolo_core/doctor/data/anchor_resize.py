"""Whether given anchors were computed under the other way to resize."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.doctor.data_bench import DataBench, mean_fit
from yolo_core.doctor.finding import Check, Seen

_RISES = 0.03


def _look(bench: DataBench) -> Iterator[Seen]:
    anchors, fit = bench.given_anchors, bench.config.data.fit
    other = "letterbox" if fit == "stretch" else "stretch"
    here, there = (mean_fit(bench.sizes_under(each), anchors) for each in (fit, other))
    if there > here + _RISES:
        yield Seen(
            {"fit": fit, "other": other, "here": f"{here:.2f}", "there": f"{there:.2f}"},
            link={"page": "Data"},
        )


CHECK = Check(
    id="anchor-resize",
    title="Anchors computed for pictures that were resized otherwise",
    of="data",
    means="The anchors have the shapes of objects that the network never sees.",
    what="With pictures resized by {fit}, the anchors have a mean IoU by shape of {here} with the "
    "objects; by {other} it would be {there}.",
    causes={"": "They were fitted to pictures that are resized by {other}."},
    tries="Train with --fit {other}, or fit them anew: --anchors fitted.",
    look=_look,
    bugs=(21,),
)
