"""Which pictures a training sees, which it is tried on meanwhile, and which at the end."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from yolo_core.data.pictures import AnnotatedPictures

PARTS = ("train", "val", "test")
SHARE = 0.1
"""Of the pictures for each of val and test, where a data set has no such split."""

_OTHER_NAMES = {"val": ("valid", "validation")}


@dataclasses.dataclass(frozen=True)
class Parts:
    """The pictures of train, val and test.

    Attributes:
        indices: {"train", "val", "test": (k,) int64 indices of the files, in their order in the
            split}. A part that the data set does not have is not there.
        notes: What of it the data set does not say itself, a sentence each.
    """

    indices: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()


def split_up(data: AnnotatedPictures, seed: int = 0) -> Parts:
    """Takes the splits of a data set, and by share what it has none of.

    The same pictures and the same seed give the same parts; a picture more moves few others.

    Args:
        data: The data set.
        seed: Of the parts that are drawn.
    """
    named = {name: list(files) for name, files in data.splits.items() if files}
    taken, notes = {}, []
    for part in PARTS:
        own = next((name for name in (part, *_OTHER_NAMES.get(part, ())) if name in named), None)
        if own is not None:
            taken[part] = named[own]
            if own != part:
                notes.append(f"{own} is taken as {part}.")
    if "train" not in taken and "trainval" in named:
        held = {file for part in taken.values() for file in part}
        taken["train"] = [file for file in named["trainval"] if file not in held]
        less = " without what is in val or test" if held & set(named["trainval"]) else ""
        notes.append(f"There is no split train: trainval is taken{less}.")
    if not taken.get("train"):
        # A lone val or test, as a COCO file of one split is, is no reason not to train.
        has = f"only {', '.join(named)}" if named else "no splits"
        taken = _drawn(data.files, PARTS, seed)
        counts = ", ".join(f"{len(taken[part]):,} {part}" for part in PARTS)
        notes = [f"The data set has {has}: pictures are dealt out by seed {seed}, {counts}."]
    elif "val" not in taken:
        drawn = _drawn(taken["train"], ("train", "val"), seed)
        taken = {**taken, **drawn}
        notes.append(
            f"The data set has no val: {len(drawn['val']):,} pictures of train are taken for it "
            f"by seed {seed}."
        )
    for part in ("val", "test"):
        both = set(taken["train"]).intersection(taken.get(part, ()))
        if both:
            notes.append(f"Pictures in both train and {part}: {len(both):,}.")
    unused = len(set(data.files).difference(*taken.values()))
    if unused:
        notes.append(f"Pictures in none of {', '.join(taken)}, and so not used: {unused:,}.")
    indices = {
        part: np.array([data.index(file) for file in taken[part]], np.int64)
        for part in PARTS
        if taken.get(part)
    }
    return Parts(indices, tuple(notes))


def _drawn(files: Iterable[str], parts: tuple[str, ...], seed: int) -> dict[str, list[str]]:
    """Files dealt out by share, `train` taking what the others leave; each part in their order."""
    files = list(files)

    def place(file: str) -> bytes:
        return hashlib.blake2b(f"{seed}/{file}".encode(), digest_size=16).digest()

    order = sorted(files, key=place)
    count = max(round(len(files) * SHARE), 1 if len(files) >= len(parts) else 0)
    part_of = {}
    for at, part in enumerate(parts[1:]):
        part_of.update(dict.fromkeys(order[at * count : (at + 1) * count], part))
    return {part: [file for file in files if part_of.get(file, "train") == part] for part in parts}
