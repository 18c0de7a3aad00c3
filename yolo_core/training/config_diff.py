"""In which fields the configurations of several runs differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from yolo_core.training.config import RunConfig

ABSENT = "–"


def flattened(fields: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """{"loss.lambdas.xy": 1.0}: the values of nested objects by the path to them; lists stay whole.

    An object without fields is a value, {}.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        path = f"{under}.{name}" if under else name
        inside = flattened(value, path) if isinstance(value, Mapping) else {}
        found |= inside or {path: value}
    return found


def config_differences(configs: Sequence[RunConfig]) -> dict[str, tuple[str, ...]]:
    """{field: what each configuration has there}, only the fields in which they are not all alike.

    A field that an old file lacks counts with its default, which is what that run was trained with.

    Args:
        configs: The configurations.

    Returns:
        Values as JSON, texts without quotes; `ABSENT` where a configuration has no such field, such
        as the lambda of a term that its loss does not have.
    """
    flat = [flattened(config.model_dump(mode="json")) for config in configs]
    fields = dict.fromkeys(name for each in flat for name in each)
    rows = {name: tuple(_text(each, name) for each in flat) for name in fields}
    return {name: values for name, values in rows.items() if len({*values}) > 1}


def _text(fields: Mapping[str, Any], name: str) -> str:
    if name not in fields or fields[name] == {}:
        return ABSENT
    value = fields[name]
    return value if isinstance(value, str) else json.dumps(value)
