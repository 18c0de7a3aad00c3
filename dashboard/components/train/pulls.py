"""What each term really pulls: shares of the loss and of the gradient, cosines, and advice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.components.shared.errors import plain, say
from dashboard.components.shared.headings import headings
from dashboard.components.shared.plot import plot_and_say
from dashboard.components.shared.run_commands import send
from dashboard.components.shared.run_curves import markers, run_curves
from dashboard.figures.colors import color_of
from dashboard.figures.curves import Curve, curve_figure
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.pulls import PULL, Pulls, TermPull, last_pulls
from yolo_core.runs.status import read_status
from yolo_core.runs.store import RunStore

POINTS = 600
_VERDICTS = {
    "starves": "hardly moves the network: its gradient is below 2 % of all",
    "dominates": "moves the network nearly alone: its gradient is above 80 % of all",
}


def show_pulls(folder: RunFolder) -> None:
    """Shows what the terms of a run pulled when it was last measured, and over its steps."""
    try:
        with RunStore.open(folder) as store:
            found = last_pulls(store)
        run = run_curves(folder, points=POINTS)
    except ValueError as error:
        say(error)
        return
    if found is None:
        st.info(
            "Not measured in this run. It is every so many steps (`--pulls-every`) of a training "
            "that starts here or by `train`, where the network says how its layers hang together.",
            icon=":material/info:",
        )
        return
    live = read_status(folder).is_live
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(f"**At step {found.step:,}**")
        table = _table(found)
        st.dataframe(table, hide_index=True, width="stretch", column_config=headings(table.columns))
        st.caption(
            "A share of the loss says how large λ × term is; a share of the gradient how hard it "
            "pulls on the last layer that all predictions share. They are not the same: a large "
            "term may be flat where it stands. Wrong: a term that matters to you and pulls nothing."
        )
        for term in found.terms:
            if term.verdict:
                _advise(folder, term, live=live)
        st.markdown("**Cosines between their gradients**")
        st.dataframe(_cosines(found), width="stretch")
        st.caption(
            "1: two terms pull the same way; 0: they do not meddle; below 0: one undoes the other. "
            "Wrong: a pair near -1 over many steps."
        )
    with right:
        plot_and_say(
            curve_figure(
                _shares(run.curves.step, run.curves.mean),
                markers=markers(run.events),
                y_title="share of the gradient",
                y_range=(0.0, 1.02),
                height=360,
                revision=folder.name,
            ),
            "The share of each term in the lengths of the gradients of λ × term, at the steps "
            "where it was measured (`--pulls-every`). Wrong: one term that stays near 1.",
            key="pulls/curves",
        )


def _table(found: Pulls) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": [each.name for each in found.terms],
            "λ": [f"{each.weight:,.4g}" for each in found.terms],
            "share of the loss": [_percent(each.loss_share) for each in found.terms],
            "share of the gradient": [_percent(each.pull_share) for each in found.terms],
            "λ that balances": [
                "" if each.balanced is None else f"{each.balanced:,.3g}" for each in found.terms
            ],
        }
    )


def _advise(folder: RunFolder, term: TermPull, *, live: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(f"{term.name} {_VERDICTS[term.verdict]}."), width=320)
        if term.balanced is not None:
            value = float(f"{term.balanced:.3g}")
            st.button(
                f"Set λ to {value:g}",
                key=f"{folder.name}/balance/{term.name}",
                on_click=send,
                args=(folder, "set-lambda", {"name": term.name, "value": value}),
                disabled=not live,
                help="Its gradient would then be as long as the geometric mean of all.",
            )


def _cosines(found: Pulls) -> pd.DataFrame:
    names = [each.name for each in found.terms]
    table = pd.DataFrame("", index=names, columns=names)
    for (a, b), value in found.cosines.items():
        table.loc[a, b] = table.loc[b, a] = "–" if np.isnan(value) else f"{value:+.2f}"
    return table


def _shares(step: np.ndarray, mean: dict[str, np.ndarray]) -> list[Curve]:
    pulls = {n.removeprefix(PULL): v for n, v in mean.items() if n.startswith(PULL)}
    whole = np.sum(list(pulls.values()), axis=0)
    there = np.isfinite(whole) & (whole > 0)
    return [
        Curve(name, step[there], (value / np.where(there, whole, 1.0))[there], color_of(name))
        for name, value in pulls.items()
    ]


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.1%}"
