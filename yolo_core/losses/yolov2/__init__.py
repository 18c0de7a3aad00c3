"""YOLOv2's loss: as it should be read, and as it was published."""

LABEL = "YOLOv2: with anchors"
SOUND, VERBATIM = "YoloV2Loss", "VerbatimYoloV2Loss"
ANCHORS, DARKNET_HEAD = True, "region"
# The confidence terms are means over thousands of slots; at the published 5 and 1 they are learned
# last.
RECIPE = {"xy": 20.0, "wh": 8.0, "objectness": 50.0, "no_object": 50.0, "classification": 1.0}
# Boxes are compared in cells, objectness is divided by all slots; see `recipe.py`.
GROWS_WITH = {
    "xy": ("squared_cells", 4.59),
    "wh": ("squared_cells", 4.59),
    "objectness": ("objects_a_slot", 0.0266),
    "classification": ("guessing", 2.30),
}
