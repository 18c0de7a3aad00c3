"""How RetinaNet is set up for data: its anchors, and its heads."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.losses.anchor_table import AnchorTable, rounded
from yolo_core.losses.heads import COARSEST, Head, grid_cells
from yolo_core.losses.prior_boxes import PriorSetup
from yolo_core.losses.retinanet import STRIDES
from yolo_core.losses.retinanet.pyramid import RATIOS, PyramidAnchors, level_sizes

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource

# The probability that a network starts with, of every class (Lin et al. 2017, section 4.1).
FIRST_PROBABILITY = 0.01


class RetinaNetSetup(PriorSetup):
    """The anchors of RetinaNet as data and pages ask for them: two levels, nine anchors a cell."""

    pyramid: PyramidAnchors | None
    strides = STRIDES
    prior_word = "anchors"

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """Anchors that follow from the size of the pictures.

        With strides that were chosen for the data they reach from its small to its large objects.
        """
        side = cls.object_sides(source, anchors, strides)
        strides = strides or cls.strides
        whole = max(COARSEST, *strides)
        priors = {
            # Where the picture is not a multiple of a cell, the network sees it a little larger.
            "image_size": [each * whole for each in grid_cells(source.image_shape, whole, whole)],
            "strides": list(strides),
            "sizes": level_sizes(side, strides),
            "ratios": [list(RATIOS)] * len(strides),
        }
        return {"priors": priors}

    def heads(self) -> list[Head]:
        """One a level, whose classes start as rare as objects are."""
        start = np.log(FIRST_PROBABILITY / (1 - FIRST_PROBABILITY))
        bias = [start if name.startswith("class ") else 0.0 for name in self.channel_names]
        return [
            dataclasses.replace(
                head, bias=np.tile(np.asarray(bias, np.float32), len(head.bias) // len(bias))
            )
            for head in super().heads()
        ]

    def anchor_sizes(
        self, image_shape: Sequence[int], grids: Sequence[Sequence[int]]
    ) -> AnchorTable | None:
        """The smallest and the largest size of each level; None where anchors are boxes."""
        del image_shape, grids
        if self.pyramid is None:
            return None
        sizes = self.pyramid.sizes
        return AnchorTable(
            names=tuple(f"head {head}" for head in range(len(sizes))),
            columns=("smallest side, px", "largest side, px"),
            sizes=rounded((min(each), max(each)) for each in sizes),
        )

    def with_anchors(
        self,
        sizes: Sequence[Sequence[float]],
        image_shape: Sequence[int],
        grids: Sequence[Sequence[int]],
    ) -> dict[str, Any]:
        """See `DetectionLoss.with_anchors`; sizes between lie at equal factors of each other."""
        table = self.anchor_sizes(image_shape, grids)
        if table is None or self.pyramid is None:
            return super().with_anchors(sizes, image_shape, grids)
        edited = table.edited(sizes, type(self).__name__)
        levels = [
            list(old) if (new == asked).all() else np.geomspace(*asked, num=len(old)).tolist()
            for old, new, asked in zip(
                self.pyramid.sizes, np.asarray(table.sizes), edited, strict=True
            )
        ]
        return {"priors": {**self.get_config()["priors"], "sizes": levels}}
