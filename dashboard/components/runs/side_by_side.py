"""The ticked runs side by side: metrics, configurations, disk use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import say
from dashboard.components.shared.run_commands import duration
from dashboard.components.shared.run_curves import METRICS, run_curves
from dashboard.components.shared.run_table import Listed
from dashboard.components.shared.show_table import show_table
from dashboard.tables import NOTHING, number
from yolo_core.runs.disk import PARTS
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.overview import MOST_CONFIG_BYTES, RunOverview
from yolo_core.training.config import RunConfig, read_config
from yolo_core.training.config_diff import config_differences

_CHARACTERS = 120


def show_metrics(runs: Sequence[RunOverview]) -> None:
    """A column a run: how far it is, and each metric of its last and of its best evaluation."""
    st.markdown("**Metrics**")
    columns = {run.folder.name: _metrics(run) for run in runs}
    table = pd.DataFrame(columns, index=list(dict.fromkeys(r for c in columns.values() for r in c)))
    show_table(table.fillna(NOTHING), names=True)
    st.caption(
        "Measured on each run's own validation samples: numbers of runs on different data say "
        "little about each other. Wrong: a best that lies far above the last, which was then "
        "trained for too long."
    )


def _metrics(run: RunOverview) -> dict[str, str]:
    rows = {
        "step": f"{run.status.step:,}",
        "total": NOTHING if run.total is None else number(run.total),
        "trained": duration(run.status.seconds),
    }
    try:
        found = run_curves(run.folder, points=600).evaluations
    except ValueError as error:
        say(error)
        return rows
    for metric, (name, *_) in METRICS.items():
        values = found.get(metric, np.empty(0))
        if not np.isfinite(values).any():
            continue
        best = int(np.nanargmax(np.where(np.isfinite(values), values, np.nan)))
        rows[f"{name}, last"] = number(values[-1])
        rows[f"{name}, best"] = f"{number(values[best])} (step {found['step'][best]:,})"
    return rows


def show_configurations(folders: Sequence[RunFolder]) -> None:
    """The fields of the configurations that differ, with each run's own value."""
    st.markdown("**Configuration: what differs**")
    configs: dict[str, RunConfig] = {}
    for folder in folders:
        try:
            if folder.config.is_file() and folder.config.stat().st_size > MOST_CONFIG_BYTES:
                raise ValueError(f"{folder.config} holds more than {MOST_CONFIG_BYTES:,} bytes.")
            configs[folder.name] = read_config(folder.config)
        except (OSError, ValueError) as error:
            say(error)
    if len(configs) < 2:
        st.caption("Tick another run to see what differs between their configurations.")
        return
    rows = config_differences([*configs.values()])
    if not rows:
        st.info("The configurations are the same in every field.", icon=":material/equal:")
        return
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[*configs])
    show_table(table.map(_cut), names=True)
    st.caption(
        "Only the fields that differ; one that an old run's file lacks counts with its default. "
        "Wrong: more than the one field that was meant to differ."
    )


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"


def show_disk_use(found: Listed, shown: Mapping[str, str]) -> None:
    """What each ticked run takes on disk, by part, and what all runs take."""
    st.markdown("**On disk, MB**")
    everything = [disk for _, disk in found.values()]
    columns = {name: [found[name][1]] for name in shown}
    columns[f"all {len(found):,} runs"] = everything
    table = pd.DataFrame(
        {
            column: {part: f"{sum(use.by_part[part] for use in uses) / 1e6:,.1f}" for part in PARTS}
            | {"in all": f"{sum(use.total for use in uses) / 1e6:,.1f}"}
            for column, uses in columns.items()
        }
    )
    show_table(table, names=True)
    cut = [run.folder.name for run, disk in found.values() if not disk.complete]
    st.caption(
        "Wrong: snapshots that take more than the configuration's snapshot_megabytes."
        + (f" Not counted whole, for they hold too many files: {', '.join(cut)}." if cut else "")
    )
