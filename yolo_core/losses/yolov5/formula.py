"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import Written, latex_number
from yolo_core.losses.yolov5.slips import ALPHA, ANCHOR_RATIO


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""

    def number(name: str, usual: float) -> str:
        return latex_number(float(options.get(name, usual)))

    times = "" if options.get("mean_of_pictures") else "B "
    gamma = float(options.get("gamma", 0.0))

    def entropy(target: str, predicted: str) -> str:
        right, wrong = rf"\log {predicted}", rf"\log (1 - {predicted})"
        if not gamma:
            return rf"\left[ -{target} {right} - (1 - {target}) {wrong} \right]"
        return rf"F \left[ -{target} {right} - (1 - {target}) {wrong} \right]"

    objectness = entropy("q_s", r"\hat{p}_s")
    classes = entropy("y_c", r"\hat{p}_{e,c}")
    empty = r"\left[ -\log (1 - \hat{p}_s) \right]"
    entries = rf"{times}\sum_k \frac{{1}}{{E_k}} \sum_{{e \in k}}"
    slots = rf"{times}\sum_k \frac{{b_k}}{{S_k}}"
    decides = "the last one"
    if not options.get("neighbour_overwrites"):
        decides = "the last one in an object's own cell, else the last"
    if options.get("sort_iou"):
        decides = "the one with the largest CIoU"
    weights = ", ".join(latex_number(float(each)) for each in options.get("balance") or ())
    said = [
        r"Heads $k$ with $E_k$ entries and $S_k$ slots in the batch of B pictures. An entry $e$ is "
        "an object on an anchor whose sides differ from its own by less than a factor of "
        f"${number('anchor_ratio', ANCHOR_RATIO)}$, in its own cell or in the nearest one beside, "
        "or above or below, it.",
        rf"$q_s$ is the CIoU, at least 0, of one entry of the slot: {decides}."
        + (f" $b_k$: ${weights}$." if weights else ""),
        r"CIoU $= \text{IoU} - d^2 / c^2 - \alpha v$: $d$ between the centres, $c$ the diagonal of "
        r"what holds both, $v = \frac{4}{\pi^2} (\arctan \frac{w}{h} - "
        r"\arctan \frac{\hat{w}}{\hat{h}})^2$, $\alpha = v / (1 - \text{IoU} + v)$.",
    ]
    smoothing = float(options.get("label_smoothing", 0.0))
    if smoothing:
        half = latex_number(smoothing / 2)
        said.append(rf"$y_c$ is $1 - {half}$ for the class of the object, ${half}$ for others.")
    if gamma:
        alpha = number("alpha", ALPHA)
        said.append(
            rf"$F = ({alpha} t + (1 - {alpha}) (1 - t)) (t (1 - p) + (1 - t) p)^{{{gamma:g}}}$ of "
            "a target $t$ and a probability $p$."
        )
        empty = f"F {empty}"
    return {
        "box": rf"{entries} \left[ 1 - \text{{CIoU}}_e \right]",
        "objectness": rf"{slots} \sum_{{s \in \text{{obj}}}} {objectness}",
        "no_object": rf"{slots} \sum_{{s \in \text{{noobj}}}} {empty}",
        "classification": rf"{entries} \frac{{1}}{{C}} \sum_c {classes}",
    }, said
