"""Raw predictions and labels of other programs, and the same numbers as the losses here take them.

layout = raw_layout("pytorch_yolov3", loss)
predictions = layout.ours([head_13, head_26, head_52])
heads = layout.theirs(predictions)  # bit by bit what they were
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core.lazy import lazy_names

if TYPE_CHECKING:
    from yolo_core.layouts.arrays import as_numpy
    from yolo_core.layouts.by_name import LAYOUT_NAMES, fitting_layouts, raw_layout
    from yolo_core.layouts.foreign import in_layout
    from yolo_core.layouts.heads import HeadLayout
    from yolo_core.layouts.labels import (
        from_darknet_truth,
        from_keras_yolo2,
        from_keras_yolo3,
        from_pytorch_targets,
        from_ssd_targets,
        to_darknet_truth,
        to_keras_yolo2,
        to_keras_yolo3,
        to_pytorch_targets,
        to_ssd_targets,
    )
    from yolo_core.layouts.priors import PriorLayout

__all__ = [
    "LAYOUT_NAMES",
    "HeadLayout",
    "PriorLayout",
    "as_numpy",
    "fitting_layouts",
    "from_darknet_truth",
    "from_keras_yolo2",
    "from_keras_yolo3",
    "from_pytorch_targets",
    "from_ssd_targets",
    "in_layout",
    "raw_layout",
    "to_darknet_truth",
    "to_keras_yolo2",
    "to_keras_yolo3",
    "to_pytorch_targets",
    "to_ssd_targets",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "yolo_core.layouts.arrays": ("as_numpy",),
        "yolo_core.layouts.by_name": ("LAYOUT_NAMES", "fitting_layouts", "raw_layout"),
        "yolo_core.layouts.heads": ("HeadLayout",),
        "yolo_core.layouts.foreign": ("in_layout",),
        "yolo_core.layouts.labels": tuple(
            name for name in __all__ if name.startswith(("from_", "to_"))
        ),
        "yolo_core.layouts.priors": ("PriorLayout",),
    },
)
