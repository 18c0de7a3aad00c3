"""A YOLOv2 loss as somebody might write it who follows the Keras notebook.

Labels come as a grid of slots, and constants and `true_boxes` from the file that it stands in. The
tests of `compare` read it as a file, fill these in, and put mistakes into copies of it.
"""

import tensorflow as tf

GRID_H = GRID_W = 13
BOX = 4
ANCHORS = [1.07709888, 1.78171903, 2.71054693, 5.12469308]
ANCHORS += [10.47181473, 10.09646365, 5.48531347, 8.11011331]
CLASS_WEIGHTS = [1.0, 1.0]
NO_OBJECT_SCALE, OBJECT_SCALE, COORD_SCALE, CLASS_SCALE = 1.0, 5.0, 1.0, 1.0
true_boxes = None


def overlap(one, other):
    """IoU of boxes (..., 4) x, y, w, h."""
    low = tf.maximum(one[..., :2] - one[..., 2:] / 2, other[..., :2] - other[..., 2:] / 2)
    high = tf.minimum(one[..., :2] + one[..., 2:] / 2, other[..., :2] + other[..., 2:] / 2)
    shared = tf.reduce_prod(tf.nn.relu(high - low), axis=-1)
    areas = tf.reduce_prod(one[..., 2:], axis=-1) + tf.reduce_prod(other[..., 2:], axis=-1)
    return shared / (areas - shared)


def mean_over(mask, error):
    """Weighted errors by the number of slots that have a weight."""
    return tf.reduce_sum(mask * error) / (tf.math.count_nonzero(mask, dtype=tf.float32) + 1e-6)


def custom_loss(y_true, y_pred):
    """y_true and y_pred (B, GRID_H, GRID_W, BOX, 5 + classes), boxes in grid cells."""
    column, row = tf.meshgrid(tf.range(GRID_W, dtype="float32"), tf.range(GRID_H, dtype="float32"))
    cell = tf.stack([column, row], axis=-1)[:, :, None]
    size = tf.exp(y_pred[..., 2:4]) * tf.reshape(tf.constant(ANCHORS, "float32"), (BOX, 2))
    boxes = tf.concat([tf.sigmoid(y_pred[..., :2]) + cell, size], axis=-1)
    confidence = tf.sigmoid(y_pred[..., 4])

    has_object = y_true[..., 4]
    iou = overlap(y_true[..., :4], boxes)
    wanted = iou * has_object
    best = tf.reduce_max(overlap(tf.constant(true_boxes), boxes[..., None, :]), axis=-1)
    is_empty = tf.cast(best < 0.6, "float32") * (1 - has_object)
    trained = NO_OBJECT_SCALE * is_empty + OBJECT_SCALE * has_object

    label = tf.argmax(y_true[..., 5:], axis=-1)
    surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(label, y_pred[..., 5:])
    class_weight = tf.gather(tf.constant(CLASS_WEIGHTS, "float32"), label)
    place = tf.reduce_sum(tf.square(y_true[..., :4] - boxes), axis=-1)
    loss = (
        mean_over(COORD_SCALE * has_object, place) / 2
        + mean_over(trained, tf.square(wanted - confidence)) / 2
        + mean_over(CLASS_SCALE * has_object * class_weight, surprise)
    )
    return loss
