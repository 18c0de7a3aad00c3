"""From a section of a `.cfg` to what its layer computes, with the program's defaults.

Options of training alone are left alone. One that would change the numbers in a way that is not
built here is refused, and so are those that leave weights out of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yolo_core.models.darknet.cfg import LARGEST, Section
from yolo_core.models.darknet.specs import (
    ACTIVATIONS,
    Activation,
    Avgpool,
    Connected,
    Convolutional,
    Cost,
    Dropout,
    Head,
    Maxpool,
    Reorg,
    Route,
    Shortcut,
    Softmax,
    Spec,
    Upsample,
)

MOST_SLOTS = 10_000
"""Anchors and classes that a head may have."""

# Option -> the value at which it changes nothing; None for one that may not be there at all.
_WEIGHTS = {"dontload": "0", "dontsave": "0", "dontloadscales": "0", "numload": "0"}
_REFUSED: Mapping[str, Mapping[str, str | None]] = {
    "convolutional": {
        **_WEIGHTS,
        **{"binary": "0", "xnor": "0", "dilation": "1", "antialiasing": "0"},
        **{"stride_x": None, "stride_y": None, "share_index": None},
    },
    "connected": _WEIGHTS,
    "maxpool": {"stride_x": None, "stride_y": None, "maxpool_depth": "0", "antialiasing": "0"},
    "reorg": {"extra": "0"},
    "shortcut": {"weights_type": "none"},
    "softmax": {"tree": None, "spatial": "0"},
    "region": {"tree": None},
    "yolo": {"new_coords": "0"},
}
# What Darknet reads in a section beside the options above, in all of them and in each
# (`option_find` in src/parser.c of pjreddie/darknet and of AlexeyAB's fork).
_EVERYWHERE = (
    "dontload dontloadscales dontsave numload learning_rate onlyforward smooth stopbackward truth "
    "clip dont_update train_only_bn burnin_update show_receptive_field activation batch_normalize"
)
_LEFT_ALONE: Mapping[str, str] = {
    "convolutional": "filters size stride pad padding groups flipped dot cbn bin_output coordconv "
    "angle assisted_excitation grad_centr reverse rotate stream wait_stream stretch stretch_sway "
    "sway",
    "connected": "output",
    "maxpool": "size stride padding out_channels maxpool_zero_nonmax",
    "route": "layers groups group_id stream wait_stream",
    "reorg": "stride reverse flatten",
    "shortcut": "from alpha beta weights_normalization",
    "upsample": "stride scale",
    "softmax": "groups temperature noloss",
    "dropout": "probability dropblock dropblock_size_abs dropblock_size_rel",
    "cost": "type scale ratio noobj thresh",
    "region": "absolute anchors background bias_match class_scale classes classfix coord_scale "
    "coords focal_loss jitter log map mask_scale max noobject_scale num object_scale random "
    "rescore resize softmax sqrt thresh",
    "yolo": "anchors beta_nms classes cls_normalizer counters_per_class delta_normalizer "
    "dets_for_show dets_for_track embedding_layer focal_loss ignore_thresh iou_loss iou_normalizer "
    "iou_thresh iou_thresh_kind jitter label_smooth_eps map mask max max_delta nms_kind num "
    "obj_normalizer objectness_smooth random resize scale_x_y show_details sim_thresh "
    "track_ciou_norm track_history_size truth_thresh",
}
_ALIASES = {
    **{"conv": "convolutional", "conn": "connected", "max": "maxpool", "avg": "avgpool"},
    "soft": "softmax",
}


def read_section(section: Section) -> Spec:
    """What a section's layer computes.

    Raises:
        ValueError: It is none that is built here, or an option has a value that it cannot have;
            with the line.
    """
    kind = _ALIASES.get(section.name, section.name)
    if kind not in _READERS:
        raise ValueError(
            f"{section.file}, line {section.line}: {f'[{section.name[:40]}]'!r} is no section that "
            f"is built here; those are {', '.join(_READERS)}."
        )
    for option, neutral in _REFUSED.get(kind, {}).items():
        if option in section.options:
            value = section.options[option][0]
            if neutral is None or value.removesuffix(".0") != neutral:
                raise section.error(f"{option}={value[:40]} is not built here.", option)
    return _READERS[kind](section)


def unread_options(section: Section) -> list[str]:
    """Options that Darknet does not read in such a section, as it says itself: misspelt ones."""
    kind = _ALIASES.get(section.name, section.name)
    read = {*_EVERYWHERE.split(), *_REFUSED.get(kind, {}), *_LEFT_ALONE.get(kind, "").split()}
    return [option for option in section.options if option not in read]


def activation_of(section: Section, default: str) -> str:
    """Which activation; the program takes relu for one that it does not know."""
    name = section.options.get("activation", (default, 0))[0]
    return name if name in ACTIVATIONS else "relu"


def _convolutional(section: Section) -> Spec:
    size = section.whole("size", 1, 1)
    padding = section.whole("padding", 0)
    return Convolutional(
        filters=section.whole("filters", 1, 1),
        size=size,
        stride=section.whole("stride", 1, 1),
        padding=size // 2 if section.whole("pad", 0) else padding,
        groups=section.whole("groups", 1, 1),
        batch_normalize=section.whole("batch_normalize", 0) != 0,
        activation=activation_of(section, "logistic"),
        flipped=section.whole("flipped", 0) != 0,
    )


def _connected(section: Section) -> Spec:
    return Connected(
        outputs=section.whole("output", 1, 1),
        batch_normalize=section.whole("batch_normalize", 0) != 0,
        activation=activation_of(section, "logistic"),
    )


def _maxpool(section: Section) -> Spec:
    stride = section.whole("stride", 1, 1)
    size = section.whole("size", stride, 1)
    return Maxpool(size, stride, padding=section.whole("padding", size - 1))


def _route(section: Section) -> Spec:
    layers = section.wholes("layers", -LARGEST, LARGEST)
    if layers is None:
        raise section.error("layers is missing.")
    groups = section.whole("groups", 1, 1)
    return Route(layers, groups, section.whole("group_id", 0, 0, groups - 1))


def _reorg(section: Section) -> Spec:
    stride = section.whole("stride", 1, 1)
    reverse, flatten = (section.whole(option, 0) != 0 for option in ("reverse", "flatten"))
    return Reorg(stride, reverse, flatten)


def _shortcut(section: Section) -> Spec:
    if "from" not in section.options:
        raise section.error("from is missing.")
    source = section.whole("from", 0, -LARGEST)
    alpha, beta = section.number("alpha", 1.0), section.number("beta", 1.0)
    return Shortcut(source, alpha, beta, activation_of(section, "linear"))


def _upsample(section: Section) -> Spec:
    stride = section.whole("stride", 2, -LARGEST)
    if stride == 0:
        raise section.error("stride must not be 0.", "stride")
    return Upsample(stride, section.number("scale", 1.0))


def _softmax(section: Section) -> Spec:
    temperature = section.number("temperature", 1.0)
    if temperature <= 0:
        raise section.error(
            f"temperature must be above 0; received {temperature:g}.", "temperature"
        )
    return Softmax(section.whole("groups", 1, 1), temperature)


def _dropout(section: Section) -> Spec:
    probability = section.number("probability", 0.5)
    if not 0 <= probability < 1:
        raise section.error(
            f"probability must be from 0 and below 1; received {probability:g}.", "probability"
        )
    return Dropout(probability)


def _activation(section: Section) -> Spec:
    return Activation(activation_of(section, "linear"))


def _logistic(section: Section) -> Spec:
    del section
    return Activation("logistic")


def _region(section: Section) -> Spec:
    return Head(
        anchors=_anchors(section),
        classes=section.whole("classes", 20, 1, MOST_SLOTS),
        coords=section.whole("coords", 4, 4, MOST_SLOTS),
        softmax=section.whole("softmax", 0) != 0,
        background=section.whole("background", 0) != 0,
        in_pixels=False,
    )


def _yolo(section: Section) -> Spec:
    anchors = _anchors(section)
    scale = section.number("scale_x_y", 1.0)
    if scale <= 0:
        raise section.error(f"scale_x_y must be above 0; received {scale:g}.", "scale_x_y")
    mask = section.wholes("mask", 0, len(anchors) - 1)
    return Head(
        anchors=anchors if mask is None else tuple(anchors[each] for each in mask),
        classes=section.whole("classes", 20, 1, MOST_SLOTS),
        coords=4,
        softmax=False,
        background=False,
        in_pixels=True,
        place_scale=scale,
    )


def _anchors(section: Section) -> tuple[tuple[float, float], ...]:
    """`num` pairs; those that are not written are 0.5."""
    count = section.whole("num", 1, 1, MOST_SLOTS)
    written = section.numbers("anchors") or ()
    if len(written) > 2 * count:
        raise section.error(
            f"num={count} anchors are {2 * count} numbers; received {len(written)}.", "anchors"
        )
    flat = (*written, *[0.5] * (2 * count - len(written)))
    return tuple(zip(flat[0::2], flat[1::2], strict=True))


_READERS: dict[str, Callable[[Section], Spec]] = {
    "convolutional": _convolutional,
    "connected": _connected,
    "maxpool": _maxpool,
    "avgpool": lambda _: Avgpool(),
    "route": _route,
    "reorg": _reorg,
    "shortcut": _shortcut,
    "upsample": _upsample,
    "softmax": _softmax,
    "dropout": _dropout,
    "activation": _activation,
    "logistic": _logistic,
    "cost": lambda _: Cost(),
    "region": _region,
    "yolo": _yolo,
}
