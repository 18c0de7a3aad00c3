"""The MultiBox loss of SSD: smooth L1 on offsets, cross-entropy with hard negatives.

SLIP plants one mistake. Each stands in a block of its own, so that it can be cut out.
"""

import os

import glue
import numpy as np
import tensorflow as tf

SLIP = os.environ.get("SLIP", "")

MATCH_FROM = 0.5
NEGATIVES_EACH = 3
OF_CENTRE, OF_SIZE = 0.1, 0.2


def overlaps(objects, priors):
    """(N, P) IoU of boxes x, y, w, h."""
    low = np.maximum(
        (objects[:, :2] - objects[:, 2:] / 2)[:, None], priors[:, :2] - priors[:, 2:] / 2
    )
    high = np.minimum(
        (objects[:, :2] + objects[:, 2:] / 2)[:, None], priors[:, :2] + priors[:, 2:] / 2
    )
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = objects[:, 2] * objects[:, 3]
    return common / (areas[:, None] + priors[:, 2] * priors[:, 3] - common)


def encode(boxes, priors):
    """(P, 4) offsets of boxes from priors, in units of their variances."""
    of_centre, of_size = OF_CENTRE, OF_SIZE
    if SLIP == "ssd_no_variances":
        of_centre, of_size = 1.0, 1.0
    centre = (boxes[:, :2] - priors[:, :2]) / priors[:, 2:] / of_centre
    size = np.log(boxes[:, 2:] / priors[:, 2:]) / of_size
    offsets = np.concatenate([centre, size], axis=-1)
    if SLIP == "ssd_yxhw":
        offsets = offsets[:, [1, 0, 3, 2]]
    return offsets


def prior_labels(rows, priors):
    """(B, P, 4) offsets and (B, P) classes, 0 for background."""
    rows = np.asarray(rows)
    offsets = np.zeros((len(rows), len(priors), 4), np.float32)
    labels = np.zeros((len(rows), len(priors)), np.int32)
    for picture, objects in enumerate(rows):
        objects = objects[objects[:, 0] != 0]
        if not len(objects):
            continue
        overlap = overlaps(objects[:, 1:5], priors)
        taken_by = np.where(overlap.max(axis=0) >= MATCH_FROM, overlap.argmax(axis=0), -1)
        for number in range(len(objects)):
            # Nobody goes without a prior.
            if SLIP == "ssd_no_forced":
                continue
            taken_by[overlap[number].argmax()] = number
        box_of = taken_by
        if SLIP == "ssd_forced_index":
            box_of = overlap.argmax(axis=0)
        encoded = encode(objects[np.maximum(box_of, 0), 1:5], priors)
        offsets[picture] = np.where(box_of[:, None] >= 0, encoded, 0)
        classes = objects[:, 5:].argmax(axis=-1) + 1
        labels[picture] = np.where(taken_by >= 0, classes[np.maximum(taken_by, 0)], 0)
    return tf.constant(offsets), tf.constant(labels)


def hardest(hardness, wanted):
    """(B, P) 1 for the `wanted` largest of each row."""
    order = tf.argsort(hardness, axis=-1, direction="DESCENDING")
    rank = tf.argsort(order, axis=-1)
    return tf.cast(rank < wanted[:, None], "float32")


def multibox_loss(y_true, y_pred):
    """y_pred (B, P, 4 + 1 + C): offsets, background, classes."""
    priors = glue.ssd_priors()
    offsets, labels = prior_labels(y_true, priors)
    positive = tf.cast(labels > 0, "float32")
    matched = tf.reduce_sum(positive, axis=-1)

    distance = tf.abs(y_pred[..., :4] - offsets)
    error = tf.where(distance < 1, 0.5 * distance**2, distance - 0.5)
    box_loss = tf.reduce_sum(positive * tf.reduce_sum(error, axis=-1))
    scores, targets = y_pred[..., 4:], labels
    surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=scores)
    hardness = tf.where(labels > 0, -1.0, surprise)
    each = NEGATIVES_EACH
    if SLIP == "ssd_ratio_1":
        each = 1
    negative = hardest(hardness, tf.cast(each * matched, "int32"))
    if SLIP == "ssd_no_mining":
        negative = 1 - positive
    class_loss = tf.reduce_sum((positive + negative) * surprise)

    divisor = tf.maximum(tf.reduce_sum(matched), 1.0)
    if SLIP == "ssd_divided_by_priors":
        divisor = float(len(priors) * len(offsets))
    return (box_loss + class_loss) / divisor
