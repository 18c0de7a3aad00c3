"""How many objects would lose their slot to another one; asked of the loss itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.data.overview import pictures_of
from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.training.own_loss import is_own_loss

_SHARE = 0.1


def _look(bench: DataBench) -> Iterator[Seen]:
    from yolo_core.before.lost import loss_of, lost_objects  # Keras

    if is_own_loss(bench.config.loss.name):
        raise NotTried("Lost objects are counted with the losses that come along.")
    height, width = bench.source.image_shape[:2]
    data = pictures_of(bench.source)
    table = lost_objects(
        loss_of(bench.config, bench.source), data, (height, width), bench.config.data.fit
    )
    if table is None or table.by_prediction or not len(table.object):
        raise NotTried("Which slot an object gets depends on what the network predicts.")
    lost = np.flatnonzero(table.object_status == ObjectStatus.OVERWRITTEN)
    if len(lost) > _SHARE * len(table.object):
        file = data.files[int(data.box_picture[table.object[int(lost[0])]])]
        rows, columns, slots = table.grids[0]
        yield Seen(
            {
                "lost": f"{len(lost):,}",
                "objects": f"{len(table.object):,}",
                "share": f"{len(lost) / len(table.object):.0%}",
                "grid": f"{rows} x {columns} cells of {slots} slots",
                "file": file,
            },
            link={"page": "Data"},
        )


CHECK = Check(
    id="collisions",
    title="Objects that lose their slot",
    of="data",
    means="They are in the labels and are never trained for.",
    what="{lost} of {objects} objects ({share}) want a slot that a later object takes, on "
    "{grid}; such as in {file}.",
    causes={"": "The cells are coarse for how close the objects lie, or the anchors alike."},
    tries="A finer grid (--strides 8), larger pictures, more anchors; python -m yolo_core lost "
    "DATA lists them.",
    look=_look,
    bugs=(4,),
)
