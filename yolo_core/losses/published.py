"""Every published variant of a loss under its name; `yolo_core/variants.py` lists them."""

from __future__ import annotations

from typing import Any

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.mnist_yolo.loss import MnistYoloLoss
from yolo_core.losses.ssd.loss import SSDLoss
from yolo_core.losses.yolov1.loss import YoloV1Loss
from yolo_core.losses.yolov2.loss import YoloV2Loss
from yolo_core.losses.yolov3.loss import YoloV3Loss
from yolo_core.variants import VARIANTS, variant_options

__all__ = ["FAMILIES", "VARIANTS", "published"]

FAMILIES: dict[str, type[DetectionLoss]] = {
    "mnist_yolo": MnistYoloLoss,
    "yolov1": YoloV1Loss,
    "yolov2": YoloV2Loss,
    "yolov3": YoloV3Loss,
    "ssd": SSDLoss,
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
    variant = variant_options(name)
    family = FAMILIES[name.split("/")[0]]
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
