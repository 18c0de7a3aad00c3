"""What would have to be otherwise, in a sentence. No Keras in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolo_core.assignment import ObjectStatus
from yolo_core.explain.names import cell_name, object_name, slot_word
from yolo_core.explain.whatif.outcomes import IGNORED, OBJECT, ObjectFate, SlotRole, SlotSubject

if TYPE_CHECKING:
    from yolo_core.explain.whatif.search import Change
    from yolo_core.views import SampleView

_WAYS = {("x", True): "right", ("x", False): "left", ("y", True): "down", ("y", False): "up"}
_THRESHOLDS = {
    "ignore_threshold": "the ignore threshold",
    "overlap_threshold": "the matching threshold",
    "foreground_threshold": "the foreground threshold",
    "background_threshold": "the background threshold",
    "anchor_ratio": "the ratio of sides that an anchor takes",
}


def who_would(view: SampleView, change: Change) -> str:
    """The beginning of a sentence on a change: "This slot would"."""
    if isinstance(change.subject, SlotSubject):
        return "This slot would"
    several = view.assignment.object_status.shape[1] > 1
    where = f" on head {change.subject.row}" if several else ""
    return f"{object_name(view, change.subject.index).capitalize()}{where} would"


def change_words(view: SampleView, change: Change) -> str:
    """The rest of it: "be ignored if the ignore threshold were at most 0.57 (it is 0.6)"."""
    before, after = change.before, change.after
    if isinstance(before, ObjectFate) and isinstance(after, ObjectFate):
        what, whose = _fate_words(view, before, after), "its"
    elif isinstance(before, SlotRole) and isinstance(after, SlotRole):
        what = _role_words(view, before, after)
        whose = object_name(view, change.index) + "'s" if change.index >= 0 else ""
    else:
        raise ValueError(f"A change leads from a slot to a slot, or an object; received {change}.")
    return f"{what} if {_condition(change, whose)}"


def short_number(value: float) -> str:
    """A number of hundredths without needless zeros: 22, 22.4, 22.41."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _condition(change: Change, whose: str) -> str:
    if change.number in ("x", "y"):
        way = _WAYS[change.number, change.up]
        return f"{whose} centre moved {short_number(change.move)} px {way}"
    limit = "at least" if change.up else "at most"
    value, now = short_number(change.value), short_number(change.start)
    if change.number in _THRESHOLDS:
        return f"{_THRESHOLDS[change.number]} were {limit} {value} (it is {now})"
    return f"{whose} {change.number} were {limit} {value} px (it is {now} px)"


def _fate_words(view: SampleView, before: ObjectFate, after: ObjectFate) -> str:
    layout = view.layout
    if after.slot < 0:
        if after.status is ObjectStatus.OUTSIDE:
            return "be outside the picture and train nothing"
        return "be matched to no slot and train nothing"
    word = f"{slot_word(layout)} {layout.anchor[after.slot]}"
    where = f"{word} of {cell_name(layout, after.slot)}"
    moved = before.slot >= 0 and before.slot != after.slot
    same_cell = before.slot >= 0 and cell_name(layout, before.slot) == cell_name(layout, after.slot)
    if after.status is ObjectStatus.OVERWRITTEN:
        taker = object_name(view, after.taker) if after.taker >= 0 else "another object"
        if not moved and before.slot >= 0:
            return f"lose {word} to {taker} and train nothing"
        again = " as well" if before.status is ObjectStatus.OVERWRITTEN else ", and train nothing"
        return f"want {word if same_cell else where} and lose it to {taker}{again}"
    shared = " and share it" if after.status is ObjectStatus.SHARED else ""
    if not before.status.is_matched:
        return f"be matched after all, to {where}{shared}"
    if not moved and before.count != after.count:
        slots = "one slot" if after.count == 1 else f"{after.count} slots"
        return f"train {slots} in place of {before.count}"
    if not moved and after.count > 1:
        if after.status is ObjectStatus.SHARED:
            return "share some of its slots with another object"
        return "have all its slots for itself"
    if not moved:
        if after.status is ObjectStatus.SHARED:
            return f"share {word} with another object"
        return f"have {word} for itself"
    if same_cell:
        return f"be matched to {word}{shared}"
    if layout.has_priors and view.assignment.candidate_measure == "prior IoU":
        return f"be matched to {where}{shared}"
    return f"fall in {cell_name(layout, after.slot)}, {word}{shared}"


def _role_words(view: SampleView, before: SlotRole, after: SlotRole) -> str:
    if after.part == OBJECT:
        name = object_name(view, after.object)
        if before.part == OBJECT and before.object == after.object:
            if after.shared:
                return f"be shared by {name} and another object"
            return f"be trained for {name} alone"
        others = " and another object" if after.shared else ""
        if before.part == IGNORED:
            return f"no longer be ignored, but be trained for {name}{others}"
        return f"be trained for {name}{others}"
    if before.part == OBJECT:
        instead = "be ignored" if after.part == IGNORED else 'to say "no object"'
        return f"no longer be trained for {object_name(view, before.object)}, but {instead}"
    if after.part == IGNORED:
        return "be ignored"
    return 'no longer be ignored, but be trained to say "no object"'
