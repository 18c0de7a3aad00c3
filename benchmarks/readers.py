"""How long it takes to read one's own data, the first and the second time, and how much memory.

Goals, on two cores that nobody else uses: 20,000 VOC files in 10 s and 1 s; a COCO file of 860,000
annotations, as large as COCO's own, in 60 s and 3 s, below 3 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from yolo_core.data import open_data

WIDTH, HEIGHT = 500, 375
COCO_PICTURES, COCO_ANNOTATIONS = 118_000, 860_000
OBJECT = (
    "<object><name>{0}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0"
    "</difficult><bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox>"
    "</object>"
)


def make_pictures(folder: Path, count: int) -> None:
    """One drawn picture under many names."""
    folder.mkdir()
    values = np.random.default_rng(0).integers(0, 255, (HEIGHT // 25, WIDTH // 25, 3), np.uint8)
    first = folder / f"{0:06}.jpg"
    Image.fromarray(values).resize((WIDTH, HEIGHT)).save(first, quality=90)
    data = first.read_bytes()
    for index in range(1, count):
        (folder / f"{index:06}.jpg").write_bytes(data)


def make_voc(folder: Path, count: int) -> str:
    """As many pictures with 3 objects each."""
    make_pictures(folder / "JPEGImages", count)
    (folder / "Annotations").mkdir()
    random = np.random.default_rng(1)
    for index in range(count):
        corners = random.integers(1, 180, (3, 4)).tolist()
        objects = "".join(
            OBJECT.format("kite", x, y, x + width, y + height) for x, y, width, height in corners
        )
        text = (
            f"<annotation><filename>{index:06}.jpg</filename><size><width>{WIDTH}</width>"
            f"<height>{HEIGHT}</height><depth>3</depth></size>{objects}</annotation>"
        )
        (folder / "Annotations" / f"{index:06}.xml").write_text(text)
    return f"voc:{folder}"


def make_coco(folder: Path, pictures: int, annotations: int) -> str:
    """A file with polygons of 24 corners, as COCO's own are on average."""
    make_pictures(folder / "images", pictures)
    random = np.random.default_rng(2)
    with (folder / "instances.json").open("w") as file:
        images = [
            {"id": index, "file_name": f"{index:06}.jpg", "width": WIDTH, "height": HEIGHT}
            for index in range(pictures)
        ]
        categories = [{"id": index, "name": f"class {index}"} for index in range(80)]
        file.write(json.dumps({"images": images, "categories": categories})[:-1])
        file.write(', "annotations": [')
        for index in range(annotations):
            x, y, width, height = random.integers(1, 180, 4).tolist()
            corners = (random.random(48) * 300).round(2).tolist()
            fields = {
                "segmentation": [corners],
                "area": width * height,
                "iscrowd": 0,
                "image_id": index % pictures,
                "bbox": [x, y, width, height],
                "category_id": index % 80,
                "id": index,
            }
            file.write((", " if index else "") + json.dumps(fields))
        file.write("]}")
    return f"coco:{folder / 'instances.json'}"


def read(entry: str) -> None:
    """Reads it and prints seconds and memory: in a process of its own."""
    began = time.perf_counter()
    data = open_data(entry)
    seconds = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(data.files):,} pictures, {len(data.box_class):,} boxes: {seconds:.2f} s, "
        f"{most:.2f} GiB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the files (default: 1)")
    parser.add_argument("--read", metavar="ENTRY", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read(arguments.read)
        return
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "DETECTOR_CHECKPOINTS": f"{place}/runs"}
        (voc := Path(place) / "voc").mkdir()
        (coco := Path(place) / "coco").mkdir()
        share = arguments.share
        for entry in (
            make_voc(voc, round(20_000 * share)),
            make_coco(coco, round(COCO_PICTURES * share), round(COCO_ANNOTATIONS * share)),
        ):
            for turn in ("first", "second"):
                print(f"{entry.partition(':')[0]}, {turn} time: ", end="", flush=True)
                command = [sys.executable, "-m", "benchmarks.readers", "--read", entry]
                subprocess.run(command, env=environment, check=True)
        print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
