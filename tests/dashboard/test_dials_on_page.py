"""The dials of the Train page: what is moved is sent once, and what took effect is shown."""

from __future__ import annotations

import pytest

from tests.dashboard.page import button, words
from tests.dashboard.train_page import dial, obey, open_page

pytestmark = pytest.mark.usefixtures("checkpoints")


@pytest.mark.slow
def test_the_scale_of_a_dial_stays_where_the_run_began(worker):
    page = open_page()
    scale = dial(page, "λ xy")[1].options

    def move(widget, value: float) -> None:
        widget.set_value(value).run()
        obey(worker)
        page.run()
        number, slider = dial(page, "λ xy")
        assert (number.value, slider.value) == (value, value)

    move(dial(page, "λ xy")[0], 1234.0)
    assert {*dial(page, "λ xy")[1].options} == {*scale, "1234"}
    # Taken up by the slider at one of its steps, which are still those that it began with.
    move(dial(page, "λ xy")[1], 50.0)
    assert "1234" in dial(page, "λ xy")[1].options
    move(dial(page, "λ xy")[0], 0.0)
    assert dial(page, "λ xy")[1].options == scale
    move(dial(page, "λ xy")[1], 5.6)
    button(page, "As started: 5").click().run()
    obey(worker)
    page.run()
    assert [each.value for each in dial(page, "λ xy")] == [5, 5]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["number", "slider"])
def test_a_moved_dial_is_sent_and_shows_on_both_widgets(worker, source):
    page = open_page()
    number, slider = dial(page, "λ xy")
    (number if source == "number" else slider).set_value(2.5).run()
    (command,) = worker.store.pending_commands()
    assert (command.name, command.arguments) == (
        "set-lambda",
        {"name": "xy", "value": 2.5, "by": "page"},
    )
    assert [widget.value for widget in dial(page, "λ xy")] == [2.5, 2.5]
    assert "waiting for the next step" in words(page)
    obey(worker)
    page.run()
    assert "2.5 took effect at step 61" in words(page)
    assert [widget.value for widget in dial(page, "λ xy")] == [2.5, 2.5]
    page.run()
    assert len(worker.store.commands()) == 1, "what is shown is not sent again"


def test_the_learning_rate_is_a_dial_that_does_not_run_away_with_its_schedule(worker):
    worker.rate = 0.001
    worker.store.record_step(61, worker.row(61))
    worker.store.flush()
    page = open_page()
    assert dial(page, "learning rate")[0].value == 0.004
    assert "as started, now 0.001 by schedule" in words(page)
    dial(page, "learning rate")[0].set_value(0.002).run()
    (command,) = worker.store.pending_commands()
    assert (command.name, command.arguments) == (
        "set-learning-rate",
        {"value": 0.002, "by": "page"},
    )


@pytest.mark.slow
def test_a_second_tab_follows_the_first(worker):
    first, second = open_page(), open_page()
    dial(first, "λ wh")[0].set_value(25.0).run()
    obey(worker)
    second.run()
    assert [widget.value for widget in dial(second, "λ wh")] == [25.0, 25.0]
    assert "25 took effect at step 61" in words(second)
    first.run()
    assert len(worker.store.commands()) == 1, "the second tab must not answer the first"


def test_a_widget_that_was_replaced_is_not_listened_to(worker):
    """A browser goes on reporting the old value until it has drawn the new one."""
    page = open_page()
    old_number, _ = dial(page, "λ wh")
    worker.store.send("set-lambda", {"name": "wh", "value": 3.0})
    obey(worker)
    page.run()
    assert dial(page, "λ wh")[0].key != old_number.key
    shown = page.session_state["yolov2-1/dial/wh"]
    page.session_state[old_number.key] = 5.0
    from dashboard.components.train import dials

    dials._moved(worker.store.folder, dials.Dial("wh", 3.0, 3.0, 62, 5.0), shown, old_number.key)
    assert len(worker.store.commands()) == 1


def test_a_refused_change_goes_back_and_says_why(worker):
    page = open_page()
    dial(page, "λ xy")[0].set_value(2.5).run()
    (command,) = worker.store.pending_commands()
    worker.store.answer(command.id, error="The loss has no term 'xy' any more.")
    page.run()
    assert "The loss has no term 'xy' any more." in words(page)
    assert [widget.value for widget in dial(page, "λ xy")] == [5.0, 5.0]
