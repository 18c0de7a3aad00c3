"""The pictures of the data, page by page, and the one that was clicked."""

from __future__ import annotations

import streamlit as st

from dashboard.components.data.filters import ask_filter
from dashboard.components.data.opened import Opened
from dashboard.components.data.picture_pane import show_gallery, show_picture
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.errors import plain
from dashboard.components.shared.screen import screen

PICTURE = UrlChoice("picture", bound=False)
COLUMNS, ROWS = 5, 4


def show_pictures(opened: Opened) -> None:
    """Filters, small pictures, and the chosen one beside them."""
    overview = opened.overview
    wanted = ask_filter(opened, pictures=True)
    found = overview.chosen_pictures(wanted)
    if not len(found):
        st.info("No picture passes this filter.", icon=":material/filter_alt_off:")
        return
    a_page = COLUMNS * ROWS
    pages = -(-len(found) // a_page)
    left, right = screen(7, 6)
    files = overview.data.files
    asked = PICTURE.asked()
    if asked and asked not in files:
        left.caption(plain(f"There is no picture {asked} in these data; the first one is shown."))
    known = {files[k]: k for k in found.tolist()}
    chosen = known.get(str(asked), int(found[0]))
    with left:
        with st.container(key="line", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"{len(found):,} of {len(files):,} pictures",
                help="Each picture with its boxes, one colour a class. Click one to enlarge it. "
                "Wrong: boxes that lie beside their objects, or objects without one.",
            )
            at = 1
            if pages > 1:
                key = f"data page {overview.data.name}"
                if st.session_state.get(key, 1) > pages:
                    st.session_state[key] = pages
                st.markdown("Page")
                at = st.number_input(
                    f"Page of {pages:,}",
                    1,
                    pages,
                    key=key,
                    label_visibility="collapsed",
                    width=120,
                )
                st.markdown(f"of {pages:,}")
        show_gallery(
            opened,
            found[(at - 1) * a_page : at * a_page].tolist(),
            key="data gallery",
            columns=COLUMNS,
            chosen=chosen,
            on_click=lambda index: PICTURE.then(files[index]),
        )
    PICTURE.write(files[chosen])
    with right:
        show_picture(opened, chosen, key="data picture")
