"""YOLOv1's loss: as it should be read, and as it was published."""

LABEL = "YOLOv1: one class a cell"
SOUND, VERBATIM = "YoloV1Loss", "VerbatimYoloV1Loss"
# It holds one object a cell: of the 956 digits of the 300 validation scenes one shares its cell
# with a later one, so a recall of 955 in 956 (0.999) is the most that it can reach (a test has it).
RECIPE = {"xy": 5.0, "wh": 20.0, "objectness": 1.0, "no_object": 0.5, "classification": 1.0}
# All are sums over a picture, so the empty slots weigh as many as they are; the roots of sizes are
# compared, whose square is a size.
GROWS_WITH = {
    "xy": ("squared_cells", 4.59),
    "wh": ("sizes", 0.472),
    "no_object": ("empty_slots_an_object", 36.6),
}
WHY_AS_FOUND = "these terms are sums over the same objects as the boxes"
