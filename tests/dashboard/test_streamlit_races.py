"""What of Streamlit the dashboard works around. Where one of these fails, its workaround may go.

The history of the browser is in `tests/browser/test_history.py`, what is dropped before it was sent
in `test_polling.py`.
"""

from __future__ import annotations

import sys
import types

import pytest
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest


def test_keras_has_to_forget_everything_after_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dashboard/tensorflow_turn.py` replaces `clear_session`."""
    forgot = []
    backend = types.SimpleNamespace(clear_session=lambda: forgot.append(True))
    monkeypatch.setitem(sys.modules, "keras", types.SimpleNamespace(backend=backend))
    script_runner._clean_problem_modules()
    assert forgot == [True]


def page() -> None:
    import streamlit as st

    def choose() -> None:
        st.session_state["row"] = 4

    st.number_input("Row", 0, 9, 3, key="row")
    st.button("Choose", on_click=choose)


def test_a_message_that_has_not_heard_of_a_choice_undoes_it() -> None:
    """`hold_choices` of `address.py` puts it back."""
    shown = AppTest.from_function(page).run()
    late = shown._tree.get_widget_states()  # sent before the answer to the click has arrived
    shown.button[0].click().run()
    assert shown.session_state["row"] == 4
    shown._run(late)
    assert shown.session_state["row"] == 3
