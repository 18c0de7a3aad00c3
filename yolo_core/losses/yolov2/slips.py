"""The slips of published YOLOv2 losses, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

IGNORE_THRESHOLD = 0.6

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="confidence-by-iou",
        number="B-8",
        title="Confidence weighted by IoU",
        sentence=(
            "get_conf_mask() weighs the confidence error of an object by the IoU of its box: an "
            "object whose box does not overlap it yet never learns a confidence."
        ),
        shows="On every picture with an object.",
        option="confidence_by_iou",
    ),
    Slip(
        name="no-object-on-objects",
        number="B-2",
        title="No-object printed with C_ij",
        sentence=(
            "The second line of the confidence loss is printed with C_ij in place of C_ij^noobj: "
            "background is never penalised, and the objects themselves are pulled to 0."
        ),
        shows="On every picture.",
        option="no_object_on_objects",
    ),
    Slip(
        name="no-object-unsquared",
        number="B-3",
        title="Missing square",
        sentence=(
            "The no-object error is printed as (0 - confidence) without its square: the more "
            "confident an empty slot is, the lower the loss, which rewards false confidence."
        ),
        shows="On every picture.",
        option="no_object_unsquared",
    ),
    Slip(
        name="warmup-off-by-one",
        number="D-2",
        title="Warm-up one batch short",
        sentence=(
            "The counter is increased before it is compared, so a warm-up of N batches has N - 1, "
            "and a warm-up of one has none."
        ),
        shows="In the last batch of a warm-up: shown in the only batch of a warm-up of one.",
        option="warmup_off_by_one",
        situation={"warmup_batches": 1},
    ),
    Slip(
        name="smallest-class",
        number="D-4",
        title="Smallest class wins a collision",
        sentence=(
            "Two objects in one slot both leave their class bit, and argmax picks the smaller "
            "class, which may be that of the object that lost the slot: its box is one object's, "
            "its class the other's."
        ),
        shows="Only where two objects of different classes want one slot.",
        option="class_collision",
        on="smallest",
        off="last",
    ),
    Slip(
        name="iou-gradient",
        number="D-6",
        title="Gradient through the IoU target",
        sentence=(
            "The confidence is trained towards the IoU of the predicted box, and that IoU is no "
            "constant: the box is moved, too, so that its IoU comes nearer to the confidence."
        ),
        shows="In the gradient alone: no number of the loss changes.",
        option="iou_gradient",
    ),
    Slip(
        name="centre-on-one-dropped",
        number="A-7",
        title="Centre on 1.0 dropped",
        sentence=(
            "An object whose centre lies exactly on the right or lower edge belongs to no cell and "
            "is dropped in silence; here it belongs to the last cell."
        ),
        shows="Only with a centre of exactly 1.0.",
        option="drop_centre_on_one",
    ),
    Slip(
        name="count-by-weight",
        number="D-10",
        title="Slots counted by their weight",
        sentence=(
            "What a term is divided by counts only slots with a weight above zero, so switching "
            "one term off with a weight of zero changes how much another one weighs."
        ),
        shows="Only with a weight of zero: shown with no_object at 0.",
        option="count_by_weight",
        situation={"lambdas": {"no_object": 0.0}},
    ),
    Slip(
        name="square-root-sizes",
        number="B-5",
        title="Square roots of the sizes",
        sentence=(
            "The formulas compare the square roots of widths and heights, as YOLOv1 does, and the "
            "code the sizes: with roots a pixel counts more for a small box than for a large one."
        ),
        shows="On every picture with an object.",
        option="square_root_sizes",
        words=("square roots of the sizes", "no square roots of the sizes"),
    ),
    Slip(
        name="image-units",
        number="B-5",
        title="Boxes in fractions of the picture",
        sentence=(
            "The coordinate errors are taken in fractions of the picture and not in grid cells, so "
            "they weigh less the finer the grid is."
        ),
        shows="On every picture with an object.",
        option="box_unit",
        on="image",
        off="cells",
    ),
    Slip(
        name="counts-of-each-picture",
        number="B-4",
        title="Counts of each picture",
        sentence=(
            "The formulas divide by the counts of each picture and the code by those of the whole "
            "batch: an object in a picture with few of them then weighs more."
        ),
        shows="Only in a batch of several pictures, of which a page shows one.",
        option="counts_over",
        on="image",
        off="batch",
        words=(
            "counts of each picture in place of the batch's",
            "counts of the batch in place of each picture's",
        ),
    ),
    Slip(
        name="whole-errors",
        number="B-4",
        title="No half",
        sentence=(
            "The formulas have whole squared errors; the code has half of them, but not of the "
            "classification, which so weighs twice as much."
        ),
        shows="On every picture.",
        option="half_errors",
        on=False,
        off=True,
        words=("whole squared errors", "half of the squared errors"),
    ),
    Slip(
        name="plain-counts",
        number="B-4",
        title="Counts without 1e-6",
        sentence=(
            "The formulas divide by counts as they are, and the code by counts plus 1e-6; where "
            "there is nothing to count, both give 0 here."
        ),
        shows="In no digit that a page prints: by less than a millionth.",
        option="plain_counts",
    ),
    Slip(
        name="only-assigned-ignore",
        number="B-6",
        title="Only assigned objects ignore",
        sentence=(
            "In the formulas only objects that have a slot keep overlapping boxes from being "
            "trained as empty; in the code an object that lost its slot does so, too."
        ),
        shows="Only where an object lost its slot to another.",
        option="ignore_against",
        on="assigned",
        off="objects",
    ),
)

_NOTEBOOK = ("warmup-off-by-one", "smallest-class", "centre-on-one-dropped", "count-by-weight")
_FORMULA = ("square-root-sizes", "whole-errors", "plain-counts", "only-assigned-ignore")
# The notebook's `backend.py` has neither.
_ABSENT = ("warmup_batches", "class_weights")

VARIANTS: dict[str, Variant] = {
    "yolov2/notebook": Variant(_NOTEBOOK),
    "yolov2/notebook_stop_gradient": Variant(_NOTEBOOK, options={"iou_gradient": False}),
    "yolov2/confidence_by_iou": Variant((*_NOTEBOOK, "confidence-by-iou"), absent=_ABSENT),
    "yolov2/backend": Variant(_NOTEBOOK, absent=_ABSENT),
    "yolov2/formula": Variant((*_FORMULA, "counts-of-each-picture")),
    "yolov2/formula_pooled": Variant(_FORMULA),
}
