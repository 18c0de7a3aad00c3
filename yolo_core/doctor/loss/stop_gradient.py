"""Whether the objectness moves the box, where its target is the box's own IoU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.loss_bench import LossBench

_BOX = ("x", "y", "w", "h")


def _look(bench: LossBench) -> Iterator[Seen]:
    gradient = bench.random.gradients.get("objectness")
    if gradient is None:
        raise NotTried("It has no term called objectness.")
    if bench.loss.switches.get("iou_gradient"):
        raise NotTried(
            "Its option iou_gradient is on, as it was published: the objectness moves the box."
        )
    box = np.abs(gradient[..., [bench.channels.index(name) for name in _BOX]])
    if not box.max(initial=0.0) > 1e-7:
        return
    picture, slot, channel = np.unravel_index(int(box.argmax()), box.shape)
    yield Seen(
        {
            "slot": bench.slot_words(int(slot)),
            "channel": _BOX[int(channel)],
            "value": f"{float(box.max()):.3g}",
            "target": f"{float(bench.random.targets['objectness'][picture, slot]):.3f}",
        }
    )


CHECK = Check(
    id="stop-gradient",
    title="The objectness moves the box",
    of="loss",
    means="The box is pulled to where its IoU is the confidence, not to where the object is.",
    what="The objectness of {slot} has a gradient of {value} on the raw {channel} of its box; its "
    "target is {target}.",
    causes={
        "": "The IoU of the predicted box is the target of the objectness, without a stop_gradient."
    },
    tries="Wrap the target: tf.stop_gradient(iou).",
    look=_look,
    bugs=(16,),
)
