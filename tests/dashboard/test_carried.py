"""What the Data page takes along to the form of the Train page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.data_folders import VARIABLE
from tests.dashboard.page import PAGES, assert_sound, button, words
from tests.dashboard.train_page import field
from tests.dashboard.voc_set import make_voc


@pytest.mark.usefixtures("checkpoints")
def test_what_another_page_took_along_fills_the_form_in_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def ask(arguments, *, say_under):
        del say_under
        asked.append(list(arguments))

    monkeypatch.setattr("dashboard.components.train.new_training.ask_for_training", ask)
    voc = make_voc(tmp_path / "pets")
    monkeypatch.setenv(VARIABLE, str(voc))
    page = AppTest.from_file(str(PAGES / "train.py"), default_timeout=60)
    page.session_state["new/loss"] = "ssd"  # has no anchors
    page.session_state["carried to the Train page"] = {
        "data": [f"voc:{voc}"],
        "image-size": ["320x256"],
        "fit": ["letterbox"],
        "anchors": ["0.1,0.2", "0.3,0.4"],
    }
    page.session_state["carried and not yet filled in"] = True
    page.run()
    assert_sound(page)
    assert field(page, "text_input", "image-size").value == "320x256"
    assert field(page, "selectbox", "loss").value == "yolov2"
    assert page.code[0].value == "0.1,0.2 0.3,0.4"
    button(page, "Start training").click().run()
    (arguments,) = asked
    assert arguments.count("--data") == 1
    place = arguments.index("--anchors")
    assert arguments[place + 1 : place + 3] == ["0.1,0.2", "0.3,0.4"]
    assert arguments[arguments.index("--fit") + 1] == "letterbox"

    # What is changed afterwards stays, and the anchors can be left.
    field(page, "text_input", "image-size").set_value("416").run()
    assert field(page, "text_input", "image-size").value == "416"
    field(page, "button_group", "anchors").set_value("fitted").run()
    assert "0.1,0.2" not in words(page)
    button(page, "Start training").click().run()
    assert "--anchors" not in asked[-1]
    field(page, "button_group", "anchors").set_value("from the Data page").run()
    button(page, "Start training").click().run()
    assert "--anchors" in asked[-1]
