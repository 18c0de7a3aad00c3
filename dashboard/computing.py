"""Computing in the web server: TensorFlow for one at a time; the answer before the figures."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

import streamlit as st

# One at a time: two sessions would only slow each other, and TensorFlow is loaded once.
_TURN = threading.Lock()

_SENDING_SECONDS = 0.06


def send_what_is_there() -> None:
    """Lets what the page has said so far go out before it goes on, so that the answer comes first.

    While a thread makes figures, Python hardly lets the one that sends come to its turn, and the
    browser would draw the figures before it shows the text.
    """
    time.sleep(_SENDING_SECONDS)


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
