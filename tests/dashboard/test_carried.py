"""What the Data page takes along to the form of the Train page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.dashboard.page import PAGES, assert_sound, button, words


@pytest.mark.usefixtures("checkpoints")
def test_what_another_page_took_along_is_trained_with_until_it_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def ask(arguments, *, say_under):
        del say_under
        asked.append(list(arguments))

    monkeypatch.setattr("dashboard.components.train.new_training.ask_for_training", ask)
    page = AppTest.from_file(str(PAGES / "train.py"), default_timeout=60)
    page.session_state["carried to the Train page"] = {
        "data": ["voc:/pets"],
        "anchors": ["0.1,0.2", "0.3,0.4"],
    }
    page.run()
    assert_sound(page)
    assert "data voc:/pets, anchors 2 pairs" in words(page)
    button(page, "Start training").click().run()
    (arguments,) = asked
    assert arguments.count("--data") == 1
    assert arguments[arguments.index("--data") + 1] == "voc:/pets"
    place = arguments.index("--anchors")
    assert arguments[place + 1 : place + 3] == ["0.1,0.2", "0.3,0.4"]

    button(page, "Without these").click().run()
    assert "From the Data page" not in words(page)
    button(page, "Start training").click().run()
    assert "--anchors" not in asked[-1]
    assert asked[-1][asked[-1].index("--data") + 1] == "digits"
