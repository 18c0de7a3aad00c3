"""A small Pascal VOC data set on disk, with what the Data page has to show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

# 64 x 64 pixels each. In "pair" two cats have their centre in one cell of 16 pixels and are of one
# shape; "twin" (test) has the pixels of "dog" (train); "empty" has no object; one box of "dog" has
# no width.
PICTURES = {
    "pair": [("cat", 16, 16, 32, 32), ("cat", 18, 18, 30, 30), ("dog", 40, 2, 60, 22)],
    "dog": [("dog", 8, 8, 56, 40), ("dog", 5, 5, 5, 20)],
    "empty": [],
    "twin": [("dog", 8, 8, 56, 40)],
}
SPLITS = {"train": ("pair", "dog"), "val": ("empty",), "test": ("twin",)}
SEEDS = {"twin": "dog"}


def make_voc(folder: Path) -> Path:
    """Writes it; gives the folder."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    for name, boxes in PICTURES.items():
        seed = list(PICTURES).index(SEEDS.get(name, name))
        coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), np.uint8)
        Image.fromarray(coarse).resize((64, 64)).save(folder / f"JPEGImages/{name}.png")
        objects = "".join(
            f"<object><name>{label}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
            for label, a, b, c, d in boxes
        )
        (folder / f"Annotations/{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename>{objects}</annotation>"
        )
    for split, names in SPLITS.items():
        (folder / f"ImageSets/Main/{split}.txt").write_text("\n".join(names) + "\n")
    return folder
