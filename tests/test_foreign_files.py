"""What a file may cost and say: JSON and arrays that anybody may have made."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from yolo_core.foreign_files import check_array, open_arrays, parse_json, read_array, read_json


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"line 1, column 1: not valid JSON \(Expecting value\)"),
        ('{"a": 1,\n "b"}', r"line 2, column 5: not valid JSON"),
        ("[" * 100_000, "nested more than 32 deep"),
        ('{"a":' * 100_000, "nested more than 32 deep"),
        ("[" * 33 + "]" * 33, "nested more than 32 deep"),
        ('{"a":' * 33 + "1" + "}" * 33, "nested more than 32 deep"),
        ("1" * 5000, "a number of more than 4,300 digits"),
        (r'["\ud83d"]', "half a character"),
        (r'{"\uDC00": 1}', "half a character"),
        (b"\xff{}", "codec can't decode"),
        (None, "no text, but None"),
        (7, "no text, but 7"),
    ],
)
def test_json_beyond_what_can_be_used_is_a_sentence(text: str | bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[" * 32 + "]" * 32, json.loads("[" * 32 + "]" * 32)),
        ("[" + "[],{}," * 50 + "0]", [*([[], {}] * 50), 0]),
        (r'"\ud83d\udc1f"', "\U0001f41f"),
        ("\ufeff{}", {}),
        (b"\xef\xbb\xbf[1.5]", [1.5]),
    ],
)
def test_json_that_can_be_used_is_read(text: str | bytes, value: object) -> None:
    assert parse_json(text) == value


def test_a_json_file_holds_one_object(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=r"a\.json does not exist\."):
        read_json(path)
    for content, sentence in (
        (b"[]", r"a\.json must hold one JSON object; received list\."),
        (b"\xff", r"a\.json is not a text file\."),
        (b"[" * 5000 + b"]" * 5000, r"a\.json holds lists and objects nested more than 32 deep\."),
        (b"{", r"a\.json, line 1, column 2: not valid JSON \(.*\)\."),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=sentence):
            read_json(path)
    path.write_bytes(b'{"a": 1}')
    assert read_json(path) == {"a": 1}


ARRAYS = {
    "floats": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "truth": np.array([True, False]),
    "nothing": np.zeros((0, 3), np.uint8),
    "one": np.array(2.5),
    "foreign order": np.arange(3, dtype=">f4"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were_written(tmp_path: Path, save) -> None:
    save(tmp_path / "a.npz", **ARRAYS)
    with open_arrays(tmp_path / "a.npz") as arrays:
        assert ("one" in arrays, "two" in arrays) == (True, False)
        for name, written in ARRAYS.items():
            read = arrays[name]
            np.testing.assert_array_equal(read, written)
            assert read.dtype == written.dtype.newbyteorder("=")
            assert read.flags.writeable
        with pytest.raises(LookupError, match="two"):
            arrays["two"]


def npy(header: bytes, data: bytes) -> bytes:
    """An array file of version 1.0 whose header says what it likes."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def header(descr: str, shape: str) -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (npy(header("'<f4'", "(10**12,)"), b""), "bad: malformed"),
        (npy(header("'<f4'", "(1000000000000,)"), b"1234"), "is not what 81 bytes hold"),
        (npy(header("'<f4'", "(-1, -1)"), b"1234"), "is not what"),
        (npy(header("'<f4'", "(1,)"), b"12345"), "is not what"),
        (npy(header("'O'", "(1,)"), b"12345678"), "expected an array of numbers; received object"),
        (npy(header("'<U2'", "(1,)"), b"12345678"), "expected an array of numbers; received <U2"),
        (npy(header("'|V0'", "(9999999999,)"), b""), "expected an array of numbers"),
        (npy(header("'<c16'", "(1,)"), bytes(16)), "expected an array of numbers"),
        (npy(header("[('a', '<f4')]", "(1,)"), bytes(4)), "expected an array of numbers"),
        (npy(b"(" * 9000, b""), "bad: "),
        (npy(b"-" * 9000 + b"1", b""), "bad: "),
        (b"\x93NUMPY\x03\x00", r"an array of version \(3, 0\)"),
        (b"", "magic string"),
    ],
)
def test_an_array_that_says_what_it_is_not_is_a_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("bad.npy", content)
    with open_arrays(tmp_path / "a.npz") as arrays, pytest.raises(ValueError, match=sentence):
        arrays["bad"]


def test_how_much_an_archive_would_unpack_to_is_known_before(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", zeros=np.zeros((50, 1_000_000), np.uint8))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    with open_arrays(tmp_path / "a.npz") as arrays:
        assert arrays.bytes == arrays.declared_bytes("zeros") == 50_000_128


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match="it is no zip archive"), open_arrays(tmp_path / "a.npz"):
        pass
    with pytest.raises(FileNotFoundError), open_arrays(tmp_path / "b.npz"):
        pass


def test_an_archive_packed_in_ways_that_numpy_does_not_know(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", file.getvalue())
    with (
        open_arrays(tmp_path / "a.npz") as arrays,
        pytest.raises(ValueError, match="compressed in another way"),
    ):
        arrays["x"]


@pytest.mark.parametrize(
    ("value", "rule", "sentence"),
    [
        (np.zeros(3), ((2,),), r"it must have shape \(2,\); received \(3,\)"),
        (np.zeros(2, np.int64), ((2,),), "it must hold floats; received int64"),
        (np.array(["a", "b"]), ((2,), "iu"), "it must hold whole numbers; received <U1"),
        (np.array([0, -2]), ((2,), "iu", -1, 5), "it must be -1 or more; received -2"),
        (np.array([0, 6]), ((2,), "iu", -1, 5), "it must be at most 5; received 6"),
    ],
)
def test_an_array_that_does_not_fit_is_a_sentence(value, rule, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_array("it", value, *rule)
    check_array("it", np.zeros((0, 2), np.int32), (0, 2), "iu", 0, -1)


def test_an_array_alone_is_read_from_an_npy_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3))
    assert read_array(tmp_path / "x.npy")[1].tolist() == [3.0, 4.0, 5.0]


@pytest.mark.parametrize("value", [b"", b"\x93NUMPY", b"PK\x05\x06" + 18 * b"\0", b"text"])
def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(value)
    with pytest.raises(ValueError, match="no array of numbers"):
        read_array(path)
    np.save(path, np.array([object()]))
    with pytest.raises(ValueError, match="no array of numbers"):
        read_array(path)
    np.save(path, np.zeros((300, 300)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no array of numbers"):
        read_array(path)
