"""Entry of the dashboard: `streamlit run dashboard/app.py` from the repository root."""

import sys
from pathlib import Path

# Streamlit puts only this script's own folder on the path.
ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

import streamlit as st  # noqa: E402

PAGES = (
    ("train.py", "Train", ":material/play_circle:"),
    ("inspect.py", "Inspect", ":material/search:"),
)

st.set_page_config(page_title="Detector debugger", page_icon=":material/grid_on:", layout="wide")
folder = Path(__file__).parent / "app_pages"
st.navigation(
    [
        st.Page(folder / file, title=title, icon=icon)
        for file, title, icon in PAGES
        if (folder / file).exists()
    ],
    position="top",
).run()
