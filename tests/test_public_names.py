"""What the packages offer by name, and that offering it imports nothing."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("yolo_core", "yolo_core.losses")


def names_for_type_checkers(package: str) -> set[str]:
    """The names that stand under `if TYPE_CHECKING:`, which is all that a type checker sees."""
    tree = ast.parse(ROOT.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    names = {alias.name for node in block.body for alias in node.names}
    # "*" stands for what the package below offers.
    return names - {"*"} | (names_for_type_checkers("yolo_core.losses") if "*" in names else set())


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
