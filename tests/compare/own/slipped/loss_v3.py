"""A YOLOv3 loss as the TensorFlow 2 ports have it: two heads, sums over everything.

SLIP plants one mistake. Each stands in a block of its own, so that it can be cut out.
"""

import os

import glue
import numpy as np
import tensorflow as tf

SLIP = os.environ.get("SLIP", "")

IGNORE_FROM = 0.5
EPSILON = 1e-7


def head_labels(rows, anchors, grids):
    """One (B, rows, columns, A, 5 + C) a head: x, y, w, h of the picture, 1, one-hot class.

    An object goes to the one anchor of all heads whose shape is nearest to its own.
    """
    rows = np.asarray(rows)
    labels = [
        np.zeros((len(rows), *grid, len(sizes), rows.shape[-1]), np.float32)
        for grid, sizes in zip(grids, anchors, strict=True)
    ]
    places = [(head, k) for head, sizes in enumerate(anchors) for k in range(len(sizes))]
    sizes = np.concatenate(anchors)
    for picture, objects in enumerate(rows):
        for flag, x, y, w, h, *one_hot in objects:
            if flag == 0:
                continue
            common = np.minimum(sizes[:, 0], w) * np.minimum(sizes[:, 1], h)
            fit = common / (sizes[:, 0] * sizes[:, 1] + w * h - common)
            head, k = places[int(np.argmax(fit))]
            line, column = int(y * grids[head][0]), int(x * grids[head][1])
            labels[head][picture, line, column, k] = [x, y, w, h, 1.0, *one_hot]
    return [tf.constant(label) for label in labels]


def iou_of(boxes, others):
    """Overlap of boxes (..., 4) x, y, w, h."""
    low = tf.maximum(boxes[..., :2] - boxes[..., 2:] / 2, others[..., :2] - others[..., 2:] / 2)
    high = tf.minimum(boxes[..., :2] + boxes[..., 2:] / 2, others[..., :2] + others[..., 2:] / 2)
    common = tf.reduce_prod(tf.maximum(high - low, 0.0), axis=-1)
    areas = tf.reduce_prod(boxes[..., 2:], axis=-1) + tf.reduce_prod(others[..., 2:], axis=-1)
    return tf.math.divide_no_nan(common, areas - common)


def yes(raw):
    """Binary cross-entropy with 1, of a probability as Keras clips it."""
    probability = tf.clip_by_value(tf.sigmoid(raw), EPSILON, 1 - EPSILON)
    return -tf.math.log(probability)


def no(raw):
    """Binary cross-entropy with 0."""
    probability = tf.clip_by_value(tf.sigmoid(raw), EPSILON, 1 - EPSILON)
    return -tf.math.log(1 - probability)


def best_overlap(boxes, label):
    """(B, rows, columns, A): the best overlap of each predicted box with an object of this head."""
    best = []
    for picture in range(len(label)):
        objects = tf.boolean_mask(label[picture, ..., :4], label[picture, ..., 4] > 0)
        if SLIP == "v3_batch_mixed":
            objects = tf.boolean_mask(label[..., :4], label[..., 4] > 0)
        best.append(tf.reduce_max(iou_of(boxes[picture][..., None, :], objects), axis=-1))
    return tf.stack(best)


def head_loss(label, raw, anchors):
    """The loss of one head; label and raw (B, rows, columns, A, 5 + C)."""
    rows, columns = raw.shape[1], raw.shape[2]
    column, row = tf.meshgrid(tf.range(columns, dtype="float32"), tf.range(rows, dtype="float32"))
    cell = tf.stack([column, row], axis=-1)[:, :, None, :]
    count = tf.constant([columns, rows], "float32")
    offset = tf.sigmoid(raw[..., 0:2])
    if SLIP == "v3_no_sigmoid_xy":
        offset = raw[..., 0:2]
    place = cell
    boxes = tf.concat([(offset + place) / count, tf.exp(raw[..., 2:4]) * anchors], axis=-1)

    has_object = label[..., 4]
    true_wh = label[..., 2:4]
    wanted_offset = label[..., 0:2] * count - cell
    fitting = tf.where(has_object[..., None] > 0, true_wh / anchors, 1.0)
    wanted_size = tf.math.log(fitting)
    if SLIP == "v3_no_log":
        wanted_size = fitting
    small_ones_count = 2.0 - true_wh[..., 0] * true_wh[..., 1]
    overlap = best_overlap(boxes, label)
    if SLIP == "v3_ignore_plane":
        overlap = tf.ones_like(overlap) * tf.reduce_max(overlap, axis=(1, 2), keepdims=True)
    punished = tf.cast(overlap < IGNORE_FROM, "float32")
    place_error = tf.reduce_sum(tf.square(wanted_offset - offset), axis=-1)
    if SLIP == "v3_xy_bce":
        place_error = tf.reduce_sum(
            tf.nn.sigmoid_cross_entropy_with_logits(
                labels=tf.where(has_object[..., None] > 0, wanted_offset, 0.0), logits=raw[..., 0:2]
            ),
            axis=-1,
        )
    size_error = tf.reduce_sum(tf.square(wanted_size - raw[..., 2:4]), axis=-1)
    box_loss = tf.reduce_sum(has_object * small_ones_count * (place_error + size_error))

    objectness = raw[..., 4]
    object_loss = tf.reduce_sum(has_object * yes(objectness))
    empty_loss = tf.reduce_sum((1 - has_object) * punished * no(objectness))

    # Keras divides what it is given by its sum before it takes the logarithm.
    shares = tf.clip_by_value(tf.sigmoid(raw[..., 5:]), EPSILON, 1 - EPSILON)
    shares = shares / tf.reduce_sum(shares, axis=-1, keepdims=True)
    surprise = -tf.reduce_sum(label[..., 5:] * tf.math.log(shares), axis=-1)
    class_loss = tf.reduce_sum(has_object * surprise)
    return box_loss + object_loss + empty_loss + class_loss


def yolo_loss(y_true, y_pred):
    """y_true (B, N, 5 + C) rows; y_pred (B, P, 5 + C), the heads one after the other."""
    anchors, grids = glue.yolov3_anchors(), glue.yolov3_grids()
    if SLIP == "v3_masks_reversed":
        anchors = anchors[::-1]
    labels = head_labels(y_true, anchors, grids)
    total, start = 0.0, 0
    for label, sizes in zip(labels, anchors, strict=True):
        slots = int(np.prod(label.shape[1:4]))
        raw = tf.reshape(y_pred[:, start : start + slots], label.shape)
        total += head_loss(label, raw, sizes)
        start += slots
    return total
