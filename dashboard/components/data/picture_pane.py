"""One picture of the data, large, with what is known of it; and small ones."""

from __future__ import annotations

import contextlib
import html
import io
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import streamlit as st
from PIL import Image

from dashboard.components.data.opened import Opened
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot
from dashboard.components.shared.show_table import show_table
from dashboard.figures.data_pictures import (
    Outline,
    Tile,
    annotated_figure,
    class_color,
    gallery_figure,
)
from dashboard.figures.places import short
from yolo_core.data.overview import SIZES
from yolo_core.data.pictures import several

SIDE, LARGE_SIDE = 208, 1100
MOST_SMALL = 400
NAMED = 18
"""Letters of a name below a small picture: more would lie over the next one's."""
FADED = "rgba(225, 225, 225, 0.9)"


def show_gallery(
    opened: Opened,
    pictures: Sequence[int],
    *,
    key: str,
    columns: int,
    chosen: int | None,
    on_click: Callable[[int], None],
) -> None:
    """Small pictures with their boxes; a click chooses one."""
    overview = opened.overview
    data = overview.data
    with ThreadPoolExecutor(4) as pool:
        uris = list(pool.map(lambda index: thumbnail(opened, index), pictures))
    tiles = []
    for index, uri in zip(pictures, uris, strict=True):
        rows = data.objects_of(index)
        name = (
            data.files[index].rpartition("/")[2] if "." in data.files[index] else data.files[index]
        )
        tiles.append(
            Tile(
                uri=uri,
                shape=tuple(data.sizes[index][::-1].tolist()),
                boxes=overview.fractions[rows],
                labels=data.box_class[rows],
                caption=name if len(name) <= NAMED else f"…{name[1 - NAMED :]}",
                index=int(index),
            )
        )
    plot(
        gallery_figure(tiles, columns=columns, chosen=chosen),
        key=key,
        alt=f"{several(len(tiles), 'picture')} of the data with boxes.",
        on_click=lambda index: on_click(int(index)) if index is not None else None,
    )


def show_picture(
    opened: Opened,
    index: int,
    *,
    key: str,
    marked: Sequence[int] = (),
    table: bool = True,
    below: tuple[float, float] = (56, 0),
) -> None:
    """A picture with its objects.

    Args:
        opened: The data.
        index: Which one.
        key: Stable name of the figure.
        marked: Rows of the objects that are meant; the others fade where there are some.
        table: Whether the objects are listed below.
        below: What is to stay below the picture in the window, see `plot`.
    """
    overview = opened.overview
    data = overview.data
    width, height = data.sizes[index]
    splits = ", ".join(overview.splits_of(index))
    say_title(data.files[index], f"{width:,} × {height:,} px, {splits}")
    try:
        image = small_enough(data.read_picture(index))
    except ValueError as error:
        say(error)
        return
    rows = np.arange(data.objects_of(index).start, data.objects_of(index).stop)
    meant = np.isin(rows, marked) if len(marked) else np.ones(len(rows), bool)
    outlines = [Outline("others", overview.fractions[rows[~meant]], FADED, width=1.2, rim=False)]
    for label in np.unique(data.box_class[rows[meant]]):
        mine = meant & (data.box_class[rows] == label)
        outlines.append(
            Outline(
                data.classes[label],
                overview.fractions[rows[mine]],
                class_color(int(label)),
                [
                    f"<b>{k + 1}: {short(data.classes[label])}</b>" if len(rows) < 40 else ""
                    for k in np.flatnonzero(mine)
                ],
            )
        )
    groups = data.ignored_picture == index
    sides = np.tile(np.maximum(data.sizes[index], 1), 2)
    edges = data.ignored_edges[groups] / sides
    regions = np.concatenate(
        [(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], axis=1
    )
    outlines.append(Outline("groups", regions, "#ffffff", ["group"] * len(regions), dash="dash"))
    plot(
        annotated_figure(image, outlines, below=below),
        key=key,
        alt=f"{data.files[index]} with its {several(len(rows), 'object')}.",
    )
    for problem in overview.problems_of(index):
        st.warning(plain(f"{problem.file} {problem.where}: {problem.about} ({problem.effect})"))
    if table and len(rows):
        with st.expander(several(len(rows), "object")):
            show_table(
                [
                    {
                        "object": k + 1,
                        "class": data.classes[data.box_class[row]],
                        "size": SIZES[overview.size_class[row]],
                        "xmin, ymin, xmax, ymax, px": ", ".join(
                            f"{value:g}" for value in np.round(data.box_edges[row], 1).tolist()
                        ),
                        "": "difficult" if data.box_difficult[row] else "",
                    }
                    for k, row in enumerate(rows.tolist()[:200])
                ]
            )


def say_title(name: str, words: str) -> None:
    """The name of a picture in one line, however long it is, and in another what is said of it."""
    name = html.escape(name)
    st.html(
        f'<div class="title" title="{name}"><b>{name}</b></div>'
        f'<div class="title">{html.escape(words)}</div>'
    )


def small_enough(image: np.ndarray) -> np.ndarray:
    """The picture, made smaller where a page could not show more of it."""
    if max(image.shape[:2]) <= LARGE_SIDE:
        return image
    picture = Image.fromarray(image)
    picture.thumbnail((LARGE_SIDE, LARGE_SIDE))
    return np.asarray(picture)


def thumbnail(opened: Opened, index: int) -> str | None:
    """A small JPEG of a picture as a data URI; None where it cannot be read."""
    if index not in opened.small:
        while len(opened.small) >= MOST_SMALL:
            with contextlib.suppress(KeyError):  # another thread was quicker
                opened.small.popitem(last=False)
        opened.small[index] = _small(opened.overview.data.read_picture, index)
    return opened.small.get(index)


def _small(read_picture: Callable[[int], np.ndarray], index: int) -> str | None:
    try:
        picture = Image.fromarray(read_picture(index))
    except ValueError:
        return None
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode('ascii')}"
