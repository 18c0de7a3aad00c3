"""Whether given anchors fit better with width and height exchanged."""

from __future__ import annotations

from collections.abc import Iterator

from yolo_core.doctor.data_bench import DataBench, anchor_words, mean_fit
from yolo_core.doctor.finding import Check, Seen

_RISES = 0.03


def _look(bench: DataBench) -> Iterator[Seen]:
    anchors, sizes = bench.given_anchors, bench.sizes
    # Exchanged in pixels, not in fractions of a picture that may not be square.
    exchanged = (anchors * bench.pixels)[:, ::-1] / bench.pixels
    fit, other = mean_fit(sizes, anchors), mean_fit(sizes, exchanged)
    if other > fit + _RISES:
        yield Seen(
            {
                "anchors": anchor_words(anchors, bench.pixels),
                "fit": f"{fit:.2f}",
                "other": f"{other:.2f}",
            },
            link={"page": "Data"},
        )


CHECK = Check(
    id="anchor-shape",
    title="Anchors with width and height exchanged",
    of="data",
    means="Upright objects get lying anchors, and the other way round.",
    what="The anchors ({anchors}) have a mean IoU by shape of {fit} with the objects, and of "
    "{other} with their width and height exchanged.",
    causes={"": "They were written, or computed, as height, width."},
    tries="Exchange the two columns, or fit them to these data: --anchors fitted.",
    look=_look,
    bugs=(3,),
)
