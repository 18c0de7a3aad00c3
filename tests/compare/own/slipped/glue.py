"""What the losses of this folder must know of their surroundings; a test hands it over."""

import tensorflow as tf

anchors, grids, priors = [], [], None


def yolov3_anchors():
    """One (A, 2) array a head, coarse head first: width and height as fractions of the picture."""
    return anchors


def yolov3_grids():
    """(rows, columns) of each head."""
    return grids


def ssd_priors():
    """(P, 4) x_center, y_center, width, height as fractions of the picture."""
    return priors


def _boxes(y_pred, classes):
    side = y_pred.shape[1]
    boxes = (y_pred.shape[-1] - classes) // 5
    return tf.reshape(y_pred[..., : boxes * 5], (-1, side, side, boxes, 5)), boxes


def yolov1_outputs(y_pred, classes):
    """The network's last layer: x, y in the cell, w, h of the picture, confidence, class shares."""
    raw, boxes = _boxes(y_pred, classes)
    numbers = tf.sigmoid(raw)
    shares = tf.nn.softmax(y_pred[..., boxes * 5 :])
    return numbers[..., 0:2], numbers[..., 2:4] ** 2, numbers[..., 4], shares


def yolov1_raw_sizes(y_pred, classes):
    """w, h as the network gives them, before any activation."""
    return _boxes(y_pred, classes)[0][..., 2:4]
