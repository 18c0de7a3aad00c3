"""The published variants of each loss, as data: what each sets of its loss's keyword options.

`docs/losses.md` holds the systems, their numbers, and what each slip (A-3, D-2, ...) does. No
Keras in here: `losses/published.py` makes the losses.
"""

from __future__ import annotations

from typing import Any

FAMILY_NAMES = ("mnist_yolo", "yolov1", "yolov2", "yolov3", "ssd")

_MNIST_LATE = {
    "floor_corners": True,
    "matching": "raw",
    "box_error": "huber",
    "lambdas": {
        "objectness": 1.0,
        "bounding_box": 0.001,
        "classification": 1.0,
        "no_object": 1.0,
    },
}
_NOTEBOOK = {
    "warmup_off_by_one": True,
    "class_collision": "smallest",
    "drop_centre_on_one": True,
    "count_by_weight": True,
}
_FORMULA = {
    "square_root_sizes": True,
    "counts_over": "image",
    "half_errors": False,
    "ignore_against": "assigned",
}
# Yumi's backend.py: no warm-up, and no weights a class.
_BACKEND = {**_NOTEBOOK, "warmup_batches": 0, "class_weights": None}

VARIANTS: dict[str, dict[str, Any]] = {
    "mnist_yolo/documented": {
        "grid_order": "x_y",
        "floor_corners": True,
        "matching": "raw",
        "box_activation": "none",
        # The document computes the objectless loss and leaves it out of the total.
        "lambdas": {**_MNIST_LATE["lambdas"], "no_object": 0.0},
    },
    "mnist_yolo/huber": _MNIST_LATE,
    "mnist_yolo/huber_no_floor": {**_MNIST_LATE, "floor_corners": False},
    "mnist_yolo/cell_offsets": {
        **_MNIST_LATE,
        "box_target": "cell",
        "lambdas": {**_MNIST_LATE["lambdas"], "bounding_box": 1.0},
    },
    "yolov1/paper": {},
    "yolov2/notebook": _NOTEBOOK,
    "yolov2/notebook_stop_gradient": {**_NOTEBOOK, "iou_gradient": False},
    "yolov2/confidence_by_iou": {**_BACKEND, "confidence_by_iou": True},
    "yolov2/backend": _BACKEND,
    "yolov2/formula": _FORMULA,
    "yolov2/formula_pooled": {**_FORMULA, "counts_over": "batch"},
    "yolov3/pytorch": {
        "image_size": 416,
        "class_collision": "all",
        "probability_clip": "torch",
    },
    "yolov3/tf2": {
        "matching": "all_anchors",
        "ignore_rule": "predicted_box_of_head",
        "size_weighting": True,
        "normaliser": "sum",
        "class_error": "share_of_sigmoids",
        "cell_by_division": True,
        "probability_clip": 1e-7,
        "lambdas": {"no_object": 1.0},
    },
    "ssd/multibox": {"log_sum_exp": "global_max"},
    "ssd/multibox_stable": {},
}


def variant_options(name: str) -> dict[str, Any]:
    """What a variant sets; nothing for a family, which is this project's sound default.

    Raises:
        ValueError: There is neither a family nor a variant of that name.
    """
    if name not in FAMILY_NAMES and name not in VARIANTS:
        raise ValueError(
            f"There is no loss {name!r}; there are {', '.join((*FAMILY_NAMES, *VARIANTS))}."
        )
    return dict(VARIANTS.get(name, {}))
