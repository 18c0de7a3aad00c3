"""Single digits: where they come from, and what is refused."""

from __future__ import annotations

import contextlib
import sys
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolo_core.data.digits.scenes import DigitSource, load_digit_source


def arrays(**changes: object) -> dict[str, object]:
    """A tiny file in the layout of Keras's MNIST: 20 training digits and 5 test digits."""
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(1, 256, (20, 28, 28), np.uint8),
        "y_train": random.integers(0, 10, 20),
        "x_test": random.integers(1, 256, (5, 28, 28), np.uint8),
        "y_test": random.integers(0, 10, 5),
    } | changes


@pytest.fixture
def npz(tmp_path: Path) -> str:
    np.savez(tmp_path / "mine.npz", **arrays())
    return str(tmp_path / "mine.npz")


def assert_sound(source: DigitSource, count: int) -> None:
    assert source.images.dtype == np.uint8
    assert len(source.images) == len(source.labels) == count
    assert source.images.any((1, 2)).all()
    assert set(source.labels.tolist()) <= set(range(10))
    every = np.concatenate(list(source.splits.values())).tolist()
    assert sorted(every) == list(range(count)), "every digit is in one split, and in one only"


def test_bundled_digits_are_divided_70_15_15() -> None:
    source = load_digit_source("digits")
    assert_sound(source, 1797)
    assert {split: len(part) for split, part in source.splits.items()} == {
        "train": 1257,
        "val": 270,
        "test": 270,
    }
    assert source.splits["test"][:5].tolist() == [854, 536, 840, 1275, 1500]
    assert source.images.shape == (1797, 8, 8)
    assert source.images.max() == 255
    # Every class is in every split, in about its share of a tenth.
    for part in source.splits.values():
        share = np.bincount(source.labels[part], minlength=10) / len(part)
        assert (share > 0.06).all()


def test_a_file_keeps_its_test_digits_for_the_test_split(npz: str) -> None:
    source = load_digit_source(npz)
    assert_sound(source, 25)
    assert source.splits["test"].tolist() == [20, 21, 22, 23, 24]
    assert len(source.splits["val"]) == 3  # 15 % of 20
    np.testing.assert_array_equal(source.images[20:], arrays()["x_test"])
    np.testing.assert_array_equal(source.labels[:20], arrays()["y_train"])


def test_a_file_of_three_digits_is_enough(tmp_path: Path) -> None:
    tiny = {key: value[: 2 if "train" in key else 1] for key, value in arrays().items()}
    np.savez(tmp_path / "tiny.npz", **tiny)
    source = load_digit_source(str(tmp_path / "tiny.npz"))
    assert [len(part) for part in source.splits.values()] == [1, 1, 1]


def test_a_file_of_written_digits(tmp_path: Path) -> None:
    """The bundled ones, three times as large, in the layout of MNIST."""
    bundled = load_digit_source("digits")
    large = bundled.images.repeat(3, axis=1).repeat(3, axis=2)
    labels = bundled.labels.astype(np.uint8)
    np.savez(
        tmp_path / "written.npz",
        **{"x_train": large[:1400], "y_train": labels[:1400]},
        **{"x_test": large[1400:], "y_test": labels[1400:]},
    )
    source = load_digit_source(str(tmp_path / "written.npz"))
    assert_sound(source, 1797)
    assert [len(part) for part in source.splits.values()] == [1190, 210, 397]
    np.testing.assert_array_equal(source.images[:, ::3, ::3], bundled.images)
    np.testing.assert_array_equal(source.labels, bundled.labels)


def fake_keras(load_data: object) -> SimpleNamespace:
    return SimpleNamespace(datasets=SimpleNamespace(mnist=SimpleNamespace(load_data=load_data)))


def test_mnist_comes_from_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    a = arrays()
    pairs = ((a["x_train"], a["y_train"]), (a["x_test"], a["y_test"]))
    monkeypatch.setitem(sys.modules, "keras", fake_keras(lambda: pairs))
    assert_sound(load_digit_source("mnist"), 25)


def test_mnist_that_cannot_be_fetched_gets_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Exception("URL fetch failure on somewhere: None --\nno route to host")

    monkeypatch.setitem(sys.modules, "keras", fake_keras(fail))
    with pytest.raises(ValueError, match="MNIST could not be fetched") as caught:
        load_digit_source("mnist")
    assert "no route to host" in str(caught.value)
    assert "use digits" in str(caught.value)
    assert "\n" not in str(caught.value)


BLANK = np.ones((5, 28, 28), np.uint8)
BLANK[[1, 3]] = 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.ones((20, 28, 28), np.float32)}, "x_train must be a uint8 .* float32"),
        ({"x_train": np.ones((20, 28, 28, 1), np.uint8)}, r"received uint8 of shape \(20, 28, 28"),
        ({"x_train": np.ones((20, 3, 28), np.uint8)}, r"sides of 4 to 256; .* \(20, 3, 28\)"),
        ({"x_train": np.ones((20, 28, 300), np.uint8)}, r"sides of 4 to 256; .* \(20, 28, 300\)"),
        ({"x_train": np.ones((1, 28, 28), np.uint8)}, "n at least 2"),
        ({"x_test": np.ones((0, 28, 28), np.uint8)}, "x_test must .* n at least 1"),
        ({"x_test": np.ones((5, 20, 20), np.uint8)}, r"one size; received \(28, 28\) and \(20, 20"),
        ({"x_test": BLANK}, r"x_test\[1\] is blank \(2 of 5 are\)"),
        (
            {"y_train": np.zeros(19, np.int64)},
            r"y_train .* shape \(20,\).* received int64 .*\(19,\)",
        ),
        ({"y_train": np.zeros((20, 10), np.uint8)}, r"received uint8 of shape \(20, 10\)"),
        ({"y_train": np.zeros(20)}, "y_train must be an integer array .* received float64"),
        (
            {"y_test": np.array([0, 1, 2, 3, 10])},
            "y_test must hold digits 0 to 9; received 0 to 10",
        ),
        ({"y_test": np.array([0, 1, 2, 3, -1])}, "received -1 to 3"),
        (
            {"y_test": np.array([0, 1, 2, 3, None])},
            "odd.npz cannot be read: y_test: expected an array of",
        ),
    ],
)
def test_a_file_of_another_kind_gets_a_sentence(
    tmp_path: Path, changes: dict[str, np.ndarray], message: str
) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, **arrays(**changes))
    with pytest.raises(ValueError, match=message) as caught:
        load_digit_source(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "part.npz"
    np.savez(path, x_train=arrays()["x_train"], y_train=arrays()["y_train"])
    with pytest.raises(ValueError, match=r"part.npz has no array x_test, y_test; expected an .npz"):
        load_digit_source(str(path))
    with pytest.raises(ValueError, match=r"none.npz is not a file"):
        load_digit_source(str(tmp_path / "none.npz"))
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match=r"folder.npz is not a file"):
        load_digit_source(str(tmp_path / "folder.npz"))


def test_files_that_are_no_npz(tmp_path: Path) -> None:
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))  # one array, not an archive of them
    (tmp_path / "text.npz").write_text("x_train")
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("array", "text", "empty"):
        with pytest.raises(ValueError, match=rf"{name}.npz cannot be read: it is no zip archive"):
            load_digit_source(str(tmp_path / f"{name}.npz"))
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        for key in arrays():
            archive.writestr(f"{key}.npy", b"not an array")
    with pytest.raises(ValueError, match=r"zip.npz cannot be read: x_train: the magic string"):
        load_digit_source(str(tmp_path / "zip.npz"))


def test_a_file_that_unpacks_to_more_than_is_read_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 GB of zeros were 2 MB on disk, and took 2 GB in the page's process."""
    monkeypatch.setattr("yolo_core.data.digits.source.MOST_BYTES", 10_000_000)
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, **arrays(x_train=np.zeros((20_000, 28, 28), np.uint8)))
    tracemalloc.start()
    with pytest.raises(
        ValueError, match=r"take 15,68.,... bytes; at most 10,000,000 are read; exp"
    ):
        load_digit_source(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_gets_a_sentence_or_still_reads(tmp_path: Path, data: st.DataObject) -> None:
    sound = tmp_path / "sound.npz"
    small = {key: value[..., :4, :4] if key[0] == "x" else value for key, value in arrays().items()}
    np.savez(sound, **small)
    content = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(1, 3), label="damaged bytes")):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)), label="cut at")])
    with contextlib.suppress(ValueError):
        assert_sound(load_digit_source(str(damaged)), 25)
