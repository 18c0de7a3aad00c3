"""Do the quick tests notice a wrong line? Changes one at a time in losses/ and explain/, at random.

    python -m venv MUTANTS && MUTANTS/bin/pip install cosmic-ray
    PYTHONPATH=$(MUTANTS/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
        nice -n 15 .venv/bin/python -m benchmarks.mutants --count 200 --seed 0

What a change is, cosmic-ray says. Each runs in a fork of one process that has loaded TensorFlow,
and never on disk. A change that no test notices is printed as a difference: some change nothing
that can be seen, the others want a test.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib.machinery
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 600
LEFT_OUT = ("families.py", "slips.py", "formula.py", "formulas.py", "__init__.py")
# Of each group the quick tests of its room; for a loss of its own file those of all losses.
GROUPS = {
    "losses": (sorted((ROOT / "yolo_core/losses").rglob("*.py")), ["tests/losses"]),
    "explain": (
        [
            ROOT / f"yolo_core/explain/{name}.py"
            for name in ("reasons", "ignoring", "trace", "by_label")
        ],
        ["tests/explain", "tests/dashboard/test_tables.py"],
    ),
}
# Bits of numbers stand in annotations alone; identity of constants is that of their values.
_NOT_MEANT = ("BitOr", "BitAnd", "BitXor", "Shift", "_Is", "Invert", "UAdd")
_OPERATORS = (
    *("ReplaceBinaryOperator", "ReplaceComparisonOperator", "ReplaceUnaryOperator", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer"),
    "ZeroIterationForLoop",
)


def mutants(path: Path) -> Iterator[tuple[tuple[str, int, int], Callable[[], str | None]]]:
    """Every change of a file: its kind and place, and what makes it."""
    from cosmic_ray.ast import Visitor, get_ast
    from cosmic_ray.mutating import MutationVisitor
    from cosmic_ray.plugins import get_operator, operator_names

    source = path.read_text(encoding="utf-8")

    class Places(Visitor):
        def visit(self, node):
            for (line, column), _ in self.operator.mutation_positions(node):
                places.append((line, column))
            return node

    for name in operator_names():
        kind = name.partition("/")[2]
        if not kind.startswith(_OPERATORS) or any(part in kind for part in _NOT_MEANT):
            continue
        operator, places = get_operator(name)(), []
        seeker = Places()
        seeker.operator = operator
        seeker.walk(get_ast(source))
        for k, (line, column) in enumerate(places):

            def make(operator=operator, k=k) -> str | None:
                return MutationVisitor.mutate_code(source, operator, k)

            yield (kind.split("_")[0], line, column), make


def drawn(paths: list[Path], count: int, dice: random.Random) -> list[tuple[Path, str]]:
    """Some places, each with one of its changes."""
    found: dict[tuple, list] = {}
    for path in paths:
        if path.name not in LEFT_OUT:
            for place, make in mutants(path):
                found.setdefault((path, *place), []).append(make)
    keys = sorted(found, key=str)
    print(f"{len(keys):,} places in {len(paths)} files", flush=True)
    chosen = dice.sample(keys, min(count, len(keys)))
    made = [(key[0], dice.choice(found[key])()) for key in chosen]
    return [(path, text) for path, text in made if text is not None]


def notices(path: Path, text: str, tests: list[str]) -> str:
    """What the tests make of a file with that text: "failed", "passed" or "hung"."""
    child = os.fork()
    if child == 0:
        _run_tests(path, text, tests)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "passed" if os.waitstatus_to_exitcode(status) == 0 else "failed"
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def _run_tests(path: Path, text: str, tests: list[str]) -> None:
    read = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, name: str):
        if Path(self.path).resolve() == path:
            return compile(text, self.path, "exec")
        return read(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code
    import pytest

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        code = 1
        with contextlib.suppress(BaseException):
            code = pytest.main(["-x", "-m", "not slow", "-p", "no:cacheprovider", *tests])
        os._exit(int(code))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--group", choices=GROUPS, action="append")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    import hypothesis  # noqa: F401
    import keras  # noqa: F401
    import pandas  # noqa: F401
    import plotly.graph_objects  # noqa: F401
    import tensorflow  # noqa: F401, loaded once for all forks

    groups = arguments.group or list(GROUPS)
    for name in groups:
        paths, tests = GROUPS[name]
        results: dict[str, int] = {}
        changes = drawn(list(paths), arguments.count // len(groups), dice)
        for number, (path, text) in enumerate(changes, 1):
            outcome = notices(path, text, tests)
            results[outcome] = results.get(outcome, 0) + 1
            if outcome == "passed":
                before = path.read_text(encoding="utf-8").splitlines()
                where = str(path.relative_to(ROOT))
                lines = difflib.unified_diff(before, text.splitlines(), where, where, "", "", 1, "")
                print("\n".join(lines), flush=True)
            if number % 10 == 0:
                print(f"{name}: {number} of {len(changes)}: {results}", file=sys.stderr, flush=True)
        noticed = len(changes) - results.get("passed", 0)
        print(f"{name}: {noticed} of {len(changes)} noticed, {results}", flush=True)


if __name__ == "__main__":
    main()
