"""Objects that are never found while the others are, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from yolo_core.assignment import ObjectStatus
from yolo_core.doctor.finding import Check, NotTried, Seen
from yolo_core.doctor.run_record import RunRecord, views
from yolo_core.evaluation.misses import MISS_WORDS, Miss, find_objects
from yolo_core.explain.names import object_name
from yolo_core.explain.reasons import object_reason
from yolo_core.explain.report import object_status

_STEPS = 1000
_FOUND, _MOST = 0.75, 0.1


def _look(run: RunRecord) -> Iterator[Seen]:
    run.at_least(_STEPS)
    looks = run.last_looks(3)
    found: dict[tuple[str, int], list[int]] = {}
    for snapshot in looks:
        for view in views(snapshot):
            for index, miss in zip(view.objects.tolist(), find_objects(view).miss, strict=True):
                found.setdefault((view.name, index), []).append(int(miss))
    always = {key: misses for key, misses in found.items() if len(misses) == len(looks)}
    if not always:
        raise NotTried("The pinned samples hold no objects.")
    share = np.mean([misses[-1] == Miss.FOUND for misses in always.values()])
    never = [key for key, misses in always.items() if Miss.FOUND not in misses]
    if share < _FOUND or len(never) <= _MOST * len(always):
        return
    last = {view.name: view for view in views(looks[-1])}
    reasons = Counter(always[key][-1] for key in never)
    name, index = max(never, key=lambda key: _is_lost(last[key[0]], key[1]))
    words = ", ".join(f"{count} {MISS_WORDS[Miss(miss)]}" for miss, count in reasons.most_common())
    lost = _is_lost(last[name], index)
    yield Seen(
        {
            "never": len(never),
            "objects": len(always),
            "words": words,
            "object": object_name(last[name], index),
            "sample": name,
            "reason": object_reason(last[name], index) if lost else "",
            "step": f"{looks[0].step:,}",
        },
        cause="lost" if lost else "",
        step=looks[0].step,
        link=run.link(looks[-1], name, object=index),
    )


def _is_lost(view, index: int) -> bool:
    return object_status(view, index) is not ObjectStatus.MATCHED


CHECK = Check(
    id="never-learned",
    title="Objects that are never learned",
    of="run",
    means="Nothing that this training does finds them, so far.",
    what="{never} of {objects} objects of the pinned samples were found in none of the snapshots "
    "since step {step}: {words}; such as {object} in {sample}. {reason}",
    causes={
        "": "They are smaller, rarer or closer together than what the network sees well.",
        "lost": "No slot of their own is trained for them.",
    },
    tries="Open the object on Inspect, which says why; a finer grid, more anchors or larger "
    "pictures give each its own slot.",
    look=_look,
    bugs=(4, 6),
)
