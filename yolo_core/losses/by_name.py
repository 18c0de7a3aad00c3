"""Every loss under its name, and a loss with other options than it has."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.families import Family, family_of, family_of_class, variant_of
from yolo_core.losses.slips import Variant, after_switching, check_slips, switch_values

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
    "anchor_t": "anchor_ratio",
    "fl_gamma": "gamma",
    "sort_obj_iou": "sort_iou",
}


def published(
    name: str,
    *,
    anchors: Any = None,
    num_classes: int,
    slips: Iterable[str] | None = None,
    **overrides: Any,
) -> DetectionLoss:
    """Makes a loss by its name.

    Args:
        name: A family ("yolov2": this project's sound default) or a variant ("yolov2/notebook").
        anchors: What the loss takes as anchors or prior boxes; not for losses without priors.
        num_classes: C.
        slips: Exactly these slips of the family, by name; None for those of the variant.
        **overrides: Keyword options of the loss; `lambdas` are laid over the variant's own. A slip
            can be switched by its keyword, such as `square_root_sizes=True`. The scripts'
            `object_scale`, `no_object_scale`, `coord_scale`, `class_scale` set lambdas, and their
            words for options (`img_dim`, `neg_pos_ratio`, ...) are understood. `decoded=True`
            (YOLOv1, YOLOv2) takes decoded predictions instead of raw output.

    Raises:
        ValueError: An unknown name, slip or option; anchors that are missing or not wanted; or an
            option that the published code does not have.
    """
    family, variant = family_of(name), variant_of(name)
    sound = family.loss_class()
    scales = {
        _SCALES[option]: overrides.pop(option) for option in list(overrides) if option in _SCALES
    }
    given = sound.expand_lambdas(overrides.pop("lambdas", None) or {})
    lambdas = {**sound.expand_lambdas(variant.lambdas), **sound.expand_lambdas(scales), **given}
    overrides = {_OPTIONS.get(option, option): value for option, value in overrides.items()}
    _refuse_what_was_not_published(name, variant, overrides, num_classes)
    options = {"name": name.replace("/", "_"), **variant.options, **overrides}
    if sound.anchor_argument is not None:
        options.setdefault(sound.anchor_argument, anchors)
        if options[sound.anchor_argument] is None:
            raise ValueError(f"Loss {name!r} needs {sound.anchor_argument}.")
    has = frozenset(variant.slips)
    if slips is not None:
        has = check_slips(family.slips, slips, name)
        for slip in family.slips:
            if slip.option in _arguments(sound):
                options.setdefault(slip.option, slip.on if slip.name in has else slip.off)
    return _made(family, has, {"num_classes": num_classes, "lambdas": lambdas, **options}, name)


def changed(loss: DetectionLoss, options: Mapping[str, Any]) -> DetectionLoss:
    """A loss with other options, or with other slips where they are named by their keywords.

    Args:
        loss: The loss; not changed.
        options: {argument, or keyword of `published`: value}; lambdas under "lambdas".

    Raises:
        ValueError: It has no such option, or the option cannot have that value.
    """
    config = {**loss.get_config(), **options}
    family = family_of_class(type(loss))
    if family is not None and type(loss).__module__.startswith(f"{__package__}."):
        return _made(family, frozenset(config.pop("slips", ())), config, type(loss).__name__)
    unknown = [option for option in options if option not in loss.get_config()]
    if unknown:
        raise ValueError(
            f"{type(loss).__name__} has no option {', '.join(unknown)}; "
            f"it has {', '.join(loss.options)}."
        )
    return type(loss).from_config(config)


def _made(family: Family, has: frozenset[str], config: dict[str, Any], name: str) -> DetectionLoss:
    """A loss of a family with these slips, and with those that keywords of the options switch."""
    sound = family.loss_class()
    known = _arguments(sound)
    by_keyword = {
        option: config.pop(option)
        for option in switch_values(family.slips)
        if option in config and option not in known
    }
    has = after_switching(family.slips, has, by_keyword)
    # A slip that is an option of the sound class, too, needs no other class.
    has = frozenset(s.name for s in family.slips if s.name in has and s.option not in known)
    verbatim: Any = family.loss_class(verbatim=True)
    more = {option for option in _arguments(verbatim) if option not in known} - {"slips"}
    if not config.get("decoded", True):
        config.pop("decoded")
    unknown = sorted(set(config) - {*known, *more})
    if unknown:
        keywords = [each for each in switch_values(family.slips) if each not in known]
        raise ValueError(
            f"Loss {name!r} has no option {', '.join(map(repr, unknown))}; "
            f"it has {', '.join([*known, *sorted(more), *keywords])}."
        )
    try:
        if has or more & set(config):
            return verbatim(slips=has, **config)
        return sound(**config)
    except TypeError as error:
        # Such as a word where a number belongs; what the constructors check is a ValueError.
        raise ValueError(f"Loss {name!r} does not take these options: {error}.") from None


def _refuse_what_was_not_published(
    name: str, variant: Variant, overrides: dict[str, Any], num_classes: int
) -> None:
    """Drops options that the published code does not have, where they say nothing.

    Raises:
        ValueError: They do.
    """
    nothing = {"warmup_batches": (0, None), "class_weights": (None, [1.0] * num_classes)}
    for option in variant.absent:
        value = overrides.pop(option, None)
        plain = value.tolist() if hasattr(value, "tolist") else value
        plain = list(plain) if isinstance(plain, tuple | list) else plain
        if plain is not None and plain not in nothing[option]:
            raise ValueError(
                f"The published code of {name!r} has no {option}, so it cannot be set; "
                f"received {plain!r}."
            )


def _arguments(kind: type[DetectionLoss]) -> list[str]:
    """The keyword arguments of a class, those that its bases take among them."""
    found: dict[str, None] = {}
    for base in kind.__mro__:
        if base is DetectionLoss:
            break
        for parameter in inspect.signature(base.__init__).parameters.values():
            if parameter.name != "self" and parameter.kind not in (
                parameter.VAR_KEYWORD,
                parameter.VAR_POSITIONAL,
            ):
                found[parameter.name] = None
        if "__init__" in vars(base) and not any(
            p.kind is p.VAR_KEYWORD for p in inspect.signature(base.__init__).parameters.values()
        ):
            break
    return list(found)
