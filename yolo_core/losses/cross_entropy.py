"""Cross-entropies of raw logits, and of clipped probabilities as the older losses have them."""

from __future__ import annotations

from typing import Any

from keras import ops


def binary_cross_entropy(logit: Any, target: int, *, clip: float | None = None) -> Any:
    """Cross-entropy of the sigmoid of a logit with a target of 0 or 1.

    Args:
        logit: (...) float32, raw.
        target: 0 or 1, the same for all of them.
        clip: Takes the probability first and clips it to [clip, 1 - clip], so that a sure
            mistake costs -log(clip) and has no gradient (`docs/losses.md`, A-1).

    Returns:
        (...) float32, zero or more.
    """
    if clip is None:
        # -log(sigmoid(z)) = softplus(-z) and -log(1 - sigmoid(z)) = softplus(z), exact in both
        # tails; softplus(z) - z would round a confident prediction to zero.
        return ops.softplus(-logit if target else logit)
    probability = ops.clip(ops.sigmoid(logit), clip, 1.0 - clip)
    return -ops.log(probability if target else 1.0 - probability)


def cross_entropy(one_hot: Any, logits: Any, *, clip: float | None = None) -> Any:
    """Softmax cross-entropy with one-hot targets.

    Args:
        one_hot: (..., C) float32; a row of zeros must have no weight in what comes of it.
        logits: (..., C) float32, raw.
        clip: As in `binary_cross_entropy`.

    Returns:
        (...) float32, zero or more.
    """
    if clip is None:
        return ops.categorical_crossentropy(one_hot, logits, from_logits=True)
    probability = ops.clip(ops.softmax(logits, axis=-1), clip, 1.0 - clip)
    return -ops.sum(one_hot * ops.log(probability), axis=-1)
