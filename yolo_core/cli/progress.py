"""How far a job on samples is, on a terminal."""

from __future__ import annotations

import sys

from yolo_core.jobs.status import JobStatus


def print_progress(status: JobStatus) -> None:
    """Writes it over the line before, on standard error."""
    rate = f", {status.rate:.0f} a second" if status.rate else ""
    text = f"\r{status.state}: {status.done:,} of {status.total:,} samples{rate}   "
    print(text, end="", file=sys.stderr, flush=True)
