"""Cross-entropies of raw logits, and of clipped probabilities as the older losses have them."""

from __future__ import annotations

from typing import Any

from keras import ops

# Below it a power of a probability has no gradient that is a number.
SMALLEST_DOUBT = 1e-30


def _probability_and_rest(logit: Any) -> tuple[Any, Any]:
    """Sigmoid and log(1 + exp(-|logit|)), the rest of a softplus beside its straight lines.

    Of one exponential, which is most of the cost, and exact in both tails.
    """
    probability = ops.sigmoid(logit)
    smaller = ops.where(logit > 0.0, 1.0 - probability, probability)
    return probability, -ops.log1p(-smaller)


def doubt_and_error(wrong: Any, gamma: float) -> tuple[Any, Any]:
    """The two factors of a focal loss: the power of 1 - p, and -log p, p that of the right answer.

    Args:
        wrong: (...) float32, the raw logit of the wrong answer, whose sigmoid 1 - p is.
        gamma: The power, zero or more.

    Returns:
        Two (...) float32, zero or more.
    """
    doubt, rest = _probability_and_rest(wrong)
    return ops.power(ops.maximum(doubt, SMALLEST_DOUBT), gamma), ops.relu(wrong) + rest


def soft_cross_entropy(logit: Any, target: Any) -> Any:
    """Cross-entropy of the sigmoid of a logit with a target from 0 to 1.

    Args:
        logit: (...) float32, raw.
        target: (...) float32; broadcasts.

    Returns:
        (...) float32, zero or more.
    """
    return ops.relu(logit) - target * logit + _probability_and_rest(logit)[1]


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
