"""Samples: pictures with their ground-truth objects, from bundled digits or one's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core.lazy import lazy_names

if TYPE_CHECKING:
    from yolo_core.data.opening import open_data

__all__ = ["open_data"]

__getattr__, __dir__ = lazy_names(__name__, {"yolo_core.data.opening": ["open_data"]})
