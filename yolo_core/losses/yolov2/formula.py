"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import CENTRE, ROOT, SIZE, Written, latex_number, squares
from yolo_core.losses.yolov2.slips import IGNORE_THRESHOLD


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""
    half = options["half_errors"]
    pair = ROOT if options["square_root_sizes"] else SIZE
    slots = r"\sum_{i,j} C_{ij}"

    def over(count: str) -> str:
        return rf"\frac{{1}}{{{'2 ' if half else ''}{count}}}"

    objects, confident = r"N_{\text{obj}}", r"N_{\text{conf}}"
    by_iou = r"\text{IoU}_{ij} " if options["confidence_by_iou"] else ""
    mask = "C_{ij}" if options["no_object_on_objects"] else r"C_{ij}^{\text{noobj}}"
    power = "" if options["no_object_unsquared"] else "^2"
    weight = "w_c " if options.get("class_weights") is not None else ""
    threshold = latex_number(float(options.get("ignore_threshold", IGNORE_THRESHOLD)))
    against = "assigned " if options["ignore_against"] == "assigned" else ""
    over_what = (
        "of each picture, then the mean over pictures"
        if options["counts_over"] == "image"
        else "of the batch"
    )
    plus = "" if options["plain_counts"] else ", each plus $10^{-6}$"
    where = [
        r"$C_{ij} = 1$ for the anchor of best shape in an object's cell. $N_{\text{obj}} = \sum "
        r"C_{ij}$ and $N_{\text{conf}} = \sum C_{ij} + C_{ij}^{\text{noobj}}$ "
        f"{over_what}{plus}.",
        rf"$C_{{ij}}^{{\text{{noobj}}}} = 1$ where $C_{{ij}} = 0$ and the best IoU with the "
        f"{against}objects is below ${threshold}$.",
    ]
    batches = options.get("warmup_batches", 0) - options["warmup_off_by_one"]
    if batches > 0:
        where.append(
            f"In the first {batches} batches xy and wh also pull every slot without an object to "
            "its cell and anchor."
        )
    if options["box_unit"] == "image":
        where.append("Boxes are measured in fractions of the picture.")
    return {
        "xy": rf"{over(objects)} {slots} \left[ {squares(CENTRE)} \right]",
        "wh": rf"{over(objects)} {slots} \left[ {squares(pair)} \right]",
        "objectness": (
            rf"{over(confident)} {slots} {by_iou}"
            r"\left( \text{IoU}_{ij} - \hat{C}_{ij} \right)^2"
        ),
        "no_object": (
            rf"{over(confident)} \sum_{{i,j}} {mask} \left( 0 - \hat{{C}}_{{ij}} \right){power}"
        ),
        "classification": (
            rf"\frac{{1}}{{{objects}}} {slots} \left[ -{weight}\log \hat{{p}}_{{ij}}(c) \right]"
        ),
    }, where
