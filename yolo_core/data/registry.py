"""Sources by the name that `config.data.source` gives them.

Another package brings one along by an entry point of the group "yolo_core.sources": its name is the
KIND of "KIND" or "KIND:WHERE", and it names a function from a `DataConfig` to a `SampleSource`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from yolo_core.data.config import PICTURE_KINDS, DataConfig
from yolo_core.data.digits.scenes import open_scenes
from yolo_core.data.picture_source import open_pictures
from yolo_core.data.script_samples import RECORDED, open_recorded
from yolo_core.data.source import SampleSource

GROUP = "yolo_core.sources"

SOURCES: dict[str, Callable[[DataConfig], SampleSource]] = {
    "digits": open_scenes,
    "mnist": open_scenes,
    ".npz": open_scenes,
    **dict.fromkeys(PICTURE_KINDS, open_pictures),
    RECORDED: open_recorded,
}
"""What opens a source, by its KIND or by the suffix of its file."""


def is_scenes(source: str) -> bool:
    """Whether a source is single digits, which are strewn over scenes of this project's own."""
    opener = SOURCES.get(source.partition(":")[0]) or SOURCES.get(Path(source).suffix)
    return opener is open_scenes


def open_source(data: DataConfig) -> SampleSource:
    """The samples that a configuration describes.

    Raises:
        ValueError: There is no such source, or it cannot be read.
    """
    kind, suffix = data.source.partition(":")[0], Path(data.source).suffix
    if kind in SOURCES:
        return SOURCES[kind](data)
    installed = {each.name: each for each in entry_points(group=GROUP)}
    if kind in installed:
        return installed[kind].load()(data)
    if suffix in SOURCES:
        return SOURCES[suffix](data)
    names = [
        f"{name}:WHERE" if name in PICTURE_KINDS else name
        for name in (*SOURCES, *installed)
        if not name.startswith(".") and name != RECORDED
    ]
    raise ValueError(
        f"The data must be {', '.join(names)} or the path of an .npz file; "
        f"received {data.source!r}."
    )
