"""What a run's network finds in any picture: boxes in pixels of the upright original.

A picture enters the network as those of the training did, stretched or letterboxed, and the boxes
go the way back. TensorFlow is only needed to make the detector.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from yolo_core.data.config import PICTURE_KINDS, DataConfig
from yolo_core.data.pixels import SUFFIXES
from yolo_core.data.resize import Placement, fitted
from yolo_core.evaluation.metrics import detections_in
from yolo_core.models.decode import nms_keep

if TYPE_CHECKING:
    from yolo_core.training.detector import Detector

THRESHOLD = 0.3
_COLORS = ("#3399ee", "#ff5511", "#0f8f7f", "#998811", "#bb3311", "#775599", "#4444ff")


@dataclasses.dataclass(frozen=True)
class Detection:
    """One box that the network found.

    Attributes:
        name: Name of its class.
        score: 0 to 1.
        edges: xmin, ymin, xmax, ymax in pixels of the upright picture, cut to it.
    """

    name: str
    score: float
    edges: tuple[float, float, float, float]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "class": self.name,
            "score": round(self.score, 4),
            "box": [round(each, 2) for each in self.edges],
        }


def entering(
    pixels: np.ndarray, shape: tuple[int, int, int], data: DataConfig
) -> tuple[np.ndarray, Placement]:
    """A picture as the network takes it, and where it lies in that.

    Args:
        pixels: (height, width, 3) uint8, upright.
        shape: Height, width and channels, 1 or 3, of the network's input.
        data: Of the run. Digit scenes were never resized: a picture keeps its shape there, on
            black.

    Returns:
        uint8 of that shape, and the placement.

    Raises:
        ValueError: The network's pictures are neither grey nor red, green and blue.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        raise ValueError(
            f"The network takes pictures of {channels} channels; a picture file has 1 or 3."
        )
    of_pictures = data.source.partition(":")[0] in PICTURE_KINDS
    size, fit = (width, height), data.fit if of_pictures else "letterbox"
    whole = np.array([[pixels.shape[1], pixels.shape[0]]])
    place = Placement(*fitted(whole, size, fit)[0].tolist())
    image = place.framed(place.part(Image.fromarray(pixels), size), size)
    if not of_pictures:
        left, top, right, bottom = place.seen(size)
        black = np.zeros_like(image)
        black[top:bottom, left:right] = image[top:bottom, left:right]
        image = black
    if channels == 1:
        image = np.asarray(Image.fromarray(image).convert("L"))[..., None]
    return image, place


def detect(
    detector: Detector,
    pixels: np.ndarray,
    data: DataConfig,
    class_names: Sequence[str],
    *,
    threshold: float = THRESHOLD,
    inputs: Callable[[np.ndarray], np.ndarray] | None = None,
) -> list[Detection]:
    """Finds what is in a picture.

    Args:
        detector: With the weights of a run.
        pixels: (height, width, 3) uint8, upright.
        data: The run's.
        class_names: (C,) names.
        threshold: Score from which a detection counts.
        inputs: `SampleSource.network_inputs` of the run's data; None for numbers of 0 to 1.

    Returns:
        The detections, the surest first.
    """
    shape = tuple(detector.network.input_shape[1:])
    image, place = entering(pixels, shape, data)
    no_objects = np.zeros((1, 1, 5 + len(class_names)), np.float32)
    taken = image[None].astype(np.float32) / 255.0 if inputs is None else inputs(image[None])
    _, breakdown = detector.inspect(taken, no_objects)
    seen = breakdown.predictions
    boxes, objectness = seen["boxes"], seen["objectness"]
    classes = seen["class_probabilities"]
    (found,) = detections_in(boxes, objectness, classes, nms_keep(boxes, objectness, classes))
    size = (pixels.shape[1], pixels.shape[0])
    half = found.boxes[:, 2:].astype(np.float64) / 2
    corners = np.concatenate([found.boxes[:, :2] - half, found.boxes[:, :2] + half], axis=1)
    edges = place.back(corners * np.tile([shape[1], shape[0]], 2), size)
    edges = np.clip(edges, 0, np.tile(size, 2))
    return [
        Detection(
            class_names[int(found.classes[k])],
            float(found.scores[k]),
            tuple(edges[k].tolist()),  # pyright: ignore[reportArgumentType]
        )
        for k in np.argsort(-found.scores, kind="stable")
        # Of a box in the padding nothing is left.
        if found.scores[k] >= threshold and (edges[k, 2:] > edges[k, :2]).all()
    ]


def drawn(pixels: np.ndarray, found: Sequence[Detection]) -> Image.Image:
    """The picture with the boxes on it, a colour a class; the surest on top."""
    picture = Image.fromarray(pixels).convert("RGB")
    draw = ImageDraw.Draw(picture)
    side = max(picture.size)
    width, font = max(round(side / 400), 1), ImageFont.load_default(max(side / 50, 10))
    colors = {name: _COLORS[k % len(_COLORS)] for k, name in enumerate(_names(found))}
    for each in reversed(found):
        color, words = colors[each.name], f"{each.name} {each.score:.2f}"
        draw.rectangle(each.edges, outline=color, width=width)
        left, top = each.edges[:2]
        around = draw.textbbox((left, max(top - side / 45, 0)), words, font=font)
        draw.rectangle(around, fill=color)
        draw.text(around[:2], words, fill="#ffffff", font=font, anchor="lt")
    return picture


def pictures_in(paths: Sequence[Path]) -> list[Path]:
    """Picture files: those named, and of a folder those in it whose names end as pictures' do.

    Raises:
        ValueError: There is no such file or folder, or no picture in a folder.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                each
                for each in path.iterdir()
                if each.suffix.lower() in SUFFIXES and each.is_file()
            )
            if not inside:
                raise ValueError(f"There is no picture in {path}.")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(f"There is no file or folder {path}.")
    return list(dict.fromkeys(found))


def _names(found: Sequence[Detection]) -> list[str]:
    return sorted({each.name for each in found})
