"""SSD's loss and its priors: as it should be read, and as it was published."""

LABEL = "SSD: prior boxes, hard negatives"
SOUND, VERBATIM = "SSDLoss", "VerbatimSSDLoss"
RECIPE = {"xy": 1.0, "wh": 1.0, "classification": 1.0, "no_object": 1.0}
