"""What an exported network says of itself, read as a program without this package would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import onnx


def written_about(path: str | Path) -> dict[str, Any]:
    """The JSON beside the weights of a `.keras` file, a SavedModel or an ONNX file."""
    path = Path(path)
    if path.is_dir():
        return json.loads((path / "assets.extra/detector.json").read_text(encoding="utf-8"))
    if path.suffix == ".keras":
        with ZipFile(path) as archive:
            return json.loads(archive.read("detector.json"))
    kept = onnx.load(str(path), load_external_data=False).metadata_props
    return json.loads({each.key: each.value for each in kept}["detector.json"])
