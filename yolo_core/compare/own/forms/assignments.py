"""Which rule gives the slots that somebody's loss trains for objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from yolo_core.anchors import shape_iou
from yolo_core.compare.own.forms.confidences import IOU, decodings, measures
from yolo_core.compare.own.forms.decoding import decode
from yolo_core.compare.own.forms.evidence import Evidence
from yolo_core.compare.own.forms.overlaps import iou
from yolo_core.compare.own.forms.own_rule import NO_RULE, OwnRule
from yolo_core.compare.own.forms.prior_rules import prior_rules

# (picture, object) -> slots
Rule = Callable[[int, int], list[int]]
# (box, columns, rows) -> (column, row), not yet cut off
Cell = Callable[[np.ndarray, int, int], tuple[float, float]]
# Overlaps of the boxes of a cell -> which of them
Pick = Callable[[np.ndarray], list[int]]


def own_assignments(evidence: Evidence) -> list[OwnRule]:
    """The rule that trains just the slots that are trained; nothing where no known rule does.

    Two of the same words, where an object in another cell may have kept its place in the cell.
    """
    boxes = evidence.gradient[..., evidence.box_channels]
    trained = np.asarray((boxes != 0).any(axis=-1))
    published = evidence.object_of >= 0
    if (trained == published).all() or not trained.any():
        return [OwnRule("", evidence.object_of)]
    found: list[OwnRule] = []
    for rule in _rules(evidence):
        if found and rule.words != found[0].words:
            break
        if ((rule.object_of >= 0) == trained).all():
            found.append(rule)
    return found or _by_no_rule(evidence, trained)


def _by_no_rule(evidence: Evidence, trained: np.ndarray) -> list[OwnRule]:
    """Who is trained for what where no rule tells it: the object of the cell, or of the prior."""
    by_prior = evidence.snapshot.breakdown.assignment.candidate_measure == "prior IoU"
    if by_prior:
        prior = evidence.layout.prior[None, :, None].astype(float)
        near = iou(prior, evidence.rows[:, None, :, 1:5])  # (B, P, N)
    else:
        near = in_cell(evidence).astype(float)
    near = near * (evidence.rows[:, None, :, 0] != 0)
    if not near.shape[-1]:
        return []
    found = np.where(trained, evidence.object_of, -1)
    for image, slot in np.argwhere(trained & (found < 0)):
        lost = [n for n in np.flatnonzero(near[image, slot]) if not (found[image] == n).any()]
        several = lost or np.flatnonzero(near[image, slot]).tolist()
        if not several:
            return []
        found[image, slot] = max(several, key=lambda n: near[image, slot, n])
    return [OwnRule(NO_RULE, found)]


def _rules(evidence: Evidence) -> Iterator[OwnRule]:
    if evidence.snapshot.breakdown.assignment.candidate_measure == "prior IoU":
        yield from prior_rules(evidence)
        return
    yield from _cell_rules(evidence)


def _in_its_place(evidence: Evidence, object_of: np.ndarray) -> np.ndarray:
    """(B, P, 2) from the cell of a slot's object to the cell of the slot, image fractions."""
    image, slot = np.nonzero(object_of >= 0)
    # In single precision, as losses have it: a centre may lie on the edge of a cell.
    centre = evidence.rows[image, object_of[image, slot], 1:3].astype(np.float32)
    cells = evidence.cells[slot].astype(np.float32)
    found = np.zeros((*object_of.shape, 2))
    found[image, slot] = (evidence.corner[slot] - np.floor(centre * cells)) / cells
    return found


def in_cell(evidence: Evidence) -> np.ndarray:
    """(B, P, N) bool: the objects whose centre is in the slot's cell."""
    rows, cells = evidence.rows, evidence.cells
    place = np.floor(rows[:, None, :, 1:3] * cells[:, None])
    return (place == evidence.corner[:, None]).all(axis=-1) & (rows[:, None, :, 0] != 0)


def _owned(evidence: Evidence, rule: Rule) -> np.ndarray:
    """(B, P) the last object that a rule gives each slot to."""
    found = np.full_like(evidence.object_of, -1)
    for image, rows in enumerate(evidence.rows):
        for index in np.flatnonzero(rows[:, 0] != 0):
            for slot in rule(image, int(index)):
                if 0 <= slot < evidence.layout.count:
                    found[image, slot] = index
    return found


def _cell_rules(evidence: Evidence) -> Iterator[OwnRule]:
    assignment, layout = evidence.snapshot.breakdown.assignment, evidence.layout
    candidates = np.asarray(assignment.candidate_slots)
    score = np.asarray(assignment.candidate_score)
    by_shape = assignment.candidate_measure == "shape IoU"
    measured = "IoU with the shape of the anchor" if by_shape else "IoU"

    def heads(image: int, index: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for row in range(candidates.shape[2]):
            usable = candidates[image, index, row] >= 0
            yield candidates[image, index, row][usable], score[image, index, row][usable]

    def chosen(pick: Callable[[np.ndarray, np.ndarray], list[int]]) -> np.ndarray:
        return _owned(
            evidence,
            lambda image, index: [s for c, v in heads(image, index) if c.size for s in pick(c, v)],
        )

    yield OwnRule(
        f"the box with the worst {measured} of its cell is responsible, and not the best (argmin)",
        chosen(lambda c, v: [int(c[np.argmin(v)])]),
    )
    always = {"the first box": 0, "the last box": -1}
    always |= {f"box {place}": place for place in range(1, max(n for *_, n in layout.grids) - 1)}
    for which, place in always.items():
        yield OwnRule(
            f"{which} of the cell is always responsible",
            chosen(lambda c, _, place=place: [int(c[min(place, len(c) - 1)])]),
        )
    yield OwnRule(
        "every box of the cell is trained for its object", chosen(lambda c, _: c.tolist())
    )
    first = np.asarray(assignment.object_slot)

    def moved(cell: Cell, *, within: bool, pick: Pick) -> np.ndarray:
        """The published anchor in another cell; where boxes decide, one of those there.

        `within`: boxes are held against an object that has the place in the cell that it has in
        its own, as code does that compares places in cells.
        """

        def rule(image: int, index: int) -> list[int]:
            slots = []
            # In single precision, as losses have it: a centre may lie on the edge of a cell.
            box = evidence.rows[image, index, 1:5].astype(np.float32)
            for row in range(first.shape[2]):
                slot = int(first[image, index, row])
                if slot < 0:
                    continue
                head = int(layout.head[slot])
                rows, columns, _ = layout.grids[head]
                x, y = cell(box, columns, rows)
                if not (0 <= x < columns and 0 <= y < rows):
                    continue
                here = layout.cell_slots(head, int(y), int(x))
                anchors = [int(layout.anchor[slot])]
                if not by_shape:
                    place = np.asarray([columns, rows])
                    shift = (np.floor([x, y]) - np.floor(box[:2] * place)) / place
                    held = np.concatenate([box[:2] + within * shift, box[2:]])
                    anchors = pick(iou(evidence.boxes[image, here], held))
                slots += [int(here[anchor]) for anchor in anchors]
            return slots

        return _owned(evidence, rule)

    for picked, pick in (_PICKS if not by_shape else {"": _PICKS[""]}).items():
        for words, cell in _CELLS.items():
            for within in (False, True):
                object_of = moved(cell, within=within, pick=pick)
                shift = _in_its_place(evidence, object_of) if within else None
                yield OwnRule(words + picked, object_of, shift)
    if not by_shape:
        yield from _by_other_overlaps(evidence, chosen_slots=candidates)
        return
    for which, place in always.items():

        def at_place(image: int, index: int, place: int = place) -> list[int]:
            slots = first[image, index][first[image, index] >= 0]
            here = [
                layout.cell_slots(int(layout.head[s]), int(layout.row[s]), int(layout.column[s]))
                for s in slots
            ]
            return [int(each[min(place, len(each) - 1)]) for each in here]

        yield OwnRule(
            f"{which} of the cell is always responsible, on the head that fits best",
            _owned(evidence, at_place),
        )
    yield from _by_other_shapes(evidence)


_PICKS: dict[str, Pick] = {
    "": lambda overlap: [int(np.argmax(overlap))],
    "; and there the box with the worst IoU": lambda overlap: [int(np.argmin(overlap))],
    "; and there the first box": lambda _: [0],
    "; and there the last box": lambda overlap: [len(overlap) - 1],
    "; and there every box": lambda overlap: list(range(len(overlap))),
}
"""Which box of a cell is trained, by their overlaps with the object."""

_CELLS: dict[str, Cell] = {
    "the cells with row and column exchanged: x counts columns and y counts rows": (
        lambda box, columns, rows: (box[1] * rows, box[0] * columns)
    ),
    "the cell of the upper left corner of an object, and not of its centre": (
        lambda box, columns, rows: (
            max(box[0] - box[2] / 2, 0) * columns,
            max(box[1] - box[3] / 2, 0) * rows,
        )
    ),
    "the cell of the lower right corner of an object, and not of its centre": (
        lambda box, columns, rows: (
            min(box[0] + box[2] / 2, 1 - 1e-6) * columns,
            min(box[1] + box[3] / 2, 1 - 1e-6) * rows,
        )
    ),
    "the cell of a centre is rounded and not cut off": (
        lambda box, columns, rows: (np.round(box[0] * columns), np.round(box[1] * rows))
    ),
    "the cell is one too far in x and y": (
        lambda box, columns, rows: (box[0] * columns + 1, box[1] * rows + 1)
    ),
}
"""(column, row), cut off, of the cell that an object with a box is given to, by what is wrong."""


def _by_other_overlaps(evidence: Evidence, chosen_slots: np.ndarray) -> Iterator[OwnRule]:
    """The best box of the cell, by an IoU that is measured with a mistake."""
    for centre, size in decodings(evidence):
        if centre.mistake and size.mistake:
            return
        boxes, _ = decode(evidence, centre, size)
        # Any object with any slot: the measures need labels beside the slots that they look at.
        names = [words for words, *_ in _measures_at(evidence, boxes, 0, 0, np.asarray([0]))]
        for number, words in enumerate(names):

            def rule(image: int, index: int, number: int = number, boxes: np.ndarray = boxes):
                here = chosen_slots[image, index, 0]
                here = here[here >= 0]
                if not here.size:
                    return []
                found = list(_measures_at(evidence, boxes, image, index, here))
                return [int(here[np.argmax(found[number][1])])]

            mistakes = [each for each in (centre.mistake, size.mistake) if each]
            told = " and ".join([*([words] if words != IOU else []), *mistakes])
            if told:
                yield OwnRule(f"the responsible box is chosen by {told}", _owned(evidence, rule))


def _measures_at(
    evidence: Evidence, boxes: np.ndarray, image: int, index: int, slots: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    where = np.full(len(slots), image)
    at = evidence.trained(where, slots, np.full(len(slots), index))
    predicted = boxes[image, slots]
    for words, measure, label in measures(evidence, at, predicted):
        yield words, measure(predicted, label)


def _by_other_shapes(evidence: Evidence) -> Iterator[OwnRule]:
    """The best anchor, by shapes that are measured with a mistake, or of another head."""
    layout = evidence.layout
    heads = len(layout.grids)
    anchors = [
        layout.prior[layout.head == head][: layout.grids[head][2], 2:].astype(float)
        for head in range(heads)
    ]

    def slot_of(box: np.ndarray, head: int, anchor: int) -> int:
        rows, columns, _ = layout.grids[head]
        x, y = box[:2].astype(np.float32) * np.asarray([columns, rows], np.float32)
        x, y = min(int(x), columns - 1), min(int(y), rows - 1)
        return layout.index(head, y, x, anchor)

    def best(sizes: list[np.ndarray], label: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        places = [(h, a) for h in range(heads) for a in range(len(sizes[h]))]

        def rule(image: int, index: int) -> list[int]:
            box = evidence.rows[image, index, 1:5]
            wanted = label(box[2:])
            fit = shape_iou(wanted[None], np.concatenate(sizes))[0]
            return [slot_of(box, *places[int(np.argmax(fit))])]

        return _owned(evidence, rule)

    if heads > 1:
        if len({len(sizes) for sizes in anchors}) == 1:
            yield OwnRule(
                "the heads have each other's anchors: the masks of the heads are reversed",
                best(anchors[::-1], lambda wh: wh),
            )

        def each_head(image: int, index: int) -> list[int]:
            box = evidence.rows[image, index, 1:5]
            found = []
            for head, sizes in enumerate(anchors):
                fit = shape_iou(box[None, 2:], sizes)[0]
                found.append(slot_of(box, head, int(np.argmax(fit))))
            return found

        yield OwnRule(
            "every head takes every object, and not the head of its best anchor alone",
            _owned(evidence, each_head),
        )
    pixel = evidence.pixels
    shapes: list[tuple[str, list[np.ndarray], Callable[[np.ndarray], np.ndarray]]] = [
        (
            "width and height exchanged where an object is held against the anchors",
            anchors,
            lambda wh: wh[::-1],
        ),
        (
            "objects in cells where anchors are fractions of the picture, in the matching",
            anchors,
            lambda wh: wh * evidence.cells[0],
        ),
        (
            "objects in fractions of the picture where anchors are in cells, in the matching",
            anchors,
            lambda wh: wh / evidence.cells[0],
        ),
        ("objects in pixels in the matching", anchors, lambda wh: wh * pixel),
        (
            "objects in fractions of the picture where anchors are in pixels, in the matching",
            anchors,
            lambda wh: wh / pixel,
        ),
        ("the anchors in the reverse order", [sizes[::-1] for sizes in anchors], lambda wh: wh),
    ]
    for words, sizes, label in shapes:
        yield OwnRule(words, best(sizes, label))


def moves(evidence: Evidence, own: np.ndarray) -> list[str]:
    """What is trained elsewhere, by object: "val/3: object 1 is trained in ..., published: ..."."""
    told = []
    layout, names = evidence.layout, evidence.snapshot.samples

    def places(slots: np.ndarray) -> str:
        if not slots.size:
            return "no slot"
        if slots.size > 3:
            return f"{slots.size} slots"
        heads = len(layout.grids) > 1
        return " and ".join(
            (f"head {layout.head[s]}, " if heads else "")
            + f"cell (row {layout.row[s]}, column {layout.column[s]}), anchor {layout.anchor[s]}"
            for s in slots.tolist()
        )

    for image, rows in enumerate(evidence.rows):
        for index in np.flatnonzero(rows[:, 0] != 0).tolist():
            mine = np.flatnonzero(own[image] == index)
            theirs = np.flatnonzero(evidence.object_of[image] == index)
            if mine.tolist() != theirs.tolist():
                told.append(
                    f"{names[image]}: object {index} is trained in {places(mine)}, published: "
                    f"{places(theirs)}."
                )
    return told
