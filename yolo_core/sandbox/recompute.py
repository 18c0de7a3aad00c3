"""A sample under edits: the run's own loss, set up anew, on the prediction that is there.

Imports Keras, so a page imports it inside the function that computes.
"""

from __future__ import annotations

import numpy as np

from yolo_core.compare.raw_shape import network_output
from yolo_core.compare.side_by_side import sample_view
from yolo_core.losses import DetectionLoss, changed
from yolo_core.sandbox.edits import Edits, edited_labels
from yolo_core.views import SampleView


def recompute(loss: DetectionLoss, view: SampleView, edits: Edits) -> SampleView:
    """The loss of a run on a sample with edited labels, anchors, options or lambdas.

    The prediction stays: raw numbers of the snapshot, which other anchors may decode to other
    boxes. The sample is a batch of one, so a pinned sample without edits gives what was recorded.

    Args:
        loss: The loss of the run, as `build_loss` makes it; not changed.
        view: The sample, with the lambdas of its step.
        edits: What differs.

    Raises:
        ValueError: An edit does not fit the loss or the sample.
    """
    edited = edited_loss(loss, view, edits)
    return sample_view(
        edited,
        image=view.image,
        y_true=edited_labels(view, edits.objects),
        y_pred=network_output(edited, view.y_pred, view.layout.grids),
        class_names=view.class_names,
        loss_name=view.loss_name,
        name=view.name,
        step=view.step,
    )


def check_edits(loss: DetectionLoss, view: SampleView, edits: Edits) -> None:
    """Whether edits can be made at all, such as those of a link that somebody wrote.

    Raises:
        ValueError: An object, anchor, option or lambda is unknown or has a value that it cannot
            have.
    """
    far = 100 * max(view.image.shape[:2])
    for each in edits.objects or ():
        if not all(abs(value) <= far for value in each.box):
            raise ValueError(
                f"An object's box lies within {far:,} pixels of the picture; received {each.box}."
            )
    edited_labels(view, edits.objects)
    for name, value in edits.lambdas.items():
        if name not in view.lambdas:
            raise ValueError(f"There is no term {name!r}; there are {', '.join(view.lambdas)}.")
        if not 0 <= value < np.inf:
            raise ValueError(f"The lambda of {name} is a number from 0 on; received {value}.")
    for name, value in edits.options.items():
        was = loss.switches.get(name)
        # A number that may be none has either; all else keeps its kind.
        kinds = (int, float) if isinstance(was, float) else type(was)
        if was is not None and value is not None and not isinstance(value, kinds):
            raise ValueError(f"The option {name} is such as {was!r}; received {value!r}.")
    edited_loss(loss, view, edits)


def edited_loss(loss: DetectionLoss, view: SampleView, edits: Edits) -> DetectionLoss:
    """A copy of a loss with the edits, at the step and with the lambdas of a sample.

    Raises:
        ValueError: An option or a lambda is unknown or has a value that it cannot have.
    """
    config = {**edits.options, "lambdas": {**view.lambdas, **loss.expand_lambdas(edits.lambdas)}}
    if edits.anchors is not None:
        config |= loss.with_anchors(edits.anchors, view.image.shape, view.layout.grids)
    edited = changed(loss, config)
    # A step's batch is seen with the step count from before its update.
    edited.step.assign(np.int32(view.step - (view.kind == "batch")))
    return edited
