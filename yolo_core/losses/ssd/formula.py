"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import Written, latex_number
from yolo_core.losses.ssd.slips import NEGATIVE_RATIO, OVERLAP_THRESHOLD

OFFSETS = tuple(rf"t_{each} - \hat{{t}}_{each}" for each in "xywh")


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""
    matched = r"\frac{1}{N} \sum_{s \in \text{matched}}"
    smooth = rf"\left[ H({OFFSETS[0]}) + H({OFFSETS[1]}) \right]"
    sizes = rf"\left[ H({OFFSETS[2]}) + H({OFFSETS[3]}) \right]"
    threshold = latex_number(float(options.get("overlap_threshold", OVERLAP_THRESHOLD)))
    ratio = options.get("negative_ratio", NEGATIVE_RATIO)
    return {
        "xy": f"{matched} {smooth}",
        "wh": f"{matched} {sizes}",
        "classification": rf"{matched} \left[ -\log \hat{{p}}_s(c) \right]",
        "no_object": (
            r"\frac{1}{N} \sum_{s \in \text{hard}} "
            r"\left[ -\log \hat{p}_s(\text{background}) \right]"
        ),
    }, [
        f"$N$ matched priors: those with IoU from ${threshold}$ on, and each object's best. Hard: "
        f"of the others the ${ratio} N$ that cost most. The rest is ignored.",
        r"$H(d) = \tfrac{1}{2} d^2$ for $|d| < 1$, else $|d| - \tfrac{1}{2}$; $t$ is the box as "
        "its prior encodes it.",
    ]
