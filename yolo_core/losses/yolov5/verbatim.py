"""YOLOv5 as its repository has it."""

from __future__ import annotations

import keras
from keras import ops

from yolo_core.boxes import Tensor
from yolo_core.losses.verbatim import VerbatimLoss
from yolo_core.losses.yolov5.complete_iou import complete_iou
from yolo_core.losses.yolov5.entries import AnchorPlaces, Entries
from yolo_core.losses.yolov5.loss import YoloV5Loss
from yolo_core.slots import SlotLayout


@keras.saving.register_keras_serializable(package="yolo_core")
class VerbatimYoloV5Loss(VerbatimLoss, YoloV5Loss):
    """`YoloV5Loss` with any of the published slips (`docs/losses.md`, yolov5).

    Args:
        *arguments: As `YoloV5Loss`.
        slips: Names of `yolov5/slips.py`.
        **options: As `YoloV5Loss`.

    Raises:
        ValueError: As `VerbatimLoss`.
    """

    def _agreement(self, boxes: Tensor, entries: Entries) -> Tensor:
        quotient = self._has("angle-of-quotient")
        return complete_iou(boxes, entries.centre, entries.size, quotient=quotient)

    def _order(self, entries: Entries) -> Tensor:
        if self._has("neighbour-overwrites"):
            return entries.block
        return super()._order(entries)

    def _shares(
        self, entries: Entries, places: AnchorPlaces, layout: SlotLayout, pictures: Tensor
    ) -> tuple[Tensor, Tensor]:
        share, of_slot = super()._shares(entries, places, layout, pictures)
        if self._has("sort-fails-on-one") and self.options["sort_iou"]:
            # Of the one entry of a head the share is all there is.
            of_anchor = ops.sum(entries.times, axis=(0, 1, 3))
            same = ops.cast(places.head[:, None] == places.head, "float32")
            alone = ops.equal(self.reduce_count(ops.matmul(same, of_anchor)), 1.0)  # (T,)
            fails = ops.logical_and(entries.there, ops.expand_dims(alone, -1))
            share = ops.where(fails, float("nan"), share)
        return share, of_slot
