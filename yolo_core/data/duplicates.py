"""Pictures that a data set has twice: the same pixels, or nearly the same to look at.

A picture of the test split that is in the training split, too, makes every number about the test
split too good.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

HASH_SIDE = 8
THUMBNAIL = 16
"""Side of the grey picture that two candidates are compared by."""
MOST_BITS_APART, LEAST_ALIKE = 18, 0.9
"""Bits of 128 that two difference hashes may differ in, and the least correlation of the small grey
pictures. Photographs of blood cells (BCCD) written anew as JPEG, made half as large, a
third brighter, or cut by 2 % are 0 to 16 apart and 0.957 alike or more; two different ones are 25
or more apart, the nearest 0.75 alike."""
MOST_LINKS = 64
"""Earlier pictures with a near hash that a picture is compared with: enough to find its group."""
_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Fingerprints:
    """What is kept of n pictures to find those that are alike.

    Attributes:
        pixels: n digests of size and pixels; "" of one that could not be read.
        bits: (n, 2) uint64: whether each of 8 x 8 grey pixels is brighter than the next one to the
            right, and than the next one below (a difference hash each way).
        small: (n, 256) float32, a grey picture of 16 x 16 with mean 0 and length 1.
    """

    pixels: tuple[str, ...]
    bits: np.ndarray
    small: np.ndarray


@dataclasses.dataclass(frozen=True)
class Group:
    """Pictures that are alike.

    Attributes:
        pictures: Their indices, rising.
        exact: Whether all have the same pixels.
        alike: The smallest correlation by which one hangs together with another; 1 where exact.
    """

    pictures: tuple[int, ...]
    exact: bool
    alike: float


def fingerprint(image: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """The digest of the pixels, (2,) uint64 and (256,) float32 of a (height, width, 3) picture."""
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image).tobytes())
    grey = Image.fromarray(image).convert("L")
    side = HASH_SIDE + 1
    tiny = np.asarray(grey.resize((side, side), Image.Resampling.BOX), np.int16)
    steps = tiny[:-1, 1:] > tiny[:-1, :-1], tiny[1:, :-1] > tiny[:-1, :-1]
    bits = [np.packbits(each).view(np.uint64)[0] for each in steps]
    small = np.asarray(
        grey.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), np.float32
    ).reshape(-1)
    small = small - small.mean()
    length = np.linalg.norm(small)
    # A picture of one grey is like no other but for its pixels.
    small = small / length if length > 1 else np.zeros_like(small)
    return digest.hexdigest(), np.array(bits, np.uint64), small


def stacked(prints: Sequence[tuple[str, np.ndarray, np.ndarray] | None]) -> Fingerprints:
    """The fingerprints of all pictures; None stands for one that could not be read."""
    nothing = "", np.zeros(2, np.uint64), np.zeros(THUMBNAIL**2, np.float32)
    rows = [nothing if each is None else each for each in prints]
    return Fingerprints(
        pixels=tuple(row[0] for row in rows),
        bits=np.array([row[1] for row in rows], np.uint64).reshape(-1, 2),
        small=np.array([row[2] for row in rows], np.float32).reshape(-1, THUMBNAIL**2),
    )


def find_duplicates(prints: Fingerprints) -> list[Group]:
    """The groups of pictures that are alike, the largest first.

    Two are nearly the same where their hashes are `MOST_BITS_APART` bits apart or less and their
    small grey pictures correlate with `LEAST_ALIKE` or more. Every pair is compared: 20,000
    pictures are 200 million pairs of two words, a second or two.
    """
    same: dict[str, list[int]] = {}
    for index, pixels in enumerate(prints.pixels):
        if pixels:
            same.setdefault(pixels, []).append(index)
    first = np.array([group[0] for group in same.values()], np.int64)
    leader = np.arange(len(first))
    weakest = np.ones(len(first))
    for one, other, alike in _near_pairs(prints.bits[first], prints.small[first]):
        a, b = _root(leader, one), _root(leader, other)
        low = min(weakest[a], weakest[b], alike) if a != b else weakest[a]
        leader[max(a, b)] = min(a, b)
        weakest[min(a, b)] = low
    members: dict[int, list[int]] = {}
    for place, group in enumerate(same.values()):
        members.setdefault(_root(leader, place), []).extend(group)
    groups = [
        Group(
            tuple(sorted(pictures)),
            exact=len({prints.pixels[index] for index in pictures}) == 1,
            alike=float(weakest[root]),
        )
        for root, pictures in members.items()
        if len(pictures) > 1
    ]
    return sorted(groups, key=lambda group: (-len(group.pictures), group.pictures))


def across_splits(group: Group, splits_of: Callable[[int], Sequence[str]]) -> bool:
    """Whether no single split holds all pictures of a group.

    Args:
        group: The group.
        splits_of: Gives the splits that a picture is in.
    """
    inside = [set(splits_of(index)) for index in group.pictures]
    return not set.intersection(*inside)


def _near_pairs(bits: np.ndarray, small: np.ndarray) -> list[tuple[int, int, float]]:
    """(later, earlier, correlation) of pairs that are nearly the same, a few for each picture."""
    pairs = []
    for start in range(0, len(bits), _BLOCK):
        block = bits[start : start + _BLOCK]
        end = start + len(block)
        apart = np.zeros((len(block), end), np.uint8)
        for word in range(bits.shape[1]):
            apart += np.bitwise_count(block[:, None, word] ^ bits[None, :end, word])
        rows, columns = np.nonzero(apart <= MOST_BITS_APART)
        earlier = columns < rows + start
        rows, columns = rows[earlier] + start, columns[earlier]
        # A data set of pictures that are all alike has very many pairs.
        few = np.arange(len(rows)) - np.searchsorted(rows, rows) < MOST_LINKS
        rows, columns = rows[few], columns[few]
        alike = np.einsum("ij,ij->i", small[rows], small[columns])
        good = alike >= LEAST_ALIKE
        pairs += zip(rows[good].tolist(), columns[good].tolist(), alike[good].tolist(), strict=True)
    return pairs


def _root(leader: np.ndarray, place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = int(leader[place])
    return int(place)
