"""What a loss makes of every object of a data set, as columns, and how they are counted."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.data.pictures import AnnotatedPictures
from yolo_core.files import replace_file
from yolo_core.foreign_files import check_array, open_arrays
from yolo_core.slots import SlotLayout

TOO_SMALL, POOR_FIT = "too small", "poor fit"
LEAST_PIXELS, LEAST_FIT = 8.0, 0.25
"""Pixels of the shorter side, and IoU with the best anchor, below which an object is said to be too
small, or to fit badly, where nobody says otherwise."""
MEASURES = ("shape IoU", "box IoU", "prior IoU", "side ratio")
_MOST_CELLS = 10**7


@dataclasses.dataclass(frozen=True)
class LostTable:
    """The ledger of M objects on R rows each: see `Assignment`.

    Attributes:
        object: (M,) int32, rows of the `box_` columns of the data set: all but difficult ones,
            which are not trained on.
        box: (M, 4) float32 x_center, y_center, width, height as fractions of what enters the
            network.
        status: (M, R) int32, an `ObjectStatus`.
        slot: (M, R) int32, the slot that the object wants, else -1.
        rival: (M, R) int32, row of these columns: the object that took its slot or shares it, else
            -1.
        score: (M, R) float32, of the best candidate; 0 where there is none.
        measure: What the score is.
        grids: (rows, columns, slots a cell) of each head.
        prior: (P, 4) float32, as in `SlotLayout`.
        image_shape: Height and width that enter the network.
        digest: Of the data set, see `digest`.
    """

    object: np.ndarray
    box: np.ndarray
    status: np.ndarray
    slot: np.ndarray
    rival: np.ndarray
    score: np.ndarray
    measure: str
    grids: tuple[tuple[int, int, int], ...]
    prior: np.ndarray
    image_shape: tuple[int, int]
    digest: int

    @property
    def layout(self) -> SlotLayout:
        """Where the slots sit."""
        return dataclasses.replace(SlotLayout.from_grids(self.grids), prior=self.prior)

    @property
    def by_prediction(self) -> bool:
        """Whether it depends on what the network predicts which slot of its cell an object gets."""
        return self.measure == "box IoU"

    @property
    def best(self) -> np.ndarray:
        """(M,) int: the ledger row that counts for each object: one that trains it, if any does."""
        order = np.array([_ORDER.index(int(status)) for status in range(len(ObjectStatus))])
        return order[self.status].argmin(axis=1)

    @property
    def object_status(self) -> np.ndarray:
        """(M,) int: an `ObjectStatus`; lost objects are those that no head trains."""
        return self.status[np.arange(len(self.status)), self.best]

    @property
    def pixels(self) -> np.ndarray:
        """(M,) float: the shorter side in pixels of what enters the network."""
        height, width = self.image_shape
        return (self.box[:, 2:] * [width, height]).min(axis=1)

    def reasons(
        self, least_pixels: float = LEAST_PIXELS, least_fit: float = LEAST_FIT
    ) -> dict[str, np.ndarray]:
        """{reason: (M,) bool}: what happens to objects; an object may have several.

        The words of `ObjectStatus` for what is lost, and for two objects that share a slot; objects
        with a shorter side below `least_pixels`; and, where anchors are compared, those whose best
        one has an IoU below `least_fit`.
        """
        status = self.object_status
        found = {
            each.word: status == each
            for each in ObjectStatus
            if each not in (ObjectStatus.PADDING, ObjectStatus.MATCHED)
        }
        found[TOO_SMALL] = self.pixels < least_pixels
        if not self.by_prediction:
            matched = np.isin(status, [int(each) for each in ObjectStatus if each.is_matched])
            found[POOR_FIT] = matched & (self.score.max(axis=1) < least_fit)
        return {name: mask for name, mask in found.items() if mask.any() or name in _ALWAYS}

    @property
    def lost(self) -> np.ndarray:
        """(M,) bool: objects that no slot is trained for."""
        return ~np.isin(self.object_status, [int(s) for s in ObjectStatus if s.is_matched])

    def collisions(self) -> np.ndarray:
        """(k,) int: rows of objects that share their slot with another, or lost it to one."""
        here = np.isin(self.object_status, [ObjectStatus.SHARED, ObjectStatus.OVERWRITTEN])
        return np.flatnonzero(here)


_ORDER = [
    int(status)
    for status in (
        *(ObjectStatus.MATCHED, ObjectStatus.SHARED, ObjectStatus.OVERWRITTEN),
        *(ObjectStatus.BELOW_THRESHOLD, ObjectStatus.OUTSIDE, ObjectStatus.ZERO_AREA),
        *(ObjectStatus.INVALID, ObjectStatus.PADDING),
    )
]
_ALWAYS = (
    *(ObjectStatus.OVERWRITTEN.word, ObjectStatus.BELOW_THRESHOLD.word, ObjectStatus.OUTSIDE.word),
    TOO_SMALL,
)


def digest(data: AnnotatedPictures) -> int:
    """A number that changes with the objects of a data set, to tell whether a table is of it."""
    value = crc32("\n".join(data.files).encode("utf-8", "surrogatepass"))
    for column in (data.sizes, data.box_picture, data.box_edges, data.box_class):
        value = crc32(np.ascontiguousarray(column).tobytes(), value)
    return value


def write_table(path: Path, table: LostTable) -> None:
    """Writes a table as .npz.

    Raises:
        ValueError: The disk is full, or the place is not writable.
    """
    columns: dict[str, Any] = {
        name: getattr(table, name)
        for name in ("object", "box", "status", "slot", "rival", "score", "prior")
    }
    numbers = np.array([MEASURES.index(table.measure), *table.image_shape, table.digest], np.int64)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, numbers=numbers, grids=np.array(table.grids, np.int32), **columns)
    replace_file(path, buffer.getvalue())


def read_table(path: Path, data: AnnotatedPictures) -> LostTable:
    """Reads a table, and holds it against the data set that it is of.

    Raises:
        ValueError: The file is missing, damaged, or of other data than there is now.
    """
    try:
        with open_arrays(path) as arrays:
            numbers, grids = arrays["numbers"], arrays["grids"]
            check_array("numbers", numbers, (4,), "iu", least=0)
            heads = len(grids)
            check_array("grids", grids, (heads, 3), "iu", least=1, most=10**4)
            slots = int(np.prod(grids.astype(np.int64), axis=1).sum())
            columns = {name: arrays[name] for name in ("object", "box", "status", "slot")}
            columns |= {name: arrays[name] for name in ("rival", "score", "prior")}
            count, rows = columns["status"].shape
            check_array("object", columns["object"], (count,), "iu", 0, len(data.box_class) - 1)
            check_array("box", columns["box"], (count, 4))
            check_array("status", columns["status"], (count, rows), "iu", 0, len(ObjectStatus) - 1)
            check_array("slot", columns["slot"], (count, rows), "iu", -1, slots - 1)
            check_array("rival", columns["rival"], (count, rows), "iu", -1, count - 1)
            check_array("score", columns["score"], (count, rows))
            check_array("prior", columns["prior"], (slots, 4))
            if slots > _MOST_CELLS or rows < 1 or numbers[0] >= len(MEASURES):
                raise ValueError("its numbers are out of range")
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except (LookupError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is no table of lost objects: {error}") from None
    measure, height, width, kept = numbers.tolist()
    if kept != digest(data):
        raise ValueError("The data have changed since these objects were looked for.")
    return LostTable(
        measure=MEASURES[measure],
        grids=tuple((a, b, c) for a, b, c in grids.tolist()),
        image_shape=(height, width),
        digest=kept,
        **columns,
    )
