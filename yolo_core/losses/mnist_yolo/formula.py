"""The loss as a formula. No Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.formula import CENTRE, SIZE, Written


def written(options: Mapping[str, Any]) -> Written:
    """See `Family.written`."""
    huber = options["box_error"] == "huber"
    numbers = "4N" if options["box_target"] == "image" else "2N"

    def error(pair: tuple[str, str]) -> str:
        both = rf"H({pair[0]}) + H({pair[1]})" if huber else rf"({pair[0]})^2 + ({pair[1]})^2"
        return rf"\frac{{1}}{{{numbers}}} \sum_{{n=1}}^{{N}} \left[ {both} \right]"

    raw = options["box_activation"] == "none"
    activated = r"t" if raw else r"\sigma(t)"
    corners = ", their corners rounded down," if options["floor_corners"] else ""
    compared = "raw outputs" if options["matching"] == "raw" else "predicted boxes"
    order = "(x, y)" if options["grid_order"] == "x_y" else "(row, column)"
    where = [
        rf"Sums over the $N$ objects; $\hat{{x}} = {activated}$. Responsible: the best IoU of the "
        f"{compared}{corners} in cell {order}."
    ]
    if huber:
        where.append(r"$H(d) = \tfrac{1}{2} d^2$ for $|d| \le 1$, else $|d| - \tfrac{1}{2}$.")
    if options["offset_axes"] == "swapped":
        where.append("$x$ is measured in rows of the grid and $y$ in its columns.")
    return {
        "objectness": r"\frac{1}{N} \sum_{n=1}^{N} -\log \hat{C}_n",
        "xy": error(CENTRE),
        "wh": error(SIZE),
        "classification": r"\frac{1}{N} \sum_{n=1}^{N} -\log \hat{p}_n(c_n)",
        "no_object": (
            r"\frac{1}{N_{\text{noobj}}} \sum_{s} \mathbf{1}_s^{\text{noobj}} "
            r"\left[ -\log (1 - \hat{C}_s) \right]"
        ),
    }, where
