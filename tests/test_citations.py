"""What is cited exists: files, numbers such as A-2, anchors. What docs/losses.md says is true."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.compare import sources
from yolo_core.compare.sources import section
from yolo_core.losses import FAMILY_NAMES, VARIANTS
from yolo_core.losses.families import all_families

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
DOCUMENT = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
ANCHORS = re.findall(r'<a id="([^"]+)"></a>', DOCUMENT)
SLIPS = [slip for family in all_families() for slip in family.slips]
ROOMS = ("yolo_core", "dashboard", "tests", "benchmarks", "docs")
CITING = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(
            path
            for room in ROOMS
            for kind in ("py", "md", "js")
            for path in (ROOT / room).rglob(f"*.{kind}")
        ),
    ]
    if path != Path(__file__).resolve()
)
FILES = {
    str(path.relative_to(ROOT))
    for room in ROOMS
    for path in (ROOT / room).rglob("*.*")
    if "__pycache__" not in path.parts
}

ELSEWHERE = {
    "backend.py": "the YOLOv2 Keras notebook's",
    "frontend.py": "experiencor's",
    "data/config.py": "ssd.pytorch's",
    "config.json": "in a run folder",
    "recorded.json": "in a run folder",
    "environment.json": "in a run folder",
    "run.db": "in a run folder",
    "train.log": "in a run folder",
    "batch-00000120.npz": "in a run folder",
    "snapshots/pinned-00000120.npz": "in a run folder",
    "detector.json": "in an exported network",
}

NUMBER = re.compile(r"(?<![\w'-])[A-G]-\d{1,2}(?![\w-])")
PLACEHOLDER = re.compile(r"NAME|FILE|\*")
FILE_NAME = r"[\w./*-]+\.(?:py|md|js|json|npz|npy|toml|yml|txt|png|html|db|log)"
IN_A_ROOM = re.compile(rf"(?<![\w/.-])(?:{'|'.join(ROOMS)}|references|golden)/[\w./*-]*\w")


def is_there(cited: str, path: Path) -> bool:
    """From the root, or from the folder of the file that cites it."""
    return (ROOT / cited).exists() or (path.parent / cited).exists()


def missing_files(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    quoted = re.findall(rf"`({FILE_NAME})(?:#[\w-]+)?`", text)
    in_a_room = IN_A_ROOM.findall(text)
    linked = re.findall(r"\]\((?!http|#)([^)#]+)", text) if path.suffix == ".md" else []
    near = {cited for cited in {*in_a_room, *linked} if not is_there(cited, path)}
    far = {
        cited
        for cited in {*quoted} - {*ELSEWHERE}
        if not is_there(cited, path) and not any(name.endswith(f"/{cited}") for name in FILES)
    }
    return sorted(cited for cited in near | far if not PLACEHOLDER.search(cited))


def test_every_cited_file_exists() -> None:
    missing = {str(path.relative_to(ROOT)): missing_files(path) for path in CITING}
    assert {path: cited for path, cited in missing.items() if cited} == {}


def test_every_cited_number_and_anchor_is_in_the_document() -> None:
    unknown = {
        f"{path.relative_to(ROOT)}: {cited}"
        for path in CITING
        for text in [path.read_text(encoding="utf-8")]
        for cited in [*NUMBER.findall(text), *re.findall(r"losses\.md#([\w-]+)", text)]
        if cited.lower() not in ANCHORS
    }
    assert unknown == set()


def test_anchors_are_unique_and_every_link_in_the_document_has_one() -> None:
    assert len(set(ANCHORS)) == len(ANCHORS)
    links = re.findall(r"\[([^\]]+)\]\(#([\w-]+)\)", DOCUMENT)
    assert len(links) > 50
    for words, anchor in links:
        assert anchor in ANCHORS, f"[{words}] leads nowhere"
        assert not NUMBER.fullmatch(words) or words.lower() == anchor
    headings = re.findall(r'^#### <a id="([^"]+)"></a>([A-G]-\d+): ', DOCUMENT, re.MULTILINE)
    assert len(headings) == 10 + 9 + 13 + 10 + 4 + 15 + 14
    assert all(anchor == number.lower() for anchor, number in headings)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_every_slip_has_a_section_that_names_it(slip) -> None:
    text = section(slip.number)
    assert text.startswith(f"**{slip.number}: ")
    assert f"`{slip.name}`" in text
    assert "**Here:**" in text
    assert "<a " not in text
    assert "](#" not in text


def test_the_document_names_no_slip_variant_or_status_that_is_not_there() -> None:
    named = {
        name
        for sentence in re.findall(r"[Ss]lips? `[^.:]+", DOCUMENT)
        for name in re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", sentence)
    }
    assert named == {slip.name for slip in SLIPS}
    variants = set(re.findall(rf"`((?:{'|'.join(FAMILY_NAMES)})/[\w.]+)`", DOCUMENT))
    assert variants == set(VARIANTS)
    statuses = re.findall(r"^\| ([A-Z_]+) \|", DOCUMENT, re.MULTILINE)
    assert statuses == [status.name for status in ObjectStatus]


def test_every_published_name_has_its_golden_keys() -> None:
    rows = re.findall(r"^\| `(\w+/[\w.]+)` \| `(\w+_)` \| `(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(VARIANTS)
    for _, prefix, key in rows:
        keys = scalars(f"{prefix}typical")
        assert any(name.startswith(key) for name in keys), f"no key {key} in {prefix}typical"


def test_a_section_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no section 'Z-9'; it has a-1, a-10, a-2"):
        section("Z-9")


def test_a_built_package_holds_the_document_where_it_is_looked_for() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]
    place = wheel["wheel"]["force-include"]["docs/losses.md"]
    assert [ROOT / place, ROOT / "docs" / "losses.md"] == [*sources._PLACES]


def test_a_missing_document_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sources, "_PLACES", (tmp_path / "losses.md", tmp_path / "docs.md"))
    sources._sections.cache_clear()
    with pytest.raises(ValueError, match=r"is not there: expected .*losses\.md, or .*docs\.md"):
        section("A-2")
    sources._sections.cache_clear()


def scalars(name: str) -> dict[str, float]:
    return json.loads((GOLDEN / f"{name}.json").read_text())["scalars_full_precision"]


NUMBERS = re.findall(
    r"^\| ([A-G]-\d+) \| `(\w+)` \| (`\w+`[^|]*) \| (\S+) \|$", DOCUMENT, re.MULTILINE
)


def test_the_numbers_are_found() -> None:
    assert len(NUMBERS) == DOCUMENT.partition('<a id="numbers">')[2].count("\n| ") - 1
    assert len(NUMBERS) > 30


@pytest.mark.parametrize(
    ("number", "file", "keys", "value"), NUMBERS, ids=[f"{row[0]} {row[3]}" for row in NUMBERS]
)
def test_the_numbers_are_those_of_the_golden_files(number, file, keys, value) -> None:
    factor = float(keys.partition(" x ")[2] or 1)
    found = factor * sum(float(scalars(file)[key]) for key in re.findall(r"`(\w+)`", keys))
    half_a_digit = 0.5 * 10.0 ** -len(value.partition(".")[2])
    assert found == pytest.approx(float(value), abs=half_a_digit, rel=0, nan_ok=True)
    # And the text under that number says it.
    assert value.lower() in section(number).lower()


def arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def chosen_predictors(variant: str) -> str:
    found = arrays("mnist_typical")
    best = found[f"{variant}__best_anchor_index"][found["y_true"][..., 0] == 1]
    return " ".join(str(int(each)) for each in best.ravel())


def trained_predictors(variant: str) -> int:
    gradient = arrays("mnist_typical")[f"{variant}__grad_total_wrt_y_pred"]
    return int(gradient.reshape(-1, 15).any(axis=-1).sum())


def error_of_roots() -> float:
    found = arrays("yolov2_typical")
    own = found["y_true"][..., 4] == 1
    true, predicted = found["y_true"][own][:, 2:4], found["seed__pred_box_wh"][own]
    return float(np.square(np.sqrt(true) - np.sqrt(predicted)).sum() / own.sum())


def gradient_of_a_box_without_overlap(variant: str) -> float:
    found = arrays("yolov2_edge")
    apart = (found["y_true"][..., 4] == 1) & (found["seed__iou_target_conf"] == 0)
    (value,) = found[f"{variant}__grad_total_wrt_y_pred"][apart][:, 4]
    return float(value)


def ignored_slots(prefix: str) -> int:
    found = arrays("yolov3_typical")
    return int(((found["obj_mask"] == 0) & (found[f"{prefix}noobj_mask"] == 0)).sum())


def gradient_through_the_target() -> float:
    found = arrays("yolov2_typical")
    flows, stops = (found[f"{name}__grad_total_wrt_y_pred"] for name in ("seed", "seed_stopgrad"))
    return float(np.abs(flows - stops).max())


def borders_that_fall_low() -> str:
    step = np.float32(1) / np.float32(13)
    low = [k for k in range(1, 13) if np.float32(k) / np.float32(13) // step != k]
    return ", ".join(f"{k}/13" for k in low[:-1]) + f" and {low[-1]}/13"


def entries_of_yolov5(name: str) -> tuple[int, int, int, int]:
    """How many there are, without repetitions, overwritten, and with a CIoU below 0."""
    found = arrays(name)
    heads = [head for head in range(5) if f"head{head}__index" in found]
    places = [
        (head, *entry, source)
        for head in heads
        for entry, source in zip(
            found[f"head{head}__index"].tolist(), found[f"head{head}__source"].tolist(), strict=True
        )
    ]
    kept = sum(int(found[f"head{head}__is_last_write"].sum()) for head in heads)
    negative = sum(int((found[f"head{head}__ciou"] < 0).sum()) for head in heads)
    return len(places), len(set(places)), len(places) - kept, negative


def negatives_that_differ() -> int:
    found = arrays("ssd_large_logits")
    return int((found["neg"] != found["stable_lse__neg"]).sum())


@pytest.mark.parametrize(
    ("number", "words", "make"),
    [
        ("A-2", "{} with the rounding", lambda: chosen_predictors("late")),
        ("A-2", "{} without", lambda: chosen_predictors("late_nofloor")),
        ("A-4", "{} of 432 predictors get", lambda: trained_predictors("seed")),
        ("A-4", "all {}.", lambda: trained_predictors("late")),
        ("B-5", "{:.5f} (not halved)", error_of_roots),
        ("B-8", "{:.2e}", lambda: gradient_of_a_box_without_overlap("yumi_fixed")),
        ("B-8", "to {:.0f}, so", lambda: gradient_of_a_box_without_overlap("yumi_buggy")),
        ("C-3", "ignores {} slots with the threshold 0.5", lambda: ignored_slots("")),
        ("C-3", "and {} with 0.7", lambda: ignored_slots("noobj1_ignore0p7__")),
        ("C-11", "{} fall one cell low", borders_that_fall_low),
        ("D-6", "at most {:.1e}", gradient_through_the_target),
        ("E-3", "{} entries of the mask", negatives_that_differ),
        ("G-1", "{0[2]} of {0[0]} entries", lambda: entries_of_yolov5("yolov5_typical")),
        (
            "G-2",
            "{0[0]} entries in `yolov5_edge`, {0[2]} of them overwritten; {0[1]} without",
            lambda: entries_of_yolov5("yolov5_edge"),
        ),
        ("G-9", "{0[3]} of the {0[0]} entries", lambda: entries_of_yolov5("yolov5_typical")),
    ],
)
def test_what_the_text_counts_in_the_golden_arrays(
    number: str, words: str, make: Callable[[], object]
) -> None:
    wanted = re.sub(r"e([+-])0", r"e\1", words.format(make()))
    assert wanted in " ".join(section(number).split())
