"""Rows of a command as CSV, for the programs that read such."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def print_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Prints a header with the names, and a line a row."""
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
