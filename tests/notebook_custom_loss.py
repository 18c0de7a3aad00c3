"""`custom_loss` of the Keras notebook, as printed, without its debugging output.

`references/yolov2_keras_notebook.md`. Read as a file by the tests of `compare`, which set its
constants and `true_boxes`; some of them put a mistake in first.
"""
# ruff: noqa

import numpy as np
import tensorflow.compat.v1 as tf

ANCHORS = np.array(
    [
        1.07709888,
        1.78171903,  # anchor box 1, width , height
        2.71054693,
        5.12469308,  # anchor box 2, width,  height
        10.47181473,
        10.09646365,  # anchor box 3, width,  height
        5.48531347,
        8.11011331,
    ]
)  # anchor box 4, width,  height

GRID_H, GRID_W = 13, 13
BOX = int(len(ANCHORS) / 2)
CLASS = 2
BATCH_SIZE = 16
CLASS_WEIGHTS = np.ones(CLASS, dtype="float32")
NO_OBJECT_SCALE = 1.0
OBJECT_SCALE = 5.0
COORD_SCALE = 1.0
CLASS_SCALE = 1.0
WARM_UP_BATCHES = 0


def get_cell_grid():
    cell_x = tf.to_float(tf.reshape(tf.tile(tf.range(GRID_W), [GRID_H]), (1, GRID_H, GRID_W, 1, 1)))
    cell_y = tf.transpose(cell_x, (0, 2, 1, 3, 4))
    cell_grid = tf.tile(tf.concat([cell_x, cell_y], -1), [BATCH_SIZE, 1, 1, BOX, 1])
    return cell_grid


def adjust_scale_prediction(y_pred, cell_grid):
    pred_box_xy = tf.sigmoid(y_pred[..., :2]) + cell_grid  # bx, by
    pred_box_wh = tf.exp(y_pred[..., 2:4]) * np.reshape(ANCHORS, [1, 1, 1, BOX, 2])  # bw, bh
    pred_box_conf = tf.sigmoid(y_pred[..., 4])  # prob bb
    pred_box_class = y_pred[..., 5:]  # prC1, prC2, ..., prC20
    return (pred_box_xy, pred_box_wh, pred_box_conf, pred_box_class)


def get_intersect_area(true_xy, true_wh, pred_xy, pred_wh):
    true_wh_half = true_wh / 2.0
    true_mins = true_xy - true_wh_half
    true_maxes = true_xy + true_wh_half

    pred_wh_half = pred_wh / 2.0
    pred_mins = pred_xy - pred_wh_half
    pred_maxes = pred_xy + pred_wh_half

    intersect_mins = tf.maximum(pred_mins, true_mins)
    intersect_maxes = tf.minimum(pred_maxes, true_maxes)
    intersect_wh = tf.maximum(intersect_maxes - intersect_mins, 0.0)
    intersect_areas = intersect_wh[..., 0] * intersect_wh[..., 1]

    true_areas = true_wh[..., 0] * true_wh[..., 1]
    pred_areas = pred_wh[..., 0] * pred_wh[..., 1]

    union_areas = pred_areas + true_areas - intersect_areas
    iou_scores = tf.truediv(intersect_areas, union_areas)
    return iou_scores


def custom_loss(y_true, y_pred):
    seen = tf.Variable(0.0)
    cell_grid = get_cell_grid()
    pred_box_xy, pred_box_wh, pred_box_conf, pred_box_class = adjust_scale_prediction(
        y_pred, cell_grid
    )

    true_box_xy = y_true[..., 0:2]  # relative position to the containing cell
    true_box_wh = y_true[..., 2:4]  # number of cells accross, horizontally and vertically
    iou_scores = get_intersect_area(true_box_xy, true_box_wh, pred_box_xy, pred_box_wh)
    true_box_conf = iou_scores * y_true[..., 4]
    true_box_class = tf.argmax(y_true[..., 5:], -1)

    coord_mask = tf.expand_dims(y_true[..., 4], axis=-1) * COORD_SCALE  ## (16,13,13,5,1)
    true_xy = true_boxes[..., 0:2]  # (N batch, 1, 1, 1, TRUE_BOX_BUFFER, 2)
    true_wh = true_boxes[..., 2:4]  # (N batch, 1, 1, 1, TRUE_BOX_BUFFER, 2)
    pred_xy = tf.expand_dims(pred_box_xy, 4)  # (N batch, N grid_h, N grid_w, N anchor, 1, 2)
    pred_wh = tf.expand_dims(pred_box_wh, 4)  # (N batch, N grid_h, N grid_w, N anchor, 1, 2)
    iou_scores = get_intersect_area(true_xy, true_wh, pred_xy, pred_wh)  # (16, 13, 13, 5, 50)
    best_ious = tf.reduce_max(iou_scores, axis=4)  # (16, 13, 13, 5)
    conf_mask = tf.to_float(best_ious < 0.6) * (1 - y_true[..., 4]) * NO_OBJECT_SCALE
    conf_mask = conf_mask + y_true[..., 4] * OBJECT_SCALE
    class_mask = y_true[..., 4] * tf.gather(CLASS_WEIGHTS, true_box_class) * CLASS_SCALE

    no_boxes_mask = tf.to_float(coord_mask < COORD_SCALE / 2.0)
    seen = tf.assign_add(seen, 1.0)

    true_box_xy, true_box_wh, coord_mask = tf.cond(
        tf.less(seen, WARM_UP_BATCHES),
        lambda: [
            true_box_xy + (0.5 + cell_grid) * no_boxes_mask,
            true_box_wh
            + tf.ones_like(true_box_wh) * np.reshape(ANCHORS, [1, 1, 1, BOX, 2]) * no_boxes_mask,
            tf.ones_like(coord_mask),
        ],
        lambda: [true_box_xy, true_box_wh, coord_mask],
    )

    nb_coord_box = tf.reduce_sum(tf.to_float(coord_mask > 0.0))
    nb_conf_box = tf.reduce_sum(tf.to_float(conf_mask > 0.0))
    nb_class_box = tf.reduce_sum(tf.to_float(class_mask > 0.0))

    loss_xy = (
        tf.reduce_sum(tf.square(true_box_xy - pred_box_xy) * coord_mask)
        / (nb_coord_box + 1e-6)
        / 2.0
    )
    loss_wh = (
        tf.reduce_sum(tf.square(true_box_wh - pred_box_wh) * coord_mask)
        / (nb_coord_box + 1e-6)
        / 2.0
    )
    loss_conf = (
        tf.reduce_sum(tf.square(true_box_conf - pred_box_conf) * conf_mask)
        / (nb_conf_box + 1e-6)
        / 2.0
    )
    loss_class = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=true_box_class, logits=pred_box_class
    )
    loss_class = tf.reduce_sum(loss_class * class_mask) / (nb_class_box + 1e-6)

    loss = loss_xy + loss_wh + loss_conf + loss_class
    return loss
