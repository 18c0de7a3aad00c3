"""One prediction for several losses, each in its own raw numbers; see `losses/meaning.py`."""

from __future__ import annotations

import numpy as np

from yolo_core.compare.raw_shape import network_output
from yolo_core.losses import DetectionLoss
from yolo_core.losses.meaning import read_meaning
from yolo_core.slots import SlotLayout


def translate(
    y_pred: np.ndarray,
    source: DetectionLoss,
    target: DetectionLoss,
    *,
    source_name: str,
    target_name: str,
) -> np.ndarray:
    """The same boxes, objectness and class probabilities in another loss's raw numbers.

    Args:
        y_pred: What a network gives for `source`, with the batch axis; or slots.
        source: The loss that they were made for.
        target: The loss that is to read them, on the same slots.
        source_name: What the sentences call the first.
        target_name: And the other.

    Returns:
        What a network would hand to `target`.

    Raises:
        ValueError: `target` has other slots, or cannot say all of it: a sentence with how many
            slots it is, and why.
    """
    y_pred = network_output(source, y_pred)
    said = read_meaning(source, y_pred)
    slots = source.slots(y_pred.shape)
    never = f"{target_name} cannot be shown on the prediction of {source_name}: "
    shape = (1, slots.count, len(target.channel_names))
    try:
        empty = network_output(target, np.zeros(shape), slots.grids)
        layout = target.slots(empty.shape)
    except ValueError as error:
        raise ValueError(f"{never}it has other slots. {error}") from None
    if layout.grids != slots.grids:
        raise ValueError(
            f"{never}it has the slots {_grid_words(layout)}, and these are {_grid_words(slots)}."
        )
    try:
        raw = target.encode(layout, said)
    except ValueError as error:
        raise ValueError(f"{never}{error}") from None
    return network_output(target, raw.astype(np.float32), layout.grids)


def _grid_words(layout: SlotLayout) -> str:
    return " and ".join(f"{rows} x {columns} x {count}" for rows, columns, count in layout.grids)
