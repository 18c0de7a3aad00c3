"""The slips of published SSD losses, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

OVERLAP_THRESHOLD = 0.5
NEGATIVE_RATIO = 3

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="global-maximum",
        number="E-3",
        title="One maximum for the whole batch",
        sentence=(
            "log_sum_exp subtracts the largest number of the whole batch from every row: rows "
            "far below it underflow to minus infinity and are never mined, however wrong they "
            "are."
        ),
        shows="Only where some raw output is about 100 above those of other slots.",
        option="log_sum_exp",
        on="global_max",
        off="stable",
    ),
)

VARIANTS: dict[str, Variant] = {
    "ssd/multibox": Variant(("global-maximum",)),
    "ssd/multibox_stable": Variant(),
}
