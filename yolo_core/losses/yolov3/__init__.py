"""YOLOv3's loss: as its paper has it, and as it was published."""

LABEL = "YOLOv3: anchors on two heads"
SOUND, VERBATIM = "YoloV3Loss", "VerbatimYoloV3Loss"
ANCHORS, DARKNET_HEAD = True, "yolo"
# Coarse before fine, as YOLOv3 has its heads.
STRIDES = (16, 8)
RECIPE = {"xy": 5.0, "wh": 2.0, "objectness": 1.0, "no_object": 10.0, "classification": 5.0}
# All are means, sizes are compared by their logarithm, and an object has one of the C classes.
GROWS_WITH = {"xy": ("squared_cells", 7.76), "classification": ("share_of_a_class", 0.1)}
