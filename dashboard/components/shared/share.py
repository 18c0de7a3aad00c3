"""What can be taken away from a page: a link, the sample as a file, its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

from dashboard.components.shared.address import page_address
from dashboard.components.shared.cell_picker import PLACE_KEYS
from dashboard.components.shared.csv_tables import loss_table, object_table, slot_table
from dashboard.components.shared.sample_file import sample_html
from dashboard.figures.places import Cell
from yolo_core.explain.report import Report
from yolo_core.runs.records import SnapshotRecord
from yolo_core.views import SampleView

_HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def share_sample(
    run: str,
    recorded: Mapping[str, float],
    view: SampleView,
    report: Report,
    cell: Cell,
    score_cut: float,
) -> None:
    """A menu with the link of the view, the sample as one HTML file, and its tables as CSV.

    The files are made when they are asked for.

    Args:
        run: Name of the run, or of what else the sample is from.
        recorded: {term: value} as recorded; none where nothing was.
        view: The sample.
        report: Its report.
        cell: The selected cell.
        score_cut: Lowest score of a prediction that is drawn.
    """
    link = page_link()
    # Asked here: where the file is made, nobody knows of a page.
    scheme = "dark" if st.context.theme.type == "dark" else "light"
    name = re.sub(r"[^\w.-]+", "-", f"{run}-{view.name}-step-{view.step}")
    with st.popover("Share", icon=":material/share:"):
        st.caption("This view as a link, for anyone who reaches this dashboard:")
        st.code(link, language=None, wrap_lines=True)
        st.download_button(
            "Page (HTML)",
            lambda: sample_html(
                view,
                report,
                run=run,
                cell=cell,
                score_cut=score_cut,
                link=link if reaches_others(link) else "",
                scheme=scheme,
            ),
            f"{name}.html",
            "text/html",
            on_click="ignore",
            icon=":material/download:",
            help="Picture, objects, terms and masks: one file of about 5 MB that opens in any "
            "browser, also offline, light or dark as this page. The link is in it where it says "
            "another machine than this one.",
            key="share/html",
        )
        tables = {
            "Objects": lambda: object_table(view, report),
            "Terms": lambda: loss_table(view, report, recorded),
            "All slots": lambda: slot_table(view),
        }
        for label, table in tables.items():
            st.download_button(
                f"{label} (CSV)",
                lambda table=table: table().to_csv(index=False),
                f"{name}-{label.lower().replace(' ', '-')}.csv",
                "text/csv",
                on_click="ignore",
                icon=":material/download:",
                key=f"share/{label}",
            )


def open_sandbox(run: str, record: SnapshotRecord) -> None:
    """A button that opens the same sample in the Sandbox, in a tab of its own.

    Args:
        run: Name of the run.
        record: What is shown, also where the page shows whatever is the latest.
    """
    query = st.query_params.to_dict()
    kept = {"run": run, "kind": record.kind, "sample": record.sample, "step": record.step}
    kept |= {key: query[key] for key in PLACE_KEYS[:3] if key in query}
    st.link_button(
        "Sandbox",
        f"sandbox?{urlencode(kept)}",
        icon=":material/experiment:",
        help="Move, resize, add or delete objects of this sample, edit anchors, options and "
        "lambdas, and see what the loss makes of it. In a new tab; the run is not touched.",
    )


def reaches_others(link: str) -> bool:
    """Whether a link may lead somewhere on another machine than the one that serves it."""
    host = urlsplit(link).hostname
    return host is not None and host not in _HERE


def page_link() -> str:
    """The address of the page as it is shown now."""
    # Some, such as the layers, stand there more than once.
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    return page_address() + (f"?{urlencode(query, doseq=True)}" if query else "")
