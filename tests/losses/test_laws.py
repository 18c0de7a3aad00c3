"""What holds for every loss, whatever the picture and the prediction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.losses.golden_files import with_gradient
from tests.losses.loss_table import (
    CASES,
    DEFAULTS,
    NUM_CLASSES,
    PADDING,
    assert_laws,
    images,
    label,
    random_scene,
)
from yolo_core.assignment import Assignment, ObjectStatus

MATCHED, SHARED, OVERWRITTEN = (
    ObjectStatus.MATCHED,
    ObjectStatus.SHARED,
    ObjectStatus.OVERWRITTEN,
)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", CASES)
def test_random_scenes(case, seed):
    assert_laws(case.loss(), random_scene(seed), case.predictions(3, seed=seed))


@pytest.mark.slow
@pytest.mark.parametrize("grid", [(1, 1), (5, 2), (2, 7)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_any_grid(case, grid):
    loss = case.loss(grid)
    breakdown = assert_laws(loss, random_scene(2), case.predictions(3, grid=grid))
    if case.square_only or case.by_prior:
        return
    layout = loss.slots(case.shape(3, grid, 2))
    y_true, ledger = random_scene(2), breakdown.assignment
    for image, row, head in np.argwhere(ledger.object_slot >= 0):
        slot = ledger.object_slot[image, row, head]
        rows, columns, _ = layout.grids[layout.head[slot]]
        x, y = y_true[image, row, 1:3]
        assert (layout.row[slot], layout.column[slot]) == (int(y * rows), int(x * columns))


@pytest.mark.parametrize("case", CASES)
def test_without_objects_only_no_object_is_left(case):
    y_true = images([], [])
    y_pred = case.predictions(2)
    breakdown = assert_laws(case.loss(), y_true, y_pred)
    terms = {term: float(value) for term, value in breakdown.terms.items()}
    assert (terms.pop("no_object") > 0) != (case.mined or case.free_without_objects)
    assert set(terms.values()) == {0.0}
    part = "ignore_mask" if case.mined else "no_object_mask"
    assert getattr(breakdown.assignment, part).all()
    _, gradient = with_gradient(case.loss(), y_true, y_pred)
    assert np.isfinite(gradient).all()


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "rows"), [(0, 3), (2, 0)])
@pytest.mark.parametrize("case", CASES)
def test_batches_without_images_and_without_label_rows(case, batch, rows):
    y_true = np.zeros((batch, rows, 5 + NUM_CLASSES), np.float32)
    breakdown = assert_laws(case.loss(), y_true, case.predictions(batch))
    assert not breakdown.assignment.object_mask.any()
    _, gradient = with_gradient(case.loss(), y_true, case.predictions(batch))
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("case", CASES)
def test_a_centre_on_one_belongs_to_the_last_cell(case):
    loss, y_pred = case.loss(), case.predictions(1)
    a = assert_laws(loss, images([label(1.0, 1.0, 0.2, 0.3)]), y_pred).assignment
    assert a.object_status[0, 0, 0] == case.centre_on_one
    if case.centre_on_one == MATCHED and not case.by_prior:
        layout = loss.slots(y_pred.shape)
        for slot in a.object_slot[0, 0]:
            rows, columns, _ = layout.grids[layout.head[slot]]
            last_column = (rows if case.square_only else columns) - 1
            assert (layout.row[slot], layout.column[slot]) == (rows - 1, last_column)


UNUSABLE = {
    "left of the picture": (label(-0.01, 0.5, 0.2, 0.2), ObjectStatus.OUTSIDE),
    "below the picture": (label(0.5, 1.0001, 0.2, 0.2), ObjectStatus.OUTSIDE),
    "in pixels": (label(48.0, 48.0, 28.0, 28.0), ObjectStatus.OUTSIDE),
    "no width": (label(0.5, 0.5, 0.0, 0.2), ObjectStatus.ZERO_AREA),
    "negative height": (label(0.5, 0.5, 0.2, -0.2), ObjectStatus.ZERO_AREA),
    "NaN centre": (label(np.nan, 0.5, 0.2, 0.2), ObjectStatus.INVALID),
    "NaN flag": (label(0.5, 0.5, 0.2, 0.2, flag=np.nan), ObjectStatus.INVALID),
    "infinite size": (label(0.5, 0.5, np.inf, 0.2), ObjectStatus.INVALID),
    "astronomic size": (label(0.5, 0.5, 1e30, 0.2), ObjectStatus.INVALID),
    "no class": (label(0.5, 0.5, 0.2, 0.2, cls=NUM_CLASSES), ObjectStatus.INVALID),
    "NaN class": ([*label(0.5, 0.5, 0.2, 0.2)[:-1], np.nan], ObjectStatus.INVALID),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_rows_that_cannot_be_used_have_a_status_and_change_nothing(case):
    good = label(0.3, 0.6, 0.4, 0.3, cls=1)
    y_true = images([row for row, _ in UNUSABLE.values()] + [good])
    y_pred = case.predictions(1)
    loss = case.loss()
    with_bad, gradient = with_gradient(loss, y_true, y_pred)
    assert_laws(loss, y_true, y_pred)
    expected = [status for _, status in UNUSABLE.values()] + [MATCHED, ObjectStatus.PADDING]
    for head in range(with_bad.assignment.object_status.shape[-1]):
        ledger = dict(zip([*UNUSABLE, "good", "padding"], expected, strict=True))
        received = map(ObjectStatus, with_bad.assignment.object_status[0, :, head].tolist())
        assert dict(zip(ledger, received, strict=True)) == ledger
    alone, gradient_alone = with_gradient(loss, images([good]), y_pred)
    np.testing.assert_allclose(with_bad.total, alone.total, rtol=1e-6)
    np.testing.assert_allclose(gradient, gradient_alone, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_objects_that_want_one_slot(case, count):
    rows = [label(0.3, 0.6, 0.4, 0.3, cls=row) for row in range(count)]
    y_pred = case.predictions(1)
    breakdown = assert_laws(case.loss(), images(rows), y_pred)
    a, last = breakdown.assignment, count - 1
    kept = 0 if case.first_wins or (case.shares and not case.last_decides) else last
    for head in range(a.object_status.shape[-1]):
        status = a.object_status[0, :count, head].tolist()
        winner = a.overwritten_by[0, :count, head].tolist()
        if case.shares:
            assert status == [SHARED] * count
            assert winner == [-1] * count
        else:
            assert status == [MATCHED if row == kept else OVERWRITTEN for row in range(count)]
            assert winner == [-1 if row == kept else kept for row in range(count)]
    owners = set(a.matched_object[a.object_mask].tolist())
    assert owners == {kept}
    if not case.shares and "/" not in case.name:
        only_the_last = case.loss().breakdown(images(rows[-1:]), y_pred)
        np.testing.assert_allclose(breakdown.total, only_the_last.total, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [90.0, 1e4])
@pytest.mark.parametrize("case", DEFAULTS)
def test_huge_logits_stay_finite(case, scale):
    y_pred = np.sign(case.predictions(3, seed=5)) * np.float32(scale)
    y_pred.reshape(-1)[::7] = -50.0
    y_pred.reshape(-1)[::11] = 0.0
    y_true = random_scene(3)
    assert_laws(case.loss(), y_true, y_pred)
    _, gradient = with_gradient(case.loss(), y_true, y_pred)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("case", CASES)
def test_of_many_candidates_the_sixteen_best_are_kept(case):
    y_pred = case.predictions(3, slots=20)
    a = assert_laws(case.loss(slots=20), random_scene(4), y_pred).assignment
    used = a.object_slot >= 0
    assert a.candidate_slots.shape[-1] == 16
    assert case.many_cells or (np.diff(a.candidate_slots[used], axis=-1) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_image_is_matched_as_it_would_be_alone(case):
    y_true, y_pred, loss = random_scene(6), case.predictions(3), case.loss()
    whole = loss.breakdown(y_true, y_pred).to_numpy()
    totals = []
    for image in range(3):
        part = slice(image, image + 1)
        alone = loss.breakdown(y_true[part], y_pred[part]).to_numpy()
        totals.append(alone.total)
        for name in Assignment.ARRAYS:
            np.testing.assert_allclose(
                getattr(alone.assignment, name), getattr(whole.assignment, name)[part], rtol=1e-5
            )
        for group in ("targets", "predictions"):
            for name, values in getattr(alone, group).items():
                np.testing.assert_allclose(
                    values, getattr(whole, group)[name][part], rtol=1e-5, atol=1e-6
                )
    if case.per_image:
        np.testing.assert_allclose(whole.total, np.mean(totals), rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_label_rows_does_not_matter(case):
    # One object a cell: with collisions the order decides who wins.
    rows = [
        label(0.1, 0.1, 0.5, 0.2, 0),
        label(0.6, 0.5, 0.1, 0.3, 1),
        label(0.9, 0.9, 0.3, 0.9, 2),
    ]
    loss, y_pred = case.loss(), case.predictions(1)
    order = [2, 3, 0, 1]
    one = assert_laws(loss, images(rows), y_pred)
    y_true = images(rows)[:, order]
    other = assert_laws(loss, y_true, y_pred)
    np.testing.assert_allclose(one.total, other.total, rtol=1e-6)
    for name in ("object_mask", "no_object_mask", "ignore_mask"):
        np.testing.assert_array_equal(
            getattr(one.assignment, name), getattr(other.assignment, name)
        )
    for name in ("object_status", "object_slot", "match_count"):
        np.testing.assert_array_equal(
            getattr(one.assignment, name)[:, order], getattr(other.assignment, name)
        )


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFAULTS)
def test_a_lambda_of_zero_changes_no_other_term(case):
    y_true, y_pred, loss = random_scene(7), case.predictions(3), case.loss()
    before = loss.breakdown(y_true, y_pred).to_numpy()
    for term in loss.term_names:
        kept = float(loss.lambdas[term].numpy())
        loss.set_lambda(term, 0.0)
        after = loss.breakdown(y_true, y_pred).to_numpy()
        for other in loss.term_names:
            assert after.terms[other] == before.terms[other], (term, other)
        expected = before.total - kept * before.terms[term]
        np.testing.assert_allclose(after.total, expected, rtol=1e-4, atol=1e-5)
        loss.set_lambda(term, kept)


@pytest.mark.parametrize("case", CASES)
def test_padding_rows_change_nothing(case):
    y_true, y_pred, loss = random_scene(8), case.predictions(3), case.loss()
    padding = np.asarray([[PADDING] * 5] * 3, np.float32)
    more = np.concatenate([y_true, padding], axis=1)
    np.testing.assert_allclose(loss(more, y_pred), loss(y_true, y_pred), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFAULTS)
def test_any_box_at_all(case):
    loss, y_pred = case.loss(), case.predictions(5, seed=9)
    number = st.one_of(
        st.floats(width=32),
        st.floats(-0.125, 1.125, width=32),
        st.sampled_from([0.0, 1.0, 0.25, 1 / 3, 0.5, 2 / 3]),
    )
    row = st.tuples(st.sampled_from([0.0, 1.0, 1.0]), number, number, number, number)

    # One call checks five images of four rows: a call costs more than what is in it.
    @settings(max_examples=10, deadline=None, database=None, derandomize=True)
    @given(st.lists(row, min_size=20, max_size=20))
    def check(rows):
        y_true = np.zeros((5, 4, 5 + NUM_CLASSES), np.float32)
        y_true[..., :5] = np.reshape(rows, (5, 4, 5))
        y_true[..., 6] = 1
        assert_laws(loss, y_true, y_pred)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_kept_between_calls(case):
    loss, y_pred = case.loss(), case.predictions(3)
    config = loss.get_config()
    first = loss.breakdown(random_scene(1), y_pred).to_numpy()
    loss(random_scene(2), case.predictions(3, seed=2))
    second = loss.breakdown(random_scene(1), y_pred).to_numpy()
    assert first.total == second.total
    assert loss.get_config() == config
    assert int(loss.step.numpy()) == 0
