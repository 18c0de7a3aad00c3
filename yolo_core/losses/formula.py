"""What the formulas of the families are written with. LaTeX; no Keras. A hat: predicted."""

from __future__ import annotations

DIGITS = 4
CENTRE = (r"x - \hat{x}", r"y - \hat{y}")
SIZE = (r"w - \hat{w}", r"h - \hat{h}")
ROOT = (r"\sqrt{w} - \sqrt{\hat{w}}", r"\sqrt{h} - \sqrt{\hat{h}}")

Written = tuple[dict[str, str], list[str]]
"""{term: its formula without lambda}, and sentences that say what the symbols are."""


def squares(pair: tuple[str, str]) -> str:
    """The sum of the squares of two differences."""
    return " + ".join(rf"\left( {each} \right)^2" for each in pair)


def latex_number(value: float) -> str:
    """A number with a few digits, a power of ten as LaTeX writes it."""
    text = f"{value:.{DIGITS}g}"
    if text in ("nan", "inf", "-inf"):
        return {"nan": r"\text{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[text]
    digits, power, exponent = text.partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if power else digits
