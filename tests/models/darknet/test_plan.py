"""Shapes that can be counted by hand, and configurations that cannot be."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.darknet.golden_cases import CASES, cfg
from yolo_core.models.darknet.plan import Network, parse_network, window
from yolo_core.models.darknet.specs import Convolutional, Head, Maxpool

NET = "[net]\nwidth=12\nheight=8\nchannels=4\n"


def shape(*sections: str) -> tuple[int, ...]:
    return parse_network(NET + "\n".join(sections)).layers[-1].shape


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[conv]", (1, 8, 12)),
        ("[convolutional]\nfilters=5\nsize=3\nstride=2\npad=1", (5, 4, 6)),
        ("[convolutional]\nfilters=5\nsize=3\nstride=2", (5, 3, 5)),
        ("[convolutional]\nsize=4\npadding=1", (1, 7, 11)),
        ("[convolutional]\nsize=3\npad=1\npadding=7", (1, 8, 12)),
        ("[maxpool]\nsize=2\nstride=2", (4, 4, 6)),
        ("[maxpool]\nsize=2\nstride=1", (4, 8, 12)),
        ("[maxpool]\nstride=3", (4, 3, 4)),  # 8 + 2 - 3 = 7, two steps of 3
        ("[maxpool]\nsize=3\nstride=2\npadding=0", (4, 3, 5)),
        ("[avgpool]", (4, 1, 1)),
        ("[reorg]\nstride=2", (16, 4, 6)),
        ("[reorg]\nstride=2\nreverse=1", (1, 16, 24)),
        ("[reorg]\nstride=2\nflatten=1", (16, 4, 6)),
        ("[upsample]", (4, 16, 24)),
        ("[upsample]\nstride=-4", (4, 2, 3)),
        ("[connected]\noutput=7", (7, 1, 1)),
        ("[softmax]\ngroups=3", (384,)),
        ("[cost]", (384,)),
        ("[dropout]", (4, 8, 12)),
        ("[activation]\nactivation=tanh", (4, 8, 12)),
    ],
)
def test_shapes(section: str, expected: tuple[int, ...]) -> None:
    assert shape(section) == expected


def test_a_window_just_too_large_has_one_place() -> None:
    # C's division goes towards zero: (2 - 3) / 2 is 0.
    assert window(2, 3, 2, 0) == 1
    with pytest.raises(ValueError, match="window of 3 does not fit into 2"):
        window(2, 3, 1, 0)


def test_routes_put_channels_behind_each_other_or_lay_all_end_to_end() -> None:
    pooled = "[maxpool]\nsize=2\nstride=2"
    assert shape("[conv]\nfilters=3", "[conv]\nfilters=5", "[route]\nlayers=-1,0") == (8, 8, 12)
    assert shape("[conv]\nfilters=3", pooled, "[route]\nlayers=0,1") == (3 * 8 * 12 + 3 * 4 * 6,)
    assert shape("[conv]\nfilters=6", "[route]\nlayers=-1\ngroups=2\ngroup_id=1") == (3, 8, 12)


def test_defaults_are_darknets() -> None:
    network = parse_network(NET + "[conv]\n[max]\nstride=2\n")
    assert network.layers[0].spec == Convolutional(1, 1, 1, 0, 1, False, "logistic", False)
    assert network.layers[1].spec == Maxpool(size=2, stride=2, padding=1)


def test_a_head_that_says_little() -> None:
    head = parse_network(NET + "[conv]\nfilters=25\n[region]").layers[-1].spec
    assert head == Head(((0.5, 0.5),), 20, 4, softmax=False, background=False, in_pixels=False)


def test_a_mask_picks_anchors() -> None:
    text = "[conv]\nfilters=12\n[yolo]\nclasses=1\nnum=3\nanchors=1,2,3,4,5,6\nmask=2,0"
    head = parse_network(NET + text).layers[-1].spec
    assert isinstance(head, Head)
    assert head.anchors == ((5, 6), (1, 2))


def test_an_unknown_activation_is_relu_and_noted() -> None:
    network = parse_network(NET + "[conv]\nactivation=gauss")
    assert network.layers[0].spec == Convolutional(1, 1, 1, 0, 1, False, "relu", False)
    assert network.notes == (
        "cfg, line 6, [conv]: 'gauss' is no activation that Darknet has; it takes relu, and so "
        "does this.",
    )


def test_an_option_that_nobody_reads_is_noted() -> None:
    network = parse_network(NET + "[conv]\nfliters=3\nfilters=5\nstopbackward=1")
    assert network.layers[0].shape == (5, 8, 12)
    assert network.notes == (
        "cfg, line 6, [conv]: 'fliters' is no option that Darknet reads here, and neither does "
        "this.",
    )


def test_a_convolution_of_size_1_with_a_stride_is_noted() -> None:
    (note,) = parse_network(NET + "[conv]\nstride=2").notes
    assert note.startswith("cfg, line 6, [conv]: with size=1 and a stride, Darknet without cuDNN")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[convolutionel]", "line 5: '[convolutionel]' is no section that is built here; those"),
        ("[local]", "line 5: '[local]' is no section that is built here"),
        (
            "[conv]\nfilters=0",
            "line 6, [conv]: filters must be a whole number from 1; received '0'",
        ),
        ("[conv]\nsize=x", "line 6, [conv]: size must be a whole number from 1; received 'x'."),
        ("[conv]\nstride=-1", "line 6, [conv]: stride must be a whole number from 1"),
        ("[conv]\nfilters=9\ngroups=3", "line 5, [conv]: groups=3 does not divide its 4 channels."),
        ("[conv]\nfilters=3\ngroups=2", "line 5, [conv]: groups=2 does not divide its 3 filters."),
        ("[conv]\nsize=20", "line 5, [conv]: a window of 20 does not fit into 8"),
        ("[conv]\npadding=1", "line 5, [conv]: padding around windows of size 1"),
        (
            "[conv]\nflipped=1\ngroups=4\nfilters=4",
            "line 5, [conv]: flipped=1 together with groups",
        ),
        ("[conv]\ndilation=2", "line 6, [conv]: dilation=2 is not built here."),
        ("[conv]\nxnor=1", "line 6, [conv]: xnor=1 is not built here."),
        ("[conv]\ndontload=1", "line 6, [conv]: dontload=1 is not built here."),
        ("[conv]\nfilters=4000000", "line 5, [conv]: its output may have 268,435,456 numbers"),
        ("[maxpool]\nstride_x=2", "line 6, [maxpool]: stride_x=2 is not built here."),
        ("[reorg]\nstride=4", "line 5, [reorg]: the square of stride=16 does not divide its 4"),
        ("[reorg]\nextra=2", "line 6, [reorg]: extra=2 is not built here."),
        ("[upsample]\nstride=0", "line 6, [upsample]: stride must not be 0"),
        ("[upsample]\nstride=-3", "line 5, [upsample]: stride=3 does not divide its 8 rows"),
        ("[route]", "line 5, [route]: layers is missing."),
        ("[route]\nlayers=-1", "line 6, [route]: layers must name layers before this one"),
        ("[avg]\n[route]\nlayers=0,1", "line 7, [route]: layers must name layers before this one"),
        ("[avg]\n[route]\nlayers=0,", "line 7, [route]: layers must be a whole number"),
        ("[avg]\n[shortcut]", "line 6, [shortcut]: from is missing."),
        ("[avg]\n[shortcut]\nfrom=-2", "line 7, [shortcut]: from must name layers before this one"),
        (
            "[max]\nsize=2\nstride=2\n[avg]\n[shortcut]\nfrom=0",
            "line 9, [shortcut]: its inputs are 1 x 1 and 6 x 4",
        ),
        ("[softmax]\ngroups=5", "line 5, [softmax]: groups=5 does not divide its 384 numbers."),
        ("[softmax]\ntree=a.tree", "line 6, [softmax]: tree=a.tree is not built here."),
        ("[softmax]\ntemperature=0", "line 6, [softmax]: temperature must be above 0"),
        ("[softmax]\n[conv]", "line 6, [conv]: it needs a picture, channels x height x width"),
        ("[dropout]\nprobability=1", "line 6, [dropout]: probability must be from 0 and below 1"),
        (
            "[region]",
            "line 5, [region]: 1 anchors of 25 channels are 25; its input has 4 channels.",
        ),
        ("[region]\nanchors=1,2,3", "line 6, [region]: num=1 anchors are 2 numbers; received 3."),
        ("[region]\nanchors=1,x", "line 6, [region]: anchors must be a number; received 'x'."),
        ("[region]\ncoords=3", "line 6, [region]: coords must be a whole number from 4"),
        (
            "[yolo]\nmask=1",
            "line 6, [yolo]: mask must be a whole number from 0 to 0; received '1'.",
        ),
        ("[yolo]\nscale_x_y=0", "line 6, [yolo]: scale_x_y must be above 0; received 0."),
        ("[yolo]\nscale_x_y=wide", "line 6, [yolo]: scale_x_y must be a number"),
        ("[yolo]\nnew_coords=1", "line 6, [yolo]: new_coords=1 is not built here."),
        ("[route]\nlayers=0\ngroups=2\ngroup_id=2", "line 8, [route]: group_id must be"),
    ],
)
def test_what_does_not_fit_is_refused_with_section_and_line(text: str, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_network(NET + text, "a.cfg")
    assert str(error.value).startswith(f"a.cfg, {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[net]\nwidth=8\n[conv]", "a.cfg, line 1, [net]: channels and height missing."),
        (NET.replace("12", "0") + "[conv]", "a.cfg, line 2, [net]: width must be a whole number"),
        (
            NET.replace("=12", "=99999").replace("=8", "=9999") + "[conv]",
            "a.cfg, line 1, [net]: a picture may have 268,435,456 numbers; 99999 x 9999",
        ),
        (NET, "a.cfg, line 1, [net]: a network needs a layer; received none."),
    ],
)
def test_a_net_without_a_shape_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        parse_network(text, "a.cfg")
    assert str(error.value).startswith(said)


LINES = [line for case in CASES for line in cfg(case).read_text().splitlines() if line]
WORDS = st.sampled_from(
    [*LINES, "[local]", "[", "size=99999999999999999999", "stride=0", "groups=7", "=", "\r", "a=é"]
)
NUMBERS = st.sampled_from(["-1", "0", "7", "1e9", "2147483647", "nan", "", ",", "0x10", "³"])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = cfg(draw(st.sampled_from(CASES))).read_text().splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "insert", "number", "text"])):
            case "drop" if len(lines) > 1:
                del lines[at]
            case "insert":
                lines.insert(at, draw(WORDS))
            case "number":
                lines[at] = re.sub(r"=.*", lambda _: "=" + draw(NUMBERS), lines[at])
            case _:
                lines[at] = draw(st.text(max_size=12))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@pytest.mark.slow
@given(mutated())
def test_a_mutated_cfg_is_a_network_or_one_sentence_with_a_line(text: str) -> None:
    said = ""
    try:
        network = parse_network(text, "a.cfg")
    except ValueError as error:
        said = str(error)
    if said:
        assert re.fullmatch(r"a\.cfg, (line \d+|the first section).*\.", said)
    else:
        assert isinstance(network, Network)
        assert all(side >= 1 for layer in network.layers for side in layer.shape)
