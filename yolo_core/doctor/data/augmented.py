"""Whether boxes move with their pictures where training samples are changed at random.

What lies in a box differs from what lies around it. Where that holds for samples as they are, and
for changed ones holds better for the boxes mirrored, the boxes were left behind.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yolo_core.data.sample import Sample
from yolo_core.doctor.data_bench import DataBench
from yolo_core.doctor.finding import Check, NotTried, Seen

_SAMPLES = 48
_LEAST = 12
_MORE = 0.2
_WAYS = {
    "mirrored left to right": lambda boxes: boxes * [-1, 1, 1, 1] + [1, 0, 0, 0],
    "mirrored top to bottom": lambda boxes: boxes * [1, -1, 1, 1] + [0, 1, 0, 0],
    "with x and y exchanged": lambda boxes: boxes[:, [1, 0, 3, 2]],
}


def _look(bench: DataBench) -> Iterator[Seen]:
    source = bench.source
    known = source.splits.get("val", 0)
    fixed = range(_SAMPLES if known is None else min(known, _SAMPLES))
    before = [source.sample(f"val/{index}") for index in fixed]
    try:
        after = [source.stream_sample(index) for index in range(_SAMPLES)]
    except ValueError as error:
        raise NotTried(f"There is no training stream: {error}") from None
    for words, way in _WAYS.items():
        as_is, changed = (
            np.array([_gain(each, way) for each in samples if len(each.boxes)])
            for samples in (before, after)
        )
        as_is, changed = as_is[np.isfinite(as_is)], changed[np.isfinite(changed)]
        if len(as_is) < _LEAST or len(changed) < _LEAST:
            continue
        line = -0.25 * float(np.median(np.abs(as_is)))
        usual, here = float((as_is < line).mean()), float((changed < line).mean())
        if usual < _MORE / 2 and here > usual + _MORE:
            yield Seen(
                {
                    "share": f"{here:.0%}",
                    "samples": len(changed),
                    "usual": f"{usual:.0%}",
                    "words": words,
                },
                link={"page": "Data"},
            )
            return


def _gain(sample: Sample, way) -> float:
    """By how much the boxes hold what stands out better than the boxes changed in that way."""
    image = sample.image.astype(np.float64).mean(axis=-1)
    stands_out = np.abs(image - np.median(image))
    scale = stands_out.std()
    if not scale > 0:
        return np.nan
    own, other = (_inside(stands_out, boxes) for boxes in (sample.boxes, way(sample.boxes)))
    return float((own - other) / scale)


def _inside(values: np.ndarray, boxes: np.ndarray) -> float:
    height, width = values.shape
    mask = np.zeros(values.shape, bool)
    for x, y, w, h in boxes.tolist():
        left, right = (
            int(np.clip(round(each * width), 0, width)) for each in (x - w / 2, x + w / 2)
        )
        top, low = (
            int(np.clip(round(each * height), 0, height)) for each in (y - h / 2, y + h / 2)
        )
        mask[top:low, left:right] = True
    return (
        float(values[mask].mean() - values[~mask].mean()) if mask.any() and not mask.all() else 0.0
    )


CHECK = Check(
    id="augmented",
    title="Boxes that do not move with their pictures",
    of="data",
    means="The network is trained to find objects where there are none.",
    what="In {share} of {samples} training samples the labels fit the picture better {words}; in "
    "samples that are not changed at random it is {usual}.",
    causes={"": "The picture is flipped or turned at random, and its boxes stay."},
    tries="Look at training samples (train/0, train/1, ...) as they enter the network, on Inspect, "
    "and switch augmentations off one by one.",
    look=_look,
    bugs=(22,),
)
