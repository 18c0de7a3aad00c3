"""What each term really pulls: the gradient that it sends into the last layer that heads share.

The share of a term in the loss says how large it is, not how hard it pulls: a large term may be
flat where it stands. Held against each other are the gradients of lambda x term, as GradNorm (Chen
et al. 2018, section 3) does, on the kernel before the heads part.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from yolo_core.breakdown import LossBreakdown
from yolo_core.runs.pulls import COSINE, PULL, UPDATE

if TYPE_CHECKING:
    import tensorflow as tf


def last_shared_kernel(network: keras.Model) -> Any:
    """The kernel whose output reaches all predictions, and nothing trainable less far back does.

    The convolution that ends in the predictions is not it: there each term has channels of its own.

    Args:
        network: Built from layers (functional or sequential).

    Returns:
        A trainable variable; None where there is no such layer, or the network does not say how
        its layers hang together.
    """
    try:
        found = [layer for layer in _on_every_path(network) if _kernel(layer) is not None]
    except (AttributeError, KeyError, ValueError):
        return None
    # The last one is the head itself where there is one head alone.
    ends = {layer.name for layer in _last_trainable(network)}
    found = [layer for layer in found if layer.name not in ends]
    return _kernel(found[-1]) if found else None


def pull_columns(terms: Sequence[str]) -> list[str]:
    """The columns of the step row that `pulls` and `moved` fill; none without terms."""
    if not terms:
        return []
    pairs = itertools.combinations(terms, 2)
    return [*(f"{PULL}{term}" for term in terms), *(f"{COSINE}{a}/{b}" for a, b in pairs), UPDATE]


def pulls(
    tape: tf.GradientTape,
    breakdown: LossBreakdown,
    kernel: Any,
    *,
    whole_batch: Callable[[Any], Any] = lambda share: share,
) -> dict[str, tf.Tensor]:
    """Lengths and cosines of the gradients of lambda x term.

    Args:
        tape: A persistent tape that has seen the network and the breakdown.
        breakdown: Of this step.
        kernel: From `last_shared_kernel`.
        whole_batch: From the gradients of a replica's share of the batch to those of the batch.

    Returns:
        {column: scalar float32}; the cosine of a gradient that is zero is NaN.
    """
    import tensorflow as tf  # the names of the columns are wanted without it, too

    flat = {
        name: breakdown.lambdas[name]
        * tf.reshape(
            tf.cast(
                tape.gradient(term, kernel, unconnected_gradients=tf.UnconnectedGradients.ZERO),
                tf.float32,
            ),
            (-1,),
        )
        for name, term in breakdown.terms.items()
    }
    flat = whole_batch(flat)
    length = {name: tf.norm(each) for name, each in flat.items()}
    found = {f"{PULL}{name}": each for name, each in length.items()}
    for a, b in itertools.combinations(flat, 2):
        dot = tf.reduce_sum(flat[a] * flat[b])
        found[f"{COSINE}{a}/{b}"] = dot / (length[a] * length[b])
    return found


def moved(kernel: Any, before: Any) -> dict[str, tf.Tensor]:
    """How far a step moved a kernel: what learning rate and optimizer make of the gradient.

    Args:
        kernel: From `last_shared_kernel`, after the step.
        before: Its value before.

    Returns:
        {column: scalar float32}, the length of the difference by that of the kernel.
    """
    import tensorflow as tf

    after, before = tf.cast(kernel, tf.float32), tf.cast(before, tf.float32)
    return {UPDATE: tf.norm(after - before) / tf.norm(before)}


def _kernel(layer: Any) -> Any:
    wide = [each for each in layer.trainable_weights if len(each.shape) >= 2]
    return wide[-1] if wide else None


def _graph(network: keras.Model) -> tuple[list[Any], dict[int, list[Any]]]:
    """Layers in the order in which they are computed, and those that each one takes from."""
    maker = {id(t): layer for layer in network.layers for t in keras.tree.flatten(layer.output)}
    before = {
        id(layer): [
            maker[id(t)]
            for t in keras.tree.flatten(layer.input)
            if maker.get(id(t)) not in (None, layer)
        ]
        for layer in network.layers
    }
    return list(network.layers), before


def _on_every_path(network: keras.Model) -> list[Any]:
    """The layers that every path from the picture to the predictions goes through, in order."""
    order, before = _graph(network)
    into = {id(layer): 0 for layer in order}
    for layer in order:
        into[id(layer)] = sum(into[id(each)] for each in before[id(layer)]) or 1
    ends = _makers_of_output(network)
    out = {id(layer): 0 for layer in order}
    for layer in ends:
        out[id(layer)] += 1
    for layer in reversed(order):
        for each in before[id(layer)]:
            out[id(each)] += out[id(layer)]
    whole = sum(into[id(layer)] for layer in ends)
    return [layer for layer in order if into[id(layer)] * out[id(layer)] == whole]


def _last_trainable(network: keras.Model) -> list[Any]:
    """Of each path to the predictions the last layer with a kernel."""
    _, before = _graph(network)
    found, look = [], _makers_of_output(network)
    seen: set[int] = set()
    while look:
        layer = look.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if _kernel(layer) is not None:
            found.append(layer)
        else:
            look += before[id(layer)]
    return found


def _makers_of_output(network: keras.Model) -> list[Any]:
    ends = {id(t) for t in keras.tree.flatten(network.output)}
    return [
        layer
        for layer in network.layers
        if any(id(t) in ends for t in keras.tree.flatten(layer.output))
    ]
