"""Checkpoints hold every variable there is, and are read whole or not at all."""

import json

import keras
import numpy as np
import pytest

from tests.training.tiny import assert_same_values, tiny_detector, values_of, variables_of
from yolo_core.runs import array_files
from yolo_core.runs.layout import RunFolder
from yolo_core.training.checkpoint import checkpoint_path, read_checkpoint, write_checkpoint

STATE = {"step": 7, "peak_learning_rate": 0.25, "pinned": ["val/1"], "totals": {"seconds": 1.5}}


@pytest.fixture(scope="module")
def detector():
    return tiny_detector()


@pytest.fixture
def path(tmp_path, detector):
    disturb(detector)
    path = tmp_path / "step-00000007.npz"
    write_checkpoint(path, detector, STATE)
    return path


def disturb(detector):
    """Gives every variable another value of its kind."""
    for at, variable in enumerate(variables_of(detector)):
        value = variable.numpy()
        variable.assign((value + at + 1).astype(value.dtype))


def test_every_variable_comes_back(path, detector):
    written = values_of(detector)
    disturb(detector)
    assert read_checkpoint(path, detector) == STATE
    assert_same_values(values_of(detector), written)


def test_that_is_weights_statistics_random_state_lambdas_step_and_optimizer(path, detector):
    with np.load(path) as file:
        names = " ".join(json.loads(file["meta"].tobytes())["variables"])
    for part in (
        "/kernel",
        "moving_variance",
        "seed_generator_state",
        "lambda_xy",
        "loss_step",
        "iteration",
        "learning_rate",
        "_momentum",
        "_velocity",
    ):
        assert part in names
    assert len(names.split()) == len(variables_of(detector))


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data[:100],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-30],
        lambda data: data.replace(b"PK\x03\x04", b"PK\x00\x00", 1),
        lambda data: data[:2000] + bytes(50) + data[2050:],
        lambda data: b"\x00" * len(data),
        lambda _: b"a text",
    ],
    ids=["empty", "header", "half", "tail", "signature", "middle", "zeros", "text"],
)
def test_a_damaged_file_is_a_sentence_and_changes_nothing(path, detector, damage):
    path.write_bytes(damage(path.read_bytes()))
    before = values_of(detector)
    with pytest.raises(ValueError, match=r"step-00000007\.npz is damaged, half-written or no"):
        read_checkpoint(path, detector)
    assert_same_values(values_of(detector), before)


def test_a_missing_file_is_a_sentence(tmp_path, detector):
    with pytest.raises(ValueError, match=r"none\.npz does not exist"):
        read_checkpoint(tmp_path / "none.npz", detector)


def test_an_npz_of_something_else_is_a_sentence(tmp_path, detector):
    np.savez(tmp_path / "digits.npz", x_train=np.zeros(3))
    with pytest.raises(ValueError, match="but no checkpoint"):
        read_checkpoint(tmp_path / "digits.npz", detector)


def test_a_later_version_is_a_sentence(path, detector):
    with np.load(path) as file:
        arrays = dict(file)
    meta = json.loads(arrays["meta"].tobytes()) | {"version": 2}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="a checkpoint of version 2; this program reads version 1"):
        read_checkpoint(path, detector)


def crafted(path, meta=None, **arrays):
    """Puts parts of another making into a good checkpoint."""
    with np.load(path) as file:
        good = dict(file)
    words = json.loads(good["meta"].tobytes())
    good["meta"] = np.frombuffer(json.dumps(words | (meta or {})).encode(), np.uint8)
    np.savez(path, **good | arrays)
    return words["variables"]


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"meta": {"variables": [float("inf")]}}, "variables must be a list of texts"),
        ({"meta": {"variables": 7}}, "variables must be a list of texts"),
        ({"meta": {"variables": ["x"]}}, r"expected float32 .*received float32 x of shape"),
        ({"meta": {"state": [1]}}, "state must be an object"),
        ({"0": np.array("x")}, "0: expected an array of numbers; received <U1"),
        ({"0": np.array(0, "M8[s]")}, "0: expected an array of numbers"),
        ({"0": np.array(1, np.int64)}, "expected float32 lambda_xy .*received int64 lambda_xy"),
    ],
)
def test_a_crafted_checkpoint_is_a_sentence_and_changes_nothing(path, detector, parts, sentence):
    crafted(path, **parts)
    before = values_of(detector)
    with pytest.raises(ValueError, match=sentence) as refused:
        read_checkpoint(path, detector)
    assert str(path) in str(refused.value)
    assert_same_values(values_of(detector), before)


def test_a_checkpoint_that_unpacks_to_more_than_it_is_is_refused(path, detector, monkeypatch):
    monkeypatch.setattr(array_files, "SMALL", 1_000_000)
    with np.load(path) as file:
        np.savez_compressed(path, **dict(file), zeros=np.zeros(20_000_000, np.uint8))
    with pytest.raises(ValueError, match=r"is no checkpoint: its [\d,]+ bytes would unpack to 20,"):
        read_checkpoint(path, detector)


@pytest.mark.slow
def test_any_damage_is_a_sentence_or_does_not_matter(path, detector):
    """What is read after damage is what was written: every array has a checksum in the archive."""
    written = values_of(detector)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    told = 0
    for at in rng.integers(0, len(content), 60).tolist():
        broken = bytearray(content)
        broken[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        disturb(detector)
        disturbed = values_of(detector)
        try:
            state = read_checkpoint(path, detector)
        except ValueError as error:
            told += str(path) in str(error)
            assert_same_values(values_of(detector), disturbed)
        else:
            assert state == STATE
            assert_same_values(values_of(detector), written)
    assert told > 40


def test_another_network_is_refused_with_the_first_difference(path):
    other = tiny_detector(filters=5)
    before = values_of(other)
    with pytest.raises(
        ValueError,
        match=r"another network or loss: expected .*kernel of shape \(3, 3, 1, 5\), "
        r"received .*kernel of shape \(3, 3, 1, 4\)",
    ):
        read_checkpoint(path, other)
    assert_same_values(values_of(other), before)


def test_the_same_network_made_again_reads_it(path, detector):
    again = tiny_detector()
    assert [v.path for v in variables_of(again)] != [v.path for v in variables_of(detector)]
    read_checkpoint(path, again)
    for read, written in zip(variables_of(again), variables_of(detector), strict=True):
        np.testing.assert_array_equal(read.numpy(), written.numpy())


def test_to_look_at_pictures_another_optimizer_will_do(path, detector):
    # As a GPU trains with: it has variables of its own.
    other = tiny_detector(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    before = [variable.numpy() for variable in other.optimizer.variables]
    with pytest.raises(ValueError, match="another network or loss"):
        read_checkpoint(path, other)
    assert read_checkpoint(path, other, with_optimizer=False) == STATE
    for read, written in zip(other.variables, detector.variables, strict=True):
        np.testing.assert_array_equal(read.numpy(), written.numpy())
    for now, then in zip(other.optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(now.numpy(), then)


def test_a_network_with_more_variables_is_refused(path):
    other = tiny_detector(dropout=0.0)
    with pytest.raises(ValueError, match="another network or loss: expected"):
        read_checkpoint(path, other)


def test_a_full_disk_leaves_the_checkpoint_that_was_there(path, detector, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    written = values_of(detector)
    disturb(detector)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ValueError, match=r"The disk is full, so .*step-00000007\.npz"):
        write_checkpoint(path, detector, STATE)
    monkeypatch.undo()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    read_checkpoint(path, detector)
    assert_same_values(values_of(detector), written)


def test_names_sort_by_step(tmp_path):
    assert checkpoint_path(RunFolder(tmp_path), 120) == tmp_path / "weights" / "step-00000120.npz"
