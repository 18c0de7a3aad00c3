"""RetinaNet and YOLOv5 here under XLA against PyTorch on the same inputs, in one process.

RetinaNet's rival is torchvision's own matcher and head. YOLOv5's is written here in plain PyTorch
from what `docs/losses.md` says of the published code, as that code goes about it: targets repeated
for anchors and five cells, indexed out, a term a head. Needs TensorFlow, PyTorch and torchvision;
not part of `make bench`. The totals differ by what the published code does otherwise: objects that
lose their forced anchor, or their own cell, to another (`docs/losses.md`, retinanet and yolov5).
"""

from __future__ import annotations

import argparse
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import torch  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from benchmarks.losses import Case, cases, with_gradient
from benchmarks.timing import interleaved
from yolo_core.losses.ssd.priors import SSD300

PIXELS = 300


def retinanet(case: Case, predictions: np.ndarray) -> Callable[[], float]:
    """torchvision's total and its gradient."""
    from torchvision.models.detection import (  # pyright: ignore[reportMissingImports]
        _utils,
        retinanet,
    )

    head = retinanet.RetinaNetHead(8, 1, case.loss.num_classes)
    model = types.SimpleNamespace(head=head, proposal_matcher=_utils.Matcher(0.5, 0.4, True))

    def corners(boxes: np.ndarray) -> Any:
        low, high = boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2
        return torch.tensor(np.concatenate([low, high], -1) * PIXELS, dtype=torch.float32)

    labels = case.labels()
    anchors = [corners(SSD300.boxes())] * len(labels)
    targets = [
        {"boxes": corners(rows[:, 1:5]), "labels": torch.tensor(rows[:, 5:].argmax(-1))}
        for rows in labels
    ]
    raw = torch.tensor(predictions, requires_grad=True)

    def call() -> float:
        outputs = {"bbox_regression": raw[..., :4], "cls_logits": raw[..., 4:]}
        parts = retinanet.RetinaNet.compute_loss(model, targets, outputs, anchors)
        total = sum(parts.values())
        torch.autograd.grad(total, raw)
        return float(total.detach())

    return call


def yolov5(case: Case, predictions: np.ndarray) -> Callable[[], float]:
    """YOLOv5's total and its gradient on one head, which weighs 4."""
    batch, rows, columns, _ = case.shape
    classes = case.loss.num_classes
    anchors = torch.tensor(np.asarray(case.loss.get_config()["anchors"]) * [columns, rows])
    anchors = anchors.float()
    count = len(anchors)
    labels = torch.tensor(case.labels())
    picture = torch.arange(batch).repeat_interleave(labels.shape[1])
    objects = labels.reshape(-1, labels.shape[-1])
    raw = torch.tensor(predictions, requires_grad=True)
    cells = torch.tensor([columns, rows])
    offsets = torch.tensor([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]) * 0.5

    def entries() -> tuple[Any, ...]:
        box = (objects[:, 1:5] * cells.repeat(2)).repeat(count, 1, 1)  # (A, n, 4)
        ratio = box[..., 2:] / anchors[:, None]
        taken = torch.max(ratio, 1 / ratio).amax(2) < 4
        anchor, index = taken.nonzero(as_tuple=True)
        box = box[taken]
        low = (box[:, :2] % 1 < 0.5) & (box[:, :2] > 1)
        high = ((cells - box[:, :2]) % 1 < 0.5) & (cells - box[:, :2] > 1)
        near = torch.cat([torch.ones_like(low[:, :1]), low, high], 1).T  # (5, m)
        block, entry = near.nonzero(as_tuple=True)
        box, anchor, index = box[entry], anchor[entry], index[entry]
        column, row = (box[:, :2] - offsets[block]).long().T
        column, row = column.clamp(0, columns - 1), row.clamp(0, rows - 1)
        corner = torch.stack([column, row], 1)
        target = torch.cat([box[:, :2] - corner, box[:, 2:]], 1)
        return picture[index], row, column, anchor, target, objects[index, 5:]

    def complete_iou(one: Any, other: Any) -> Any:
        low, high = one[:, :2] - one[:, 2:] / 2, one[:, :2] + one[:, 2:] / 2
        low_2, high_2 = other[:, :2] - other[:, 2:] / 2, other[:, :2] + other[:, 2:] / 2
        shared = (torch.min(high, high_2) - torch.max(low, low_2)).clamp(0).prod(1)
        union = one[:, 2:].prod(1) + other[:, 2:].prod(1) - shared + 1e-7
        hull = torch.max(high, high_2) - torch.min(low, low_2)
        distance = (other[:, :2] - one[:, :2]).pow(2).sum(1) / (hull.pow(2).sum(1) + 1e-7)
        turn = torch.atan(other[:, 2] / other[:, 3]) - torch.atan(one[:, 2] / one[:, 3])
        shape = 4 / np.pi**2 * turn.pow(2)
        with torch.no_grad():
            weight = shape / (shape - shared / union + (1 + 1e-7))
        return shared / union - (distance + shape * weight)

    def call() -> float:
        head = raw.reshape(batch, rows, columns, count, 5 + classes)
        image, row, column, anchor, target, one_hot = entries()
        own = head[image, row, column, anchor]
        sigmoid = own[:, :4].sigmoid()
        size = (sigmoid[:, 2:] * 2) ** 2 * anchors[anchor]
        agreement = complete_iou(torch.cat([sigmoid[:, :2] * 2 - 0.5, size], 1), target)
        wanted = torch.zeros_like(head[..., 4])
        wanted[image, row, column, anchor] = agreement.detach().clamp(0)
        objectness = functional.binary_cross_entropy_with_logits(head[..., 4], wanted)
        of_class = functional.binary_cross_entropy_with_logits(own[:, 5:], one_hot)
        total = (0.05 * (1 - agreement).mean() + 4 * objectness + 0.5 * of_class) * batch
        torch.autograd.grad(total, raw)
        return float(total.detach())

    return call


RIVALS = {"retinanet": retinanet, "yolov5": yolov5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    print("Median ms of calls that take turns, loss and gradient; and both totals.")
    for case in cases():
        if case.loss.name not in RIVALS:
            continue
        predictions = np.random.default_rng(1).normal(size=case.shape).astype(np.float32)
        ours = with_gradient(lambda labels, raw, loss=case.loss: [loss(labels, raw)], "XLA")
        inputs = tf.constant(case.labels()), tf.constant(predictions)
        calls = {
            "here": lambda call=ours, given=inputs: float(call(*given)[0][0]),
            "PyTorch": RIVALS[case.loss.name](case, predictions),
        }
        totals = {name: call() for name, call in calls.items()}
        seconds = interleaved(
            {name: lambda call=call: call() for name, call in calls.items()}, rounds=rounds
        )
        here, there = (1000 * float(np.median(seconds[name])) for name in calls)
        said = ", ".join(f"{name} {total:.6g}" for name, total in totals.items())
        print(f"{case.name:36}{here:8.2f}{there:9.2f} ({there / here:.1f}x)   {said}", flush=True)


if __name__ == "__main__":
    main()
