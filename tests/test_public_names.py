"""What the packages offer by name, and that offering it imports nothing."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("yolo_core", "yolo_core.losses", "yolo_core.layouts")


def names_for_type_checkers(package: str) -> set[str]:
    """The names that stand under `if TYPE_CHECKING:`, which is all that a type checker sees."""
    tree = ast.parse(ROOT.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    names: set[str] = set()
    for node in block.body:
        assert isinstance(node, ast.ImportFrom), ast.unparse(node)
        for alias in node.names:
            names |= (
                names_for_type_checkers(str(node.module)) if alias.name == "*" else {alias.name}
            )
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there_for_readers_interpreters_and_type_checkers(package: str) -> None:
    module = importlib.import_module(package)
    offered = set(module.__all__)
    assert offered - {"__version__"} == names_for_type_checkers(package)
    assert offered <= set(dir(module))
    for name in offered:
        assert getattr(module, name) is not None, name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import yolo_core

    with pytest.raises(AttributeError, match="module 'yolo_core' has no attribute 'YoloV9Loss'"):
        yolo_core.YoloV9Loss  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'YoloV9Loss'"):
        from yolo_core import YoloV9Loss  # noqa: F401


def test_the_packages_load_nothing_before_a_name_is_asked_for() -> None:
    code = (
        "import sys, yolo_core, yolo_core.losses.yolov2, yolo_core.losses.families\n"
        "dir(yolo_core)\n"
        "print(sorted({'numpy', 'keras', 'tensorflow'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_that_of_a_module_whose_import_would_take_its_place(package: str) -> None:
    for name in importlib.import_module(package).__all__:
        assert importlib.util.find_spec(f"{package}.{name}") is None, name
