"""What somebody gives as samples, as a source of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yolo_core.data.sample import Sample
from yolo_core.data.script_samples import from_arrays
from yolo_core.data.source import GivenSamples, SampleSource
from yolo_core.layouts.arrays import as_numpy

_EXPECTED = (
    "arrays (images, labels) such as a batch of a dataset, a list of (image, label rows) or of "
    "Sample, or a SampleSource"
)


def given_source(samples: Any, class_names: Sequence[str] | None = None) -> SampleSource | None:
    """The samples as a source.

    Args:
        samples: Arrays or tensors of any framework (images, labels), what a network takes and its
            label rows; a list of such pairs, one a sample; a list of `Sample`; a source; or None.
        class_names: (C,) names of the classes; None takes those of the source, or numbers.

    Raises:
        ValueError: It is something else, or the parts do not fit together.
    """
    if samples is None or hasattr(samples, "stream_sample"):
        return samples
    if hasattr(samples, "element_spec") or (
        hasattr(samples, "__getitem__") and not isinstance(samples, list | tuple)
    ):
        raise ValueError(
            f"samples must be {_EXPECTED}; received a {type(samples).__name__}. To look at its "
            "first batch give next(iter(dataset)) or dataset[0]: the recorder takes nothing out of "
            "the data that is trained on."
        )
    given = list(samples) if isinstance(samples, list | tuple) else []
    if given and all(isinstance(each, Sample) for each in given):
        if class_names is None:
            count = 1 + max((int(each.classes.max(initial=0)) for each in given), default=0)
            class_names = [str(at) for at in range(count)]
        return GivenSamples(given, class_names)
    if len(given) in (2, 3) and len(getattr(given[0], "shape", ())) == 4:
        images, labels = given[:2]
        return from_arrays(as_numpy(images), as_numpy(labels), class_names)
    if not given or not all(isinstance(each, list | tuple) and len(each) >= 2 for each in given):
        raise ValueError(f"samples must be {_EXPECTED}; received {type(samples).__name__}.")
    images = [as_numpy(each[0]) for each in given]
    rows = [as_numpy(each[1]) for each in given]
    shapes = {image.shape for image in images}
    widths = {each.shape[-1] if each.ndim == 2 else None for each in rows}
    if len(shapes) > 1 or len(widths) > 1 or None in widths:
        raise ValueError(
            "A list of samples has images of one shape and label rows (objects, 5 + classes) of "
            f"one width; received images of {' and '.join(map(str, sorted(shapes)))} and label "
            f"rows of {' and '.join(dict.fromkeys(str(each.shape) for each in rows))}."
        )
    most = max(len(each) for each in rows)
    padded = [np.pad(each, ((0, most - len(each)), (0, 0))) for each in rows]
    return from_arrays(np.stack(images), np.stack(padded), class_names)
