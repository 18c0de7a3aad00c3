"""What the form of a new training asks of pictures of one's own, and what it says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.reading import read_beside
from dashboard.data_folders import is_inside
from yolo_core.data.config import AUGMENTATIONS, OFF, DataConfig, read_image_size
from yolo_core.data.picture_source import PictureSource, open_pictures, suggested_size
from yolo_core.data.pictures import counted, several

FIELDS = {"image-size": "", "fit": "stretch", "augment": list(AUGMENTATIONS), "classes": []}
FIELDS["pictures"] = ""
NOT_READ = "not read"


def ask_pictures(
    entry: str, key: str, *, name_all: bool = False
) -> tuple[dict[str, list[str]], str | None]:
    """Asks how pictures enter the network, and says how many there are.

    Args:
        entry: What `--data` takes: "voc:DIR", "coco:FILE.json", "yolo:DATA.yaml".
        key: What the keys of the fields begin with; they are those of `FIELDS`.
        name_all: Whether all classes are named where none is chosen.

    Returns:
        {option of `train` without its dashes: its values}, and what is wrong, if anything is.
    """
    given: dict[str, list[str]] = {"data": [entry]}
    pictures = None
    if entry.startswith("coco:"):
        pictures = st.text_input(
            "Folder of the pictures", key=f"{key}pictures", placeholder="that of the file"
        ).strip()
        if pictures and not is_inside(Path(pictures)):
            wrong = f"{pictures} is not in a folder that this server was started with."
            say(wrong)
            return given, wrong
        given |= {"pictures": [pictures]} if pictures else {}
    config = DataConfig(source=entry, pictures=pictures or None)
    key_of_work = ("pictures", entry, pictures)
    work = read_beside(key_of_work, lambda progress: open_pictures(config, progress))
    if work is None:
        return given, NOT_READ
    source: PictureSource = work.result
    st.caption(_what_there_is(source))
    size = st.text_input(
        "Image size",
        key=f"{key}image-size",
        placeholder=suggested_size(source.data),
        help="Pixels that enter the network, 416 or 320x256 (width x height).",
    ).strip()
    fit = st.segmented_control(
        "Fit",
        ["stretch", "letterbox"],
        key=f"{key}fit",
        required=True,
        help="Stretch the pictures to that size, or keep their shape and pad the rest.",
    )
    changes = st.pills(
        "Change at random",
        AUGMENTATIONS,
        selection_mode="multi",
        key=f"{key}augment",
        help="Of training pictures: mirrored; scaled and shifted; cropped; in another light.",
    )
    classes = st.multiselect(
        "Classes",
        source.class_names,
        key=f"{key}classes",
        placeholder="all",
        format_func=plain,
    )
    size = size or suggested_size(source.data)
    given |= {"image-size": [size], "fit": [fit], "augment": [",".join(changes) or OFF]}
    if classes or name_all:
        given["classes"] = classes or list(source.class_names)
    try:
        read_image_size(size)
    except ValueError as error:
        wrong = f"Image size: {error}; received {size!r}."
        say(wrong)
        return given, wrong
    return given, None


def fields_of(data: DataConfig) -> dict[str, Any]:
    """`FIELDS` as they have to be filled in for data."""
    return {
        "image-size": str(data.image_size),
        "fit": data.fit,
        "augment": [each for each in AUGMENTATIONS if each in data.augmentations],
        "classes": list(data.classes),
        "pictures": data.pictures or "",
    }


def _what_there_is(source: PictureSource) -> str:
    data = source.data
    splits = ", ".join(f"{count:,} {name}" for name, count in source.splits.items() if count)
    problems = counted(data.problems)
    # The last of the notes counts the problems.
    decided = source.notes[:-1] if data.problems else source.notes
    return (
        f"**{several(len(data.files), 'picture')}** ({splits}), "
        f"**{several(len(data.box_picture), 'object')}** of "
        f"{several(len(data.classes), 'class', 'classes')}, "
        f"**{several(len(data.problems), 'problem')}**"
        f"{f' ({problems})' if problems else ''}. {plain(' '.join(decided))}"
    )
