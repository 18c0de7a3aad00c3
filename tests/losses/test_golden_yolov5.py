"""YoloV5Loss gives the numbers of the YOLOv5 repository."""

import numpy as np
import pytest

from tests.losses.golden_files import assert_gradient, golden, rows_of_image, with_gradient
from yolo_core.assignment import ObjectStatus
from yolo_core.losses import published

NAMES = ("typical", "edge", "large_logits", "no_objects", "nonsquare", "oneclass", "borders")
CASES = [f"yolov5_{name}" for name in NAMES]
VARIANTS = {
    "": {},
    "smooth0p1": {"label_smoothing": 0.1},
    "sort_iou": {"sort_iou": True},
    "focal1p5": {"fl_gamma": 1.5},
}
FILES = [
    (case, key)
    for case in CASES
    for key in VARIANTS
    if not key or key in golden(case)[1]["variants"]
]


def make(case, name="yolov5/v7.0", **options):
    """The loss, labels, predictions, arrays, scalars, and heads of a file."""
    arrays, settings, scalars = golden(case)
    loss = published(
        name,
        anchors=[np.reshape(each, (-1, 2)) for each in settings["anchors_px"]],
        image_size=settings["image_hw"],
        num_classes=settings["num_classes"],
        grids=settings["grids_hw"],
        anchor_t=settings["hyp"]["anchor_t"],
        **options,
    )
    targets = arrays["targets"].astype(np.float64)
    centred = np.column_stack([targets[:, :1], targets[:, 2:], targets[:, 1:2]])
    counts = np.bincount(targets[:, 0].astype(int), minlength=1)
    y_true = rows_of_image(centred, settings["batch"], counts.max(initial=0), loss.num_classes)
    y_pred = np.concatenate(
        [on_slots(arrays[f"head{k}__raw"]) for k in range(len(settings["strides"]))], axis=1
    )
    return loss, y_true, y_pred, arrays, scalars


def on_slots(values):
    """(B, A, H, W, ...) as (B, slots of the head, ...)."""
    values = np.moveaxis(values, 1, 3)
    return values.reshape(len(values), -1, *values.shape[4:])


def of_heads(case, key, arrays):
    heads = range(len(golden(case)[1]["strides"]))
    return np.concatenate([on_slots(arrays[key.format(head)]) for head in heads], axis=1)


def entries(case, arrays):
    """Of each entry, in the order of the file: image, slot, row of its object there, CIoU."""
    _, settings, _ = golden(case)
    image_of = arrays["targets"][:, 0].astype(int)
    row_of = np.asarray([(image_of[:at] == image).sum() for at, image in enumerate(image_of)], int)
    found, start = [], 0
    for head, (rows, columns) in enumerate(settings["grids_hw"]):
        count = len(settings["anchors_px"][head]) // 2
        image, anchor, row, column = arrays[f"head{head}__index"].astype(int).reshape(-1, 4).T
        slot = start + (row * columns + column) * count + anchor
        source = arrays[f"head{head}__source"].astype(int).reshape(-1)
        ciou = arrays[f"head{head}__ciou"].reshape(-1)
        found += zip(image, slot, row_of[source], ciou, strict=True)
        start += rows * columns * count
    return found


@pytest.mark.parametrize(("case", "key"), FILES)
def test_values_and_gradients(case, key):
    loss, y_true, y_pred, arrays, scalars = make(case, **VARIANTS[key])
    breakdown, gradient = with_gradient(loss, y_true, y_pred)
    key = f"{key}__" if key else ""
    terms = {name: float(v) * breakdown.lambdas[name] for name, v in breakdown.terms.items()}
    images = len(y_true)
    assert terms["box"] == pytest.approx(images * scalars[f"{key}lbox"], rel=1e-5)
    assert terms["classification"] == pytest.approx(images * scalars[f"{key}lcls"], rel=1e-5)
    objectness = terms["objectness"] + terms["no_object"]
    assert objectness == pytest.approx(images * scalars[f"{key}lobj"], rel=1e-5)
    assert float(breakdown.total) == pytest.approx(scalars[f"{key}total_loss"], rel=1e-5)
    assert_gradient(gradient, of_heads(case, key + "grad_total_wrt_head{}__raw", arrays))
    tobj = f"{key}head{{}}__tobj"
    if tobj.format(0) in arrays:
        received = np.nan_to_num(breakdown.targets["objectness"])
        np.testing.assert_allclose(received, of_heads(case, tobj, arrays), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_entries_ledger_and_boxes(case):
    loss, y_true, y_pred, arrays, _ = make(case)
    _, settings, _ = golden(case)
    breakdown = loss.breakdown(y_true, y_pred).to_numpy()
    a, layout = breakdown.assignment, loss.slots(y_pred.shape)
    every = entries(case, arrays)
    owner = np.full_like(a.matched_object, -1)
    trained = {}
    for image, slot, row, _ in every:
        owner[image, slot] = row
        trained.setdefault((image, row, layout.head[slot]), set()).add(slot)
    np.testing.assert_array_equal(a.matched_object, owner)
    assert not a.ignore_mask.any()
    users = np.zeros(owner.shape, int)
    for (image, _, _), slots in trained.items():
        users[image, sorted(slots)] += 1
    for place in np.argwhere(y_true[..., 0] != 0):
        for head in range(len(settings["strides"])):
            slots = trained.get((*place, head), set())
            at = (*place, head)
            assert a.match_count[at] == len(slots)
            best = np.argsort(-a.candidate_score[at], kind="stable")[: len(slots)]
            assert set(a.candidate_slots[at][best].tolist()) == slots
            shared = any(users[place[0], slot] > 1 for slot in slots)
            expected = ObjectStatus.SHARED if shared else ObjectStatus.MATCHED
            assert a.object_status[at] == (expected if slots else ObjectStatus.BELOW_THRESHOLD)
    boxes = breakdown.predictions["boxes"][0] * np.tile(settings["image_hw"][::-1], 2)
    first_image = {key: values[None] for key, values in arrays.items() if "decoded" in key}
    if first_image:
        decoded = of_heads(case, "head{}__decoded_boxes_image0", first_image)[0]
        np.testing.assert_allclose(boxes, decoded, rtol=1e-4, atol=2e-3)
