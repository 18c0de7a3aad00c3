"""Random numbers that are the same on every machine and stay so.

They come from the raw stream of numpy's Philox bit generator, which numpy promises to keep for ever
(NEP 19); it promises nothing for the methods of its `Generator`. What is made of them here is made
with whole numbers.
"""

from __future__ import annotations

import numpy as np

STREAMS = {"train": 0, "val": 1, "test": 2, "epoch": 3, "split": 4, "augment": 5}
"""What random words are for: each purpose has a stream of its own."""


def random_words(seed: int, stream: str, index: int, count: int) -> np.ndarray:
    """The words that belong to a seed, a stream and an index, and to nothing else.

    Args:
        seed: 0 to 2**64 - 1.
        stream: A key of `STREAMS`.
        index: 0 to 2**63 - 1. The words of different indices do not overlap.
        count: Words to draw. More of them begin with the same ones.

    Returns:
        (count,) uint64.
    """
    generator = np.random.Philox(key=[seed, STREAMS[stream]], counter=[0, 0, index, 0])
    return generator.random_raw(count)


def below(limit: int, word: int) -> int:
    """Turns a random word into one of 0 to limit - 1."""
    return word * limit >> 64


def permutation(words: np.ndarray) -> np.ndarray:
    """(count,) int64: 0 to count - 1 in the order that (count,) random words give."""
    return np.argsort(words, kind="stable")
