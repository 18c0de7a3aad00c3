"""What a new training would begin with: a sample under the loss of the form, before any step."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import streamlit as st

from dashboard.components.shared.background import Work, made
from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.legend import legend
from dashboard.components.shared.plot import kept, plot
from dashboard.components.shared.polling import poll
from dashboard.figures.fills import NONE
from dashboard.figures.scene import CELLS, GRID, MATCHED, OBJECTS, scene_figure
from dashboard.figures.tiles import ROW_OF_MASKS, mask_figure
from dashboard.state import ROOT
from yolo_core.compare.differences import slot_parts
from yolo_core.explain.names import slot_word
from yolo_core.explain.report import explain
from yolo_core.views import SampleView

_SAMPLE, _LAST = "sample of the first look", "first look"
_LAYERS = (GRID, OBJECTS, CELLS, MATCHED)
_BELOW = 150  # pixels that the sentences and the legend take


class _Helper:
    """The process that computes; started with the first question, and again where it has ended."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, arguments: tuple[str, ...], number: int) -> SampleView:
        """As `yolo_core.cli.first_look.first_look`, with its errors."""
        question = json.dumps([arguments, number]).encode() + b"\n"
        with self._turn:
            for attempt in (1, 2):
                process = self._running()
                try:
                    process.stdin.write(question)
                    process.stdin.flush()
                    answer = pickle.load(process.stdout)
                    break
                except (EOFError, OSError, pickle.UnpicklingError):
                    # It ends by itself after a while: perhaps just now.
                    process.kill()
                    if attempt == 2:
                        raise ValueError("What computes the first picture has ended.") from None
        if isinstance(answer, str):
            raise ValueError(answer)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "yolo_core.cli.first_look"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


HELPER = _Helper()


def show_first_look(arguments: list[str] | None) -> None:
    """A sample with the slots that its objects would get, and a button for the next one.

    Nothing waits for it: what was there before stays until it is computed.

    Args:
        arguments: The options of `train` that the form says; None where one is wrong.
    """
    number = st.session_state.get(_SAMPLE, 0)
    place = st.container()
    if arguments is not None:
        work = made(
            ("first look", *arguments, number), lambda _: HELPER.ask(tuple(arguments), number)
        )
        with place:
            if not work.is_done:
                poll(_say_how_long(work), every=0.5, goes_on=lambda: not work.is_done)
            elif work.error is not None:
                say(work.error)
            else:
                st.session_state[_LAST] = work.result
    view: SampleView | None = st.session_state.get(_LAST)
    if view is None:
        return
    _show(view)


def _next() -> None:
    st.session_state[_SAMPLE] = st.session_state.get(_SAMPLE, 0) + 1


def _say_how_long(work: Work) -> Callable[[], None]:
    began = time.monotonic()

    def look() -> None:
        if not work.is_done:
            seconds = time.monotonic() - began
            st.caption(f"Asking the loss what it makes of a picture, {seconds:.0f} s …")

    return look


def _show(view: SampleView) -> None:
    layout, trained = view.layout, view.assignment.object_mask
    head = int(np.bincount(layout.head[trained], minlength=1).argmax())
    parts = np.bincount(slot_parts(view), minlength=3)
    objects = explain(view).objects
    given = sum(each.status.is_matched for each in objects)
    word = slot_word(layout)
    heads = f" Drawn is head {head}, of {len(layout.grids)}." * (len(layout.grids) > 1)
    sentence = (
        f"**{plain(view.name)}** before the first step, under {plain(view.loss_name)}: {given} of "
        f"{len(objects)} objects get a slot. Of {layout.count:,} slots {parts[0]} are trained for "
        f"an object, {parts[1]:,} to say that there is none, {parts[2]:,} are ignored.{heads}"
    )
    plot(
        kept(
            view,
            ("first look", head),
            lambda: scene_figure(
                view,
                layers=_LAYERS,
                head=head,
                score_cut=1.0,
                legend=False,
                room=(_BELOW, ROW_OF_MASKS),
            ),
        ),
        key="first look",
        alt=sentence.replace("*", ""),
    )
    plot(
        kept(view, ("first masks", head), lambda: mask_figure(view, only=head)),
        key="first masks",
        alt=f"Parts of the slots, one map for each {word}.",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        legend(view, _LAYERS, NONE, cell=False)
        st.button("Another picture", icon=":material/skip_next:", type="tertiary", on_click=_next)
    st.caption(
        f"{sentence} Nothing is predicted yet: all raw numbers are zero. Wrong: an object marked "
        "✗\ufe0e, for which nothing would be trained."
    )
