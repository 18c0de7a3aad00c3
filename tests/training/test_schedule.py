"""The learning rate of each step, in numbers that fit on paper."""

import keras
import pytest

from yolo_core.training.schedule import FLOOR, LearningRate, OptimizerRate


def test_constant_is_constant():
    rate = LearningRate(0.5, "constant", 10)
    assert [rate.at(step) for step in (1, 5, 10)] == [0.5, 0.5, 0.5]


def test_cosine_rises_over_a_tenth_and_falls_like_a_cosine():
    rate = LearningRate(1.0, "cosine", 40)
    assert rate.at(1) == pytest.approx(0.25), "a quarter of the four steps of warm-up"
    assert rate.at(2) == pytest.approx(0.5, rel=0.01)
    assert rate.at(21) == pytest.approx(0.5), "half way down in the middle"
    assert rate.at(11) == pytest.approx(0.8536, abs=1e-4), "(1 + cos 45°) / 2"


def test_warm_up_takes_100_steps_at_most():
    rate = LearningRate(1.0, "cosine", 10**6)
    assert rate.at(50) == pytest.approx(0.5, rel=1e-3)
    assert rate.at(100) == pytest.approx(1.0, rel=1e-3)
    assert rate.at(200) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 10, 1000])
def test_it_is_never_zero(steps):
    rate = LearningRate(1.0, "cosine", steps)
    values = [rate.at(step) for step in range(1, steps + 1)]
    assert min(values) > 0
    assert max(values) <= 1
    if steps > 100:
        assert values[-1] == FLOOR


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_rate_that_is_set_holds_at_its_step_and_the_schedule_goes_on(schedule):
    rate = LearningRate(1.0, schedule, 100)
    before = [rate.at(step) for step in (30, 31, 60)]
    rate.set_at(30, 0.125)
    assert rate.at(30) == 0.125
    assert rate.at(31) / rate.at(30) == pytest.approx(before[1] / before[0])
    assert rate.at(60) / rate.at(30) == pytest.approx(before[2] / before[0])


def test_a_rate_that_is_set_while_warming_up_does_not_rise_again():
    rate = LearningRate(1.0, "cosine", 1000)
    rate.set_at(20, 0.125)
    assert rate.at(20) == pytest.approx(0.125)
    assert rate.at(100) < 0.125


def test_peak_and_warm_up_carry_a_live_change_over_to_another_process():
    first = LearningRate(1.0, "cosine", 100)
    first.set_at(3, 0.125)
    second = LearningRate(first.peak, "cosine", 100)
    second.warms_up = first.warms_up
    assert [second.at(step) for step in (5, 77)] == [first.at(step) for step in (5, 77)]


def test_an_optimizer_s_own_rate_is_set_at_once():
    optimizer = keras.optimizers.Adam(0.25)
    rate = OptimizerRate(optimizer)
    assert rate.at(7) == 0.25
    rate.set_at(8, 0.5)
    assert rate.at(8) == float(optimizer.learning_rate) == 0.5


def test_an_optimizer_s_own_schedule_stays():
    falling = keras.optimizers.schedules.ExponentialDecay(0.25, 1, 0.5)
    rate = OptimizerRate(keras.optimizers.Adam(falling))
    assert rate.at(1) == 0.25
    with pytest.raises(ValueError, match=r"follows a schedule of its own, so .* of step 8 cannot"):
        rate.set_at(8, 0.5)
