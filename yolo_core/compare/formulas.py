"""Each loss as a formula, with its lambdas and the numbers of a picture in it. LaTeX; no Keras.

A hat marks what is predicted. The sources are those of the losses' docstrings; what an option
changes in a formula (`docs/losses.md`) changes in the formula written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yolo_core.variants import variant_options

SYMBOLS = {
    "xy": r"\lambda_{\text{xy}}",
    "wh": r"\lambda_{\text{wh}}",
    "objectness": r"\lambda_{\text{obj}}",
    "no_object": r"\lambda_{\text{noobj}}",
    "classification": r"\lambda_{\text{class}}",
}
DIGITS = 4
# Keeps the symbol of a lambda clear of its number, whatever signs it has.
_STRUT = r"\rule{0em}{0.9em}"
_CENTRE = (r"x - \hat{x}", r"y - \hat{y}")
_SIZE = (r"w - \hat{w}", r"h - \hat{h}")
_ROOT = (r"\sqrt{w} - \sqrt{\hat{w}}", r"\sqrt{h} - \sqrt{\hat{h}}")

Written = tuple[dict[str, str], list[str]]
"""{term: its formula without lambda}, and sentences that say what the symbols are."""


def formula(
    loss_name: str,
    lambdas: Mapping[str, float],
    terms: Mapping[str, float],
    *,
    options: Mapping[str, Any] | None = None,
) -> str:
    """The loss as LaTeX: a line a term, its lambda over its number, its value under its formula.

    Args:
        loss_name: A family or a published variant, such as "yolov2/formula"; or "FILE.py:Class", of
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
        weight = rf"\overset{{{symbol}}}{{{_STRUT}{_number(lambdas[term])}}}"
        under = rf"\text{{{_words(term)}}} \,=\, {_number(value)}"
        lines.append(rf"{weight} \cdot \underbrace{{{body}}}_{{{under}}}")
    total = sum(lambdas[term] * value for term, value in terms.items())
    sum_of_terms = " \\\\\n{}+{}& ".join(lines)
    text = f"\\mathcal{{L}} ={{}}& {sum_of_terms} \\\\\n={{}}& {_number(total)}"
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
    settings = {**variant_options(loss_name), **(options or {})}
    return _FAMILIES[loss_name.split("/")[0]](settings)


def _mnist_yolo(options: Mapping[str, Any]) -> Written:
    huber = options.get("box_error") == "huber"
    numbers = "4N" if options.get("box_target", "image") == "image" else "2N"

    def error(pair: tuple[str, str]) -> str:
        squares = rf"H({pair[0]}) + H({pair[1]})" if huber else rf"({pair[0]})^2 + ({pair[1]})^2"
        return rf"\frac{{1}}{{{numbers}}} \sum_{{n=1}}^{{N}} \left[ {squares} \right]"

    raw = options.get("box_activation") == "none"
    activated = r"t" if raw else r"\sigma(t)"
    corners = ", their corners rounded down," if options.get("floor_corners") else ""
    compared = "raw outputs" if options.get("matching") == "raw" else "predicted boxes"
    order = "(x, y)" if options.get("grid_order") == "x_y" else "(row, column)"
    where = [
        rf"Sums over the $N$ objects; $\hat{{x}} = {activated}$. Responsible: the best IoU of the "
        f"{compared}{corners} in cell {order}."
    ]
    if huber:
        where.append(r"$H(d) = \tfrac{1}{2} d^2$ for $|d| \le 1$, else $|d| - \tfrac{1}{2}$.")
    return {
        "objectness": r"\frac{1}{N} \sum_{n=1}^{N} -\log \hat{C}_n",
        "xy": error(_CENTRE),
        "wh": error(_SIZE),
        "classification": r"\frac{1}{N} \sum_{n=1}^{N} -\log \hat{p}_n(c_n)",
        "no_object": (
            r"\frac{1}{N_{\text{noobj}}} \sum_{s} \mathbf{1}_s^{\text{noobj}} "
            r"\left[ -\log (1 - \hat{C}_s) \right]"
        ),
    }, where


def _yolov1(options: Mapping[str, Any]) -> Written:
    cells = r"\sum_{i=1}^{S^2} \sum_{j=1}^{B} \mathbf{1}_{ij}^{\text{obj}}"
    target = "1" if options.get("confidence_target") == "one" else r"\text{IoU}_{ij}"
    empty = (
        "the boxes of cells without an object"
        if options.get("no_object") == "empty_cells"
        else "every box that is not responsible"
    )
    return {
        "xy": rf"{cells} \left[ {_squares(_CENTRE)} \right]",
        "wh": rf"{cells} \left[ {_squares(_ROOT)} \right]",
        "objectness": rf"{cells} \left( {target} - \hat{{C}}_{{ij}} \right)^2",
        "no_object": (
            r"\sum_{i=1}^{S^2} \sum_{j=1}^{B} \mathbf{1}_{ij}^{\text{noobj}} "
            r"\left( 0 - \hat{C}_{ij} \right)^2"
        ),
        "classification": (
            r"\sum_{i=1}^{S^2} \mathbf{1}_i^{\text{obj}} \sum_{c} "
            r"\left( p_i(c) - \hat{p}_i(c) \right)^2"
        ),
    }, [
        rf"$\mathbf{{1}}_{{ij}}^{{\text{{noobj}}}}$: {empty}. Box $j$ of cell $i$ is responsible "
        r"($\mathbf{1}_{ij}^{\text{obj}}$) if it has the best IoU in the cell of the object's "
        "centre. The mean over pictures."
    ]


def _yolov2(options: Mapping[str, Any]) -> Written:
    half = options.get("half_errors", True)
    pair = _ROOT if options.get("square_root_sizes") else _SIZE
    slots = r"\sum_{i,j} C_{ij}"

    def over(count: str) -> str:
        return rf"\frac{{1}}{{{'2 ' if half else ''}{count}}}"

    objects, confident = r"N_{\text{obj}}", r"N_{\text{conf}}"
    by_iou = r"\text{IoU}_{ij} " if options.get("confidence_by_iou") else ""
    mask = "C_{ij}" if options.get("no_object_on_objects") else r"C_{ij}^{\text{noobj}}"
    power = "" if options.get("no_object_unsquared") else "^2"
    weight = "w_c " if options.get("class_weights") is not None else ""
    threshold = _number(float(options.get("ignore_threshold", 0.6)))
    against = "assigned " if options.get("ignore_against") == "assigned" else ""
    over_what = (
        "of each picture, then the mean over pictures"
        if options.get("counts_over") == "image"
        else "of the batch"
    )
    plus = ", each plus $10^{-6}$" if half else ""
    where = [
        r"$C_{ij} = 1$ for the anchor of best shape in an object's cell. $N_{\text{obj}} = \sum "
        r"C_{ij}$ and $N_{\text{conf}} = \sum C_{ij} + C_{ij}^{\text{noobj}}$ "
        f"{over_what}{plus}.",
        rf"$C_{{ij}}^{{\text{{noobj}}}} = 1$ where $C_{{ij}} = 0$ and the best IoU with the "
        f"{against}objects is below ${threshold}$.",
    ]
    batches = options.get("warmup_batches", 0) - bool(options.get("warmup_off_by_one"))
    if batches > 0:
        where.append(
            f"In the first {batches} batches xy and wh also pull every slot without an object to "
            "its cell and anchor."
        )
    return {
        "xy": rf"{over(objects)} {slots} \left[ {_squares(_CENTRE)} \right]",
        "wh": rf"{over(objects)} {slots} \left[ {_squares(pair)} \right]",
        "objectness": (
            rf"{over(confident)} {slots} {by_iou}"
            r"\left( \text{IoU}_{ij} - \hat{C}_{ij} \right)^2"
        ),
        "no_object": (
            rf"{over(confident)} \sum_{{i,j}} {mask} \left( 0 - \hat{{C}}_{{ij}} \right){power}"
        ),
        "classification": (
            rf"\frac{{1}}{{{objects}}} {slots} \left[ -{weight}\log \hat{{p}}_{{ij}}(c) \right]"
        ),
    }, where


def _yolov3(options: Mapping[str, Any]) -> Written:
    mean = options.get("normaliser", "mean") == "mean"
    sized = r"(2 - w h) " if options.get("size_weighting") else ""

    def over(mask: str) -> str:
        share = rf"\frac{{1}}{{N_k^{{\text{{{mask}}}}}}} " if mean else ""
        return rf"\sum_{{k}} {share}\sum_{{s \in k}} \mathbf{{1}}_s^{{\text{{{mask}}}}}"

    size = (r"\log \frac{w}{a_w} - \hat{t}_w", r"\log \frac{h}{a_h} - \hat{t}_h")
    classes = (
        rf"{_mean_over_classes(mean)}\left[ -p(c) \log \hat{{p}}(c) - (1 - p(c)) "
        r"\log (1 - \hat{p}(c)) \right]"
    )
    if options.get("class_error") == "share_of_sigmoids":
        classes = r"\left[ -\log \frac{\hat{p}(c)}{\sum_{c'} \hat{p}(c')} \right]"
    rule = {
        "anchor_shape": "slots of an object's own cell with shape IoU above",
        "predicted_box": "slots whose box has IoU with some object from",
        "predicted_box_of_head": "slots whose box has IoU with an object of their head from",
    }[options.get("ignore_rule", "anchor_shape")]
    threshold = _number(float(options.get("ignore_threshold", 0.5)))
    matched = "each head" if options.get("matching", "per_head") == "per_head" else "all heads"
    return {
        "xy": rf"{over('obj')} {sized}\left[ {_squares(_CENTRE)} \right]",
        "wh": rf"{over('obj')} {sized}\left[ {_squares(size)} \right]",
        "objectness": rf"{over('obj')} \left[ -\log \hat{{C}}_s \right]",
        "no_object": rf"{over('noobj')} \left[ -\log (1 - \hat{{C}}_s) \right]",
        "classification": f"{over('obj')} {classes}",
    }, [
        rf"Heads $k$. An object trains the anchor of best shape on {matched}; "
        r"$a_w, a_h$ are the anchor's sizes. Ignored, neither $\mathbf{1}^{\text{obj}}$ nor "
        rf"$\mathbf{{1}}^{{\text{{noobj}}}}$: {rule} ${threshold}$."
    ]


def _ssd(options: Mapping[str, Any]) -> Written:
    matched = r"\frac{1}{N} \sum_{s \in \text{matched}}"
    smooth = rf"\left[ H({_SSD[0]}) + H({_SSD[1]}) \right]"
    sizes = rf"\left[ H({_SSD[2]}) + H({_SSD[3]}) \right]"
    threshold = _number(float(options.get("overlap_threshold", 0.5)))
    ratio = options.get("negative_ratio", 3)
    return {
        "xy": f"{matched} {smooth}",
        "wh": f"{matched} {sizes}",
        "classification": rf"{matched} \left[ -\log \hat{{p}}_s(c) \right]",
        "no_object": (
            r"\frac{1}{N} \sum_{s \in \text{hard}} "
            r"\left[ -\log \hat{p}_s(\text{background}) \right]"
        ),
    }, [
        f"$N$ matched priors: those with IoU from ${threshold}$ on, and each object's best. Hard: "
        f"of the others the ${ratio} N$ that cost most. The rest is ignored.",
        r"$H(d) = \tfrac{1}{2} d^2$ for $|d| < 1$, else $|d| - \tfrac{1}{2}$; $t$ is the box as "
        "its prior encodes it.",
    ]


_SSD = tuple(rf"t_{each} - \hat{{t}}_{each}" for each in "xywh")
_FAMILIES: dict[str, Callable[[Mapping[str, Any]], Written]] = {
    "mnist_yolo": _mnist_yolo,
    "yolov1": _yolov1,
    "yolov2": _yolov2,
    "yolov3": _yolov3,
    "ssd": _ssd,
}


def _squares(pair: tuple[str, str]) -> str:
    return " + ".join(rf"\left( {each} \right)^2" for each in pair)


def _mean_over_classes(mean: bool) -> str:
    return r"\frac{1}{\text{classes}} \sum_{c} " if mean else r"\sum_{c} "


def _words(term: str) -> str:
    """A term's name in LaTeX's text mode, whatever signs it holds."""
    plain = term.replace("_", " ")
    return "".join(sign if sign.isalnum() or sign in " -.,:/" else " " for sign in plain)


def _number(value: float) -> str:
    """A number with a few digits, a power of ten as LaTeX writes it."""
    text = f"{value:.{DIGITS}g}"
    if text in ("nan", "inf", "-inf"):
        return {"nan": r"\text{NaN}", "inf": r"\infty", "-inf": r"-\infty"}[text]
    digits, power, exponent = text.partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if power else digits
