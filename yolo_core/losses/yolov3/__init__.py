"""YOLOv3's loss: as its paper has it, and as it was published."""

LABEL = "YOLOv3: anchors on two heads"
SOUND, VERBATIM = "YoloV3Loss", "VerbatimYoloV3Loss"
RECIPE = {"xy": 5.0, "wh": 2.0, "objectness": 1.0, "no_object": 10.0, "classification": 5.0}
