"""TensorFlow in the web server: for one at a time, and off the GPU."""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import threading
from collections.abc import Iterator

import streamlit as st

# One at a time: two sessions would only slow each other, and TensorFlow is loaded once.
_TURN = threading.Lock()


@contextlib.contextmanager
def a_word_while_it_computes(what: str = "the losses") -> Iterator[None]:
    """Says what the page waits for."""
    loaded = "tensorflow" in sys.modules and not _TURN.locked()
    words = (
        f"Computing {what} …"
        if loaded
        else f"Importing TensorFlow to compute {what}, once until the dashboard is started again …"
    )
    with st.spinner(words, show_time=True):
        yield


@contextlib.contextmanager
def tensorflow_turn() -> Iterator[None]:
    """TensorFlow for one at a time, off the GPU: that belongs to the training process."""
    with _TURN:
        _load()
        yield


@functools.cache
def _load() -> None:
    import keras
    import tensorflow as tf

    # Streamlit 1.67 has Keras forget everything after each run of a page (`_clean_problem_modules`
    # in its script_runner.py): TensorFlow would set up each operation anew, a quarter of a second
    # for one look at a loss, and a network that another tab is just building would be torn.
    keras.backend.clear_session = lambda *_, **__: None
    # Refused once a GPU is in use, which only another user of TensorFlow here can have done.
    with contextlib.suppress(RuntimeError):
        tf.config.set_visible_devices([], "GPU")
    # Their 300,000 objects stay. Searched for garbage every so often, they would hold up whatever
    # is computed just then for a quarter of a second.
    gc.collect()
    gc.freeze()
