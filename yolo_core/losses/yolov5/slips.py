"""The slips of the published YOLOv5 loss, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

ANCHOR_RATIO = 4.0
ALPHA = 0.25
# Weights of the objectness of each head, fine before coarse, by the number of heads.
BALANCES = {3: (4.0, 1.0, 0.4), 5: (4.0, 1.0, 0.25, 0.06, 0.02)}

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="neighbour-overwrites",
        number="G-1",
        title="Objectness taken from an object's own cell",
        sentence=(
            "Of several entries in one slot the last one written decides over its objectness, and "
            "neighbour cells are written last: an object beside it takes an object's own cell."
        ),
        shows="Where two objects of like shape lie in cells next to each other.",
        option="neighbour_overwrites",
    ),
    Slip(
        name="angle-of-quotient",
        number="G-7",
        title="A CIoU that is no number",
        sentence=(
            "The angle of a predicted box is taken from width over height: of a box that has "
            "shrunk to nothing the gradient, and then the loss, is not a number."
        ),
        shows="Only where a raw width or height is about -23 or less.",
        option="angle_of_quotient",
    ),
    Slip(
        name="sort-fails-on-one",
        number="G-8",
        title="Sorting fails on one entry",
        sentence=(
            "With sort_iou, a head with exactly one entry in the batch stops the published "
            "training with an error; here the loss is not a number, as a compiled loss cannot stop."
        ),
        shows="Only with sort_iou, and with one entry on a head.",
        option="sort_fails_on_one",
        situation={"sort_iou": True},
    ),
)

VARIANTS: dict[str, Variant] = {
    "yolov5/v7.0": Variant(("neighbour-overwrites", "angle-of-quotient", "sort-fails-on-one")),
}
