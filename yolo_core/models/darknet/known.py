"""Four well-known networks of Darknet as tables: YOLOv2 and YOLOv3, and the small one of each.

Redmon & Farhadi 2016, "YOLO9000", table 6 and section 2; 2018, "YOLOv3", table 1 and section 2.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from yolo_core.models.darknet.plan import Network, parse_network, read_network

# One word a layer: "32" is a convolution of 32 filters of 3 x 3, "32/1" of 1 x 1, both with batch
# normalisation and leaky; "64s2" has a stride. M halves by max pool, m pools and halves nothing,
# R-1,8 routes layers, O reorganises, S adds the layer three back, U doubles. D is a head behind its
# convolution of 1 x 1, D0,1,2 one of these anchors.
_DARKNET19 = (
    "32 M 64 M 128 64/1 128 M 256 128/1 256 M 512 256/1 512 256/1 512 M 1024 512/1 1024 512/1 1024"
)
_DARKNET53 = "32 64s2 32/1 64 S 128s2" + 2 * " 64/1 128 S" + " 256s2" + 8 * " 128/1 256 S"
_DARKNET53 += " 512s2" + 8 * " 256/1 512 S" + " 1024s2" + 4 * " 512/1 1024 S"
_TINY = "16 M 32 M 64 M 128 M 256 M 512 m 1024"
_REGION = (
    0.57273,
    0.677385,
    1.87446,
    2.06253,
    3.33843,
    5.47434,
    7.88282,
    3.52778,
    9.77052,
    9.16828,
)
_YOLO = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)


@dataclasses.dataclass(frozen=True)
class _Known:
    side: int
    anchors: tuple[float, ...]
    words: str


_KNOWN = {
    "yolov2": _Known(608, _REGION, f"{_DARKNET19} 1024 1024 R-9 64/1 O R-1,-4 1024 D"),
    "yolov2-tiny": _Known(416, _REGION, f"{_TINY} 512 D"),
    "yolov3": _Known(
        608,
        _YOLO,
        f"{_DARKNET53}{3 * ' 512/1 1024'} D6,7,8 R-4 256/1 U R-1,61"
        f"{3 * ' 256/1 512'} D3,4,5 R-4 128/1 U R-1,36{3 * ' 128/1 256'} D0,1,2",
    ),
    "yolov3-tiny": _Known(
        416,
        (10, 14, 23, 27, 37, 58, 81, 82, 135, 169, 344, 319),
        f"{_TINY} 256/1 512 D3,4,5 R-4 128/1 U R-1,8 256 D0,1,2",
    ),
}
NAMES = tuple(_KNOWN)
NOTEBOOK = "darknet19"
"""The network of the Keras notebook, which is one of these with layers of its own."""
TRAINED = (NOTEBOOK, *NAMES)
"""Networks that a training can have."""


def known_cfg(
    name: str, *, classes: int = 80, width: int | None = None, height: int | None = None
) -> str:
    """The `.cfg` of a well-known network.

    Args:
        name: One of `NAMES`.
        classes: Of its heads; 80 are COCO's.
        width: Of what enters it, in pixels; by default as published, else a multiple of 32.
        height: Likewise.

    Raises:
        ValueError: There is none of that name, or it cannot have these.
    """
    if name not in _KNOWN:
        raise ValueError(f"The networks known by name are {', '.join(NAMES)}; received {name!r}.")
    known = _KNOWN[name]
    width, height = width or known.side, height or known.side
    if classes < 1 or min(width, height) < 32 or width % 32 or height % 32:
        raise ValueError(
            f"{name} takes 1 class or more and sides in multiples of 32; received {classes} "
            f"classes and {width} x {height}."
        )
    sections = [f"[net]\nbatch=1\nsubdivisions=1\nwidth={width}\nheight={height}\nchannels=3"]
    for word in known.words.split():
        sections += _sections(word, known, classes)
    return "\n\n".join(sections) + "\n"


def known_network(
    name: str, *, classes: int = 80, width: int | None = None, height: int | None = None
) -> Network:
    """The plan of a well-known network; see `known_cfg`."""
    return parse_network(known_cfg(name, classes=classes, width=width, height=height), name)


def find_network(cfg: str) -> Network:
    """The network of a `.cfg` file, or the well-known one of that name where there is no file.

    Raises:
        ValueError: As `read_network`.
    """
    by_name = cfg in NAMES and not Path(cfg).exists()
    return known_network(cfg) if by_name else read_network(cfg)


def named_network(name: str, *, classes: int = 80) -> Network:
    """The plan of one of `TRAINED`, as it was published."""
    return known_network("yolov2" if name == NOTEBOOK else name, classes=classes)


def _sections(word: str, known: _Known, classes: int) -> list[str]:
    fixed = {
        "M": "[maxpool]\nsize=2\nstride=2",
        "m": "[maxpool]\nsize=2\nstride=1",
        "O": "[reorg]\nstride=2",
        "S": "[shortcut]\nfrom=-3\nactivation=linear",
        "U": "[upsample]\nstride=2",
    }
    if word in fixed:
        return [fixed[word]]
    if word[0] == "R":
        return [f"[route]\nlayers={word[1:]}"]
    if word[0] == "D":
        count = len(known.anchors) // 2
        mask = word[1:]
        used = mask.count(",") + 1 if mask else count
        anchors = ",".join(f"{each:g}" for each in known.anchors)
        head = f"anchors={anchors}\nclasses={classes}\nnum={count}"
        kind = f"[yolo]\nmask={mask}" if mask else "[region]\ncoords=4\nsoftmax=1"
        before = "size=1\nstride=1\npad=1\nactivation=linear"
        return [f"[convolutional]\nfilters={used * (classes + 5)}\n{before}", f"{kind}\n{head}"]
    filters, size, stride = re.fullmatch(r"(\d+)(?:/(\d))?(?:s(\d))?", word).groups()  # pyright: ignore[reportOptionalMemberAccess]
    numbers = f"filters={filters}\nsize={size or 3}\nstride={stride or 1}"
    return [f"[convolutional]\nbatch_normalize=1\n{numbers}\npad=1\nactivation=leaky"]
