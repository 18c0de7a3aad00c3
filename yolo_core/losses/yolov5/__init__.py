"""YOLOv5's loss: an object trains several cells, anchors and heads; and as it was published."""

LABEL = "YOLOv5: several cells and anchors for each object"
SOUND, VERBATIM = "YoloV5Loss", "VerbatimYoloV5Loss"
ANCHORS = True
# Fine before coarse: the weights of the heads are given in that order.
STRIDES = (8, 16)
RECIPE = {"box": 0.05, "objectness": 1.0, "no_object": 1.0, "classification": 0.5}
WHY_AS_FOUND = "each is a mean on its head over what it concerns"
