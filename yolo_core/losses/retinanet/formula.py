"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import Written, latex_number
from yolo_core.losses.retinanet.slips import (
    ALPHA,
    BACKGROUND_THRESHOLD,
    FOREGROUND_THRESHOLD,
    GAMMA,
)


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""

    def number(name: str, usual: float) -> str:
        return latex_number(float(options.get(name, usual)))

    of_batch = options.get("divisor", "image") == "batch"
    means = bool(options.get("means_of_entries"))
    share = r"\frac{1}{N} \sum" if of_batch else r"\frac{1}{B} \sum_i \frac{1}{\max(1, N_i)} \sum"
    error = options.get("box_error", "l1")
    sum_of_deltas = r"\frac{1}{4} \sum_{d}" if means else r"\sum_{d}"
    box = {
        "l1": rf"{sum_of_deltas} \left| t_d - \hat{{t}}_d \right|",
        "smooth_l1": rf"{sum_of_deltas} H(t_d - \hat{{t}}_d)",
        "giou": r"\left[ 1 - \text{GIoU}_s \right]",
    }[error]
    entry = rf"(1 - p_c)^{{{number('gamma', GAMMA)}}} \left[ -\log p_c \right]"
    focal = rf"\frac{{1}}{{C}} \sum_c {entry}" if means else rf"\sum_c \alpha_c {entry}"
    said = [
        rf"$N{'' if of_batch else '_i'}$ foreground anchors of the "
        f"{'batch' if of_batch else 'picture, mean over the B pictures'}: those with IoU from "
        f"${number('foreground_threshold', FOREGROUND_THRESHOLD)}$ on"
        + (", and each object's best" if options.get("low_quality_matches", True) else "")
        + f". Background: below ${number('background_threshold', BACKGROUND_THRESHOLD)}$ with "
        "every object. What is between is ignored.",
        r"$p_c$ is $\hat{p}(c)$ where the anchor has an object of class $c$, else "
        r"$1 - \hat{p}(c)$"
        + (
            "."
            if means
            else rf"; $\alpha_c$ is ${number('alpha', ALPHA)}$ there, else 1 less that."
        ),
    ]
    if error == "smooth_l1":
        beta = number("smooth_l1_beta", 1.0)
        said.append(
            rf"$H(d) = d^2 / (2 \cdot {beta})$ for $|d| < {beta}$, else "
            rf"$|d| - {beta} / 2$."
        )
    return {
        "box": rf"{share}_{{s \in \text{{fg}}}} {box}",
        "classification": rf"{share}_{{s \in \text{{fg}}}} {focal}",
        "no_object": rf"{share}_{{s \in \text{{bg}}}} {focal}",
    }, said
