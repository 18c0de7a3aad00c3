"""SSD's loss and its priors: as it should be read, and as it was published."""

LABEL = "SSD: prior boxes, hard negatives"
SOUND, VERBATIM = "SSDLoss", "VerbatimSSDLoss"
# Fine before coarse, as SSD has its maps.
STRIDES = (8, 16)
SLOTS_A_CELL = 4
# Offsets are relative to the priors, negatives to the matched ones: nothing depends on the data.
RECIPE = {"xy": 1.0, "wh": 1.0, "classification": 1.0, "no_object": 1.0}
