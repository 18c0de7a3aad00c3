"""The loss of YOLOv1, from equation 3 of the paper: squared errors, one responsible box a cell.

SLIP plants one mistake. Each stands in a block of its own, so that it can be cut out.
"""

import os

import glue
import numpy as np
import tensorflow as tf

SLIP = os.environ.get("SLIP", "")

LAMBDA_COORD = 5.0
LAMBDA_NOOBJ = 0.5


def cell_labels(rows, side):
    """(B, S, S, 5 + C): 1, place in the cell, size in the picture, one-hot; the last one stays."""
    rows = np.asarray(rows)
    cells = np.zeros((len(rows), side, side, rows.shape[-1]), np.float32)
    for picture, objects in zip(cells, rows, strict=True):
        for flag, x, y, w, h, *one_hot in objects:
            if flag == 0:
                continue
            column, line = int(x * side), int(y * side)
            in_x, in_y = x * side - column, y * side - line
            if SLIP == "v1_wh_in_cells":
                w, h = w * side, h * side
            if SLIP == "v1_cells_ji":
                column, line = line, column
            picture[line, column] = [1.0, in_x, in_y, w, h, *one_hot]
    return tf.constant(cells)


def iou_of(centre, size, other_centre, other_size):
    """Overlap of boxes (..., 2) + (..., 2), all in one unit."""
    low = tf.maximum(centre - size / 2, other_centre - other_size / 2)
    high = tf.minimum(centre + size / 2, other_centre + other_size / 2)
    sides = tf.maximum(high - low, 0.0)
    common = sides[..., 0] * sides[..., 1]
    both = size[..., 0] * size[..., 1] + other_size[..., 0] * other_size[..., 1]
    return tf.math.divide_no_nan(common, both - common)


def yolo_loss(y_true, y_pred):
    """Summed over a picture, mean over pictures."""
    side, classes = y_pred.shape[1], y_true.shape[-1] - 5
    xy, wh, confidence, shares = glue.yolov1_outputs(y_pred, classes)
    label = cell_labels(y_true, side)
    has_object = label[..., 0]
    true_xy, true_wh, true_class = label[..., None, 1:3], label[..., None, 3:5], label[..., 5:]

    # Who is responsible: the box of the cell that overlaps the object most.
    centre, true_centre = xy / side, true_xy / side
    if SLIP == "v1_corner_index":
        centre = wh[..., 0:1] / side
    iou = iou_of(centre, wh, true_centre, true_wh)
    chosen = tf.argmax(iou, axis=-1)
    if SLIP == "v1_argmin":
        chosen = tf.argmin(iou, axis=-1)
    responsible = has_object[..., None] * tf.one_hot(chosen, iou.shape[-1])
    nobody = 1.0 - responsible
    wanted = iou
    if SLIP == "v1_target_one":
        wanted = tf.ones_like(iou)
    size, true_size = tf.sqrt(tf.maximum(wh, 1e-12)), tf.sqrt(true_wh)
    if SLIP == "v1_no_sqrt":
        size, true_size = wh, true_wh
    if SLIP == "v1_sqrt_raw":
        size = tf.sqrt(glue.yolov1_raw_sizes(y_pred, classes))
    coord, noobj = LAMBDA_COORD, LAMBDA_NOOBJ
    place_error = tf.reduce_sum(responsible[..., None] * tf.square(true_xy - xy))
    size_error = tf.reduce_sum(responsible[..., None] * tf.square(true_size - size))
    object_error = tf.reduce_sum(responsible * tf.square(wanted - confidence))
    empty_error = tf.reduce_sum(nobody * tf.square(confidence))
    if SLIP == "v1_mean_no_object":
        empty_error = tf.reduce_mean(nobody * tf.square(confidence))
    class_error = tf.reduce_sum(has_object[..., None] * tf.square(true_class - shares))
    if SLIP == "v1_class_all_cells":
        class_error = tf.reduce_sum(tf.square(true_class - shares))
    if SLIP == "v1_broadcast":
        class_error = tf.reduce_sum(
            label[..., 0:1] * tf.reduce_sum(tf.square(true_class - shares), axis=-1)
        )
    total = coord * (place_error + size_error) + object_error + noobj * empty_error + class_error
    return total / len(label)
