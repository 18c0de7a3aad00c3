"""Each loss as a formula, with its lambdas and the numbers of a picture in it. LaTeX; no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.variants import variant_options


def formula(
    loss_name: str,
    lambdas: Mapping[str, float],
    terms: Mapping[str, float],
    *,
    options: Mapping[str, Any] | None = None,
) -> str:
    """The loss as LaTeX: its formula, and under it the same sum in this picture's numbers.

    Args:
        loss_name: A family or a published variant, such as "yolov2/formula".
        lambdas: {term: effective weight}.
        terms: {term: value}, unweighted.
        options: Keyword options of the loss that change how it is written; laid over the
            variant's own.

    Returns:
        An `aligned` environment for `st.latex`, one line a term and one line of numbers.

    Raises:
        ValueError: There is no such loss.
    """
    del options
    variant_options(loss_name)
    written = " + ".join(rf"\lambda_{{\text{{{t}}}}} L_{{\text{{{t}}}}}" for t in terms)
    numbers = " + ".join(f"{lambdas[t]:.4g} \\cdot {terms[t]:.4g}" for t in terms)
    total = sum(lambdas[t] * terms[t] for t in terms)
    return rf"\begin{{aligned}} L &= {written} \\ &= {numbers} = {total:.4g} \end{{aligned}}"
