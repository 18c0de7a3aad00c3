"""Computing in the web server: one at a time, and TensorFlow loaded when it is first needed."""

from __future__ import annotations

import contextlib
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
        else f"Loading TensorFlow to compute {what}: 4 to 15 seconds, once until the dashboard is "
        "started again …"
    )
    with st.spinner(words):
        yield


@contextlib.contextmanager
def tensorflow_turn() -> Iterator[None]:
    """TensorFlow for one at a time, off the GPU: that belongs to the training process."""
    with _TURN:
        import tensorflow as tf

        # Refused once a GPU is in use, which only another user of TensorFlow here can have done.
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
        yield
