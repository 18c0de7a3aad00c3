"""Entry of the dashboard: `streamlit run dashboard/app.py` from the repository root."""

import sys
from pathlib import Path

# Streamlit puts only this script's own folder on the path.
HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import streamlit as st  # noqa: E402

from dashboard.components.shared.doctor_badge import count_now, keep_true, shown_run  # noqa: E402
from dashboard.components.shared.polling import forget_looks  # noqa: E402
from dashboard.keys import keys_and_words  # noqa: E402

PAGES = (
    ("train.py", "Train", ":material/play_circle:"),
    ("data.py", "Data", ":material/photo_library:"),
    ("runs.py", "Runs", ":material/list_alt:"),
    ("inspect.py", "Inspect", ":material/search:"),
    ("sandbox.py", "Sandbox", ":material/experiment:"),
    ("lessons.py", "Lessons", ":material/school:"),
    ("evaluate.py", "Evaluate", ":material/fact_check:"),
    ("survey.py", "Survey", ":material/travel_explore:"),
    ("compare.py", "Compare", ":material/compare_arrows:"),
    ("doctor.py", "Doctor", ":material/stethoscope:"),
)

# A file, because Streamlit fetches icons that it knows by name from the internet.
st.set_page_config(page_title="Detector debugger", page_icon=HERE / "icon.svg", layout="wide")
st.html(HERE / "style.css")
st.html(HERE / "history.html", unsafe_allow_javascript=True)
forget_looks()
run = shown_run()
wrong = count_now(run)
# How many things are wrong with the run stands at the top of every page.
titles = {"Doctor": f"Doctor ({wrong})" if wrong else "Doctor"}
st.html(keys_and_words(), unsafe_allow_javascript=True)
pages = [
    # The first is served at the address without a name; its own leads there, when it is typed.
    st.Page(
        HERE / "app_pages" / file,
        title=titles.get(title, title),
        icon=icon,
        url_path="start" if file == PAGES[0][0] else None,
    )
    for file, title, icon in PAGES
]
named = st.Page(
    lambda: st.switch_page(pages[0], query_params=st.query_params.to_dict()),
    title=PAGES[0][1],
    url_path=PAGES[0][0].removesuffix(".py"),
    visibility="hidden",
)
page = st.navigation([*pages, named], position="top")
st.html(f'<h1 class="page-title">{page.title}</h1>')
page.run()
keep_true(run, wrong)
