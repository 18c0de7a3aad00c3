"""Every published variant of a loss under its name.

`golden/README.md` holds the systems, their numbers, and what each slip (A-3, D-2, ...) does.
"""

from __future__ import annotations

from typing import Any

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.mnist_yolo import MnistYoloLoss
from yolo_core.losses.ssd import SSDLoss
from yolo_core.losses.yolov1 import YoloV1Loss
from yolo_core.losses.yolov2 import YoloV2Loss
from yolo_core.losses.yolov3 import YoloV3Loss

FAMILIES: dict[str, type[DetectionLoss]] = {
    "mnist_yolo": MnistYoloLoss,
    "yolov1": YoloV1Loss,
    "yolov2": YoloV2Loss,
    "yolov3": YoloV3Loss,
    "ssd": SSDLoss,
}

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

# The constants of the published scripts, and the lambdas and options that they are.
_SCALES = {
    "object_scale": "objectness",
    "obj_scale": "objectness",
    "no_object_scale": "no_object",
    "noobj_scale": "no_object",
    "coord_scale": "coord",
    "class_scale": "classification",
}
_OPTIONS = {
    "img_dim": "image_size",
    "ignore_thres": "ignore_threshold",
    "ignore_thresh": "ignore_threshold",
    "overlap_thresh": "overlap_threshold",
    "neg_pos_ratio": "negative_ratio",
    "variance": "variances",
    "prior_config": "priors",
}


def published(
    name: str, *, anchors: Any = None, num_classes: int, **overrides: Any
) -> DetectionLoss:
    """Makes a loss by its name.

    Args:
        name: A family ("yolov2": this project's sound default) or a variant ("yolov2/notebook"),
            one of `FAMILIES` and `VARIANTS`.
        anchors: What the loss takes as anchors or prior boxes; not for losses without priors.
        num_classes: C.
        **overrides: Keyword options of the loss; `lambdas` are laid over the variant's own. The
            scripts' `object_scale`, `no_object_scale`, `coord_scale`, `class_scale` set lambdas,
            and their words for options (`img_dim`, `neg_pos_ratio`, ...) are understood.
            `decoded=True` (YOLOv1, YOLOv2) takes decoded predictions instead of raw output.

    Raises:
        ValueError: An unknown name or option, or anchors that are missing or not wanted.
    """
    family = FAMILIES.get(name.split("/")[0])
    if family is None or not (name in FAMILIES or name in VARIANTS):
        raise ValueError(
            f"There is no loss {name!r}; there are {', '.join((*FAMILIES, *VARIANTS))}."
        )
    variant = VARIANTS.get(name, {})
    scales = {
        _SCALES[option]: overrides.pop(option) for option in list(overrides) if option in _SCALES
    }
    lambdas = {
        **family.expand_lambdas(variant.get("lambdas", {})),
        **family.expand_lambdas(scales),
        **family.expand_lambdas(overrides.pop("lambdas", None) or {}),
    }
    overrides = {_OPTIONS.get(option, option): value for option, value in overrides.items()}
    options = {"name": name.replace("/", "_"), **variant, **overrides}
    if family.anchor_argument is not None:
        options.setdefault(family.anchor_argument, anchors)
        if options[family.anchor_argument] is None:
            raise ValueError(f"Loss {name!r} needs {family.anchor_argument}.")
    for option in ("warmup_batches", "class_weights"):
        # A variant that fixes these has no such thing, whatever a caller passes.
        if option in variant:
            options[option] = variant[option]
    unknown = set(options) - set(_option_names(family))
    if unknown:
        raise ValueError(
            f"Loss {name!r} has no option {', '.join(sorted(unknown))}; "
            f"it has {', '.join(_option_names(family))}."
        )
    return family(num_classes=num_classes, **{**options, "lambdas": lambdas})


def _option_names(family: type[DetectionLoss]) -> list[str]:
    import inspect

    return [name for name in inspect.signature(family.__init__).parameters if name != "self"]
