"""The loss of the MNIST-digits detector: as it should be read, and as it was published."""

LABEL = "MNIST digits: without anchors"
SOUND, VERBATIM = "MnistYoloLoss", "VerbatimMnistYoloLoss"
# Its box terms are squared fractions of the picture, a thousandth of the others.
RECIPE = {
    "objectness": 1.0,
    "xy": 500.0,
    "wh": 300.0,
    "classification": 1.0,
    "no_object": 2.0,
}
# All are means; boxes are compared in fractions of the picture.
GROWS_WITH = {
    "xy": ("squared_sizes", 0.128),
    "wh": ("squared_sizes", 0.128),
    "classification": ("guessing", 2.30),
}
