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
