"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import CENTRE, Written, latex_number, squares
from yolo_core.losses.yolov3.slips import IGNORE_THRESHOLD


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""
    mean = options["normaliser"] == "mean"
    sized = r"(2 - w h) " if options["size_weighting"] else ""

    def over(mask: str) -> str:
        share = rf"\frac{{1}}{{N_k^{{\text{{{mask}}}}}}} " if mean else ""
        return rf"\sum_{{k}} {share}\sum_{{s \in k}} \mathbf{{1}}_s^{{\text{{{mask}}}}}"

    size = (r"\log \frac{w}{a_w} - \hat{t}_w", r"\log \frac{h}{a_h} - \hat{t}_h")
    mean_over = r"\frac{1}{\text{classes}} \sum_{c} " if mean else r"\sum_{c} "
    classes = (
        rf"{mean_over}\left[ -p(c) \log \hat{{p}}(c) - (1 - p(c)) "
        r"\log (1 - \hat{p}(c)) \right]"
    )
    if options["class_error"] == "share_of_sigmoids":
        classes = r"\left[ -\log \frac{\hat{p}(c)}{\sum_{c'} \hat{p}(c')} \right]"
    rule = {
        "anchor_shape": "slots of an object's own cell with shape IoU above",
        "predicted_box": "slots whose box has IoU with some object from",
        "predicted_box_of_head": "slots whose box has IoU with an object of their head from",
    }[options["ignore_rule"]]
    threshold = latex_number(float(options.get("ignore_threshold", IGNORE_THRESHOLD)))
    matched = "each head" if options["matching"] == "per_head" else "all heads"
    return {
        "xy": rf"{over('obj')} {sized}\left[ {squares(CENTRE)} \right]",
        "wh": rf"{over('obj')} {sized}\left[ {squares(size)} \right]",
        "objectness": rf"{over('obj')} \left[ -\log \hat{{C}}_s \right]",
        "no_object": rf"{over('noobj')} \left[ -\log (1 - \hat{{C}}_s) \right]",
        "classification": f"{over('obj')} {classes}",
    }, [
        rf"Heads $k$. An object trains the anchor of best shape on {matched}; "
        r"$a_w, a_h$ are the anchor's sizes. Ignored, neither $\mathbf{1}^{\text{obj}}$ nor "
        rf"$\mathbf{{1}}^{{\text{{noobj}}}}$: {rule} ${threshold}$."
    ]
