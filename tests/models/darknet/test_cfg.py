"""The text of a `.cfg`, read as Darknet reads it, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolo_core.models.darknet.cfg import MOST_BYTES, parse_cfg, read_cfg

NET = "[net]\nwidth=8\nheight=6\nchannels=3\n"


def test_sections_options_and_lines() -> None:
    net, layer = parse_cfg(f"# a comment\n{NET}; another\n\n[conv]\n  filters = 1 6 \n", "a.cfg")
    assert (net.name, net.line, net.options["height"]) == ("net", 2, ("6", 4))
    assert (layer.name, layer.line) == ("conv", 8)
    assert layer.whole("filters", 1) == 16  # spaces count for nothing, also within a value


def test_windows_line_ends_are_taken() -> None:
    text = NET + "[conv]\nfilters=16\n"
    assert parse_cfg(text.replace("\n", "\r\n"), "a.cfg") == parse_cfg(text, "a.cfg")


def test_the_first_of_a_repeated_option_counts() -> None:
    _, layer = parse_cfg(NET + "[conv]\nfilters=4\nfilters=9", "a.cfg")
    assert layer.whole("filters", 1) == 4


def test_a_comment_may_follow_a_number() -> None:
    _, layer = parse_cfg(NET + "[yolo]\nmask = 0,2 # two\nnum=3;\nanchors=1,.5#\n", "a.cfg")
    assert layer.wholes("mask", 0, 2) == (0, 2)
    assert layer.whole("num", 1) == 3
    assert layer.numbers("anchors") == (1.0, 0.5)


def test_a_whole_number_may_have_a_point_but_nothing_behind_it() -> None:
    _, layer = parse_cfg(NET + "[conv]\nsize=3.\nstride=2.0\npad=1.5", "a.cfg")
    assert (layer.whole("size", 1), layer.whole("stride", 1)) == (3, 2)
    with pytest.raises(ValueError, match=r"a\.cfg, line 8, \[conv\]: pad must be .*'1\.5'"):
        layer.whole("pad", 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.cfg, the first section must be [net]; received none."),
        ("# only\n", "a.cfg, the first section must be [net]; received none."),
        ("[conv]\n", "a.cfg, line 1: the first section must be [net]; received '[conv]'."),
        ("width=1\n[net]", "a.cfg, line 1: expected [net]; received 'width=1'."),
        (NET + "[conv\n", "a.cfg, line 5: a section is a name in brackets; received '[conv'."),
        (NET + "size\n", "a.cfg, line 5: expected name=value; received 'size'."),
        (NET + "size=\n", "a.cfg, line 5: expected name=value; received 'size='."),
        (NET + "=3\n", "a.cfg, line 5: expected name=value; received '=3'."),
        (NET + 1000 * "[avg]\n", "a.cfg, line 1004: a network may have 1000 sections; "),
    ],
)
def test_what_is_no_cfg_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_cfg(text, "a.cfg")
    assert str(error.value).startswith(said)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    with pytest.raises(ValueError, match=r"a\.cfg cannot be read: No such file"):
        read_cfg(path)
    path.write_bytes(b"\0\0")
    with pytest.raises(ValueError, match="not a text file"):
        read_cfg(path)
    path.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        read_cfg(path)
    path.write_text("\ufeff" + NET)  # some editors begin a file so
    assert read_cfg(path)[0].line == 1
