"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import CENTRE, ROOT, Written, squares


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""
    cells = r"\sum_{i=1}^{S^2} \sum_{j=1}^{B} \mathbf{1}_{ij}^{\text{obj}}"
    target = "1" if options["confidence_target"] == "one" else r"\text{IoU}_{ij}"
    empty = (
        "the boxes of cells without an object"
        if options["no_object"] == "empty_cells"
        else "every box that is not responsible"
    )
    return {
        "xy": rf"{cells} \left[ {squares(CENTRE)} \right]",
        "wh": rf"{cells} \left[ {squares(ROOT)} \right]",
        "objectness": rf"{cells} \left( {target} - \hat{{C}}_{{ij}} \right)^2",
        "no_object": (
            r"\sum_{i=1}^{S^2} \sum_{j=1}^{B} \mathbf{1}_{ij}^{\text{noobj}} "
            r"\left( 0 - \hat{C}_{ij} \right)^2"
        ),
        "classification": (
            r"\sum_{i=1}^{S^2} \mathbf{1}_i^{\text{obj}} \sum_{c} "
            r"\left( p_i(c) - \hat{p}_i(c) \right)^2"
        ),
    }, [
        rf"$\mathbf{{1}}_{{ij}}^{{\text{{noobj}}}}$: {empty}. Box $j$ of cell $i$ is responsible "
        r"($\mathbf{1}_{ij}^{\text{obj}}$) if it has the best IoU in the cell of the object's "
        "centre. The mean over pictures."
    ]
