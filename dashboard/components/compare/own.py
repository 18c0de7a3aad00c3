"""A plain Keras loss of one's own beside a published one: what the command line found.

The page reads what `python -m yolo_core compare` wrote; it never loads anybody's code.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.cache import kept_as_written
from dashboard.components.compare.sources import cite
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.cell_picker import cell_clicked, pick_cell
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.plot import plot
from dashboard.components.shared.polling import poll
from dashboard.components.shared.show_table import show_table
from dashboard.figures.marks import cell_in_tiles, slots_in_tiles
from dashboard.figures.places import Cell
from dashboard.figures.tiles import loss_figure
from dashboard.state import checkpoints_folder
from dashboard.tables import factor_table, number, of_all
from yolo_core.compare.own.gradients import GradientComparison, SlotDifference
from yolo_core.compare.own.saved import list_comparisons, read_comparison
from yolo_core.explain.names import cell_name, slot_word
from yolo_core.losses.families import DEFAULT_FAMILY
from yolo_core.runs.snapshots import SampleView

OWN, PICTURE, CHANNEL = UrlChoice("own"), UrlChoice("picture"), UrlChoice("channel")
ALL_CHANNELS = "all channels"
COMMAND = f"python -m yolo_core compare FILE.py:function --against {DEFAULT_FAMILY}"
# Of the slots that differ, and of the channels of one of them.
_LISTED, _CHANNELS_LISTED = 300, 6


def compare_own(top: DeltaGenerator) -> None:
    """A comparison that the command line wrote; query parameters "own", "picture", "channel"."""
    files = {path.stem: path for path in list_comparisons(checkpoints_folder())}
    if not files:
        poll(_nothing_yet, every=2.0, goes_on=lambda: not list_comparisons(checkpoints_folder()))
        return
    with top:
        name = OWN.pick(
            st.selectbox,
            "Comparison",
            list(files),
            missing=lambda asked: st.caption(plain(f"There is no comparison {asked}.")),
        )
    try:
        found = _comparison(files[name])
    except ValueError as error:
        say(error)
        return
    _show_findings(found)
    _show_weights(found)
    view = _pick_picture(found)
    slots = [each for each in found.slots if each.sample == view.name]
    _show_maps(found, view, slots)
    _show_slots(found)


def _nothing_yet() -> None:
    st.info(
        "Nothing compared yet. Type this in a terminal, with your own file and function; what it "
        "finds shows here by itself. Your code is loaded there, never by this page.",
        icon=":material/terminal:",
    )
    st.code(COMMAND, language="bash")


_comparison = kept_as_written(4)(read_comparison)


def _show_findings(found: GradientComparison) -> None:
    count = len(found.snapshot.samples)
    st.markdown(
        f"**{plain(found.yours)}** beside **{plain(found.against)}** on the same predictions of "
        f"{count} picture{'s' * (count != 1)}: your loss {_told(found.your_total)}, the published "
        f"one {number(found.published_total)}."
    )
    if found.same:
        st.success("The two gradients agree everywhere, up to one weight.", icon=":material/check:")
    if found.diagnosis:
        told = " ".join(found.diagnosis)
        st.warning(plain(told), icon=":material/lightbulb:")
        with st.container(horizontal=True):
            for cited in found.cites:
                cite(cited)
    st.markdown("\n".join(f"- {plain(line)}" for line in found.findings))
    tried = f"Tried: {'; '.join(found.tried)}. " if found.tried else ""
    st.caption(
        f"{plain(tried)}What the two gradients say, the most telling first. A loss may differ from "
        "another by a constant and train the same: so gradients are compared, not losses."
    )


def _show_weights(found: GradientComparison) -> None:
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**How each published term is in your loss**")
        show_table(factor_table(found.terms))
        st.caption(
            "By what your loss multiplies each weighted term of the published one, and how many "
            "numbers of the gradient agree with that. Wrong: –, where no factor makes the term "
            "yours; a factor that you did not mean as a lambda; ✗."
        )
    with right:
        st.markdown("**Which channels differ, up to these weights**")
        rows = [
            {
                "channels": each.group,
                "slots": each.part,
                "yours trains": f"{each.yours:,}",
                "published trains": f"{each.published:,}",
                "agree": of_all(each.agree, each.entries),
            }
            for each in found.groups
        ]
        show_table(rows)
        st.caption(
            "Every kind of channel in every part of the slots: how many numbers each loss trains, "
            "and how many agree once the weights are taken out. Wrong: ✗."
        )


def _told(value: float) -> str:
    """A number; NaN by its name, as it is what somebody looks for here."""
    return "NaN" if np.isnan(value) else number(value)


def _pick_picture(found: GradientComparison) -> SampleView:
    names = list(found.snapshot.samples)
    left, right, _ = st.columns([1, 1, 2])
    with left:
        name = PICTURE.pick(st.selectbox, "Picture", names)
    with right:
        CHANNEL.pick(st.selectbox, "Gradient of", [ALL_CHANNELS, *found.snapshot.channels])
    return found.snapshot.sample(name)


def _show_maps(found: GradientComparison, view: SampleView, slots: list[SlotDifference]) -> None:
    """Both gradients slot by slot, and all numbers of the selected cell."""
    at = found.snapshot.samples.index(view.name)
    channel = str(st.session_state[CHANNEL.key])
    pair = {"yours": found.your_gradient[at], "published": found.published_gradient[at]}
    sizes = {label: _size(view, gradient, channel) for label, gradient in pair.items()}
    finite = [values[np.isfinite(values)].max(initial=0.0) for values in sizes.values()]
    pictures = st.container()
    cell = pick_cell(view)
    with pictures:
        for place, (label, values) in zip(st.columns(2), sizes.items(), strict=True):
            with place:
                title = found.yours if label == "yours" else found.against
                st.markdown(f"**{plain(title)}**")
                figure = loss_figure(view, values, name="|gradient|", narrow=True)
                figure.update_layout(coloraxis_cmin=0, coloraxis_cmax=float(max(finite)) or 1.0)
                chosen = [each.slot for each in slots]
                differing = slots_in_tiles(view, chosen)
                marked = bool(differing)
                plot(
                    figure,
                    key=f"own {label}",
                    alt=f"Size of the gradient of {title} in every slot of {view.name}.",
                    marks=[*differing, *cell_in_tiles(view, cell)],
                    on_click=cell_clicked,
                )
        outlined = ", outlined in pink" if marked else ""
        if slots and not marked:
            outlined = ", too many to be outlined: look where the two maps differ"
        st.caption(
            f"How strongly each loss pulls at {plain(channel)} of every slot, on one scale; "
            f"{len(slots)} of {view.layout.count:,} slots of this picture differ{outlined}. A "
            "click selects a cell. Wrong: a slot that is bright under one loss and dark under the "
            "other."
        )
    _show_cell(view, pair, cell)


def _size(view: SampleView, gradient: np.ndarray, channel: str) -> np.ndarray:
    """(P,) length of the gradient over all channels, or the size of one."""
    if channel in view.channels:
        return np.abs(gradient[:, view.channels.index(channel)])
    return np.sqrt(np.square(gradient).sum(axis=-1))


def _show_cell(view: SampleView, pair: dict[str, np.ndarray], cell: Cell) -> None:
    slots = view.layout.cell_slots(cell.head, cell.row, cell.column)
    st.markdown(f"**Both gradients in {cell_name(view.layout, int(slots[0]))}**")
    columns = {
        (f"{slot_word(view.layout)} {view.layout.anchor[slot]}", label): {
            name: _told(gradient[slot, k]) for k, name in enumerate(view.channels)
        }
        for slot in slots.tolist()
        for label, gradient in pair.items()
    }
    show_table(pd.DataFrame(columns), names=True)
    st.caption(
        "The gradient of each loss with respect to every raw number of the cell's slots. Wrong: "
        "another sign, a zero on one side only, or another ratio than in the rest of the channel."
    )


def _show_slots(found: GradientComparison) -> None:
    st.markdown(f"**The {len(found.slots):,} slots that differ**")
    if not found.slots:
        st.success(
            "None: every slot agrees, up to the weights of its kind of channel.",
            icon=":material/check:",
        )
        return
    rows = [
        {
            "picture": each.sample,
            "slot": each.place,
            "difference": number(each.relative, 3),
            "what differs": each.sentence,
            "channels: yours, published": _channels(each),
            "part and reason": each.reason,
        }
        for each in found.slots[:_LISTED]
    ]
    show_table(rows)
    listed = f" The first {_LISTED:,} are listed." if len(found.slots) > _LISTED else ""
    st.caption(
        "Slots of all pictures that differ by more than the weight of their kind of channel, the "
        "largest difference first: 1 means that one of the two is zero, 2 that they are opposite."
        f"{listed} Wrong: any row; look first for what they have in common."
    )


def _channels(slot: SlotDifference) -> str:
    """The numbers of the channels that differ most."""
    told = [
        f"{name}: {_told(mine)}, {_told(theirs)}"
        for name, mine, theirs in slot.channels[:_CHANNELS_LISTED]
    ]
    more = len(slot.channels) - len(told)
    return "; ".join([*told, *([f"and {more} more"] if more else [])])
