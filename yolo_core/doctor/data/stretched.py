"""How far pictures are stretched out of shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, NotTried, Seen

_MOST = 1.6
_VARIED = 1.5


def _look(bench: DataBench) -> Iterator[Seen]:
    if bench.config.data.fit != "stretch":
        raise NotTried("Its pictures keep their shape.")
    sizes = bench.pictures.sizes.astype(np.float64)
    sizes = sizes[(sizes > 0).all(axis=1)]
    if not len(sizes):
        raise NotTried("No picture has a size.")
    factor = np.log((sizes[:, 0] / sizes[:, 1]) / (bench.pixels[0] / bench.pixels[1]))
    middle = float(np.exp(np.median(np.abs(factor))))
    low, high = np.exp(np.percentile(factor, [5, 95]))
    if middle > _MOST or high / low > _VARIED**2:
        yield Seen(
            {
                "middle": f"{middle:.2f}",
                "low": f"{low:.2f}",
                "high": f"{high:.2f}",
                "size": "{:g} x {:g}".format(*bench.pixels),
            },
            link={"page": "Data"},
        )


CHECK = Check(
    id="stretched",
    title="Pictures stretched out of shape",
    of="data",
    means="The same object has another shape in every picture, and perhaps a third in use.",
    what="Pictures are stretched to {size} px: half of them change their shape by {middle} times "
    "or more, and one in twenty by less than {low} and by more than {high} times.",
    causes={"": "The pictures have other proportions than what enters the network."},
    tries="Train with --fit letterbox, which keeps shapes, or an --image-size like theirs.",
    look=_look,
    bugs=(21,),
)
