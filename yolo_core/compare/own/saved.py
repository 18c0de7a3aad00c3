"""Comparisons with a loss of one's own, on disk: the command line writes them, the page reads them.

`<checkpoints>/.comparisons/NAME.npz` is a snapshot file (`runs/snapshots.py`) of the published loss
with the gradients beside it. What follows from these is computed anew when it is read.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from yolo_core.compare.own.gradients import GradientComparison, compare_gradients
from yolo_core.files import replace_file
from yolo_core.foreign_files import check_array, check_texts, parse_json
from yolo_core.runs.snapshots import open_snapshot, read_snapshot, write_snapshot

FOLDER = ".comparisons"
_TOTALS = ("your_total", "published_total")
_TEXTS = ("diagnosis", "cites", "tried")


def list_comparisons(checkpoints: Path) -> list[Path]:
    """The files of the comparisons that the command line has written, the newest first."""
    try:
        found = [(path.stat().st_mtime_ns, path) for path in _folder(checkpoints).glob("*.npz")]
    except OSError:
        return []
    return [path for _, path in sorted(found, reverse=True)]


def write_comparison(checkpoints: Path, comparison: GradientComparison) -> Path:
    """Writes a comparison, in place of an earlier one of the same two losses.

    Returns:
        The file.

    Raises:
        ValueError: The disk is full, or the place cannot be written to.
    """
    name = f"{comparison.yours}-{comparison.against}"
    path = _folder(checkpoints) / (re.sub(r"[^A-Za-z0-9_-]+", "-", name) + ".npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{path.parent} cannot be written to: {error.strerror}.") from None
    with tempfile.TemporaryDirectory() as folder:
        snapshot = Path(folder) / "snapshot.npz"
        write_snapshot(snapshot, comparison.snapshot)
        with np.load(snapshot, allow_pickle=False) as file:
            arrays = dict(file)
    words: dict[str, Any] = {
        "yours": comparison.yours,
        "against": comparison.against,
        "terms": list(comparison.term_gradients),
        **{key: list(getattr(comparison, key)) for key in _TEXTS},
        "alike": sorted(comparison.alike),
        "beyond": dict(comparison.beyond),
        **{key: getattr(comparison, key) for key in _TOTALS},
    }
    arrays["your_gradient"] = comparison.your_gradient
    arrays |= {f"gradient.{t}": each for t, each in enumerate(comparison.term_gradients.values())}
    arrays["comparison"] = np.frombuffer(json.dumps(words).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **arrays)
    replace_file(path, file.getbuffer(), durable=False)
    return path


def read_comparison(path: Path) -> GradientComparison:
    """Reads a comparison back.

    Raises:
        ValueError: The file is missing, torn, or something else.
    """
    snapshot = read_snapshot(path)
    with open_snapshot(path) as (_, file):
        if "comparison" not in file:
            raise ValueError("it is no comparison of gradients")
        words = parse_json(file["comparison"].tobytes())
        gradients = {name: file[f"gradient.{t}"] for t, name in enumerate(words["terms"])}
        for name in ("yours", "against"):
            check_texts(name, (words[name],))
        # Older files have not all of them.
        texts = {key: tuple(words.get(key, ())) for key in (*_TEXTS, "alike")}
        for key, each in texts.items():
            check_texts(key, each)
        beyond = words.get("beyond", {})
        if not isinstance(beyond, dict) or not all(isinstance(n, int) for n in beyond.values()):
            raise ValueError("beyond must be a number a term")
        for name, gradient in {**gradients, "your": file["your_gradient"]}.items():
            check_array(f"gradient {name}", gradient, snapshot.y_pred.shape)
        return compare_gradients(
            yours=words["yours"],
            against=words["against"],
            snapshot=snapshot,
            your_gradient=file["your_gradient"],
            term_gradients=gradients,
            **texts,
            beyond=beyond,
            your_total=float(words["your_total"]),
            published_total=float(words["published_total"]),
        )


def _folder(checkpoints: Path) -> Path:
    return Path(checkpoints) / FOLDER
