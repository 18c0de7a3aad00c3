"""The slips of published YOLOv3 losses, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

IGNORE_THRESHOLD = 0.5

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="no-object-times-100",
        number="C-2",
        title="No-object weight of 100",
        sentence=(
            "The no-object term is weighted by 100 and outweighs all others together; the "
            "repository later changed it to 0.5."
        ),
        shows="On every picture.",
        lambdas={"no_object": 100.0},
    ),
    Slip(
        name="ignore-by-anchor-shape",
        number="C-3",
        title="Ignored by anchor shape",
        sentence=(
            "Only slots of the object's own cell are ignored, by the shape of their anchors; the "
            "paper ignores every slot whose predicted box overlaps an object well."
        ),
        shows="Where an anchor or a predicted box has IoU 0.5 with some object.",
        option="ignore_rule",
        on="anchor_shape",
        off="predicted_box",
    ),
    Slip(
        name="ignore-within-head",
        number="C-3",
        title="Ignored for objects of the head",
        sentence=(
            "A slot is ignored only where its box overlaps an object that its own head trains; one "
            "that finds an object of another head is pushed down."
        ),
        shows="Where a predicted box has IoU 0.5 with an object of another head.",
        option="ignore_rule",
        on="predicted_box_of_head",
        off="predicted_box",
    ),
    Slip(
        name="every-head",
        number="C-4",
        title="Every object on every head",
        sentence=(
            "Each head matches by itself, so a small object also trains the coarse head and a "
            "large one the fine head; the paper gives an object to the one best anchor of all."
        ),
        shows="On every picture with an object, where there are several heads.",
        option="matching",
        on="per_head",
        off="all_anchors",
    ),
    Slip(
        name="every-class",
        number="C-5",
        title="Classes pile up in a collision",
        sentence=(
            "Of two objects that want one slot the last leaves its box, but both leave their "
            "class: the slot is trained to say two classes at once."
        ),
        shows="Only where two objects of different classes want one slot.",
        option="class_collision",
        on="all",
        off="last",
    ),
    Slip(
        name="saturated-logarithms",
        number="C-7",
        title="BCELoss of saturated sigmoids",
        sentence=(
            "The sigmoid is rounded to 1 from a raw output of 17 on; the cross-entropy then jumps "
            "from 16 to 100 and has no gradient any more."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        option="probability_clip",
        on="torch",
        off=None,
    ),
    Slip(
        name="clipped-probabilities-v3",
        number="C-10",
        title="Probabilities clipped",
        sentence=(
            "Eager Keras clips probabilities to 1e-7 and compiled Keras does not: the same model "
            "has two losses, and the clipped one has no gradient for a sure mistake."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        option="probability_clip",
        on=1e-7,
        off=None,
    ),
    Slip(
        name="cell-by-division",
        number="C-11",
        title="Cell found by division",
        sentence=(
            "The cell is found as centre // (1 / cells), which rounds: centres on some borders "
            "between cells fall one cell low."
        ),
        shows="Only with a centre on a border between two cells.",
        option="cell_by_division",
    ),
    Slip(
        name="share-of-sigmoids",
        number="C-12",
        title="Sigmoids taken for a softmax",
        sentence=(
            "Independent class probabilities go into a cross-entropy that divides them by their "
            "sum: raising all classes at once costs nothing."
        ),
        shows="On every picture with an object.",
        option="class_error",
        on="share_of_sigmoids",
        off="binary",
    ),
    Slip(
        name="size-weighting",
        number="C-13",
        title="Small boxes weigh more",
        sentence=(
            "The box terms of an object are weighted by 2 - w * h, as in darknet: a box of the "
            "whole picture counts half as much as a tiny one. The paper does not say so."
        ),
        shows="On every picture with an object.",
        option="size_weighting",
        words=("the boxes weighted by their size", "no weight by the size of the box"),
    ),
    Slip(
        name="sums-for-means",
        number="C-13",
        title="Sums in place of means",
        sentence=(
            "Everything is summed over slots and classes, so that the many empty slots outweigh "
            "the few with an object, the more the finer the grid is."
        ),
        shows="On every picture.",
        option="normaliser",
        on="sum",
        off="mean",
        words=("sums in place of means", "means in place of sums"),
    ),
)

VARIANTS: dict[str, Variant] = {
    "yolov3/pytorch": Variant(
        (
            "no-object-times-100",
            "ignore-by-anchor-shape",
            "every-head",
            "every-class",
            "saturated-logarithms",
        ),
        options={"image_size": 416},
    ),
    "yolov3/tf2": Variant(
        (
            "ignore-within-head",
            "size-weighting",
            "sums-for-means",
            "share-of-sigmoids",
            "cell-by-division",
            "clipped-probabilities-v3",
        )
    ),
}
