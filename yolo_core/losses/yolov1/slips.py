"""The slips of published YOLOv1 formulas, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="confidence-to-one",
        number="B-9",
        title="Confidence trained towards 1",
        sentence=(
            "The formula's C can be read as 1 for every object; the paper means the IoU of the "
            "predicted box, so that the confidence says how good the box is."
        ),
        shows="On every picture with an object.",
        option="confidence_target",
        on="one",
        off="iou",
    ),
    Slip(
        name="empty-cells-only",
        number="B-9",
        title="Only empty cells pushed down",
        sentence=(
            "Only boxes of cells without an object are trained as no object; the other boxes of "
            "an object's cell are left alone and keep claiming it."
        ),
        shows="On every picture with an object.",
        option="no_object",
        on="empty_cells",
        off="all_nonresponsible",
    ),
)

VARIANTS: dict[str, Variant] = {"yolov1/paper": Variant()}
