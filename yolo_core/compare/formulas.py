"""Each loss as a formula, with its lambdas and the numbers of a picture in it. LaTeX; no Keras.

Each family writes its own terms (`losses/NAME/formula.py`); what an option or a slip changes in a
formula changes in the formula that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yolo_core.losses.families import family_of, variant_of
from yolo_core.losses.formula import Written, latex_number
from yolo_core.losses.slips import after_switching, switch_values, switches

SYMBOLS = {
    "xy": r"\lambda_{\text{xy}}",
    "wh": r"\lambda_{\text{wh}}",
    "objectness": r"\lambda_{\text{obj}}",
    "no_object": r"\lambda_{\text{noobj}}",
    "classification": r"\lambda_{\text{class}}",
}
# Keeps the symbol of a lambda clear of its number, whatever signs it has.
_STRUT = r"\rule{0em}{0.9em}"


def formula(
    loss_name: str,
    lambdas: Mapping[str, float],
    terms: Mapping[str, float],
    *,
    options: Mapping[str, Any] | None = None,
) -> str:
    """The loss as LaTeX: a line a term, its lambda over its number, its value under its formula.

    Args:
        loss_name: A family or a published variant; or "FILE.py:Class", of
            which only the names of the terms are known.
        lambdas: {term: effective weight}.
        terms: {term: value}, unweighted; the order of the lines.
        options: Keyword options of the loss, laid over the variant's own.

    Returns:
        An `aligned` environment, for `st.latex`.

    Raises:
        ValueError: There is no such loss, or a term has no lambda.
    """
    missing = [term for term in terms if term not in lambdas]
    if missing:
        raise ValueError(f"The terms {', '.join(missing)} of {loss_name} have no lambda.")
    parts, _ = _written(loss_name, options)
    lines = []
    for term, value in terms.items():
        symbol = SYMBOLS.get(term, rf"\lambda_{{\text{{{_words(term)}}}}}")
        body = parts.get(term, rf"L_{{\text{{{_words(term)}}}}}")
        weight = rf"\overset{{{symbol}}}{{{_STRUT}{latex_number(lambdas[term])}}}"
        under = rf"\text{{{_words(term)}}} \,=\, {latex_number(value)}"
        lines.append(rf"{weight} \cdot \underbrace{{{body}}}_{{{under}}}")
    total = sum(lambdas[term] * value for term, value in terms.items())
    sum_of_terms = " \\\\\n{}+{}& ".join(lines)
    text = f"\\mathcal{{L}} ={{}}& {sum_of_terms} \\\\\n={{}}& {latex_number(total)}"
    return f"\\begin{{aligned}}\n{text}\n\\end{{aligned}}"


def symbols(loss_name: str, *, options: Mapping[str, Any] | None = None) -> str:
    """What the symbols of a loss's formula stand for; beside it, as no line of LaTeX is wrapped.

    Args:
        loss_name: As in `formula`.
        options: As in `formula`.

    Returns:
        Markdown with formulas between dollar signs; empty for a loss of one's own.

    Raises:
        ValueError: There is no such loss.
    """
    return " ".join(_written(loss_name, options)[1])


def _written(loss_name: str, options: Mapping[str, Any] | None) -> Written:
    if ":" in loss_name:
        return {}, []
    family, variant = family_of(loss_name), variant_of(loss_name)
    settings = {**variant.options, **(options or {})}
    keywords = {key: settings[key] for key in switch_values(family.slips) if key in settings}
    has = after_switching(family.slips, settings.pop("slips", variant.slips), keywords)
    return family.written({**settings, **switches(family.slips, has)})


def _words(term: str) -> str:
    """A term's name in LaTeX's text mode, whatever signs it holds."""
    plain = term.replace("_", " ")
    return "".join(sign if sign.isalnum() or sign in " -.,:/" else " " for sign in plain)
