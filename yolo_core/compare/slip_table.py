"""The slips of the published losses, as data.

`docs/losses.md` has their numbers; `slips.py` makes losses with them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Slip:
    """One slip.

    Attributes:
        name: Its key, such as "floor-corners".
        family: The loss that it is a slip of, such as "mnist_yolo".
        number: Its number in `docs/losses.md`, such as "A-2"; in lower case, its anchor there.
        title: A few words, for the switch.
        sentence: What is done wrong and what comes of it, in one or two plain sentences.
        shows: On which pictures it can be seen at all.
        on: Keyword options of the loss with the slip; "lambdas" among them.
        off: The same options without it.
        situation: Options that the loss gets with the slip and without, or there is nothing to be
            seen on one picture.
        by_default: Whether the family has it unless told otherwise.
    """

    name: str
    family: str
    number: str
    title: str
    sentence: str
    shows: str
    on: Mapping[str, Any]
    off: Mapping[str, Any]
    situation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    by_default: bool = False


SLIPS: tuple[Slip, ...] = (
    Slip(
        name="floor-corners",
        family="mnist_yolo",
        number="A-2",
        title="Corners rounded down",
        sentence=(
            "The corners of the boxes are rounded down before they are intersected, which is meant "
            "for pixels: in fractions of the picture every corner becomes 0 or 1, the IoU says "
            "nothing, and nearly every object goes to the first predictor."
        ),
        shows="Where the best predictor of some object's cell is not the first.",
        on={"floor_corners": True},
        off={"floor_corners": False},
    ),
    Slip(
        name="x-y-order",
        family="mnist_yolo",
        number="A-3",
        title="Rows found by x",
        sentence=(
            "The cell is looked up as (x, y) in a grid that is stored as (row, column), so an "
            "object is trained in the cell mirrored on the diagonal."
        ),
        shows="With any object away from the diagonal.",
        on={"grid_order": "x_y"},
        off={"grid_order": "row_column"},
    ),
    Slip(
        name="objectless-left-out",
        family="mnist_yolo",
        number="A-4",
        title="Objectless term left out",
        sentence=(
            "The term for predictors without an object is computed and not added to the total: "
            "only the predictors with an object get any gradient."
        ),
        shows="On every picture.",
        on={"lambdas": {"no_object": 0.0}},
        off={"lambdas": {"no_object": 1.0}},
    ),
    Slip(
        name="raw-matching",
        family="mnist_yolo",
        number="A-5",
        title="Raw outputs compared",
        sentence=(
            "The responsible predictor is chosen by the IoU of raw network outputs, taken as "
            "boxes, while the boxes that are trained went through a sigmoid: another predictor may "
            "be chosen than the one whose box fits best."
        ),
        shows="Where that changes the best predictor of some object.",
        on={"matching": "raw"},
        off={"matching": "activated"},
    ),
    Slip(
        name="raw-boxes",
        family="mnist_yolo",
        number="A-5",
        title="Raw outputs as boxes",
        sentence=(
            "Raw network outputs are trained as boxes, without a sigmoid: widths may be negative, "
            "and centres outside the picture."
        ),
        shows="On every picture with an object.",
        on={"box_activation": "none"},
        off={"box_activation": "sigmoid"},
    ),
    Slip(
        name="pixel-sized-weight",
        family="mnist_yolo",
        number="A-9",
        title="Box weight of 0.001",
        sentence=(
            "The box terms are weighted by 0.001, which belongs to errors in pixels; errors in "
            "fractions of the picture are a thousand times smaller already, so boxes are hardly "
            "learned."
        ),
        shows="On every picture with an object.",
        on={"lambdas": {"bounding_box": 0.001}},
        off={"lambdas": {"bounding_box": 5.0}},
    ),
    Slip(
        name="clipped-probabilities",
        family="mnist_yolo",
        number="A-1",
        title="Probabilities clipped",
        sentence=(
            "Cross-entropies are taken of probabilities clipped to 1e-7, so a sure mistake costs "
            "16.1 at most and has no gradient to get out of it."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        on={"probability_clip": 1e-7},
        off={"probability_clip": None},
    ),
    Slip(
        name="confidence-to-one",
        family="yolov1",
        number="B-9",
        title="Confidence trained towards 1",
        sentence=(
            "The formula's C can be read as 1 for every object; the paper means the IoU of the "
            "predicted box, so that the confidence says how good the box is."
        ),
        shows="On every picture with an object.",
        on={"confidence_target": "one"},
        off={"confidence_target": "iou"},
    ),
    Slip(
        name="empty-cells-only",
        family="yolov1",
        number="B-9",
        title="Only empty cells pushed down",
        sentence=(
            "Only boxes of cells without an object are trained as no object; the other boxes of an "
            "object's cell are left alone and keep claiming it."
        ),
        shows="On every picture with an object.",
        on={"no_object": "empty_cells"},
        off={"no_object": "all_nonresponsible"},
    ),
    Slip(
        name="confidence-by-iou",
        family="yolov2",
        number="B-8",
        title="Confidence weighted by IoU",
        sentence=(
            "get_conf_mask() weighs the confidence error of an object by the IoU of its box: an "
            "object whose box does not overlap it yet never learns a confidence."
        ),
        shows="On every picture with an object.",
        on={"confidence_by_iou": True},
        off={"confidence_by_iou": False},
    ),
    Slip(
        name="no-object-on-objects",
        family="yolov2",
        number="B-2",
        title="No-object printed with C_ij",
        sentence=(
            "The second line of the confidence loss is printed with C_ij in place of C_ij^noobj: "
            "background is never penalised, and the objects themselves are pulled to 0."
        ),
        shows="On every picture.",
        on={"no_object_on_objects": True},
        off={"no_object_on_objects": False},
    ),
    Slip(
        name="no-object-unsquared",
        family="yolov2",
        number="B-3",
        title="Missing square",
        sentence=(
            "The no-object error is printed as (0 - confidence) without its square: the more "
            "confident an empty slot is, the lower the loss, which rewards false confidence."
        ),
        shows="On every picture.",
        on={"no_object_unsquared": True},
        off={"no_object_unsquared": False},
    ),
    Slip(
        name="warmup-off-by-one",
        family="yolov2",
        number="D-2",
        title="Warm-up one batch short",
        sentence=(
            "The counter is increased before it is compared, so a warm-up of N batches has N - 1, "
            "and a warm-up of one has none."
        ),
        shows="In the last batch of a warm-up: shown in the only batch of a warm-up of one.",
        on={"warmup_off_by_one": True},
        off={"warmup_off_by_one": False},
        situation={"warmup_batches": 1},
    ),
    Slip(
        name="smallest-class",
        family="yolov2",
        number="D-4",
        title="Smallest class wins a collision",
        sentence=(
            "Two objects in one slot both leave their class bit, and argmax picks the smaller "
            "class, which may be that of the object that lost the slot: its box is one object's, "
            "its class the other's."
        ),
        shows="Only where two objects of different classes want one slot.",
        on={"class_collision": "smallest"},
        off={"class_collision": "last"},
    ),
    Slip(
        name="iou-gradient",
        family="yolov2",
        number="D-6",
        title="Gradient through the IoU target",
        sentence=(
            "The confidence is trained towards the IoU of the predicted box, and that IoU is no "
            "constant: the box is moved, too, so that its IoU comes nearer to the confidence."
        ),
        shows="In the gradient alone: no number of the loss changes.",
        on={"iou_gradient": True},
        off={"iou_gradient": False},
        by_default=True,
    ),
    Slip(
        name="centre-on-one-dropped",
        family="yolov2",
        number="A-7",
        title="Centre on 1.0 dropped",
        sentence=(
            "An object whose centre lies exactly on the right or lower edge belongs to no cell and "
            "is dropped in silence; here it belongs to the last cell."
        ),
        shows="Only with a centre of exactly 1.0.",
        on={"drop_centre_on_one": True},
        off={"drop_centre_on_one": False},
    ),
    Slip(
        name="count-by-weight",
        family="yolov2",
        number="D-10",
        title="Slots counted by their weight",
        sentence=(
            "What a term is divided by counts only slots with a weight above zero, so switching "
            "one term off with a weight of zero changes how much another one weighs."
        ),
        shows="Only with a weight of zero: shown with no_object at 0.",
        on={"count_by_weight": True},
        off={"count_by_weight": False},
        situation={"lambdas": {"no_object": 0.0}},
    ),
    Slip(
        name="no-object-times-100",
        family="yolov3",
        number="C-2",
        title="No-object weight of 100",
        sentence=(
            "The no-object term is weighted by 100 and outweighs all others together; the "
            "repository later changed it to 0.5."
        ),
        shows="On every picture.",
        on={"lambdas": {"no_object": 100.0}},
        off={"lambdas": {"no_object": 0.5}},
        by_default=True,
    ),
    Slip(
        name="ignore-by-anchor-shape",
        family="yolov3",
        number="C-3",
        title="Ignored by anchor shape",
        sentence=(
            "Only slots of the object's own cell are ignored, by the shape of their anchors; the "
            "paper ignores every slot whose predicted box overlaps an object well."
        ),
        shows="Where an anchor or a predicted box has IoU 0.5 with some object.",
        on={"ignore_rule": "anchor_shape"},
        off={"ignore_rule": "predicted_box"},
        by_default=True,
    ),
    Slip(
        name="every-head",
        family="yolov3",
        number="C-4",
        title="Every object on every head",
        sentence=(
            "Each head matches by itself, so a small object also trains the coarse head and a "
            "large one the fine head; the paper gives an object to the one best anchor of all."
        ),
        shows="On every picture with an object.",
        on={"matching": "per_head"},
        off={"matching": "all_anchors"},
        by_default=True,
    ),
    Slip(
        name="every-class",
        family="yolov3",
        number="C-5",
        title="Classes pile up in a collision",
        sentence=(
            "Of two objects that want one slot the last leaves its box, but both leave their "
            "class: the slot is trained to say two classes at once."
        ),
        shows="Only where two objects of different classes want one slot.",
        on={"class_collision": "all"},
        off={"class_collision": "last"},
    ),
    Slip(
        name="saturated-logarithms",
        family="yolov3",
        number="C-7",
        title="BCELoss of saturated sigmoids",
        sentence=(
            "The sigmoid is rounded to 1 from a raw output of 17 on; the cross-entropy then jumps "
            "from 16 to 100 and has no gradient any more."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        on={"probability_clip": "torch"},
        off={"probability_clip": None},
    ),
    Slip(
        name="clipped-probabilities-v3",
        family="yolov3",
        number="C-10",
        title="Probabilities clipped",
        sentence=(
            "Eager Keras clips probabilities to 1e-7 and compiled Keras does not: the same model "
            "has two losses, and the clipped one has no gradient for a sure mistake."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        on={"probability_clip": 1e-7},
        off={"probability_clip": None},
    ),
    Slip(
        name="cell-by-division",
        family="yolov3",
        number="C-11",
        title="Cell found by division",
        sentence=(
            "The cell is found as centre // (1 / cells), which rounds: centres on some borders "
            "between cells fall one cell low."
        ),
        shows="Only with a centre on a border between two cells.",
        on={"cell_by_division": True},
        off={"cell_by_division": False},
    ),
    Slip(
        name="share-of-sigmoids",
        family="yolov3",
        number="C-12",
        title="Sigmoids taken for a softmax",
        sentence=(
            "Independent class probabilities go into a cross-entropy that divides them by their "
            "sum: raising all classes at once costs nothing."
        ),
        shows="On every picture with an object.",
        on={"class_error": "share_of_sigmoids"},
        off={"class_error": "binary"},
    ),
    Slip(
        name="global-maximum",
        family="ssd",
        number="E-3",
        title="One maximum for the whole batch",
        sentence=(
            "log_sum_exp subtracts the largest number of the whole batch from every row: rows far "
            "below it underflow to minus infinity and are never mined, however wrong they are."
        ),
        shows="Only where some raw output is about 100 above those of other slots.",
        on={"log_sum_exp": "global_max"},
        off={"log_sum_exp": "stable"},
    ),
)
