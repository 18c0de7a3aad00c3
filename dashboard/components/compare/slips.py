"""The published slips as switches: what each one does to the picture on the page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.components.compare.choice import loss_names
from dashboard.components.compare.formulas import Written, show_formulas
from dashboard.components.compare.losses import recomputed
from dashboard.components.compare.sources import cite
from dashboard.components.shared.address import UrlChoice
from dashboard.components.shared.comparison import (
    show_bars,
    show_ledger,
    show_pictures,
    show_slots,
)
from dashboard.components.shared.errors import plain, say
from dashboard.figures.bars import WEIGHTED
from dashboard.figures.places import Cell
from dashboard.tensorflow_turn import a_word_while_it_computes
from yolo_core.compare.differences import Comparison, compare_views
from yolo_core.explain.report import totals_agree
from yolo_core.losses.families import family_of
from yolo_core.losses.slips import Slip
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import SnapshotRecord

SLIPS, BASE = UrlChoice("slips", bound=False), UrlChoice("base")
WITHOUT, WITH = "without", "with"


def show_slips(
    folder: RunFolder,
    record: SnapshotRecord,
    family: str,
    cell: Cell,
    lambdas: Mapping[str, float] | None,
) -> None:
    """A switch a slip of the family; under each one that is on, the picture without and with it.

    Query parameters "slips" and "base".

    Args:
        folder: The run.
        record: The snapshot and sample on the page.
        family: The family that the loss that trained is of, or is like.
        cell: The selected cell.
        lambdas: The run's weights, to be used in place of the loss's own; or None.
    """
    slips = family_of(family).slips
    st.caption(
        "Each switch shows this picture without and with one slip that was really printed or "
        "coded: all others are off, and the lambdas are "
        f"{'those of this run' if lambdas else 'the published ones, not those of this run'}."
    )
    base = BASE.pick(
        st.selectbox,
        "On top of",
        loss_names(family),
        width=320,
        help="The loss that the slip is put into; its own slips are taken out first.",
    )
    thrown = _thrown(slips)
    chosen = []
    for slip in slips:
        key = f"slip {slip.name}"
        st.session_state[key] = slip.name in thrown
        title = f"**{plain(slip.title)}**: {plain(slip.sentence)}"
        left, right = st.columns([14, 1])
        with right:
            cite(slip.number)
        if left.toggle(title, key=key, on_change=_throw, args=(slip.name, thrown)):
            chosen.append(slip.name)
            with st.container(border=True):
                _show_slip(folder, record, base, slip, cell, lambdas)
    # Also where there are none: Back can then be told from a page that was left and opened again.
    SLIPS.write(",".join(chosen))


def _thrown(slips: tuple[Slip, ...]) -> list[str]:
    asked = (SLIPS.asked() or "").split(",")
    known = [slip.name for slip in slips]
    unknown = [name for name in asked if name and name not in known]
    if unknown:
        st.caption(plain(f"This loss has no slip {', '.join(unknown)}; it is left out."))
    return [name for name in known if name in asked]


def _throw(name: str, thrown: list[str]) -> None:
    """One switch was pressed; the address follows, and the switches follow the address."""
    now = [each for each in thrown if each != name]
    if name not in thrown:
        now.append(name)
    SLIPS.write(",".join(now))


def _show_slip(
    folder: RunFolder,
    record: SnapshotRecord,
    base: str,
    slip: Slip,
    cell: Cell,
    lambdas: Mapping[str, float] | None,
) -> None:
    try:
        with a_word_while_it_computes():
            views = {
                f"{base}, {word} it": recomputed(
                    folder, record, base, slips=slips, situations=[slip.name], lambdas=lambdas
                )
                for word, slips in ((WITHOUT, ()), (WITH, (slip.name,)))
            }
        comparison = compare_views(views)
    except ValueError as error:
        say(error)
        return
    verdict = slip_verdict(comparison)
    if verdict is None:
        st.info(
            plain(f"Nothing in the numbers of this picture changes. Where it shows: {slip.shows}"),
            icon=":material/equal:",
        )
        return
    st.markdown(plain(verdict))
    st.caption(plain(f"Where it shows: {slip.shows}{_not_above(folder, record, slip, comparison)}"))
    key = f"slip {slip.name}"
    show_bars(comparison, measure=st.session_state.get("bars") or WEIGHTED, key=key)
    if comparison.ledger or comparison.masks:
        show_pictures(comparison, cell, key=key)
        show_ledger(comparison, key=key)
        show_slots(comparison)
    options = [{**slip.situation, "slips": names} for names in ((), (slip.name,))]
    show_formulas(
        [
            Written(each.label, base, each.view, own)
            for each, own in zip(comparison.losses, options, strict=True)
        ]
    )


def _not_above(
    folder: RunFolder, record: SnapshotRecord, slip: Slip, comparison: Comparison
) -> str:
    """How the loss without the slip differs from the one that trained, which stands above."""
    view = comparison.losses[0].view
    differs = [
        f"{option} is {value}" for option, value in slip.situation.items() if option != "lambdas"
    ]
    weights = [
        f"{term} {weight:.4g} (above {record.lambdas[term]:.4g})"
        for term, weight in view.lambdas.items()
        if term in record.lambdas and not totals_agree(record.lambdas[term], weight, relative=1e-6)
    ]
    if weights:
        differs.append(f"the lambdas are {', '.join(weights)}")
    if not differs:
        return ""
    return f" Other numbers than those of {folder.name} above, because {' and '.join(differs)}."


def slip_verdict(comparison: Comparison) -> str | None:
    """What a slip changes, in one sentence.

    Args:
        comparison: The loss without the slip, and with it.

    Returns:
        The sentence; None where no number, slot or object changes.
    """
    before, after = (each.view for each in comparison.losses)
    changed = []
    if not totals_agree(before.total, after.total, relative=1e-6):
        changed.append(f"the loss goes {_from_to(before.total, after.total)}")
    for term in before.terms:
        one, other = before.terms[term], after.terms.get(term, float("nan"))
        if not totals_agree(one, other, relative=1e-6):
            changed.append(f"{term} {_from_to(one, other)}")
        weight, new = before.lambdas[term], after.lambdas.get(term, float("nan"))
        if weight != new:
            changed.append(f"the lambda of {term} {_from_to(weight, new)}")
    if comparison.masks:
        changed.append(f"{len(comparison.masks)} slots change their part")
    if comparison.ledger:
        count = len(comparison.ledger)
        changed.append(f"{count} object{'s' * (count != 1)} get{'s' * (count == 1)} other slots")
    if not changed:
        return None
    text = "; ".join(changed)
    return f"{text[0].upper()}{text[1:]}."


def _from_to(before: float, after: float) -> str:
    """Two numbers that differ, with as many digits as show it."""
    for digits in range(4, 10):
        one, other = f"{before:.{digits}g}", f"{after:.{digits}g}"
        if one != other:
            break
    return f"from {one} to {other}"
