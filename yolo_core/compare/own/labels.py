"""The layouts of labels that people's own losses take. No Keras in here."""

LABELS = {
    "rows": "label rows (batch, objects, 5 + classes): object, x, y, w, h as fractions of the "
    "picture, one-hot class",
    "grid": "those of the Keras notebook's YOLOv2, (batch, rows, columns, anchors, 5 + classes), "
    "boxes in cells, and `true_boxes` in the file",
    "cells": "one object a cell, (batch, rows, columns, 5 + classes): object, x and y in the cell, "
    "w and h of the picture, one-hot class, as YOLOv1's code has them",
    "cells-classes-first": "the same in YOLOv1's other order, (batch, rows, columns, classes + 5 x "
    "boxes): one-hot class, object, x, y, w, h, and zeros",
    "heads": "a list with one (batch, rows, columns, anchors, 5 + classes) a head: x, y, w, h of "
    "the picture, object, one-hot class, as YOLOv3's code has them; predictions likewise",
    "priors": "encoded priors (batch, priors, 5 + classes): four offsets, background, one-hot "
    "class, as SSD's code has them",
}
"""What --labels takes, and what a function is given then."""
