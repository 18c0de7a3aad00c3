"""The edits of a sandbox, made: in tables and fields, or dragged in the picture."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from dashboard.components.sandbox.state import edits_now, remember, state_now, take_back
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain, say
from dashboard.tables import number
from yolo_core.foreign_files import parse_json
from yolo_core.losses.slips import switch_choices
from yolo_core.sandbox.edits import EditedObject, Edits, objects_of
from yolo_core.views import SampleView

if TYPE_CHECKING:
    from yolo_core.losses import DetectionLoss

NEW_CLASS = UrlChoice("new_class")
DRAWING_KEY = "sandbox/drawing"
"""Session key of whether a drag beside the boxes of the picture draws a new one."""

_BOX = ("x", "y", "w", "h")
_LEAST_SIDE = 1.0
_STILL = 0.06  # pixels: what rounding alone changes


def edit_all(loss: DetectionLoss, view: SampleView) -> Edits:
    """What can be edited, in tabs; the edits as they are now."""
    objects, anchors, lambdas, options = st.tabs(["Objects", "Anchors", "Lambdas", "Options"])
    with objects:
        edit_objects(view)
    with anchors:
        table = loss.anchor_sizes(view.image.shape, view.layout.grids)
        if table is None:
            st.caption("This loss has no anchors: its predictors start from nothing.")
        else:
            edit_anchors(table.names, table.columns, table.sizes)
            st.caption("The raw prediction stays, so other anchors also move the predicted boxes.")
    with lambdas:
        edit_lambdas(view)
        st.caption("The weight of each term; the masks do not depend on them.")
    with options:
        choices = switch_choices(loss.known_slips)
        words = {slip.option: plain(slip.sentence) for slip in loss.known_slips}
        words |= described_options(type(loss))
        edit_options(loss.switches, choices, words)
        st.caption("The options of the loss, thresholds among them, as the run has them.")
    remember()
    take_back()
    return edits_now()


def edit_objects(view: SampleView) -> None:
    """A table of the objects: every cell can be written to, rows added and deleted."""
    new_class = _pick_new_class(view)
    state = state_now()
    edits = state.edits
    before = objects_of(view)
    shown = before if edits.objects is None else edits.objects
    key = f"sandbox/objects/{state.sample}/{state.version}.{state.moves}"
    # The table keeps its own changes on top of what it was first given.
    given = st.session_state.setdefault(f"{key}/given", shown)
    table = st.data_editor(
        _object_table(given, view),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        column_config={
            "row": None,
            "class": st.column_config.SelectboxColumn(
                options=list(view.class_names), required=True, default=new_class
            ),
            **{name: st.column_config.NumberColumn(format="%.1f", required=True) for name in _BOX},
        },
    )
    objects = _read_objects(table, view)
    state.edits = dataclasses.replace(edits, objects=None if objects == before else objects)
    st.caption(
        "Centre, width and height in pixels of the picture. Or in the picture: drag the middle of "
        "a box to move it, near its edge or corner to resize it, and out of the picture to delete "
        "it."
    )


def _pick_new_class(view: SampleView) -> str:
    """Asks which class the next box gets, and whether to draw one; query parameter "new_class"."""
    names = list(view.class_names)
    choice, switch = st.columns([3, 2], vertical_alignment="bottom")
    with choice:
        name = NEW_CLASS.pick(st.selectbox, "Class of a new box", names)
    switch.toggle(
        "Draw",
        key=DRAWING_KEY,
        help="Drag beside the boxes of the right picture: a new box of this class. Meanwhile a "
        "click there selects no cell.",
    )
    return name


def shapes_changed(view: SampleView, places: Sequence[Sequence[Any]]) -> None:
    """Takes over boxes that were dragged, drawn or erased in the picture.

    Args:
        view: The sample.
        places: [name, x0, y0, x1, y1] in pixels; the name is the place of the object in the list
            that was drawn, None for a new one. One that lies outside the picture is deleted.
    """
    state = state_now()
    shown = objects_of(view) if state.edits.objects is None else state.edits.objects
    names, new_class = list(view.class_names), st.session_state.get(NEW_CLASS.key)
    objects = []
    for name, *corners in places:
        if any(value is None for value in corners) or not (name is None or int(name) < len(shown)):
            continue
        x0, y0, x1, y1 = corners
        box = (
            round((x0 + x1) / 2, 1),
            round((y0 + y1) / 2, 1),
            round(max(abs(x1 - x0), _LEAST_SIDE), 1),
            round(max(abs(y1 - y0), _LEAST_SIDE), 1),
        )
        if name is None:
            index = names.index(new_class) if new_class in names else 0
            was = EditedObject(None, index, box)
        else:
            was = shown[int(name)]
            if all(abs(new - old) <= _STILL for new, old in zip(box, was.box, strict=True)):
                objects.append(was)
                continue
        if _touches(box, view.image.shape[:2]):
            objects.append(dataclasses.replace(was, box=box))
    state.edits = dataclasses.replace(state.edits, objects=tuple(objects))
    state.moves += 1


def _touches(box: Sequence[float], shape: tuple[int, int]) -> bool:
    """Whether a box of center and size has a part in the picture."""
    x, y, box_width, box_height = box
    height, width = shape
    return (
        abs(x - width / 2) < (width + box_width) / 2
        and abs(y - height / 2) < (height + box_height) / 2
    )


def edit_anchors(names: Sequence[str], columns: Sequence[str], sizes: Sequence[Any]) -> None:
    """A table of the anchors; both sizes can be written to."""
    state = state_now()
    shown = sizes if state.edits.anchors is None else state.edits.anchors
    key = f"sandbox/anchors/{state.run}/{state.version}"
    given = st.session_state.setdefault(f"{key}/given", tuple(shown))
    table = st.data_editor(
        pd.DataFrame(given, columns=list(columns), index=list(names)),
        key=key,
        width="stretch",
        column_config={
            name: st.column_config.NumberColumn(format="%.1f", min_value=0.1, required=True)
            for name in columns
        },
    )
    edited = tuple(tuple(float(value) for value in row) for row in table.to_numpy())
    if not all(math.isfinite(value) and value > 0 for pair in edited for value in pair):
        say("An anchor needs two sizes above zero; this one is left as it was.")
        return
    same = edited == tuple(tuple(pair) for pair in sizes)
    state.edits = dataclasses.replace(state.edits, anchors=None if same else edited)


def edit_lambdas(view: SampleView) -> None:
    """A number a term; below it what it was."""
    state = state_now()
    edited = {}
    for name, column in zip(view.lambdas, _columns(len(view.lambdas)), strict=False):
        was = float(number(view.lambdas[name], 7))
        value = column.number_input(
            plain(f"λ {name}"),
            min_value=0.0,
            value=float(state.edits.lambdas.get(name, was)),
            step=max(was, 0.1) / 10,
            format="%g",
            key=f"sandbox/lambda/{state.run}/{state.version}/{name}",
            help=f"{number(was)} at this step of the run.",
        )
        if value is not None and value != was:
            edited[name] = float(value)
    state.edits = dataclasses.replace(state.edits, lambdas=edited)


def edit_options(
    options: Mapping[str, Any], choices: Mapping[str, Sequence[str]], described: Mapping[str, str]
) -> None:
    """A widget an option of the loss, of the kind that its value asks for."""
    state = state_now()
    edited = {}
    # Switches have the name beside them, which takes the whole width.
    fields = [name for name, value in options.items() if not isinstance(value, bool)]
    places = dict(zip(fields, _columns(len(fields)), strict=False))
    for name in [*fields, *(name for name in options if name not in places)]:
        was = options[name]
        shown = state.edits.options.get(name, was)
        key = f"sandbox/option/{state.run}/{state.version}/{name}"
        label, words = plain(name), described.get(name)
        with places[name] if name in places else st.container():
            if name in choices:
                place = list(choices[name]).index(shown) if shown in choices[name] else 0
                value: Any = st.selectbox(label, choices[name], index=place, key=key, help=words)
            elif isinstance(was, bool):
                value = st.toggle(label, bool(shown), key=key, help=words)
            elif isinstance(was, int):
                value = st.number_input(label, value=int(shown), step=1, key=key, help=words)
            elif isinstance(was, float):
                value = st.number_input(
                    label, value=float(shown), step=0.05, format="%g", key=key, help=words
                )
            else:
                value = _written(st.text_input(label, _text(shown), key=key, help=words), was)
        if value is not None and value != was:
            edited[name] = value
        elif value is None and was is not None:
            edited[name] = None
    state.edits = dataclasses.replace(state.edits, options=edited)


def described_options(kind: type) -> dict[str, str]:
    """{argument: what its docstring says of it} of a class with a Google docstring."""
    text = inspect.cleandoc(kind.__doc__ or "")
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    found = re.findall(
        r"^ {4}(\w+): (.*?)(?=^ {4}\w|\Z)", section[1] if section else "", re.MULTILINE | re.DOTALL
    )
    return {name: plain(" ".join(words.split())) for name, words in found}


def _object_table(objects: Sequence[EditedObject], view: SampleView) -> pd.DataFrame:
    rows = [(each.row, view.class_names[each.class_index], *each.box) for each in objects]
    table = pd.DataFrame(rows, columns=["row", "class", *_BOX])
    return table.astype({"row": "Int64", "class": str, **dict.fromkeys(_BOX, "float64")})


def _read_objects(table: pd.DataFrame, view: SampleView) -> tuple[EditedObject, ...]:
    """The rows that are complete; a row that is being added is not there yet."""
    names = list(view.class_names)
    objects = []
    for _, row in table.iterrows():
        box = [row[name] for name in _BOX]
        if row["class"] not in names or any(pd.isna(value) for value in box):
            continue
        objects.append(
            EditedObject(
                row=None if pd.isna(row["row"]) else int(row["row"]),
                class_index=names.index(row["class"]),
                box=tuple(float(value) for value in box),
            )
        )
    return tuple(objects)


def _columns(count: int) -> list[Any]:
    """That many places, two a row."""
    return [place for _ in range((count + 1) // 2) for place in st.columns(2)]


def _text(value: Any) -> str:
    return "none" if value is None else json.dumps(value)


def _written(text: str, was: Any) -> Any:
    """What was typed for an option that may be nothing or a list."""
    if text.strip().lower() in ("none", ""):
        return None
    try:
        value = parse_json(text)
    except ValueError:
        say(f"{text!r} is neither a number nor none; left as it was.")
        return was
    return tuple(value) if isinstance(was, tuple) and isinstance(value, list) else value
