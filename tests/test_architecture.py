"""The rooms of the house, and which may call on which. CONTRIBUTING.md draws the same in words."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from yolo_core.losses import families

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(
    path for folder in ("yolo_core", "dashboard") for path in (ROOT / folder).rglob("*.py")
)
ALL_PYTHON = sorted(
    [*CODE, *(path for name in ("tests", "benchmarks") for path in (ROOT / name).rglob("*.py"))]
)

# A room may import itself and what stands on an earlier line. The longest name that fits counts.
ORDER = (
    ("yolo_core.boxes", "yolo_core.slots", "yolo_core.assignment", "yolo_core.lazy"),
    ("yolo_core.foreign_files",),
    ("yolo_core.breakdown", "yolo_core.anchors", "yolo_core.files"),
    ("yolo_core.data", "yolo_core.jobs"),
    ("yolo_core.views",),
    ("yolo_core.losses", "yolo_core.runs"),
    ("yolo_core.training_utils", "yolo_core.models", "yolo_core.layouts"),
    ("yolo_core.training.frameworks",),
    ("yolo_core.training.looking",),
    ("yolo_core.training.pulls",),
    ("yolo_core.explain", "yolo_core.training.detector"),
    ("yolo_core.evaluation",),
    ("yolo_core.training",),
    ("yolo_core.survey", "yolo_core.before"),
    ("yolo_core.evaluation.job", "yolo_core.detect"),
    ("yolo_core.compare", "yolo_core.export"),
    ("yolo_core.explain.whatif", "yolo_core.sandbox", "yolo_core.doctor"),
    ("yolo_core.cli",),
    ("yolo_core.__main__",),
    ("dashboard.figures",),
    (
        "dashboard.state",
        "dashboard.data_folders",
        "dashboard.keys",
        "dashboard.cache",
        "dashboard.tables",
        "dashboard.tensorflow_turn",
    ),
    ("dashboard.components.shared",),
    ("dashboard.components",),
    ("dashboard.app_pages",),
    ("dashboard.app",),
)
RANK = {room: rank for rank, line in enumerate(ORDER) for room in line}

# What a run on disk is read with must not need the rest: neither TensorFlow nor a loss.
RUNS_MAY_IMPORT = (
    "yolo_core.runs",
    "yolo_core.slots",
    "yolo_core.breakdown",
    "yolo_core.assignment",
    "yolo_core.foreign_files",
    "yolo_core.data.sample",
    "yolo_core.views",
    "yolo_core.files",
    "yolo_core.jobs",
)
WHATIF_WITH_LOSSES = "yolo_core.explain.whatif.assigner"
LEARNING = ("tensorflow", "keras")
# Imports nothing until somebody asks for a name; tests/test_public_names.py holds it.
PUBLIC_NAMES = ROOT / "yolo_core/__init__.py"
PAGES = ("streamlit", "plotly")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Eight tests ask for each file."""
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def imports(path: Path, *, top_level_only: bool = False) -> list[tuple[str, int]]:
    """The modules that a file imports, each with its line. Imports inside functions included."""
    tree = parsed(path)
    nodes = list(tree.body if top_level_only else ast.walk(tree))
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = module_name(path).split(".")
            if path.name != "__init__.py":
                package = package[:-1]
            base = ".".join(
                [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
                if node.level
                else [str(node.module)]
            )
            # "from yolo_core.data import sample" may name a module or something in one.
            for alias in node.names:
                is_module = is_file(f"{base}.{alias.name}")
                found.append((f"{base}.{alias.name}" if is_module else base, node.lineno))
    return found


def is_file(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def is_in(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def room_of(name: str) -> str | None:
    """The room with the longest name that holds the module; None for an empty package file."""
    return max((room for room in RANK if is_in(name, (room,))), key=len, default=None)


def each(paths: list[Path]) -> Callable[[Callable[[Path], None]], Callable[[str], None]]:
    """One test a folder, of all its files: one a file would be thousands."""
    folders: dict[str, list[Path]] = {}
    for path in paths:
        folders.setdefault(str(path.parent.relative_to(ROOT)), []).append(path)

    def of_folders(check: Callable[[Path], None]) -> Callable[[str], None]:
        @pytest.mark.parametrize("folder", folders)
        def test(folder: str) -> None:
            for path in folders[folder]:
                check(path)

        return test

    return of_folders


def load_in_fresh_interpreter(modules: list[str]) -> set[str]:
    """Imports modules in a new process and returns the top-level names that came with them."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@each([path for path in CODE if path != PUBLIC_NAMES])
def test_imports_point_against_the_flow_of_data(path: Path) -> None:
    name = module_name(path)
    own = room_of(name)
    for imported, line in imports(path):
        if not is_in(imported, ("yolo_core", "dashboard", "tests", "benchmarks")):
            continue
        if (name, imported) == ("yolo_core.__main__", "yolo_core"):
            continue  # its version
        room = room_of(imported)
        assert not is_in(imported, ("tests", "benchmarks")), f"{path}:{line} imports {imported}"
        if own is None:
            pytest.fail(
                f"{name} is in no room of ORDER, so it may import none of ours (line {line})"
            )
        assert room is not None, f"{path}:{line}: {imported} is in no room of ORDER"
        assert room == own or RANK[room] < RANK[own], (
            f"{path.relative_to(ROOT)}:{line}: {own} may not import {imported}, a later room"
        )


def page_of(name: str) -> str | None:
    """The page whose folder of components holds the module; None for what pages share."""
    parts = name.split(".")
    is_component = parts[:2] == ["dashboard", "components"] and len(parts) > 2
    return parts[2] if is_component and parts[2] != "shared" else None


@each([path for path in CODE if page_of(module_name(path))])
def test_no_page_imports_another(path: Path) -> None:
    own = page_of(module_name(path))
    for imported, line in imports(path):
        assert page_of(imported) in (None, own), (
            f"{path.relative_to(ROOT)}:{line}: {own} imports {imported}, a piece of another page"
        )


@each(CODE)
def test_outside_libraries_stay_in_their_rooms(path: Path) -> None:
    name = module_name(path)
    for imported, line in imports(path):
        where = f"{path.relative_to(ROOT)}:{line} imports {imported}"
        if is_in(name, ("yolo_core",)):
            assert not is_in(imported, PAGES), where
        if is_in(name, ("yolo_core.runs", "yolo_core.explain.reasons", "yolo_core.explain.report")):
            assert not is_in(imported, LEARNING), where
        if is_in(name, ("dashboard.figures",)):
            assert not is_in(imported, ("streamlit",)), where
        if is_in(name, ("yolo_core.runs",)) and is_in(imported, ("yolo_core",)):
            assert is_in(imported, RUNS_MAY_IMPORT), where
    if is_in(name, ("dashboard",)):
        for imported, line in imports(path, top_level_only=True):
            assert not is_in(imported, LEARNING), (
                f"{path.relative_to(ROOT)}:{line}: a page imports {imported} only inside the "
                "function that must recompute something"
            )


def test_reading_a_run_loads_no_tensorflow() -> None:
    modules = [
        module_name(path)
        for path in CODE
        if is_in(module_name(path), ("yolo_core.runs", "yolo_core.explain.report"))
    ]
    loaded = load_in_fresh_interpreter(modules)
    assert not loaded & {*LEARNING, *PAGES, "torch", "jax"}


def test_pages_load_no_tensorflow_with_what_they_import() -> None:
    modules = {
        imported
        for path in CODE
        if is_in(module_name(path), ("dashboard",))
        for imported, _ in imports(path, top_level_only=True)
        if is_in(imported, ("yolo_core",))
    }
    loaded = load_in_fresh_interpreter(sorted(modules))
    assert not loaded & {*LEARNING, *PAGES}


def test_figures_load_no_streamlit() -> None:
    modules = [
        module_name(path) for path in CODE if is_in(module_name(path), ("dashboard.figures",))
    ]
    loaded = load_in_fresh_interpreter(modules)
    assert not loaded & {*LEARNING, "streamlit"}


@each(ALL_PYTHON)
def test_files_hold_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines: it holds two ideas"
    assert path.stem not in {"utils", "helpers", "common", "misc"}, (
        f"{path}: a name that says nothing"
    )


# Their names for programs, for readers ("YOLOv2"), and of their classes.
FAMILY = re.compile(
    "(?<![A-Za-z0-9])(?:"
    + "|".join(
        [
            *families.FAMILY_NAMES,
            *(each.label.partition(":")[0] for each in families.all_families()),
            *(f"(?:Verbatim)?{each.sound}" for each in families.all_families()),
        ]
    )
    + ")(?![A-Za-z0-9])"
)
MAY_NAME = (
    # The functions of one loss's document, under the names that it has for them.
    "yolo_core.training_utils",
    # Networks are called after the losses that they were published with, as other programs are,
    # whose predictions and labels these read.
    "yolo_core.models.darknet.known",
    "yolo_core.models.darknet.notebook",
    "yolo_core.layouts",
    "yolo_core.compare.own.labels",
)


def names_and_words(path: Path) -> list[tuple[int, str]]:
    """The names and the words of a file with their lines; not what its comments say."""
    found = []
    for node in ast.walk(parsed(path)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append((line, node.value))
        elif isinstance(node, ast.Name):
            found.append((line, node.id))
        elif isinstance(node, ast.Attribute):
            found.append((line, node.attr))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append((line, node.name))
        elif isinstance(node, ast.arg | ast.keyword):
            found.append((line, node.arg or ""))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [(line, alias.name) for alias in node.names]
            found.append((line, getattr(node, "module", None) or ""))
    return found


@each([path for path in CODE if not is_in(module_name(path), ("yolo_core.losses", *MAY_NAME))])
def test_no_file_outside_losses_names_a_family(path: Path) -> None:
    named = [
        f"line {line}: {words!r}"
        for line, words in [(0, path.stem), *names_and_words(path)]
        if FAMILY.search(words.replace("darknet19_yolov2", ""))
    ]
    assert not named, (
        f"{path.relative_to(ROOT)} names a loss: ask the loss, or `losses.families`: {named}"
    )


def test_scripts_of_pages_name_no_family() -> None:
    scripts = [*(ROOT / "dashboard").rglob("*.js"), *(ROOT / "dashboard").rglob("*.css")]
    assert scripts
    assert [path.name for path in scripts if FAMILY.search(path.read_text("utf-8"))] == []


@each(CODE)
def test_no_assert_outside_tests(path: Path) -> None:
    tree = parsed(path)
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not lines, f"{path.relative_to(ROOT)}, lines {lines}: raise a ValueError with a sentence"


@each(CODE)
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = parsed(path)
    if path.name != "__init__.py" or tree.body:
        assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} does not say what it is for"
    for owner in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))):
        if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
            continue
        for node in owner.body:
            is_public = isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            ) and not node.name.startswith("_")
            if is_public:
                assert ast.get_docstring(node), (
                    f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} has no docstring"
                )


# Reading these anywhere else would do without the bounds and sentences of `foreign_files.py`.
READERS = {("json", "load"), ("json", "loads"), ("np", "load"), ("zipfile", "ZipFile")}
# The second reads its own file; the third unpacks pictures and annotations, and has its own bounds.
MAY_READ = ("yolo_core.foreign_files", "yolo_core.compare.own.saved", "yolo_core.data.archives")


@each(CODE)
def test_json_and_arrays_of_files_are_read_in_one_place(path: Path) -> None:
    found = [
        node.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in READERS
    ]
    assert not found or module_name(path) in MAY_READ, f"{path}: lines {found}"
