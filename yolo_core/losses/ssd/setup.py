"""How SSD is set up for data: its prior boxes, and its heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yolo_core.losses.anchor_table import AnchorTable, rounded
from yolo_core.losses.heads import COARSEST, grid_cells
from yolo_core.losses.prior_boxes import PriorSetup
from yolo_core.losses.ssd import STRIDES
from yolo_core.losses.ssd.priors import PriorConfig, squares

if TYPE_CHECKING:
    from yolo_core.data.source import SampleSource


class SSDSetup(PriorSetup):
    """The priors of SSD as data and pages ask for them: two maps, four priors a cell."""

    prior_config: PriorConfig | None
    strides = STRIDES

    @classmethod
    def setup(
        cls, source: SampleSource, anchors: Any = None, strides: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """Priors that follow from the size of the pictures.

        With strides that were chosen for the data they reach up to the size of its large objects.
        """
        side = cls.object_sides(source, anchors, strides)
        strides = strides or cls.strides
        smaller, larger = map(list, zip(*squares(side, strides), strict=True))
        whole = max(COARSEST, *strides)
        cells = grid_cells(source.image_shape, whole, whole)
        priors = {
            # Where the picture is not a multiple of a cell, the network sees it a little larger.
            "image_size": [each * whole for each in cells],
            "feature_maps": [list(grid_cells(source.image_shape, each, whole)) for each in strides],
            "steps": list(strides),
            "min_sizes": smaller,
            "max_sizes": larger,
            "aspect_ratios": [[2]] * len(strides),
            "clip": False,
        }
        return {"priors": priors}

    def anchor_sizes(
        self, image_shape: Sequence[int], grids: Sequence[Sequence[int]]
    ) -> AnchorTable | None:
        """The sides of each map's two squares; None where the priors are given as boxes."""
        del image_shape, grids
        config = self.prior_config
        if config is None:
            return None
        return AnchorTable(
            names=tuple(f"head {head}" for head in range(len(config.min_sizes))),
            columns=("smallest square, px", "next square, px"),
            sizes=rounded(zip(config.min_sizes, config.max_sizes, strict=True)),
        )

    def with_anchors(
        self,
        sizes: Sequence[Sequence[float]],
        image_shape: Sequence[int],
        grids: Sequence[Sequence[int]],
    ) -> dict[str, Any]:
        """See `DetectionLoss.with_anchors`."""
        table = self.anchor_sizes(image_shape, grids)
        if table is None:
            return super().with_anchors(sizes, image_shape, grids)
        smallest, largest = table.edited(sizes, type(self).__name__).T.tolist()
        priors = self.get_config()["priors"]
        return {"priors": {**priors, "min_sizes": smallest, "max_sizes": largest}}
