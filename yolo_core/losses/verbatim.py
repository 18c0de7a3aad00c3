"""What losses with published slips have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from yolo_core.losses.base import DetectionLoss
from yolo_core.losses.slips import check_slips


class VerbatimLoss(DetectionLoss):
    """A loss with any of the published deviations from it.

    A verbatim class stands before the sound one among its bases, and overrides those methods of it
    that its slips change.

    Args:
        *arguments: As the sound class.
        slips: Names of `known_slips`.
        lambdas: As the sound class; laid over the weights that are slips.
        **options: As the sound class.

    Raises:
        ValueError: As the sound class; or a slip is unknown, or two exclude each other.
    """

    def __init__(
        self,
        *arguments: Any,
        slips: Iterable[str] = (),
        lambdas: Mapping[str, float] | None = None,
        **options: Any,
    ) -> None:
        self._slips = check_slips(self.known_slips, slips, type(self).__name__)
        weights = {}
        for slip in self.known_slips:
            if slip.name in self._slips:
                weights |= self.expand_lambdas(slip.lambdas)
        weights |= self.expand_lambdas(lambdas or {})
        super().__init__(*arguments, lambdas=weights, **options)

    @property
    def slips(self) -> frozenset[str]:
        """Names of the known slips that this loss has."""
        return super().slips | self._slips

    def get_config(self) -> dict[str, Any]:
        """All keyword arguments."""
        return {**super().get_config(), "slips": sorted(self._slips)}

    def _has(self, slip: str) -> bool:
        """Whether it has a slip."""
        return slip in self._slips
