"""Which data the page shows, and reading them beside it."""

from __future__ import annotations

import dataclasses
import itertools
from collections import OrderedDict
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.background import forget
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.reading import read_beside
from dashboard.data_folders import VARIABLE, data_choices, data_folders
from yolo_core.data.config import PICTURE_KINDS, DataConfig, read_image_size
from yolo_core.data.overview import Overview, overview_of
from yolo_core.data.picture_source import PictureSource, open_pictures, suggested_size
from yolo_core.data.pictures import counted, several
from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource
from yolo_core.training.config import parse_config

DATA = UrlChoice("data", bound=False)


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """Data that were read.

    Attributes:
        config: What was asked for.
        source: The samples.
        overview: Pictures and objects.
        small: {picture: a small copy as a data URI}, those that were looked at last.
        number: Unlike that of any other reading.
    """

    config: DataConfig
    source: SampleSource
    overview: Overview
    small: OrderedDict[int, str | None] = dataclasses.field(default_factory=OrderedDict)
    number: int = dataclasses.field(default_factory=itertools.count().__next__)


def open_chosen(place: DeltaGenerator) -> Opened | None:
    """Asks which data to show; None while they are read, or where they cannot be.

    Args:
        place: Where they are asked for.
    """
    choices = data_choices()
    with place:
        entry = DATA.pick(
            st.selectbox,
            "Data",
            list(choices),
            format_func=choices.__getitem__,
            default=list(choices)[min(1, len(choices) - 1)],
            missing=lambda name: say(
                f"{name} is not in a folder that this server was started with; it has "
                f"{', '.join(map(str, data_folders())) or 'none'}."
            ),
            width=300,
        )
        key = ("data", entry)
        st.button(
            "Read again",
            icon=":material/refresh:",
            on_click=forget,
            args=(key,),
            help="After you have changed files. Without that they are read once.",
        )
    if len(choices) == 1:
        st.caption(
            "Only the bundled digits can be chosen: start the server with your folder to see your "
            f"own pictures, `make run DATA=DIR` (or name it in `{VARIABLE}`)."
        )
    work = read_beside(key, lambda progress: _read(entry, progress))
    if work is None:
        return None
    _say_what(work.result)
    return work.result


def resized(opened: Opened, image_size: str, fit: str) -> Opened:
    """The same data at another size.

    Raises:
        ValueError: No picture can have that size.
    """
    fields = opened.config.model_dump(mode="json") | {"image_size": image_size, "fit": fit}
    config = parse_config({"data": fields}, where="the settings").data
    if config == opened.config:
        return opened
    parts = getattr(opened.source, "parts", None)
    if parts is None:
        source = open_source(config)
        return Opened(config, source, overview_of(source))
    source = PictureSource(opened.overview.data, parts, config)
    return dataclasses.replace(opened, config=config, source=source)


def _read(entry: str, progress: Callable[[int, int], None]) -> Opened:
    config = DataConfig(source=entry)
    if config.kind not in PICTURE_KINDS:
        source = open_source(config)
        return Opened(config, source, overview_of(source))
    read = open_pictures(config, progress)
    # At the size that the form of the Train page proposes, too.
    config = config.model_copy(update={"image_size": read_image_size(suggested_size(read.data))})
    source = PictureSource(read.data, read.parts, config)
    return Opened(config, source, overview_of(source))


def _say_what(opened: Opened) -> None:
    overview = opened.overview
    data = overview.data
    splits = ", ".join(f"{int(m.sum()):,} in {plain(name)}" for name, m in overview.members.items())
    problems = counted(data.problems)
    st.caption(
        f"**{several(len(data.files), 'picture')}** ({splits}), "
        f"**{several(len(data.box_class), 'object')}** in "
        f"{several(len(data.classes), 'class', 'classes')}; "
        f"{several(int((overview.objects == 0).sum()), 'picture')} without objects. "
        f"{f'Problems: {problems}.' if problems else 'No problems found.'}"
    )
