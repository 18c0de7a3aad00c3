"""What would have to be otherwise for the selected slot and its object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.cache import kept_as_written
from dashboard.components.shared.errors import plain, say
from dashboard.tensorflow_turn import a_word_while_it_computes, tensorflow_turn
from yolo_core.data.registry import open_source
from yolo_core.explain.trace import ledger_row
from yolo_core.runs.layout import RunFolder
from yolo_core.training.config import read_config
from yolo_core.views import SampleView


def show_changes(folder: RunFolder, view: SampleView, slot: int, index: int | None) -> None:
    """What would change the outcome; it needs TensorFlow.

    Computed by the run's own loss, on the prediction of this step: the object is moved and resized,
    and the thresholds of the loss are moved, until something else comes out.

    Args:
        folder: The run.
        view: The sample.
        slot: The selected slot.
        index: The object that the card is about; None where there is none.
    """
    try:
        with a_word_while_it_computes("what would change it"):
            found = _changes(folder, view, slot, index)
    except ValueError as error:
        say(error)
        return
    for who, lines in found:
        bullets = "\n".join(f"- {plain(line)}" for line in lines)
        st.markdown(f"{plain(who)}\n{bullets}")
    if not found:
        st.markdown("Nothing that was tried changes anything here.")
    st.caption(
        "One number is changed at a time, in steps of 0.01 px inside the picture, and of 0.01 for "
        "a threshold; of each number the nearest change is told, further ones are not. Each is "
        "exact: one step nearer, nothing changes. The prediction stays as it is. Wrong: an object "
        "that changes its slot with less than a pixel, so that the next augmentation trains "
        "another one."
    )


def _changes(
    folder: RunFolder, view: SampleView, slot: int, index: int | None
) -> list[tuple[str, list[str]]]:
    """What would change, for the slot and for the object: who would, and what if what.

    Raises:
        ValueError: The run's configuration cannot be read, its loss cannot be loaded here, or it
            decides otherwise here than it did in training.
    """
    with tensorflow_turn():
        from yolo_core.explain.whatif.outcomes import ObjectSubject, Outcomes, SlotSubject
        from yolo_core.explain.whatif.search import box_changes, threshold_changes
        from yolo_core.explain.whatif.sentences import change_words, who_would

        assigner, thresholds = _assigner(folder.config)

        def judge(y_true: Any, values: dict[str, float]) -> Outcomes:
            return assigner(view, y_true, values)

        if judge(view.y_true[None], {}).differs_from(Outcomes.recorded(view)):
            raise ValueError(
                "Computed here, the loss does not give this picture the slots that are on record, "
                "so nothing can be said about what would change them: another device rounds "
                "otherwise, or the rule looked at the whole training batch."
            )
        subjects: list[Any] = [SlotSubject(slot)]
        moved: list[Any] = []
        if index is not None:
            subjects.append(ObjectSubject(index, ledger_row(view, slot)))
            # Of the object's own slot they would only say the same once more.
            own = slot in view.assignment.object_slot[index]
            moved = box_changes(judge, view, index, subjects[1:] if own else subjects)
        changes = [*moved, *threshold_changes(judge, view, thresholds, subjects)]
        found: dict[str, list[str]] = {}
        for subject in subjects:
            for each in changes:
                if each.subject == subject:
                    found.setdefault(who_would(view, each), []).append(change_words(view, each))
    return list(found.items())


@kept_as_written(4)
def _assigner(config_path: Path) -> tuple[Any, dict[str, float]]:
    from yolo_core.explain.whatif.assigner import Assigner
    from yolo_core.training.build import build_loss

    config = read_config(config_path)
    loss = build_loss(config, open_source(config.data))
    return Assigner(loss), dict(loss.thresholds)
