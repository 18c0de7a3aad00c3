"""The slips of published RetinaNet losses, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

FOREGROUND_THRESHOLD = 0.5
BACKGROUND_THRESHOLD = 0.4
ALPHA = 0.25
GAMMA = 2.0

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="rounded-anchors",
        number="F-10",
        title="Rounded anchors on the corner of their cells",
        sentence=(
            "Half of each side of an anchor is rounded to whole pixels, and anchors sit on the "
            "upper left corner of their cell: a strip at the right and at the bottom of the "
            "picture has none."
        ),
        shows="On every picture; most for small objects at the right or bottom border.",
        option="rounded_anchors",
    ),
    Slip(
        name="forced-for-another",
        number="F-2",
        title="Forced anchors follow another object",
        sentence=(
            "The anchor that an object overlaps best is trained for whichever object overlaps that "
            "anchor most: an object that has its best anchor in common with a better one is "
            "learned by no anchor."
        ),
        shows="Where two objects lie close together, or the same box is there twice.",
        option="forced_for_another",
    ),
    Slip(
        name="zero-overlap-forces-all",
        number="F-1",
        title="An object without overlap turns anchors into foreground",
        sentence=(
            "The greatest IoU of an object that no anchor overlaps is 0, and every anchor with "
            "IoU 0 to it counts as its best one: nearly all anchors become foreground."
        ),
        shows="Only where an object meets no anchor at all.",
        option="zero_overlap_forces_all",
    ),
    Slip(
        name="saturating-focal",
        number="F-11",
        title="Focal loss that saturates",
        sentence=(
            "The focal loss is taken of probabilities that are clipped to 1e-7: a sure mistake has "
            "no gradient, and is never unlearned."
        ),
        shows="Only where some raw class score is about 16 or more from 0.",
        option="saturating_focal",
    ),
    Slip(
        name="means-of-entries",
        number="F-12",
        title="Means over classes and deltas, no alpha",
        sentence=(
            "The class error of an anchor is the mean over classes, without alpha, and its box "
            "error the mean over the four deltas: the more classes, the less a class counts "
            "against the box."
        ),
        shows="On every picture.",
        option="means_of_entries",
    ),
    Slip(
        name="no-objects-no-loss",
        number="F-13",
        title="A batch without objects costs nothing",
        sentence=(
            "Where a batch holds no anchor with an object, the loss is 0: it teaches nothing of "
            "the background."
        ),
        shows="Only where no object of the batch has an anchor.",
        option="no_objects_no_loss",
    ),
)

VARIANTS: dict[str, Variant] = {
    "retinanet/torchvision": Variant(
        ("rounded-anchors", "forced-for-another", "zero-overlap-forces-all")
    ),
    "retinanet/kerashub": Variant(
        ("rounded-anchors", "saturating-focal", "means-of-entries", "no-objects-no-loss"),
        options={
            "box_error": "smooth_l1",
            "low_quality_matches": False,
            "divisor": "batch",
        },
    ),
}
