"""`.weights` files: the header's two lengths, and files that are not of this network."""

from __future__ import annotations

import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.darknet.golden_cases import cfg, weights
from yolo_core.models.darknet.plan import parse_network, read_network
from yolo_core.models.darknet.weights import (
    Header,
    Weights,
    expected_floats,
    read_weights,
    write_weights,
)

# 2 filters on 3 channels with batch normalisation: 4 * 2 + 6 floats; 1 filter without: 1 + 2.
NETWORK = parse_network(
    "[net]\nwidth=4\nheight=4\nchannels=3\n"
    "[conv]\nfilters=2\nbatch_normalize=1\n[max]\nsize=2\n[conv]\nfilters=1",
    "two.cfg",
)
FLOATS = np.array([1, 2, 3, 4, 5, 6, 7, 8, *range(9, 15), 15, 16, 17], "<f4")
HEAD = struct.pack("<3iQ", 0, 2, 0, 5_000_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "two.weights"


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ValueError) as error:  # noqa: PT011
        read_weights(path, NETWORK)
    return str(error.value).removeprefix(f"{path} ")


def test_layers_lie_behind_each_other(path: Path) -> None:
    assert expected_floats(NETWORK) == 17
    path.write_bytes(HEAD + FLOATS.tobytes())
    found = read_weights(path, NETWORK)
    assert found.header == Header(0, 2, 0, 5_000_000_000)
    assert list(found.arrays) == [0, 2]
    first, last = found.arrays[0], found.arrays[2]
    assert [first[name].tolist() for name in ("bias", "scale", "mean", "variance")] == [
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
    ]
    np.testing.assert_array_equal(first["kernel"][0, 0], [[9, 12], [10, 13], [11, 14]])
    assert last["bias"].tolist() == [15]
    np.testing.assert_array_equal(last["kernel"][0, 0], [[16], [17]])


@pytest.mark.parametrize(
    ("version", "length"),
    [
        ((0, 1, 0), 16),
        ((0, 2, 0), 20),
        ((0, 2, 5), 20),
        ((1, 0, 0), 20),
        ((0, 1001, 0), 16),
        ((1001, 0, 0), 16),
    ],
)
def test_the_version_says_how_long_the_header_is(
    version: tuple[int, int, int], length: int, path: Path
) -> None:
    head = struct.pack("<3i", *version) + (7).to_bytes(length - 12, "little")
    path.write_bytes(head + FLOATS.tobytes())
    found = read_weights(path, NETWORK)
    assert found.header.seen == 7
    assert len(bytes(found.header)) == length
    assert found.header.transposed == (1001 in version)
    write_weights(path.with_name("again"), NETWORK, found)
    assert path.with_name("again").read_bytes() == path.read_bytes()


def test_a_cut_file_names_the_layer_that_it_ends_in(path: Path) -> None:
    assert refusal(path, HEAD + FLOATS[:10].tobytes()) == (
        "holds 10 floats; two.cfg needs 17: it ends within layer 0, [conv] of line 5."
    )
    assert refusal(path, HEAD + FLOATS[:15].tobytes()).endswith(
        "it ends within layer 2, [conv] of line 10."
    )
    assert refusal(path, HEAD + FLOATS.tobytes()[:-1]).startswith(
        "holds 16 floats and 3 of 4 bytes; two.cfg needs 17: it ends within layer 2"
    )


def test_surplus_bytes_are_refused(path: Path) -> None:
    assert refusal(path, HEAD + FLOATS.tobytes() + b"\0") == (
        "holds 17 floats and 1 of 4 bytes; two.cfg needs 17: after its last layer the file goes on."
    )
    assert refusal(path, HEAD + FLOATS.tobytes() + bytes(16)).startswith("holds 21 floats; two.cfg")


def test_other_classes_are_seen_in_the_last_layer(path: Path) -> None:
    # A filter there has 3 numbers: three filters are 6 floats more.
    assert refusal(path, HEAD + np.ones(23, "<f4").tobytes()).endswith(
        "after its last layer the file goes on (3 filters in layer 2, [conv] of line 10, not 1, "
        "would fit)."
    )


def test_another_networks_file_differs_where_variances_would_be_negative(path: Path) -> None:
    floats = FLOATS.copy()
    floats[7] = -8
    assert refusal(path, HEAD + floats.tobytes()) == (
        "holds 17 floats; two.cfg needs 17: layer 0, [conv] of line 5 is the first that does "
        "not fit (variances cannot be below 0)."
    )
    floats[7] = np.nan
    assert "variances cannot be below 0" in refusal(path, HEAD + floats.tobytes())


def test_one_golden_networks_file_for_another() -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        read_weights(weights("yolov3_mini"), read_network(cfg("yolov2_tiny_mini")))
    said = "holds 35,710 floats; yolov2_tiny_mini.cfg needs 37,271: layer 0, [convolutional] of"
    assert said in str(error.value)


@pytest.mark.parametrize("filters", [4, 6, 7, 9, 16, 60])
@pytest.mark.parametrize("number", [0, 3, 7, 17])
def test_the_first_layer_of_other_filters_is_named(number: int, filters: int) -> None:
    # All of these have other filters; the file's are 8, 12, 16 and 16.
    case, at = "yolov3_mini", -1
    lines = cfg(case).read_text().splitlines()
    for line, text in enumerate(lines):
        at += text.startswith("[") and text != "[net]"
        if at == number and text.startswith("filters="):
            lines[line] = f"filters={filters if filters != int(text[8:]) else 12}"
    with pytest.raises(ValueError) as error:  # noqa: PT011
        read_weights(weights(case), parse_network("\n".join(lines)))
    assert f"layer {number}, [convolutional] of line" in str(error.value).split(" it may fit, ")[-1]


def test_the_first_layers_alone(path: Path) -> None:
    path.write_bytes(HEAD + FLOATS[:14].tobytes())
    assert expected_floats(NETWORK, first=2) == 14
    assert list(read_weights(path, NETWORK, first=2).arrays) == [0]
    path.write_bytes(HEAD + FLOATS.tobytes())
    assert list(read_weights(path, NETWORK, first=2).arrays) == [0]
    path.write_bytes(HEAD + FLOATS[:13].tobytes())
    with pytest.raises(ValueError, match=r"holds 13 floats; two\.cfg needs 14"):
        read_weights(path, NETWORK, first=2)


@pytest.mark.parametrize("data", [b"", b"\0" * 11, b"\0" * 15, HEAD[:19]])
def test_a_header_alone_is_too_short(data: bytes, path: Path) -> None:
    assert refusal(path, data) == (
        f"is no .weights file: a header has 16 or 20 bytes; received {len(data)}."
    )


def test_a_network_without_weights(path: Path) -> None:
    network = parse_network("[net]\nwidth=4\nheight=4\nchannels=3\n[avg]", "avg.cfg")
    path.write_bytes(HEAD)
    assert read_weights(path, network).arrays == {}
    path.write_bytes(HEAD + bytes(8))
    with pytest.raises(ValueError, match=r"holds 2 floats; avg\.cfg needs 0: after its last layer"):
        read_weights(path, network)


def test_a_header_and_nothing_else(path: Path) -> None:
    assert refusal(path, HEAD).startswith(
        "holds 0 floats; two.cfg needs 17: it ends within layer 0"
    )


def test_what_cannot_be_written_is_said(path: Path) -> None:
    path.write_bytes(HEAD + FLOATS.tobytes())
    found = read_weights(path, NETWORK)
    with pytest.raises(ValueError, match="cannot be written"):
        write_weights(path / "inside", NETWORK, found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_file_is_read_whole_or_refused_in_a_sentence(
    data: st.DataObject, path: Path
) -> None:
    whole = HEAD + FLOATS.tobytes()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    mutated = bytearray(cut + data.draw(st.binary(max_size=40)))
    for at in data.draw(st.lists(st.integers(0, max(len(mutated) - 1, 0)), max_size=4)):
        if mutated:
            mutated[at] = data.draw(st.integers(0, 255))
    path.write_bytes(mutated)
    said = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = read_weights(path, NETWORK)
    except ValueError as error:
        said = str(error)
    if said:
        assert re.fullmatch(rf"{re.escape(str(path))} (holds|is no) .*\.", said)
        return
    assert isinstance(found, Weights)
    write_weights(path.with_name("again"), NETWORK, found)
    assert path.with_name("again").read_bytes() == bytes(mutated)
